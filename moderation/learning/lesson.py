"""One lesson: gathers what a site's people decided, learns from it, and puts in force only what is surely better."""

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Any

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from moderation import rulebook
from moderation.db import claim as claim_due
from moderation.db import now
from moderation.learning import decided, shelf
from moderation.learning.decided import Standing
from moderation.models import Comment, Decision, LearnedModel, Learner, Maker, ModelState, Site
from moderation.rules import Signal

if TYPE_CHECKING:
    from moderation.judge.learned import SiteModel
    from moderation.learning.fit import Material

LEASE = timedelta(minutes=30)
LEAST_NEW = 25
GROWTH = 0.35
"""New decisions, as a number and as a share of those learned from, after which a site is learned from again."""

DAY = timedelta(hours=20)
"""After so long any new decision will do."""

READ_AT_ONCE = 16
"""Decided comments that are read in one go, so that a new one does not wait long."""

LEAST_CITED = 20
"""Decisions that must cite a rule before it is learned."""

LEAST_COMPARED = 10
"""Deletions and approvals, each, on which a new model must prove itself."""


@dataclass(frozen=True, slots=True)
class Current:
    """A model in force, the newest decision it may know, and the newest that its probabilities follow."""

    model: "SiteModel"
    version: int
    until_at: datetime
    followed_until: datetime


@dataclass(frozen=True, slots=True)
class Course:
    """All that a lesson needs. ``current`` and ``rules``: by rule; None is deletion, whatever the rule."""

    learner_id: int
    site_id: int
    found: list[Standing]
    material: "Material | None"
    rules: tuple[int, ...]
    current: dict[int | None, Current]
    engine: str


@dataclass(frozen=True, slots=True)
class Learned:
    """What came of a lesson for deletion or one rule: a model, its figures, whether it is to take over, or none is.

    ``followed`` is the model in force with its probabilities brought up to date; None: there is none.
    """

    rule_id: int | None
    content: bytes
    followed: bytes | None
    positives: int
    until: slice
    figures: dict[str, Any]
    better: bool
    worn: bool


def look(session: Session) -> None:
    """Make those sites due that have decided enough since they were learned from last."""
    for site in session.scalars(select(Site)):
        learner = shelf.learner(session, site.id)
        if learner.due_at is not None:
            continue
        wanted = max(LEAST_NEW, int(GROWTH * learner.decisions))
        if learner.learned_at is not None and learner.learned_at < now() - DAY:
            wanted = 1
        new = (
            select(Decision.id)
            .join(Comment, Comment.id == Decision.comment_id)
            .where(Comment.site_id == site.id, Decision.id > learner.last_id, Decision.maker != Maker.RULE)
            .limit(wanted)
            .subquery()
        )
        if (session.scalar(select(func.count()).select_from(new)) or 0) >= wanted:
            learner.due_at, learner.attempts = now(), 0


def claim(session: Session) -> list[int]:
    """Take one site that is to be learned from; return the learner's id, if there is one."""
    return claim_due(session, Learner, limit=1, lease=LEASE)


def unread(session: Session, *, limit: int) -> tuple[int, list[int]] | None:
    """Return a learner that lacks traits, and decided comments to be read for it; None where none does."""
    learner = session.scalars(select(Learner).where(Learner.lacking > 0).order_by(Learner.id).limit(1)).one_or_none()
    return (learner.id, decided.lacking(session, learner.site_id, limit=limit)) if learner else None


def was_read(session: Session, learner_id: int, number: int) -> None:
    """Count down what is lacking; whatever could not be read is not tried again before the next lesson."""
    learner = session.get_one(Learner, learner_id)
    learner.lacking = max(0, learner.lacking - number) if number else 0
    if learner.lacking == 0:
        learner.due_at, learner.attempts = now(), 0


def gather(session: Session, learner_id: int, *, days: int) -> list[Standing]:
    """Return the decisions that count, and write down bursts that nobody has ruled on yet."""
    site = session.get_one(Learner, learner_id).site
    found, new = decided.trusted(session, site, decided.standing(session, site, days=days))
    session.add_all(new)
    return decided.thinned(found)


def prepare(session: Session, learner_id: int, found: Sequence[Standing], *, engine: str = "") -> Course:
    """Return all that the lesson needs; takes long, and writes nothing."""
    learner = session.get_one(Learner, learner_id)
    material = decided.material(session, found)
    used = material[1] if material else []
    cited = Counter(one.rule_id for one in used)
    rules = rulebook.applied(rulebook.current(session, learner.site_id))
    learnable = tuple(rule.id for rule in rules if rule.signal is Signal.LEARNED and cited[rule.id] >= LEAST_CITED)
    return Course(
        learner_id=learner_id,
        site_id=learner.site_id,
        found=used,
        material=material[0] if material else None,
        rules=learnable,
        current={rule_id: now_ for rule_id in (None, *learnable) if (now_ := _current(session, learner, rule_id))},
        engine=engine,
    )


