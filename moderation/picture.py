"""Waiting comments as numbers for plots: where they lie between relevance and disrespect, and some to look at."""

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import ColumnElement, Integer, Select, case, cast, func, select
from sqlalchemy.orm import InstrumentedAttribute, Session, contains_eager, joinedload

from moderation.db import now
from moderation.models import Assessment, Comment, HouseRule
from moderation.queue import Filters, pending

STEPS = 100
"""Places a side of the map has: what lies in the same hundredth is one dot, so that any number can be drawn."""

BINS = 20
"""Bars of a histogram."""

LARGE = 10_007
"""A prime, larger than any number of samples that is looked at."""


@dataclass(frozen=True, slots=True)
class Dot:
    """Comments in one place: relevance and disrespect 0-1, how many, and minutes that the oldest has waited."""

    relevance: float
    disrespect: float
    number: int
    minutes: int


@dataclass(frozen=True, slots=True)
class Chosen:
    """What lies in a box: how many, the rules most in doubt with their numbers, and some at random to look at."""

    number: int
    rules: Sequence[tuple[HouseRule, int]]
    samples: Sequence[Comment]


def dots(session: Session, filters: Filters) -> list[Dot]:
    """Return where the waiting comments lie that have both scores."""
    # Rounded in a query of their own: PostgreSQL does not see that two expressions with parameters are the same.
    places = (
        _scored(filters)
        .with_only_columns(
            _place(Assessment.relevance).label("across"),
            _place(Assessment.disrespect).label("up"),
            Comment.submitted_at,
            maintain_column_froms=True,
        )
        .subquery()
    )
    across, up, submitted_at = places.c.across, places.c.up, places.c.submitted_at
    found = session.execute(
        select(across, up, func.count(), func.min(submitted_at)).group_by(across, up).order_by(across, up)
    )
    moment = now()
    return [Dot(x / STEPS, y / STEPS, number, _minutes(moment, oldest)) for x, y, number, oldest in found]


def _place(column: InstrumentedAttribute[float | None]) -> ColumnElement[int]:
    return cast(func.round(column * STEPS), Integer)


def _minutes(moment: datetime, since: datetime) -> int:
    return max(0, round((moment - since).total_seconds() / 60))


def _scored(filters: Filters) -> Select[Comment]:
    return pending(filters).where(Assessment.relevance.is_not(None), Assessment.disrespect.is_not(None))


def histogram(dots_: Sequence[Dot], name: str) -> list[int]:
    """Count the comments in each twentieth of a score, ``relevance`` or ``disrespect``."""
    bars = [0] * BINS
    for dot in dots_:
        bars[min(BINS - 1, int(getattr(dot, name) * BINS + 1e-9))] += dot.number
    return bars


def in_box(filters: Filters, *, looked_at: datetime | None = None, left_out: Collection[int] = ()) -> Select[Comment]:
    """Return the statement that selects what lies in a box, less the comments left out.

    With ``looked_at``, only what was judged by then: what came or changed since has not been seen by anybody.
    """
    chosen = _scored(filters)
    if looked_at is not None:
        chosen = chosen.where(Assessment.assessed_at <= looked_at)
    return chosen.where(Comment.id.not_in(left_out)) if left_out else chosen


def chosen(session: Session, filters: Filters, *, seed: int, samples: int, left_out: Collection[int] = ()) -> Chosen:
    """Return what lies in a box; the same seed gives the same samples, and more samples only add to them."""
    box = in_box(filters, left_out=left_out)
    number = session.scalar(select(func.count()).select_from(box.with_only_columns(Comment.id).subquery())) or 0
    by_rule = select(Assessment.rule_id, func.count().label("number")).where(
        Assessment.id.in_(box.with_only_columns(Assessment.id)), Assessment.rule_id.is_not(None)
    ).group_by(Assessment.rule_id).subquery()  # fmt: skip
    rules = session.execute(
        select(HouseRule, by_rule.c.number)
        .join(by_rule, HouseRule.id == by_rule.c.rule_id)
        .order_by(by_rule.c.number.desc())
    )
    shuffled = case((Comment.id.in_(left_out), 0), else_=(Comment.id * 7919 + seed) % LARGE)
    shown = (
        in_box(filters)
        .options(contains_eager(Comment.assessment), joinedload(Comment.article), joinedload(Comment.site))
        .order_by(shuffled, Comment.id)
        .limit(samples + len(left_out))
    )
    return Chosen(number, [(rule, count) for rule, count in rules], session.scalars(shown).all())
