"""Modes: other bounds or advice for some rules by night, at weekends, or while comments come in floods.

Of the modes of a site the first that is on holds, and no other. A rule that a mode changes does not decide by itself.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Annotated, Any, Self

from pydantic import BaseModel, ConfigDict, Field, ValidationError, model_validator
from pydantic_core import PydanticCustomError
from sqlalchemy import func, select
from sqlalchemy.orm import Session

from moderation.models import Comment, RuleSet, Site
from moderation.rulebook import checks
from moderation.rulebook.stated import Language, StatedRule, Title
from moderation.rules import Advice, Hours, covers
from moderation.rules.conditions import Share


class _Stated(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")


class Surge(_Stated):
    """A flood: so many comments of the site within so many minutes; over when it was calm for as long."""

    comments: Annotated[int, Field(ge=2, le=100_000)]
    minutes: Annotated[int, Field(ge=1, le=240)] = 10


class Change(_Stated):
    """What a mode changes in a rule; ``off``: the rule does not hold in this mode."""

    at_least: Share | None = None
    at_most: Share | None = None
    advice: Advice | None = None
    off: bool = False

    @model_validator(mode="after")
    def _something(self) -> Self:
        if not self.off and self.at_least is None and self.at_most is None and self.advice is None:
            raise PydanticCustomError("no_change", "say what is different: at_least, at_most, advice or off")
        return self


class Mode(_Stated):
    """A mode: when it is on, either by the clock or by a flood, and what it changes, by the rules' keys."""

    key: Annotated[str, Field(pattern=r"^[a-z0-9][a-z0-9-]{0,59}$")]
    title: Annotated[dict[Language, Title], Field(min_length=1)]
    hours: Hours | None = None
    surge: Surge | None = None
    rules: Annotated[dict[str, Change], Field(min_length=1)]

    @model_validator(mode="after")
    def _one_reason(self) -> Self:
        if (self.hours is None) == (self.surge is None):
            raise PydanticCustomError("one_reason", "give either hours or surge: when the mode is on")
        return self

    def as_json(self) -> dict[str, Any]:
        """Return the mode as it is written into files."""
        said = self.model_dump(mode="json", exclude_defaults=True)
        if self.surge:
            said["surge"] = self.surge.model_dump(mode="json")
        if self.hours:
            said["hours"] = self.hours.model_dump(mode="json") | {"days": sorted(self.hours.days)}
        return said


@dataclass(frozen=True, slots=True)
class State:
    """Which mode is on and why: the count of the flood where that is the reason, else None."""

    mode: Mode
    counted: int | None = None


def apply(rules: Sequence[StatedRule], mode: Mode | None) -> list[StatedRule]:
    """Return the rules as they hold in a mode; ValueError names a rule that there is not, or that cannot be so."""
    if mode is None:
        return list(rules)
    if unknown := mode.rules.keys() - {rule.key for rule in rules}:
        raise PydanticCustomError(
            "mode_without_rule",
            "mode '{mode}' names a rule that there is not: '{rule}'",
            {"mode": mode.key, "rule": min(unknown)},
        )
    return [_changed(rule, mode.rules.get(rule.key), mode) for rule in rules if not _is_off(rule, mode)]


def notes(rules: Sequence[StatedRule], mode: Mode, *, longest: int = checks.LONGEST) -> list[checks.Note]:
    """Return what is to be said of the rules as they hold in a mode, and not of them as they are stated."""
    known = checks.notes(rules, longest=longest)
    return [note for note in checks.notes(apply(rules, mode), longest=longest) if note not in known]


def _is_off(rule: StatedRule, mode: Mode) -> bool:
    change = mode.rules.get(rule.key)
    return change is not None and change.off


def _changed(rule: StatedRule, change: Change | None, mode: Mode) -> StatedRule:
    if change is None:
        return rule
    said = {name: value for name, value in rule.as_json().items() if name != "automation"}
    bounds = change.model_dump(mode="json", include={"at_least", "at_most"}, exclude_none=True)
    if bounds:
        said["when"] = {name: value for name, value in said["when"].items() if name not in {"at_least", "at_most"}}
        said["when"] |= bounds
    if change.advice is not None:
        said["advice"] = str(change.advice)
    try:
        return StatedRule.model_validate(said | {"id": rule.id})
    except ValidationError as error:
        what = error.errors(include_url=False)[0]["msg"]
        raise PydanticCustomError(
            "mode_unfit",
            "mode '{mode}' cannot change rule '{rule}' so: {what}",
            {"mode": mode.key, "rule": rule.key, "what": what},
        ) from None


def stated(rule_set: RuleSet | None) -> list[Mode]:
    """Return the modes of a version of a site's rules."""
    return [Mode.model_validate(mode) for mode in rule_set.modes] if rule_set else []


def on(session: Session, site: Site, modes: Sequence[Mode], moment: datetime) -> State | None:
    """Say which of the modes is on at a moment; floods are counted up to that moment."""
    for mode in modes:
        if mode.hours is not None and covers(mode.hours, moment, site.time_zone):
            return State(mode)
        if mode.surge is not None and (counted := _flood(session, site, mode.surge, moment)):
            return State(mode, counted)
    return None


def _flood(session: Session, site: Site, surge: Surge, moment: datetime) -> int | None:
    """How many comments came within the span that makes it a flood; None where there is none.

    It lasts until a whole span ended calmly: what went up to the bound a moment ago keeps the mode from flickering.
    """
    span = timedelta(minutes=surge.minutes)
    for ago in (0.0, 0.25, 0.5, 0.75, 1.0):
        end = moment - ago * span
        counted = session.scalar(
            select(func.count())
            .select_from(Comment)
            .where(Comment.site_id == site.id, Comment.received_at > end - span, Comment.received_at <= end)
        )
        if (counted or 0) >= surge.comments:
            return counted
    return None
