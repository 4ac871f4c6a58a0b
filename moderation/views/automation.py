"""The page on which a rule may be let decide by itself: what it would have done, its limits, what it did, the brake."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from flask import Blueprint, redirect, render_template, request, url_for
from flask.typing import ResponseReturnValue
from flask_babel import gettext
from flask_login import current_user
from pydantic import ValidationError
from sqlalchemy.orm import Session

from moderation import auth, decisions, rulebook
from moderation.automation import acting, switch, watch
from moderation.automation.history import Estimate, cases, curve, estimate
from moderation.errors import BadInput, NotFound, StaleView
from moderation.models import Moderator, Site
from moderation.reading import reading
from moderation.rulebook import StatedRule
from moderation.rulebook.preview import history
from moderation.rules import Advice, Limits
from moderation.views import me, rule_words, services

blueprint = Blueprint("automation", __name__)

FEWEST = 10
"""Cases below which a point is left out of the chart; the table has it."""

ADDRESS = "/rules/<slug>/rule/<key>/automation"


@dataclass(frozen=True, slots=True)
class Filled:
    """The limits as they were filled in, in the words of the form, and what is wrong with them."""

    values: dict[str, str]
    limits: Limits | None
    wrong: dict[str, str]


def _rule(session: Session, site: Site, key: str) -> StatedRule:
    rules = rulebook.stated(rulebook.current(session, site.id))
    found = next((rule for rule in rules if rule.key == key), None)
    if found is None:
        raise NotFound(f"There is no house rule {key!r} any more.", code="unknown_rule")
    return found


@blueprint.get(ADDRESS)
def show(slug: str, key: str) -> ResponseReturnValue:
    """Show how well the rule would have decided by itself, and what it did decide."""
    with reading() as session:
        site = auth.site_by_slug(session, slug)
        rule = _rule(session, site, key)
        limits = rule.automation or Limits()
        return _page(session, site, rule, Filled(_values(limits), limits, {}))


def _values(limits: Limits) -> dict[str, str]:
    return {
        "promise": rule_words.number(round(100 * limits.promise, 2)),
        "beyond": "" if limits.beyond is None else rule_words.number(limits.beyond),
        "per_day": str(limits.per_day),
        "checked": rule_words.number(round(100 * limits.checked, 2)),
    }


@blueprint.post(ADDRESS, endpoint="set")
def set_(slug: str, key: str) -> ResponseReturnValue:
    """Show what other limits would do, or switch the rule's deciding by itself on or off."""
    wish = request.form.get("do")
    with services().database.session() as session:
        site = auth.site_by_slug(session, slug)
        rule = _rule(session, site, key)
        moderator = me(session)
        if wish == "off":  # whoever sees that something goes wrong may pull the brake
            for automation in watch.running(session, site_id=site.id):
                if automation.rule_id == rule.id:
                    watch.switch_off(session, automation, "moderator", moderator=moderator)
            session.commit()
            return redirect(url_for("automation.show", slug=slug, key=key), 303)
        auth.require_admin(site)
        filled = _read(rule)
        if filled.limits is None or wish != "on":
            session.rollback()
            return _page(session, site, rule, filled), 422 if filled.wrong else 200
        try:
            _switch_on(session, site, rule, filled.limits, moderator)
        except BadInput as error:
            if error.code != "not_proven":
                raise
            session.rollback()
            return _page(session, site, rule, filled), 422
        session.commit()
    return redirect(url_for("automation.show", slug=slug, key=key), 303)


def _switch_on(session: Session, site: Site, rule: StatedRule, limits: Limits, moderator: Moderator) -> None:
    rules = rulebook.stated(rulebook.current(session, site.id))
    with_limits = [each.model_copy(update={"automation": limits}) if each.key == rule.key else each for each in rules]
    rulebook.save(session, site, with_limits, moderator=moderator, seen=_seen())
    switch.switch_on(session, site, rule.key, moderator=moderator)


def _seen() -> int:
    given = request.form.get("seen", "")
    if not given.isascii() or not given.isdigit() or len(given) > 9:
        raise StaleView("Somebody changed the house rules since you looked at them.", code="rules_changed")
    return int(given)


