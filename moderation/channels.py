"""Tell a newsroom what it should know at once, in mailboxes and chats: bundled, seldom, tried again, nothing lost.

No reader's words leave the house this way unless the site says so for the very channel.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import timedelta
from typing import Any
from urllib.parse import urlsplit

import structlog
from sqlalchemy import delete, select, update
from sqlalchemy.orm import Session, joinedload

from moderation import audit, letters, outbound
from moderation.db import claim as claim_due
from moderation.db import now, shared_now
from moderation.errors import BadInput, NotFound
from moderation.models import Alarm, Channel, Comment, Moderator, News, Site

CHATS = ("slack", "mmost", "mmosts", "rocket", "rockets", "matrix", "matrixs")
"""What Apprise calls the chats whose webhooks we use: Slack and its like over http and https, and Matrix."""

STEPS = tuple(timedelta(minutes=minutes) for minutes in (1, 5, 15, 60, 240))
"""Waits between tries; after the last they go on, because an alarm is worth it."""

LONGEST_QUOTE = 200
"""Characters of a comment that are quoted where that is allowed."""

MOST = 20
"""News in one message; of more, only their number is told."""

log = structlog.get_logger(__name__)


@dataclass(frozen=True, slots=True)
class Message:
    """What a channel is told now, ready to be sent without the database; ``upto`` is the last of its news."""

    channel_id: int
    address: str
    private: bool
    title: str
    text: str
    upto: int


def readable(address: str) -> str:
    """Return an address as it may be shown: without what is secret in it."""
    parts = urlsplit(address)
    return address if parts.scheme == "mailto" else f"{parts.scheme}://{parts.hostname or ''}/…"


def mailbox(address: str) -> str:
    """Return the mailbox that a ``mailto:`` address names."""
    return address.removeprefix("mailto:").partition("?")[0]


def as_apprise(address: str) -> str:
    """Return an address as Apprise writes it; webhooks may be given as Slack and Mattermost show them.

    BadInput where it is neither a mailbox nor one of the chats we know.
    """
    address = address.strip()
    parts = urlsplit(address)
    path = [step for step in parts.path.split("/") if step]
    if parts.scheme in {"http", "https"} and parts.hostname == "hooks.slack.com" and path[:1] == ["services"]:
        address = "slack://" + "/".join(path[1:])
    elif parts.scheme in {"http", "https"} and len(path) >= 2 and path[-2] == "hooks":
        before = "".join(f"/{step}" for step in path[:-2])
        address = f"{'mmosts' if parts.scheme == 'https' else 'mmost'}://{parts.netloc}{before}/{path[-1]}"
    elif parts.scheme in {"http", "https"} and len(path) >= 2 and path[-2].startswith("webhook"):
        where = "".join(f"/{step}" for step in path[:-1])
        secure = "matrixs" if parts.scheme == "https" else "matrix"
        address = f"{secure}://{parts.netloc}/{path[-1]}?mode=hookshot&path={where}"
    scheme = urlsplit(address).scheme
    if scheme == "mailto" and letters.is_mailbox(mailbox(address)):
        return address
    if scheme not in CHATS or outbound.messenger(address) is None:
        raise BadInput(
            "Give mailto:somebody@example.org, a webhook of Slack, Mattermost, Rocket.Chat or Matrix Hookshot, or an "
            f"address of Apprise that begins with one of: {', '.join(f'{chat}://' for chat in CHATS)}.",
            code="address",
            field="address",
        )
    return address


def add(session: Session, site: Site, *, name: str, address: str, moderator: Moderator | None, **more: Any) -> Channel:
    """Have a site's alarms told there, too; ``more`` are private, quotes and minutes_apart."""
    address = as_apprise(address)
    if not name.strip():
        raise BadInput("Give it a name by which you know it.", code="empty", field="name")
    channel = Channel(site_id=site.id, name=name.strip()[:120], address=address, **more)
    session.add(channel)
    session.flush()
    shown = {"to": readable(address).partition(":")[0], **{name: more[name] for name in sorted(more)}}
    audit.note(session, "channel_added", moderator=moderator, subject=f"channel {channel.id}", **shown)
    return channel


def find(session: Session, site: Site, channel_id: int) -> Channel:
    """Return a channel of a site; NotFound where it has none of that id."""
    channel = session.get(Channel, channel_id)
    if channel is None or channel.site_id != site.id:
        raise NotFound(f"{site.slug} has no channel {channel_id}.")
    return channel


