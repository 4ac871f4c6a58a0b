"""What happened to a queue since a page of it was shown: how many wait, what came, what went, who reads what."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

from sqlalchemy import ColumnElement, func, select
from sqlalchemy.orm import Session

from moderation import decisions
from moderation.db import now
from moderation.models import Article, Assessment, Claim, Closing, Comment, Decision, Deferral, Moderator
from moderation.queue.claims import held_by_others
from moderation.queue.filters import Filters
from moderation.queue.pages import count, pending

MOST_KNOWN = 100
"""Comments of one page that are asked about."""


@dataclass(frozen=True, slots=True)
class Shown:
    """What a page of the queue shows: its comments, the highest id there was, the open one and its revision.

    ``closed``: whether it says that the open comment's article is closed for comments.
    """

    comment_ids: Sequence[int]
    newest: int
    comment_id: int | None = None
    revision: int | None = None
    closed: bool | None = None


@dataclass(frozen=True, slots=True)
class News:
    """What is different from what was shown.

    ``gone`` are the comments that wait no more in this queue, each with its last decision if it has one. Of the open
    comment: ``edited``, the reader changed its text; ``closed``, its article was closed for comments, or opened: False.
    """

    waits: int
    came: int
    gone: dict[int, Decision | None] = field(default_factory=dict)
    held: dict[int, Claim] = field(default_factory=dict)
    edited: bool = False
    closed: bool | None = None


def mark(session: Session) -> str:
    """Return what is another one whenever anything happened that a queue shows; one statement, at any size.

    A comment's new text shows in it once it is judged, or put in the judge's way.
    """
    alive = Claim.expires_at > now()
    parts: tuple[ColumnElement[Any], ...] = (
        *(select(func.max(model.id)).scalar_subquery() for model in (Comment, Assessment, Decision, Deferral, Closing)),
        select(func.count()).where(Deferral.ended_at.is_(None)).scalar_subquery(),
        select(func.count()).where(alive).scalar_subquery(),
        select(func.max(Claim.expires_at)).where(alive).scalar_subquery(),
    )
    return "·".join(str(part) for part in session.execute(select(*parts)).one())


def news(session: Session, filters: Filters, shown: Shown, *, moderator: Moderator, at_most: int) -> News:
    """Return what happened since; counts stop at ``at_most``."""
    ids = list(shown.comment_ids[:MOST_KNOWN])
    asked = pending(filters).where(Comment.id.in_(ids)).with_only_columns(Comment.id, Comment.revision)
    revisions: dict[int, int] = dict(iter(session.execute(asked)))
    gone = [id_ for id_ in ids if id_ not in revisions]
    last = decisions.latest(session, gone)
    came = pending(filters).where(Comment.id > shown.newest).with_only_columns(Comment.id).limit(at_most).subquery()
    return News(
        waits=count(session, filters, at_most=at_most),
        came=session.scalar(select(func.count()).select_from(came)) or 0,
        gone={id_: last.get(id_) for id_ in gone},
        held=held_by_others(session, list(revisions), moderator=moderator),
        edited=shown.comment_id in revisions and revisions[shown.comment_id] != shown.revision,
        closed=_closed(session, shown),
    )


def _closed(session: Session, shown: Shown) -> bool | None:
    """Whether the open comment's article is closed by now; None where the page says so already, or says nothing."""
    if shown.closed is None:
        return None
    of_article = select(Article.closed_at).join(Comment).where(Comment.id == shown.comment_id)
    closed = session.scalar(of_article) is not None
    return None if closed == shown.closed else closed
