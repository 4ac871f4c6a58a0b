"""Decide on comments just judged, where a rule that is switched on may: once, never against a person, within limits."""

import hashlib
from collections.abc import Sequence
from datetime import datetime
from zoneinfo import ZoneInfo

import structlog
from sqlalchemy import func, select
from sqlalchemy.orm import Session, joinedload

from moderation import decisions
from moderation.automation import watch
from moderation.db import now
from moderation.decisions import Seen
from moderation.models import (
    Assessment,
    Automation,
    Claim,
    Comment,
    Decision,
    Deferral,
    Draw,
    Fate,
    Notice,
    Site,
    Status,
)
from moderation.rulebook import StatedRule
from moderation.rules import Limits

log = structlog.get_logger(__name__)


def act(session: Session, comment_ids: Sequence[int]) -> list[Decision]:
    """Decide on those of the comments on which a rule that is switched on has the say; return the decisions.

    A rule that must not any longer is switched off first. A comment is drawn for once and never again, whatever comes;
    whoever holds the rows of the rules waits, so that no cap is passed.
    """
    sites = select(Comment.site_id).where(Comment.id.in_(comment_ids))
    on = select(Automation).where(Automation.switched_off_at.is_(None), Automation.site_id.in_(sites))
    may = {}
    for automation in session.scalars(on.order_by(Automation.id).with_for_update()):
        if why := watch.doubt(session, automation):
            watch.switch_off(session, automation, why)
        else:
            may[automation.rule_id] = automation
    if not may:
        return []
    left = {automation.id: _left_today(session, automation) for automation in may.values()}
    made = []
    for comment, assessment in _free(session, comment_ids):
        speaker = _speaker(assessment, may)
        if speaker is None:
            continue
        drawn = lot(comment, speaker.rule_id)
        draw = Draw(comment_id=comment.id, revision=comment.revision, automation_id=speaker.id, lot=drawn)
        draw.fate, draw.drawn_at = _fate(drawn, speaker, left[speaker.id]), now()
        if draw.fate is Fate.DECIDED:
            left[speaker.id] -= 1
            decision = decisions.decide(
                session,
                comment.id,
                speaker.outcome,
                moderator=None,
                seen=Seen(comment.revision),
                rule_id=speaker.rule_id,
            )
            draw.decision_id = decision.id
            made.append(decision)
        session.add(draw)
    log.info("automation_acted", decided=len(made), of=len(comment_ids))
    return made


def _free(session: Session, comment_ids: Sequence[int]) -> list[tuple[Comment, Assessment]]:
    """The comments that are judged, wait, and with which nobody has anything to do: no decision, draw, note, claim.

    They are locked first and looked at then, so that what somebody does at the same moment is seen.
    """
    waiting = select(Comment.id).where(
        Comment.id.in_(comment_ids), Comment.status == Status.PENDING, Comment.due_at.is_(None)
    )
    held = list(session.scalars(waiting.order_by(Comment.id).with_for_update()))
    moment = now()
    taken = [
        select(Decision.id).where(Decision.comment_id == Comment.id),
        select(Draw.comment_id).where(Draw.comment_id == Comment.id),
        select(Deferral.id).where(Deferral.comment_id == Comment.id),
        select(Claim.comment_id).where(Claim.comment_id == Comment.id, Claim.expires_at > moment),
        select(Notice.id).where(Notice.comment_id == Comment.id),
    ]
    rows = session.execute(
        select(Comment, Assessment)
        .join(Assessment, (Assessment.comment_id == Comment.id) & (Assessment.revision == Comment.revision))
        .where(Comment.id.in_(held), Assessment.not_scored.is_(None), *(~one.exists() for one in taken))
        .options(joinedload(Comment.site))
        .order_by(Comment.id)
    )
    return [(comment, assessment) for comment, assessment in rows]


def _speaker(assessment: Assessment, may: dict[int, Automation]) -> Automation | None:
    """The rule that may decide: all reasons advise what it advises, and its score lies within its own limits."""
    for reason in assessment.reasons:
        automation = may.get(reason["rule_id"])
        if automation is None or reason.get("mode"):  # nothing was promised of a rule that a mode changes
            continue
        advised = {str(assessment.advice), *(other["advice"] for other in assessment.reasons)}
        within = _limits(automation).covers(_stated(automation).when, reason["score"])
        if within and advised == {str(automation.outcome)}:
            return automation
    return None


def _stated(automation: Automation) -> StatedRule:
    words = {"key": "rule", "title": {"en": "."}, "text": {"en": "."}}
    return StatedRule.model_validate(words | {name: value for name, value in automation.terms.items() if value})


def _limits(automation: Automation) -> Limits:
    return Limits.model_validate(automation.terms["automation"])


def lot(comment: Comment, rule_id: int) -> float:
    """Draw the lot of a comment, from 0 to 1: always the same, and nobody outside can foretell it."""
    drawn = f"{comment.site.pepper} {rule_id} {comment.id} {comment.revision}"
    return int.from_bytes(hashlib.sha256(drawn.encode()).digest()[:7], "big") / 2**56


def _fate(drawn: float, automation: Automation, left: int) -> Fate:
    """A check is drawn before the cap is looked at, so that checks are spread over the whole day."""
    if drawn < _limits(automation).checked:
        return Fate.CHECKED
    return Fate.DECIDED if left > 0 else Fate.OVER


def _left_today(session: Session, automation: Automation) -> int:
    return _limits(automation).per_day - today(session, automation)


def today(session: Session, automation: Automation) -> int:
    """Return how many the rule decided since midnight by the site's clock, however often it was switched on."""
    midnight = start_of_day(automation.site)
    used = session.scalar(
        select(func.count())
        .select_from(Draw)
        .join(Automation, Automation.id == Draw.automation_id)
        .where(Automation.rule_id == automation.rule_id, Draw.fate == Fate.DECIDED, Draw.drawn_at >= midnight)
    )
    return used or 0


def start_of_day(site: Site) -> datetime:
    """Return when today began by the site's clock."""
    local = now().astimezone(ZoneInfo(site.time_zone))
    return local.replace(hour=0, minute=0, second=0, microsecond=0)


def recent(session: Session, rule_id: int, *, limit: int = 20) -> Sequence[Draw]:
    """Return what a rule decided by itself last, newest first."""
    found = (
        select(Draw)
        .join(Automation, Automation.id == Draw.automation_id)
        .where(Automation.rule_id == rule_id, Draw.fate == Fate.DECIDED)
        .options(joinedload(Draw.decision).joinedload(Decision.comment), joinedload(Draw.decision, Decision.delivery))
        .order_by(Draw.drawn_at.desc(), Draw.comment_id.desc())
        .limit(limit)
    )
    return session.scalars(found).all()