def _read(rule: StatedRule) -> Filled:
    values = {name: request.form.get(name, "").strip() for name in ("promise", "beyond", "per_day", "checked")}
    plain = {name: value.replace(",", ".").removesuffix("%").strip() for name, value in values.items()}
    given: dict[str, Any] = {name: value for name, value in plain.items() if value}
    for name in ("promise", "checked"):
        try:
            given[name] = round(float(given[name]) / 100, 6)
        except (KeyError, ValueError):
            given.setdefault(name, "")  # the schema says what is wrong with it
    try:
        limits = Limits.model_validate(given)
        StatedRule.model_validate(rule.as_json() | {"automation": given})
    except ValidationError as error:
        problems: list[dict[str, Any]] = [dict(problem) for problem in error.errors(include_url=False)]
        wrong = {str((problem["loc"] or ("beyond",))[-1]): _complaint(problem) for problem in problems}
        return Filled(values, None, wrong)
    return Filled(values, limits, {})


def _complaint(problem: dict[str, Any]) -> str:
    in_percent = problem["loc"] and problem["loc"][-1] in {"promise", "checked"}
    if in_percent and "ctx" in problem:
        bounds = {name: value * 100 for name, value in problem["ctx"].items() if isinstance(value, int | float)}
        problem = problem | {"ctx": bounds}
    return rule_words.complaint(problem)


def _page(session: Session, site: Site, rule: StatedRule, filled: Filled) -> str:
    """Render the page; looks at twelve months of comments, as the preview of a rule does."""
    able = rule.advice is not Advice.REVIEW
    rules = rulebook.stated(rulebook.current(session, site.id))
    found: Estimate | None = None
    points: Sequence[Estimate] = ()
    if able:
        past = history(session, site, [each.applied() for each in rules])
        before = cases(past, rules, rule.key)
        points = curve(before, rule)
        found = estimate(before, rule, filled.limits.beyond) if filled.limits else None
    last = switch.newest(session, rule.id or 0)
    return render_template(
        "automation.html",
        site=site,
        rule=rule,
        able=able,
        filled=filled,
        found=found,
        enough=found is not None and filled.limits is not None and found.proven >= filled.limits.promise,
        points=points,
        option=_option(points, rule, filled.limits),
        last=last,
        on=last is not None and last.switched_off_at is None,
        measured=watch.measure(session, last) if last else None,
        today=acting.today(session, last) if last else 0,
        can_be_undone=decisions.can_be_undone,
        recent=acting.recent(session, rule.id or 0),
        may_save=current_user.manages(site),
        seen=rulebook.version(session, site.id),
    )


def _option(points: Sequence[Estimate], rule: StatedRule, limits: Limits | None) -> dict[str, Any] | None:
    """The share in which people agreed by the bound, and what the cases prove at least, as a chart."""
    drawn = [point for point in points if point.bound is not None and point.tries >= FEWEST]
    if len(drawn) < 2:
        return None
    upwards = getattr(rule.when, "at_least", None) is not None
    line: dict[str, Any] = {"type": "line", "showSymbol": True, "symbolSize": 5}
    series = [
        line | {"name": gettext("people agreed"), "data": [[point.bound, point.precision] for point in drawn]},
        line | {"name": gettext("proven at least"), "data": [[point.bound, round(point.proven, 4)] for point in drawn]},
    ]
    if limits:
        promise = {"yAxis": limits.promise, "name": gettext("promise")}
        label = {"formatter": "{b}", "color": "inherit", "textBorderWidth": 0}
        series[1]["markLine"] = {"symbol": "none", "data": [promise], "label": label}
    return {
        "legend": {"top": 0},
        "tooltip": {"trigger": "axis"},
        "grid": {"left": 48, "right": 96, "top": 40, "bottom": 32},
        "xAxis": {"type": "value", "min": "dataMin", "max": "dataMax", "inverse": not upwards},
        "yAxis": {"type": "value", "max": 1, "scale": True},
        "series": series,
    }