def _current(session: Session, learner: Learner, rule_id: int | None) -> Current | None:
    from moderation.judge.learned import ModelError, SiteModel  # noqa: PLC0415 - the web carries no numbers

    row = shelf.in_state(session, learner.site_id, ModelState.ACTIVE, rule_id)
    if row is None:
        return None
    try:
        followed_until = max(row.until_at, learner.learned_at or row.until_at)
        return Current(SiteModel.from_bytes(row.content), row.version, row.until_at, followed_until)
    except ModelError:
        return None


def learn(course: Course) -> tuple[list[Learned], dict[str, Any] | None]:
    """Replay and fit; return what was learned, and the report on deletion. No transaction need be open."""
    import numpy as np  # noqa: PLC0415

    from moderation.learning.fit import enough  # noqa: PLC0415
    from moderation.learning.replay import replay  # noqa: PLC0415
    from moderation.learning.report import report  # noqa: PLC0415

    if course.material is None:
        return [], None
    results: list[Learned] = []
    told = None
    for rule_id in (None, *course.rules):
        material = course.material
        if rule_id is not None:
            cited = np.array([one.rule_id == rule_id for one in course.found], dtype=np.float64)
            material = replace(material, deleted=cited)
        if not enough(material.deleted):
            continue
        replayed = replay(material)
        results.append(_result(course, rule_id, material, replayed))
        if rule_id is None:
            told = report(replayed, material.deleted, course.found)
    return results, told


def _result(course: Course, rule_id: int | None, material: "Material", replayed: Any) -> Learned:
    import numpy as np  # noqa: PLC0415

    from moderation.learning.figures import gain, measure  # noqa: PLC0415
    from moderation.learning.fit import enough, fit  # noqa: PLC0415
    from moderation.learning.replay import WARM_UP  # noqa: PLC0415

    taught = slice(replayed.since, None)
    if not enough(material.deleted[taught]):
        taught = slice(0, None)
    fitted = fit(material.rows(taught))
    current = course.current.get(rule_id)
    if current is None:
        rows = np.arange(min(WARM_UP, len(material.deleted)), len(material.deleted))
        old = replayed.general[rows]
    else:
        rows = np.flatnonzero([one.decided_at > current.until_at for one in course.found])
        old = material.rows(rows).logits(current.model)
    deleted = material.deleted[rows]
    provable = min(int(deleted.sum()), len(deleted) - int(deleted.sum())) >= LEAST_COMPARED
    won = gain(replayed.order[rows], old, deleted) if provable else None
    lost = gain(replayed.general[rows], old, deleted) if provable and current is not None else None
    figures = {
        **measure(replayed.learned, material.deleted, replayed.order).report(),
        "general": measure(replayed.general, material.deleted).report(),
        "weight": round(fitted.weight, 3),
        "compared_with": current.version if current else None,
        "compared": len(rows),
        "gain": won.gain if won else None,
        "error": won.error if won else None,
    }
    better = bool(won and won.sure and fitted.weight > 0)
    return Learned(
        rule_id=rule_id,
        content=replace(fitted.model, bend=replayed.bend).to_bytes(),
        followed=_followed(course, material, current) if current else None,
        positives=int(material.deleted[taught].sum()),
        until=taught,
        figures=figures,
        better=better,
        worn=bool(lost and lost.sure and not better),
    )


def _followed(course: Course, material: "Material", current: Current) -> bytes:
    """Let the probabilities of the model in force follow what was decided since it was looked at last."""
    import numpy as np  # noqa: PLC0415

    from moderation.learning.curve import Curve  # noqa: PLC0415

    new = material.rows(np.flatnonzero([one.decided_at > current.followed_until for one in course.found]))
    curve = Curve(current.model.bend)
    curve.follow(new.logits(current.model), new.deleted, new.counts)
    return replace(current.model, bend=curve.bend).to_bytes()


def record(session: Session, course: Course, results: Sequence[Learned], told: dict[str, Any] | None) -> bool:
    """Keep what was learned, and put in force what is surely better; return whether anything was switched."""
    learner = session.get_one(Learner, course.learner_id)
    switched = False
    for result in results:
        taught = course.found[result.until]
        model = shelf.keep(
            session,
            LearnedModel(
                site_id=course.site_id,
                rule_id=result.rule_id,
                content=result.content,
                engine=course.engine,
                decisions=len(taught),
                positives=result.positives,
                from_at=taught[0].decided_at,
                until_at=taught[-1].decided_at,
                figures=result.figures,
            ),
        )
        current = shelf.in_state(session, course.site_id, ModelState.ACTIVE, result.rule_id)
        looked_at = course.current.get(result.rule_id)
        if result.followed and current is not None and looked_at and current.version == looked_at.version:
            current.content, current.fitted_at = result.followed, now()
        if learner.paused:
            continue
        if result.better:
            shelf.put_in_force(session, model, moderator=None, why="surely_better")
        elif result.worn and current is not None:
            shelf.switch_off(session, current, moderator=None, why="general_is_surely_better")
        switched = switched or result.better or result.worn
    learner.due_at, learner.attempts, learner.learned_at = None, 0, now()
    learner.decisions = len(course.found)
    learner.last_id = (
        session.scalar(select(func.max(Decision.id)).join(Comment).where(Comment.site_id == course.site_id)) or 0
    )
    learner.lacking = decided.number_lacking(session, course.site_id)
    learner.report = told or learner.report
    return switched
