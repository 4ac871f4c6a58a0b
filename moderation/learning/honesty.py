"""Where judge, rules and people disagreed: rules that were overruled, decisions that were, and twins decided apart."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from sqlalchemy import ColumnElement, case, func, select
from sqlalchemy.orm import InstrumentedAttribute, Session, aliased, defer, joinedload

from moderation import repeats
from moderation.db import now
from moderation.models import (
    Assessment,
    Comment,
    Decision,
    Fingerprint,
    HouseRule,
    LearnedModel,
    Maker,
    ModelState,
    Moderator,
    Outcome,
    Status,
)

SPAN = timedelta(days=365)
NEWEST = 500
"""Deletions, newest first, for which twins are looked for that were approved."""

MOST_TWINS = 10
ALIKE = 0.85
EVEN = 0.5
"""Probability from which on a model foretells deletion."""

_DECIDED = (Status.APPROVED, Status.DELETED)


@dataclass(frozen=True, slots=True)
class Overruled:
    """A rule that was most in doubt: on how many comments people decided, and how many of them they approved."""

    rule: HouseRule
    decided: int
    approved: int


@dataclass(frozen=True, slots=True)
class Contradicted:
    """A version of the site's model: of how many comments it foretold either outcome, and how often people did not."""

    version: int
    to_delete: int
    approved: int
    to_approve: int
    deleted: int


@dataclass(frozen=True, slots=True)
class Twins:
    """Two comments that say nearly the same; people deleted one and approved the other."""

    deleted: Comment
    approved: Comment
    similarity: float


@dataclass(frozen=True, slots=True)
class Apart:
    """Two moderators who decided on the same comments: on how many, the second otherwise than the first."""

    first: str
    second: str
    both: int
    otherwise: int


@dataclass(frozen=True, slots=True)
class Difference:
    """A comment that a silent model sees otherwise than what is in force; None: nothing is, or the general model.

    Without a rule both speak of deletion.
    """

    comment: Comment
    rule: HouseRule | None
    said: float | None
    shadow: float


def overruled(session: Session, site_id: int) -> list[Overruled]:
    """Return the rules of the last twelve months with what people decided, the most overruled first."""
    rows = session.execute(
        select(HouseRule, func.count(), func.sum(_is(Comment.status == Status.APPROVED)))
        .select_from(Assessment)
        .join(Comment, (Comment.id == Assessment.comment_id) & (Comment.revision == Assessment.revision))
        .join(HouseRule, HouseRule.id == Assessment.rule_id)
        .where(Comment.site_id == site_id, Comment.status.in_(_DECIDED), Comment.received_at >= now() - SPAN)
        .where(~_by_machine())
        .group_by(HouseRule.id)
    )
    found = [Overruled(rule, decided, int(approved or 0)) for rule, decided, approved in rows]
    return sorted(found, key=lambda one: -one.approved / one.decided)


def contradicted(session: Session, site_id: int) -> list[Contradicted]:
    """Return the site's models that spoke before people decided, in the last twelve months, the newest first."""
    foretold = (
        select(
            Assessment.learned["model"].as_integer().label("model_id"),
            _is(Assessment.deletion >= EVEN).label("marked"),
            _is(Comment.status == Status.DELETED).label("deleted"),
        )
        .join(Comment, (Comment.id == Assessment.comment_id) & (Comment.revision == Assessment.revision))
        .where(Comment.site_id == site_id, Comment.status.in_(_DECIDED), Comment.received_at >= now() - SPAN)
        .where(Assessment.deletion.is_not(None), ~_by_machine(), _decided_since(Assessment.assessed_at))
        .subquery()
    )
    marked, deleted = foretold.c.marked, foretold.c.deleted
    rows = session.execute(
        select(
            LearnedModel.version,
            *(func.sum(each) for each in (marked, marked * (1 - deleted), 1 - marked, (1 - marked) * deleted)),
        )
        .join(foretold, foretold.c.model_id == LearnedModel.id)
        .group_by(LearnedModel.version)
        .order_by(LearnedModel.version.desc())
    )
    return [Contradicted(version, *map(int, counts)) for version, *counts in rows]


def _decided_since(moment: ColumnElement[datetime] | InstrumentedAttribute[datetime]) -> ColumnElement[bool]:
    return select(Decision.id).where(Decision.comment_id == Comment.id, Decision.decided_at >= moment).exists()


def _is(condition: ColumnElement[bool]) -> ColumnElement[int]:
    return case((condition, 1), else_=0)


def _by_machine() -> ColumnElement[bool]:
    return select(Decision.id).where(Decision.comment_id == Comment.id, Decision.maker == Maker.RULE).exists()


