"""Comment forms on pages of sites that have no comment system: what they send, and what they may show.

The fields are Staticman's, so that themes for static sites work with another address: `fields[name]`, `fields[email]`,
`fields[message]`, `options[slug]`, `options[redirect]` and so on.
"""

import base64
import hashlib
import json
import re
import secrets
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, TypeVar
from urllib.parse import urlsplit

import altcha.v1 as altcha
from pydantic import ValidationError
from sqlalchemy import select
from sqlalchemy.orm import Session, joinedload

from moderation import intake
from moderation.contract import ArticleData, CommentData, CommenterData, refusal
from moderation.db import now
from moderation.errors import BadInput, Forbidden, StaleView
from moderation.models import Article, Comment, Site, Status

Data = TypeVar("Data", ArticleData, CommentData, CommenterData)

TRAP = "hidden"
"""The field that people do not see; whoever fills it in is a program."""

MOST_WORK = 50_000
"""Up to so many hashes a browser makes before it may send: about a second."""

WORK_KEPT = timedelta(hours=2)
SHOWN = 500
"""Comments in one answer."""

_EXAMPLE = "https://blog.example"

_MESSAGES = ("message", "comment", "body", "text")
_PARENTS = ("replying_to", "reply_to", "replyTo", "parent", "reply_thread")


@dataclass(frozen=True, slots=True)
class Sent:
    """What a form sent, by Staticman's names; ``url`` is the page that it stands on."""

    fields: Mapping[str, str]
    options: Mapping[str, str]
    url: str

    @property
    def article_id(self) -> str:
        """What the page calls its article: a slug, or else the path of its address."""
        return self.options.get("slug") or urlsplit(self.url).path or "/"

    @property
    def parent_id(self) -> str | None:
        """The comment that is answered, if one is."""
        said = self.options.get("parent") or next((self.fields[n] for n in _PARENTS if self.fields.get(n)), None)
        return said or None


def read(site: Site, form: Mapping[str, str], *, origin: str | None, referrer: str | None) -> Sent:
    """Make sense of a form; Forbidden where it stands on none of the site's pages, BadInput where it is wrong.

    A browser says of which page a form is (``origin``, ``referrer``), and a page cannot make it lie.
    """
    require_own_page(site, origin, referrer)
    found: dict[str, dict[str, str]] = {"fields": {}, "options": {}}
    for name, value in form.items():
        if "\x00" in value:
            raise BadInput(f"`{name[:60]}` holds a NUL character; take it out.", code="nul", field=name[:60])
        match = re.fullmatch(r"(fields|options)\[([A-Za-z0-9_-]{1,60})\]", name)
        if match and value.strip():
            found[match[1]][match[2]] = value.strip()
    options = found["options"]
    for name in ("redirect", "redirectError", "origin"):
        if name in options:
            require_own_address(site, options[name], f"options[{name}]")
    if found["fields"].get(TRAP):
        raise BadInput(f"`fields[{TRAP}]` is for programs only; leave it empty.", field=f"fields[{TRAP}]")
    url = options.get("origin") or (referrer if _origin(referrer) in site.origins else None) or str(origin) + "/"
    return Sent(found["fields"], options, url.partition("#")[0])


def require_own_page(site: Site, origin: str | None, referrer: str | None) -> None:
    """Forbidden unless the browser says that it asks for one of the site's own pages."""
    asked = origin if origin and origin != "null" else _origin(referrer)
    if asked not in site.origins:
        raise Forbidden(
            f"{asked or 'A page without an address'} is none of this site's; if it should be, add it to them with "
            f"`moderation site set {site.slug} --origin {asked or 'https://…'}`.",
            code="foreign_page",
            field="origin",
        )


def require_own_address(site: Site, address: str, field: str) -> None:
    """BadInput unless an address leads to the site's own pages, so that nobody is sent elsewhere from here."""
    if _origin(address) not in site.origins or len(address) > 2000:
        raise BadInput(f"`{field}` leads to none of this site's own pages.", code="foreign_address", field=field)


def _origin(address: str | None) -> str | None:
    try:
        parts = urlsplit(address or "")
        host, port = parts.hostname, parts.port
    except ValueError:
        return None
    if parts.scheme not in {"http", "https"} or not host or "\\" in str(address) or "@" in parts.netloc:
        return None
    usual = {"http": 80, "https": 443}[parts.scheme]
    return f"{parts.scheme}://{host}" + (f":{port}" if port and port != usual else "")


def clean_origin(address: str) -> str:
    """Return the origin of an address, as browsers write it; BadInput where it has none."""
    found = _origin(address)
    if found is not None and "*" in found:
        problem = f"{address!r} would match no page; name each origin by itself, as {_EXAMPLE}."
        raise BadInput(problem, field="origin")
    if found is None or urlsplit(address).path not in {"", "/"}:
        raise BadInput(f"{address!r} is no origin; write it as {_EXAMPLE}.", field="origin")
    return found


