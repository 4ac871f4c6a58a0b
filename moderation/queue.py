"""What a moderator sees: the queue and the decided comments, in order, with counts and everything beside a comment."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from enum import StrEnum

from sqlalchemy import Select, and_, func, or_, select
from sqlalchemy.orm import Session, joinedload

from moderation.errors import BadInput, NotFound
from moderation.models import Comment, Status


class Order(StrEnum):
    """Orders of the queue: the most doubtful first, or who has waited longest."""

    WORST = "worst"
    OLDEST = "oldest"


@dataclass(frozen=True, slots=True)
class Page:
    """Comments in order, and the cursor of what comes after them; None at the end."""

    comments: Sequence[Comment]
    next: str | None


@dataclass(frozen=True, slots=True)
class Context:
    """What stands around a comment: the one it answers, and the thread under its article in the order of arrival."""

    parent: Comment | None
    thread: Sequence[Comment]
    replies: int


def page(
    session: Session, status: Status, *, order: Order = Order.WORST, after: str | None = None, limit: int = 30
) -> Page:
    """Return comments of one status after a cursor. Decided ones come newest first, whatever the order.

    BadInput where the cursor is none of ours.
    """
    statement = select(Comment).where(Comment.status == status).options(*_WITH_ALL)
    if status is not Status.PENDING:
        statement = _newest(statement, after)
    elif order is Order.WORST:
        statement = _worst(statement, after)
    else:
        statement = _oldest(statement, after)
    comments = session.scalars(statement.limit(limit + 1)).all()
    more = len(comments) > limit
    comments = comments[:limit]
    return Page(comments, _cursor(comments[-1], status, order) if more else None)


_WITH_ALL = (joinedload(Comment.article), joinedload(Comment.assessment), joinedload(Comment.site))


def _cursor(comment: Comment, status: Status, order: Order) -> str:
    if status is not Status.PENDING:
        return str(comment.id)
    if order is Order.WORST:
        return f"{comment.concern!r}:{comment.id}"
    return f"{comment.submitted_at.timestamp()!r}:{comment.id}"


# The keyset conditions have the form `a <= x AND (a < x OR id < i)`: written `a < x OR (a = x AND id < i)`, the
# database reads the whole index from its start.


def _worst(statement: Select[Comment], after: str | None) -> Select[Comment]:
    if after is not None:
        concern, last = _parse(after)
        beyond = or_(Comment.concern < concern, Comment.id < last)
        statement = statement.where(and_(Comment.concern <= concern, beyond))
    return statement.order_by(Comment.concern.desc(), Comment.id.desc())


def _oldest(statement: Select[Comment], after: str | None) -> Select[Comment]:
    if after is not None:
        stamp, last = _parse(after)
        moment = datetime.fromtimestamp(stamp, UTC)
        beyond = or_(Comment.submitted_at > moment, Comment.id > last)
        statement = statement.where(and_(Comment.submitted_at >= moment, beyond))
    return statement.order_by(Comment.submitted_at, Comment.id)


def _newest(statement: Select[Comment], after: str | None) -> Select[Comment]:
    if after is not None:
        statement = statement.where(Comment.id < _parse(f"0:{after}")[1])
    return statement.order_by(Comment.id.desc())


def _parse(cursor: str) -> tuple[float, int]:
    try:
        key, last = cursor.split(":")
        datetime.fromtimestamp(float(key), UTC)
        return float(key), min(int(last), 2**62)
    except (ValueError, OverflowError, OSError):
        raise BadInput("The address names a place in the list that does not exist.", field="after") from None


def find(session: Session, comment_id: int) -> Comment:
    """Return one comment with everything a card shows; NotFound where there is none."""
    comment = session.scalars(select(Comment).where(Comment.id == comment_id).options(*_WITH_ALL)).one_or_none()
    if comment is None:
        raise NotFound(f"There is no comment {comment_id}.")
    return comment


def context(session: Session, comment: Comment, *, limit: int = 50) -> Context:
    """Return what stands around a comment."""
    same_site = Comment.site_id == comment.site_id
    parent = None
    if comment.parent_external_id is not None:
        parent = session.scalars(
            select(Comment).where(same_site, Comment.external_id == comment.parent_external_id)
        ).one_or_none()
    thread = session.scalars(
        select(Comment)
        .where(Comment.article_id == comment.article_id, Comment.status != Status.WITHDRAWN)
        .order_by(Comment.submitted_at, Comment.id)
        .limit(limit)
    ).all()
    replies = session.scalar(
        select(func.count())
        .select_from(Comment)
        .where(same_site, Comment.article_id == comment.article_id, Comment.parent_external_id == comment.external_id)
    )
    return Context(parent, thread, replies or 0)


def counts(session: Session) -> dict[Status, int]:
    """Count the comments of each status; derived from the comments themselves, so that they can never be wrong."""
    rows = session.execute(select(Comment.status, func.count()).group_by(Comment.status))
    found: dict[Status, int] = dict(iter(rows))
    return {status: found.get(status, 0) for status in Status}


def waiting_to_be_judged(session: Session) -> int:
    """Count the comments that are still to be judged."""
    return session.scalar(select(func.count()).select_from(Comment).where(Comment.due_at.is_not(None))) or 0
