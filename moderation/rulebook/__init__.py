"""A site's house rules as they are kept: stated, saved as a new version, archived. Knows no pages and no comments.

Every change, whether from the desk or from a file, goes through `save` with all the rules there are to be.
"""

from collections.abc import Sequence

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from moderation import audit
from moderation.db import now
from moderation.errors import BadInput, NotFound, StaleView
from moderation.models import HouseRule, Moderator, RuleSet, Site
from moderation.rulebook import modes as _modes
from moderation.rulebook.modes import Mode
from moderation.rulebook.stated import StatedRule
from moderation.rules import Rule

__all__ = ["Mode", "StatedRule", "applied", "current", "get", "save", "stated", "version", "versions"]


def current(session: Session, site_id: int) -> RuleSet | None:
    """Return the newest version of a site's rules; None where it never had any."""
    newest = select(RuleSet).where(RuleSet.site_id == site_id).order_by(RuleSet.version.desc()).limit(1)
    return session.scalars(newest).one_or_none()


def get(session: Session, site_id: int, number: int) -> RuleSet:
    """Return a version of a site's rules by its number; NotFound where there is none."""
    found = session.scalars(select(RuleSet).where(RuleSet.site_id == site_id, RuleSet.version == number)).one_or_none()
    if found is None:
        raise NotFound(f"There is no version {number} of these house rules.", code="unknown_version")
    return found


def versions(session: Session, site_id: int, *, limit: int = 100) -> list[RuleSet]:
    """Return the versions of a site's rules, newest first."""
    newest = select(RuleSet).where(RuleSet.site_id == site_id).order_by(RuleSet.version.desc()).limit(limit)
    return list(session.scalars(newest))


def version(session: Session, site_id: int) -> int:
    """Return the number of the newest version, 0 where there is none."""
    return session.scalar(select(func.max(RuleSet.version)).where(RuleSet.site_id == site_id)) or 0


def stated(rule_set: RuleSet | None) -> list[StatedRule]:
    """Return the rules of a version as they were stated, in order."""
    return [StatedRule.model_validate(rule) for rule in rule_set.rules] if rule_set else []


def applied(rule_set: RuleSet | None, mode: Mode | None = None) -> tuple[Rule, ...]:
    """Return the rules of a version as values to be applied, as they hold in a mode."""
    return tuple(rule.applied() for rule in _modes.apply(stated(rule_set), mode))


def save(
    session: Session,
    site: Site,
    rules: Sequence[StatedRule],
    *,
    modes: Sequence[Mode] | None = None,
    moderator: Moderator | None = None,
    seen: int | None = None,
) -> RuleSet:
    """Make these all the rules of the site, as a new version, and return it; where nothing changed, the one there is.

    A rule is known by its key: what is not among ``rules`` is archived, what was archived comes back. ``modes`` stay as
    they are where they are None. StaleView where the newest version is not the one that was ``seen``; BadInput where a
    mode does not fit the rules.
    """
    session.execute(select(Site.id).where(Site.id == site.id).with_for_update())
    newest = current(session, site.id)
    number = newest.version if newest else 0
    if seen is not None and seen != number:
        raise StaleView("Somebody changed the house rules since you looked at them.", code="rules_changed")
    kept_modes = _modes.stated(newest)
    modes = _fitting(kept_modes if modes is None else modes, rules)
    before = [_without_id(rule) for rule in stated(newest)]
    if newest is not None and (before, kept_modes) == ([_without_id(rule) for rule in rules], modes):
        return newest
    known = {row.key: row for row in session.scalars(select(HouseRule).where(HouseRule.site_id == site.id))}
    for row in known.values():
        if row.archived_at is None and row.key not in {rule.key for rule in rules}:
            row.archived_at = now()
    rows = [_write(session, site, rule, position, known) for position, rule in enumerate(rules, start=1)]
    session.flush()  # gives new rules their ids
    snapshot = [rule.as_json() | {"id": row.id} for rule, row in zip(rules, rows, strict=True)]
    made = RuleSet(site_id=site.id, version=number + 1, rules=snapshot, moderator_id=moderator and moderator.id)
    made.modes = [mode.as_json() for mode in modes]
    session.add(made)
    session.flush()
    session.expire(site, ["house_rules"])
    audit.note(session, "rules_saved", moderator=moderator, subject=f"site {site.slug}", version=made.version)
    return made


def _fitting(modes: Sequence[Mode], rules: Sequence[StatedRule]) -> list[Mode]:
    for mode in modes:
        try:
            _modes.apply(rules, mode)
        except ValueError as error:
            raise BadInput(f"{error}.", code="modes") from None
    return list(modes)


def _without_id(rule: StatedRule) -> StatedRule:
    return rule.model_copy(update={"id": None})


def _write(session: Session, site: Site, rule: StatedRule, position: int, known: dict[str, HouseRule]) -> HouseRule:
    row = known.get(rule.key)
    if row is None:
        row = HouseRule(site_id=site.id, key=rule.key)
        session.add(row)
    said = rule.as_json()
    row.position = position
    row.title, row.text, row.advice = dict(rule.title), dict(rule.text), rule.advice
    row.signal, row.when = rule.applied().signal, said["when"]
    row.hours, row.sections = said.get("hours"), said.get("sections", [])
    row.archived_at = None
    return row