def other_origins(known: Sequence[str], *, more: Sequence[str], fewer: Sequence[str]) -> list[str]:
    """Return the known origins with some more and without others; BadInput where one that is to go is not known."""
    gone = [clean_origin(address) for address in fewer]
    unknown = next((origin for origin in gone if origin not in known), None)
    if unknown is not None:
        raise BadInput(
            f"{unknown} is not among the site's origins: {', '.join(known) or 'it has none'}.", field="origin"
        )
    kept = [origin for origin in known if origin not in gone]
    return list(dict.fromkeys([*kept, *map(clean_origin, more)]))


def challenge(site: Site) -> dict[str, Any]:
    """Make a piece of work for a browser, in ALTCHA's form."""
    options = altcha.ChallengeOptions(hmac_key=_work_key(site), max_number=MOST_WORK, expires=now() + WORK_KEPT)
    made = altcha.create_challenge(options)
    return {"maxnumber": MOST_WORK, **made.to_dict()}


def require_work(session: Session, site: Site, solution: str) -> None:
    """BadInput unless the work was done, in time, and for this one comment."""
    try:
        said = json.loads(base64.b64decode(solution, validate=True))
    except (ValueError, RecursionError):
        said = None
    sound = isinstance(said, dict) and isinstance(said.get("salt"), str) and isinstance(said.get("signature"), str)
    if not sound or not altcha.verify_solution(said, _work_key(site))[0]:
        raise BadInput("The work that keeps programs out was not done, or too long ago.", code="work", field="altcha")
    if not intake.is_news(session, site, f"altcha {said['signature'][:200]}"):
        raise BadInput("This was sent already.", code="sent_already", field="altcha")


def _work_key(site: Site) -> str:
    return hashlib.sha256(f"altcha {site.pepper}".encode()).hexdigest()


def unread_article(sent: Sent) -> ArticleData:
    """What can be said of an article whose page cannot be read."""
    title = sent.options.get("title") or sent.fields.get("title") or sent.url
    return _made(ArticleData, {"id": sent.article_id, "url": sent.url, "title": title[:1000]})


def take(
    session: Session, site: Site, sent: Sent, article: Article, *, address: str | None, max_characters: int
) -> Comment:
    """Write what a reader sent under an article; a form changes nothing of the article itself.

    StaleView where the article was closed for comments.
    """
    if article.closed_at is not None:
        raise StaleView("This article is closed for comments.", code="closed", field="options[slug]")
    text = next((sent.fields[name] for name in _MESSAGES if name in sent.fields), "")
    if not text:
        raise BadInput("`fields[message]` is empty.", code="missing", field="fields[message]")
    intake.require_length(text, max_characters)
    commenter = {"name": sent.fields.get("name"), "email": sent.fields.get("email"), "ip": address}
    values = {
        "id": f"form-{secrets.token_hex(8)}",
        "text": text,
        "commenter": _made(CommenterData, commenter),
        "parent_id": sent.parent_id if _answers(session, article, sent.parent_id) else None,
        "submitted_at": now(),
        "article": _told(article),
    }
    return intake.write(session, site, _made(CommentData, values), stated_at=now())


def _answers(session: Session, article: Article, parent_id: str | None) -> bool:
    found = select(Comment.id).where(Comment.article_id == article.id, Comment.external_id == parent_id)
    return parent_id is not None and session.scalars(found).one_or_none() is not None


def _told(article: Article) -> ArticleData:
    said = {name: getattr(article, name) for name in ArticleData.model_fields if name != "id"}
    return ArticleData(id=article.external_id, **said)


def _made(kind: type[Data], values: dict[str, Any]) -> Data:
    try:
        return kind.model_validate(values)
    except ValidationError as error:
        raise refusal(error) from None


@dataclass(frozen=True, slots=True)
class Shown:
    """An approved comment as everybody may see it."""

    id: str
    parent_id: str | None
    name: str | None
    text: str
    submitted_at: datetime


def shown(session: Session, site: Site, article_id: str, *, after: int) -> tuple[Sequence[Shown], int | None]:
    """Return approved comments under an article, in order, and the cursor of more, if there are more."""
    rows = session.scalars(
        select(Comment)
        .join(Comment.article)
        .where(Article.site_id == site.id, Article.external_id == article_id)
        .where(Comment.status == Status.APPROVED, Comment.id > after)
        .options(joinedload(Comment.article))
        .order_by(Comment.id)
        .limit(SHOWN)
    ).all()
    said = [Shown(c.external_id, c.parent_external_id, c.commenter_name, c.text, c.submitted_at) for c in rows]
    return said, rows[-1].id if len(rows) == SHOWN else None
