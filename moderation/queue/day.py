"""The day at a glance: what came, what was decided, what waits and under which articles."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import ColumnElement, func, select
from sqlalchemy.orm import Session, joinedload

from moderation.models import Article, Comment, Decision, Deferral, Maker, Moderator, Outcome, Status

MOST_COUNTED = 20_000
"""Comments of a day that are counted exactly, newest first."""

ARTICLES = 20


@dataclass(frozen=True, slots=True)
class Day:
    """One day so far. ``came_more`` says that more came than were counted; ``hours`` are decisions by the hour."""

    came: int
    came_more: bool
    decided: dict[tuple[Maker, Outcome], int]
    mine: int
    oldest: Comment | None
    deferred: int
    articles: Sequence[tuple[Article, int]]
    hours: Sequence[tuple[int, int]]

    def outcomes(self, outcome: Outcome) -> int:
        """How many decisions of one outcome there were."""
        return sum(number for (_, made), number in self.decided.items() if made is outcome)

    def by(self, maker: Maker) -> int:
        """How many decisions somebody made, what was taken back left out."""
        return sum(number for (who, made), number in self.decided.items() if who is maker and made is not Outcome.UNDO)


def day(session: Session, *, begin: datetime, moderator: Moderator) -> Day:
    """Return what happened since ``begin``, the first moment of the day where the desk is."""
    newest = select(Comment.received_at).order_by(Comment.id.desc()).limit(MOST_COUNTED).subquery()
    came = session.scalar(select(func.count()).select_from(newest).where(newest.c.received_at >= begin)) or 0
    today = Decision.decided_at >= begin
    made = select(Decision.maker, Decision.outcome, func.count()).where(today)
    times = session.scalars(select(Decision.decided_at).where(today, Decision.outcome != Outcome.UNDO))
    mine = select(func.count()).where(today, Decision.moderator_id == moderator.id, Decision.outcome != Outcome.UNDO)
    return Day(
        came=came,
        came_more=came == MOST_COUNTED,
        decided={
            (maker, outcome): number for maker, outcome, number in session.execute(made.group_by("maker", "outcome"))
        },
        mine=session.scalar(mine) or 0,
        oldest=_oldest(session),
        deferred=session.scalar(select(func.count()).where(Deferral.ended_at.is_(None))) or 0,
        articles=_articles(session),
        hours=_by_hour(list(times), begin),
    )


def tally(session: Session, *, begin: datetime) -> dict[Outcome, int]:
    """Return how many decisions of each outcome there were since ``begin``, by whomever."""
    made = select(Decision.outcome, func.count()).where(Decision.decided_at >= begin).group_by(Decision.outcome)
    return {outcome: number for outcome, number in session.execute(made)}  # noqa: C416 - rows are no pairs to mypy


def _waits() -> tuple[ColumnElement[bool], ...]:
    """What waits, and nobody put off."""
    put_off = select(Deferral.id).where(Deferral.comment_id == Comment.id, Deferral.ended_at.is_(None)).exists()
    return Comment.status == Status.PENDING, ~put_off


def _oldest(session: Session) -> Comment | None:
    """The comment that has waited longest, of those that nobody put off."""
    waits = select(Comment).where(*_waits()).options(joinedload(Comment.article))
    return session.scalars(waits.order_by(Comment.submitted_at, Comment.id).limit(1)).one_or_none()


def _articles(session: Session) -> list[tuple[Article, int]]:
    number = func.count().label("number")
    waits = select(Comment.article_id, number).where(*_waits()).group_by(Comment.article_id)
    most = waits.order_by(number.desc(), Comment.article_id).limit(ARTICLES).subquery()
    found = select(Article, most.c.number).join(most, most.c.article_id == Article.id)
    return [(article, times) for article, times in session.execute(found.order_by(most.c.number.desc(), Article.id))]


def _by_hour(times: Sequence[datetime], begin: datetime) -> list[tuple[int, int]]:
    hours = [int((moment - begin).total_seconds() // 3600) for moment in times]
    return [(hour, hours.count(hour)) for hour in range(max(hours, default=-1) + 1)]


def put_off(session: Session, *, limit: int = 200) -> Sequence[Deferral]:
    """Return what is put off right now with its notes, the longest first."""
    found = select(Deferral).where(Deferral.ended_at.is_(None)).order_by(Deferral.id).limit(limit)
    article = joinedload(Deferral.comment).joinedload(Comment.article)
    return session.scalars(found.options(article, joinedload(Deferral.moderator))).all()
