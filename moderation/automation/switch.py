"""Switch a rule's deciding by itself on, if the site's own history bears out what is promised."""

from collections.abc import Sequence

from sqlalchemy import select
from sqlalchemy.orm import Session

from moderation import alarms, audit, rulebook
from moderation.automation import watch
from moderation.automation.history import Estimate, cases, estimate
from moderation.errors import BadInput, NotFound
from moderation.models import Automation, HouseRule, Moderator, Outcome, Site
from moderation.rulebook import StatedRule
from moderation.rulebook.preview import history


def tried(session: Session, site: Site, rules: Sequence[StatedRule], key: str) -> Estimate:
    """Say how well the rule of that key would have decided inside its limits in the last twelve months."""
    rule = next(rule for rule in rules if rule.key == key)
    past = history(session, site, [each.applied() for each in rules])
    return estimate(cases(past, rules, key), rule, rule.automation.beyond if rule.automation else None)


def switch_on(session: Session, site: Site, key: str, *, moderator: Moderator) -> Automation:
    """Let the site's rule of that key decide by itself from now on, as its limits are stated now.

    BadInput where it has no limits, or where the site's history does not prove what they promise.
    """
    rules = rulebook.stated(rulebook.current(session, site.id))
    rule = next((rule for rule in rules if rule.key == key), None)
    if rule is None:
        raise NotFound(f"There is no house rule {key!r} any more.", code="unknown_rule")
    if rule.automation is None:
        raise BadInput("State its limits first.", code="no_limits")
    found = tried(session, site, rules, key)
    if found.proven < rule.automation.promise:
        raise BadInput(
            f"Your history proves a precision of {found.proven:.3f} at this bound ({found.right} of {found.tries}); "
            f"{rule.automation.promise} is promised. Choose a stricter bound or promise less.",
            code="not_proven",
        )
    row = session.scalars(select(HouseRule).where(HouseRule.id == rule.id).with_for_update()).one()
    for earlier in watch.running(session, site_id=site.id):
        if earlier.rule_id == row.id:
            if earlier.terms == rule.terms():
                return earlier
            watch.switch_off(session, earlier, "moderator", moderator=moderator)
    session.flush()
    made = Automation(
        site_id=site.id,
        rule_id=row.id,
        terms=rule.terms(),
        outcome=Outcome(rule.advice),
        promise=rule.automation.promise,
        tries=found.tries,
        right=found.right,
        moderator_id=moderator.id,
    )
    session.add(made)
    session.flush()
    alarms.end(session, site.id, "automation_off", f"rule {row.id}")
    audit.note(
        session,
        "automation_on",
        moderator=moderator,
        subject=f"rule {row.id}",
        promise=made.promise,
        tries=made.tries,
        right=made.right,
    )
    return made


def newest(session: Session, rule_id: int) -> Automation | None:
    """Return the last time that a rule decided by itself, over or not; None where it never did."""
    found = select(Automation).where(Automation.rule_id == rule_id).order_by(Automation.id.desc()).limit(1)
    return session.scalars(found).one_or_none()