def apart(session: Session, site_id: int) -> list[Apart]:
    """Return pairs of moderators who decided on the same text one after the other, most often apart first."""
    first, second = aliased(Decision), aliased(Decision)
    one, other = aliased(Moderator), aliased(Moderator)
    rows = session.execute(
        select(one.name, other.name, func.count(), func.sum(_is(first.outcome != second.outcome)))
        .select_from(first)
        .join(
            second,
            (second.comment_id == first.comment_id) & (second.revision == first.revision) & (second.id > first.id),
        )
        .join(one, one.id == first.moderator_id)
        .join(other, other.id == second.moderator_id)
        .join(Comment, Comment.id == first.comment_id)
        .where(Comment.site_id == site_id, first.moderator_id != second.moderator_id)
        .where(first.outcome != Outcome.UNDO, second.outcome != Outcome.UNDO, first.decided_at >= now() - SPAN)
        .group_by(one.name, other.name)
    )
    found = [Apart(a, b, both, int(otherwise or 0)) for a, b, both, otherwise in rows]
    return sorted(found, key=lambda pair: (-pair.otherwise, pair.first, pair.second))


def twins(session: Session, site_id: int) -> list[Twins]:
    """Return deleted comments that have a nearly identical approved one, newest first."""
    deletions = (
        select(Comment.id)
        .where(Comment.site_id == site_id, Comment.status == Status.DELETED, Comment.text != "")
        .order_by(Comment.id.desc())
        .limit(NEWEST)
        .subquery()
    )
    mine, theirs, approved = aliased(Fingerprint), aliased(Fingerprint), aliased(Comment)
    pairs = session.execute(
        select(mine.comment_id, theirs.comment_id)
        .join(deletions, deletions.c.id == mine.comment_id)
        .join(theirs, (theirs.site_id == mine.site_id) & (theirs.piece == mine.piece))
        .join(approved, (approved.id == theirs.comment_id) & (approved.status == Status.APPROVED))
        .where(mine.site_id == site_id)
        .distinct()
        .order_by(mine.comment_id.desc(), theirs.comment_id.desc())
        .limit(NEWEST)
    ).all()
    comments = _comments(session, {id_ for pair in pairs for id_ in pair})
    found: dict[int, Twins] = {}
    for deleted, kept in pairs:
        alike = repeats.similarity(comments[deleted].text, comments[kept].text)
        if alike >= ALIKE and deleted not in found:
            found[deleted] = Twins(comments[deleted], comments[kept], alike)
        if len(found) == MOST_TWINS:
            break
    return list(found.values())


def _comments(session: Session, ids: set[int]) -> dict[int, Comment]:
    rows = session.scalars(select(Comment).where(Comment.id.in_(ids)).options(joinedload(Comment.article)))
    return {comment.id: comment for comment in rows}


def differences(session: Session, site_id: int, *, limit: int = 20) -> list[Difference]:
    """Return the newest judged comments that a shadow sees otherwise: beyond even chances, or its rule's bound."""
    shadows = session.scalars(
        select(LearnedModel)
        .where(LearnedModel.site_id == site_id, LearnedModel.state == ModelState.SHADOW)
        .options(joinedload(LearnedModel.rule), defer(LearnedModel.content))
    ).all()
    if not shadows:
        return []
    rows: Sequence[Comment] = session.scalars(
        select(Comment)
        .join(Comment.assessment)
        .where(Comment.site_id == site_id, Assessment.learned.is_not(None), Comment.text != "")
        .options(joinedload(Comment.assessment), joinedload(Comment.article))
        .order_by(Comment.id.desc())
        .limit(NEWEST)
    ).all()
    found = (_difference(comment, shadow) for comment in rows for shadow in shadows)
    return [one for one in found if one is not None][:limit]


def _difference(comment: Comment, shadow: LearnedModel) -> Difference | None:
    judged = comment.assessment
    learned = judged.learned if judged else None
    if judged is None or learned is None:
        return None
    if shadow.rule is None:
        silent, said, bound = learned.get("shadow"), judged.deletion, EVEN
        against = comment.concern if said is None else said
    else:
        key = str(shadow.rule_id)
        silent, said = learned.get("shadow_rules", {}).get(key), learned.get("rules", {}).get(key)
        against, bound = said or 0.0, shadow.rule.when.get("at_least", 0.5)
    if silent is None or silent[0] != shadow.id or (silent[1] >= bound) == (against >= bound):
        return None
    return Difference(comment, shadow.rule, said, silent[1])
