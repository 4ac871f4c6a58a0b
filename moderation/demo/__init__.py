"""The demo: an invented local paper, its articles and its readers, sent through the real, signed webhook."""

import json
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from functools import cache
from pathlib import Path
from typing import Any

import httpx
import yaml
from sqlalchemy import select
from sqlalchemy.orm import Session
from standardwebhooks.webhooks import Webhook

from moderation import sites
from moderation.models import Comment, Site

HERE = Path(__file__).parent
MODERATOR = "demo"


@dataclass(frozen=True, slots=True)
class Message:
    """One webhook that the demo paper sends."""

    id: str
    body: str


@cache
def _site() -> dict[str, str]:
    """The demo paper's slug, name and language."""
    described: dict[str, str] = yaml.safe_load((HERE / "site.yaml").read_text(encoding="utf-8"))
    return described


def find_or_add(session: Session) -> Site:
    """Return the demo paper's site; create it where it is not there yet."""
    described = _site()
    site = session.scalars(select(Site).where(Site.slug == described["slug"])).one_or_none()
    return site or sites.add_site(session, by=None, **described)


@cache
def threads() -> tuple[dict[str, Any], ...]:
    """Return the demo's articles with their comments, as written in its files."""
    return tuple(yaml.safe_load(file.read_text(encoding="utf-8")) for file in sorted(HERE.glob("threads/*.yaml")))


def messages(now: datetime) -> list[Message]:
    """Make the webhooks of all comments, oldest first, as if they had come in over the last day.

    The threads run side by side, as they do under a paper's articles; an answer comes after what it answers.
    """
    spread = [_events(thread, now - timedelta(minutes=9 * number)) for number, thread in enumerate(threads())]
    mixed = sorted((event for events in spread for event in events), key=lambda event: str(event["timestamp"]))
    return [Message(f"demo-{event['data']['id']}", json.dumps(event, ensure_ascii=False)) for event in mixed]


def _events(thread: dict[str, Any], until: datetime) -> Iterator[dict[str, Any]]:
    """Yield the event of each comment of a thread."""
    article = thread["article"]
    stated = {
        "id": thread["id"],
        "language": thread["language"],
        **{name: article[name] for name in ("url", "title", "lead", "body", "authors")},
        "published_at": (until - timedelta(hours=26)).isoformat(),
    }
    total = len(thread["comments"])
    for number, comment in enumerate(thread["comments"]):
        moment = (until - timedelta(minutes=83 * (total - number))).isoformat()
        data = {
            "id": f"{thread['id']}-{comment['id']}",
            "text": comment["text"],
            "commenter": {"name": comment["by"]},
            "parent_id": f"{thread['id']}-{comment['reply_to']}" if "reply_to" in comment else None,
            "submitted_at": moment,
            "article": stated,
        }
        yield {"type": "comment.created", "timestamp": moment, "data": data}


def send(url: str, secret: str, *, skip: set[str]) -> Iterator[None]:
    """Send what the service does not have yet, as the paper's comment form would; yield after each.

    ``url`` is the service's address, ``skip`` the ids of comments it has. httpx.HTTPError where the service is away.
    """
    now = datetime.now(UTC)
    signer = Webhook(secret)
    address = f"{url}/webhooks/{_site()['slug']}/comments"
    with httpx.Client(trust_env=False, timeout=30) as client:
        for message in messages(now):
            if message.id.removeprefix("demo-") in skip:
                continue
            moment = datetime.now(UTC)
            headers = {
                "content-type": "application/json",
                "webhook-id": message.id,
                "webhook-timestamp": str(int(moment.timestamp())),
                "webhook-signature": signer.sign(message.id, moment, message.body),
            }
            client.post(address, content=message.body.encode(), headers=headers).raise_for_status()
            yield


def known(session: Session, site: Site) -> set[str]:
    """Return the ids of the demo's comments that have arrived."""
    return set(session.scalars(select(Comment.external_id).where(Comment.site_id == site.id)))


def count() -> int:
    """Return how many comments the demo has."""
    return sum(len(thread["comments"]) for thread in threads())
