"""Watch the rules that decide by themselves: how often people agree, and stop those that break their promise."""

from collections.abc import Sequence
from dataclasses import dataclass

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from moderation import alarms, audit, chance, rulebook
from moderation.db import now
from moderation.models import Automation, Decision, Draw, Fate, Maker, Moderator, Outcome

RECENT = 200
"""Newest draws of either kind that are looked at, so that what changed lately is not drowned by what was."""

ENOUGH = 20
"""Cases from which on a share below the promise is below it; with fewer, chance must be ruled out first."""


ASKED_FOR = frozenset({"moderator", "command"})
"""Why somebody switched a rule off; every other reason sounds an alarm."""


@dataclass(frozen=True, slots=True)
class Measured:
    """How often people agreed: of those given to them as a check, ``right``; of those it decided, ``kept`` were."""

    checked: int
    right: int
    decided: int
    kept: int

    @property
    def precision(self) -> float | None:
        """The share of the checked ones in which people decided the same; None where there are none."""
        return self.right / self.checked if self.checked else None


def measure(session: Session, automation: Automation) -> Measured:
    """Count what people did with the newest comments the rule could decide; undone counts as not agreed."""
    checked: list[Outcome] = [
        outcome
        for outcome, maker in _last_words(session, automation, Fate.CHECKED)
        if maker is not Maker.RULE and outcome is not Outcome.UNDO
    ]
    decided = [outcome for outcome, _ in _last_words(session, automation, Fate.DECIDED)]
    return Measured(len(checked), checked.count(automation.outcome), len(decided), decided.count(automation.outcome))


def _last_words(session: Session, automation: Automation, fate: Fate) -> list[tuple[Outcome, Maker]]:
    newest = (
        select(Draw.comment_id, Draw.revision)
        .where(Draw.automation_id == automation.id, Draw.fate == fate)
        .order_by(Draw.drawn_at.desc(), Draw.comment_id.desc())
        .limit(RECENT)
        .subquery()
    )
    last = (
        select(func.max(Decision.id))
        .join(newest, (newest.c.comment_id == Decision.comment_id) & (newest.c.revision == Decision.revision))
        .group_by(Decision.comment_id)
    )
    rows = session.execute(select(Decision.outcome, Decision.maker).where(Decision.id.in_(last)))
    return [(outcome, maker) for outcome, maker in rows]


def is_broken(right: int, tries: int, promise: float) -> bool:
    """Whether so many of so many fall below the promise; of a few, only if chance would hardly do it."""
    if not tries or right >= promise * tries:
        return False
    return tries >= ENOUGH or chance.at_most(right, tries, promise) < chance.DOUBT


def doubt(session: Session, automation: Automation) -> str | None:
    """Return why the rule must not decide by itself any longer; None where all is well."""
    stated = rulebook.stated(rulebook.current(session, automation.site_id))
    rule = next((rule for rule in stated if rule.id == automation.rule_id), None)
    if rule is None or rule.terms() != automation.terms:
        return "rule_changed"
    measured = measure(session, automation)
    if is_broken(measured.right, measured.checked, automation.promise):
        return "checks"
    if is_broken(measured.kept, measured.decided, automation.promise):
        return "reversals"
    return None


def running(session: Session, *, site_id: int | None = None) -> Sequence[Automation]:
    """Return the rules that decide by themselves now, of one site or of all."""
    found = select(Automation).where(Automation.switched_off_at.is_(None)).order_by(Automation.id)
    return session.scalars(found if site_id is None else found.where(Automation.site_id == site_id)).all()


def stop_the_doubtful(session: Session) -> list[Automation]:
    """Switch off every rule that must not decide by itself any longer, sound the alarm, and return them."""
    stopped = []
    on = select(Automation).where(Automation.switched_off_at.is_(None)).order_by(Automation.id)
    for automation in session.scalars(on.with_for_update(skip_locked=True)):
        if why := doubt(session, automation):
            switch_off(session, automation, why)
            stopped.append(automation)
    return stopped


def switch_off(session: Session, automation: Automation, why: str, *, moderator: Moderator | None = None) -> None:
    """End a rule's deciding by itself; what nobody asked for sounds an alarm."""
    measured = measure(session, automation)
    automation.switched_off_at, automation.why_off = now(), why
    audit.note(
        session,
        "automation_off",
        moderator=moderator,
        subject=f"rule {automation.rule_id}",
        why=why,
        promise=automation.promise,
        checked=measured.checked,
        right=measured.right,
        decided=measured.decided,
        kept=measured.kept,
    )
    if why not in ASKED_FOR:
        alarms.sound(
            session,
            automation.site_id,
            "automation_off",
            f"rule {automation.rule_id}",
            why=why,
            title=automation.rule.title,
            key=automation.rule.key,
            promise=automation.promise,
            checked=measured.checked,
            right=measured.right,
            decided=measured.decided,
            kept=measured.kept,
        )
