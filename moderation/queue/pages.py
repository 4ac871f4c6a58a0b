"""The waiting and the decided comments page by page: in order, by keyset, so that any depth costs the same."""

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from enum import StrEnum
from typing import Any

from sqlalchemy import Select, func, literal, select, tuple_
from sqlalchemy.orm import InstrumentedAttribute, Session, contains_eager, joinedload

from moderation.errors import BadInput
from moderation.models import Comment, Status
from moderation.queue.filters import Filters


class Order(StrEnum):
    """Orders of the queue: most doubtful, longest waiting, surest outcome, most open outcome first; by article."""

    WORST = "worst"
    OLDEST = "oldest"
    EASIEST = "easiest"
    OPEN = "open"
    ARTICLE = "article"


@dataclass(frozen=True, slots=True)
class Page:
    """Comments in order, and the cursor of what comes after them; None at the end."""

    comments: Sequence[Comment]
    next: str | None


@dataclass(frozen=True, slots=True)
class _Keyset:
    """A column that orders, then the id, both in one direction; there is a partial index of the two for each."""

    column: InstrumentedAttribute[Any]
    down: bool
    from_number: Callable[[float], object] = float

    def order(self, statement: Select[Comment]) -> Select[Comment]:
        columns = (self.column, Comment.id)
        return statement.order_by(*(column.desc() for column in columns) if self.down else columns)

    def after(self, statement: Select[Comment], cursor: str) -> Select[Comment]:
        """What lies beyond a cursor.

        Compared as a pair, so that the database begins to read there: `a < x OR (a = x AND id < i)` reads the index
        from its start, and `a <= x AND (a < x OR id < i)` all that is equal in the first column.
        """
        number, last = _parse(cursor)
        try:
            value = self.from_number(number)
        except (ValueError, OverflowError, OSError):
            raise _nowhere() from None
        mine, theirs = tuple_(self.column, Comment.id), tuple_(literal(value, self.column.type), literal(last))
        return statement.where(mine < theirs if self.down else mine > theirs)

    def cursor(self, comment: Comment) -> str:
        value = getattr(comment, self.column.key)
        number = value.timestamp() if isinstance(value, datetime) else value
        return f"{number!r}:{comment.id}"


_KEYSETS = {
    Order.WORST: _Keyset(Comment.concern, down=True),
    Order.EASIEST: _Keyset(Comment.uncertainty, down=False),
    Order.OPEN: _Keyset(Comment.uncertainty, down=True),
    Order.OLDEST: _Keyset(Comment.submitted_at, down=False, from_number=lambda at: datetime.fromtimestamp(at, UTC)),
    Order.ARTICLE: _Keyset(Comment.article_id, down=False, from_number=int),
}


def _parse(cursor: str) -> tuple[float, int]:
    try:
        key, last = cursor.split(":")
        number = float(key)
        if not math.isfinite(number):
            raise _nowhere()
        return number, min(int(last), 2**62)
    except ValueError:
        raise _nowhere() from None


def _nowhere() -> BadInput:
    return BadInput("The address names a place in the list that does not exist.", code="no_such_place", field="after")


def pending(filters: Filters) -> Select[Comment]:
    """Return the statement that selects the waiting comments asked for, with ``Assessment`` joined from the outside.

    In no order; choose other columns with ``with_only_columns``.
    """
    waiting = select(Comment).outerjoin(Comment.assessment).where(Comment.status == Status.PENDING)
    return waiting.where(*filters.conditions())


def statement(filters: Filters, *, order: Order, after: str | None = None) -> Select[Comment]:
    """Return the statement that selects the waiting comments asked for, in order, after a cursor."""
    keyset = _KEYSETS[order]
    found = keyset.order(pending(filters))
    return found if after is None else keyset.after(found, after)


def page(
    session: Session,
    filters: Filters | None = None,
    *,
    order: Order = Order.WORST,
    after: str | None = None,
    limit: int = 30,
) -> Page:
    """Return waiting comments after a cursor. BadInput where the cursor is none of ours."""
    with_all = (joinedload(Comment.article), joinedload(Comment.site), contains_eager(Comment.assessment))
    found = statement(filters or Filters(), order=order, after=after).options(*with_all).limit(limit + 1)
    comments = session.scalars(found).all()
    more = len(comments) > limit
    comments = comments[:limit]
    return Page(comments, _KEYSETS[order].cursor(comments[-1]) if more else None)


def count(session: Session, filters: Filters | None = None, *, at_most: int | None = None) -> int:
    """Count the waiting comments asked for: derived from the comments themselves, so that it can never be wrong.

    With ``at_most`` it stops there, which is cheap at any length of the queue.
    """
    found = pending(filters or Filters()).with_only_columns(Comment.id).limit(at_most).subquery()
    return session.scalar(select(func.count()).select_from(found)) or 0


def count_and_newest(session: Session, filters: Filters, *, at_most: int) -> tuple[int, int]:
    """Count as ``count`` does, and return beside it the highest id of any comment: 0 where there is none."""
    found = pending(filters).with_only_columns(Comment.id).limit(at_most).subquery()
    waits = select(func.count()).select_from(found).scalar_subquery()
    counted, newest = session.execute(select(waits, select(func.max(Comment.id)).scalar_subquery())).one()
    return counted, newest or 0


def decided(session: Session, status: Status, *, after: str | None = None, limit: int = 30) -> Page:
    """Return comments that stand somewhere else than in the queue, newest first."""
    found = select(Comment).where(Comment.status == status).order_by(Comment.id.desc())
    found = found.options(joinedload(Comment.article), joinedload(Comment.site), joinedload(Comment.assessment))
    if after is not None:
        found = found.where(Comment.id < _parse(f"0:{after}")[1])
    comments = session.scalars(found.limit(limit + 1)).all()
    more = len(comments) > limit
    return Page(comments[:limit], str(comments[limit - 1].id) if more else None)


def waiting_to_be_judged(session: Session) -> int:
    """Count the comments that are still to be judged."""
    return session.scalar(select(func.count()).select_from(Comment).where(Comment.due_at.is_not(None))) or 0