def remove(session: Session, site: Site, channel_id: int, *, moderator: Moderator | None) -> None:
    """Tell a channel no more; NotFound where the site has none of that id."""
    channel = find(session, site, channel_id)
    session.execute(delete(News).where(News.channel_id == channel_id))
    session.delete(channel)
    audit.note(session, "channel_removed", moderator=moderator, subject=f"channel {channel_id}")


def of_site(session: Session, site_id: int) -> Sequence[Channel]:
    """Return the channels of a site."""
    return session.scalars(select(Channel).where(Channel.site_id == site_id).order_by(Channel.id)).all()


def tell(session: Session, alarm: Alarm, *, over: bool = False, comment_id: int | None = None) -> None:
    """Put the news of an alarm on its way to every channel of its site."""
    for channel in of_site(session, alarm.site_id):
        _put(session, channel, News(kind=alarm.kind, over=over, detail=alarm.detail, comment_id=comment_id))


def try_out(session: Session, channel: Channel) -> None:
    """Send a channel a word to see whether it arrives."""
    _put(session, channel, News(kind="test", over=False, detail={}))


def _put(session: Session, channel: Channel, news: News) -> None:
    news.channel_id = channel.id
    session.add(news)
    session.flush()
    earliest = channel.told_at + timedelta(minutes=channel.minutes_apart) if channel.told_at else now()
    if channel.due_at is None:
        channel.due_at, channel.attempts = max(now(), earliest), 0


def claim(session: Session, *, limit: int, lease: timedelta) -> list[int]:
    """Take channels that are to be told something; return their ids. Commit at once."""
    return claim_due(session, Channel, limit=limit, lease=lease)


def compose(session: Session, channel_ids: Sequence[int], *, desk: str) -> list[Message]:
    """Put together what each channel is told now; a mailbox gets a letter, and a chat the message returned."""
    messages = []
    found = select(Channel).where(Channel.id.in_(channel_ids)).options(joinedload(Channel.site)).order_by(Channel.id)
    for channel in session.scalars(found):
        untold = session.scalars(
            select(News).where(News.channel_id == channel.id, News.told_at.is_(None)).order_by(News.id)
        ).all()
        if not untold:
            channel.due_at = None
            continue
        values: dict[str, Any] = {
            "site": channel.site.name,
            "news": [_line(session, channel, one) for one in untold[:MOST]],
            "more": max(0, len(untold) - MOST),
            "desk": desk,
        }
        language = channel.site.language.partition("-")[0]
        if channel.address.startswith("mailto:"):
            letters.write(session, "news", mailbox(channel.address), language, **values)
            _told(session, channel, untold[-1].id)
            continue
        title, text = letters.render("news", language, values)
        messages.append(Message(channel.id, channel.address, channel.private, title, text, untold[-1].id))
    return messages


def _line(session: Session, channel: Channel, news: News) -> dict[str, Any]:
    quoted = session.get(Comment, news.comment_id) if channel.quotes and news.comment_id else None
    return {
        "kind": news.kind,
        "over": news.over,
        "detail": news.detail,
        "quote": _harmless(" ".join(quoted.text.split())[:LONGEST_QUOTE]) if quoted else None,
    }


def _harmless(words: str) -> str:
    """A reader's words so that no chat takes them for a call to everybody, a link or markup."""
    joined = words.translate({ord("<"): "‹", ord(">"): "›", ord("`"): "ˋ", ord("@"): "@\u2060"})
    return joined.replace("](", "]\u2060(").replace("://", ":\u2060//")


def send(message: Message, *, timeout: float) -> str | None:
    """Send a message; return what went wrong, without any address, or None."""
    return outbound.notify(message.address, message.title, message.text, private=message.private, timeout=timeout)


def record(session: Session, message: Message, problem: str | None) -> None:
    """Write down what came of a try; what could not be told waits, and comes together with what is new by then."""
    channel = session.get(Channel, message.channel_id, with_for_update=True)
    if channel is None:
        return
    if problem is None:
        _told(session, channel, message.upto)
        return
    log.warning("channel_untold", channel=channel.id, problem=problem)
    channel.last_error = problem
    channel.due_at = shared_now(session, STEPS[min(max(channel.attempts, 1), len(STEPS)) - 1])


def _told(session: Session, channel: Channel, upto: int) -> None:
    moment = now()
    session.execute(
        update(News)
        .where(News.channel_id == channel.id, News.id <= upto, News.told_at.is_(None))
        .values(told_at=moment)
        .execution_options(synchronize_session=False)
    )
    waits = session.scalar(select(News.id).where(News.channel_id == channel.id, News.told_at.is_(None)).limit(1))
    channel.told_at, channel.last_error, channel.attempts = moment, None, 0
    channel.due_at = moment + timedelta(minutes=channel.minutes_apart) if waits else None
