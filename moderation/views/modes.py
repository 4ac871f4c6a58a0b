"""The page of the modes: other bounds by night, at weekends and in floods, one form for each mode."""

from typing import Any

from flask import Blueprint, redirect, render_template, request, url_for
from flask.typing import ResponseReturnValue
from flask_login import current_user
from pydantic import ValidationError
from sqlalchemy import select
from sqlalchemy.orm import Session
from werkzeug.datastructures import MultiDict

from moderation import auth, rulebook, wording
from moderation.db import now
from moderation.errors import BadInput
from moderation.models import Site
from moderation.reading import reading
from moderation.rulebook import Mode, StatedRule, modes
from moderation.rulebook.modes import State
from moderation.rulebook.stated import make_key
from moderation.rules import Advice
from moderation.rules.conditions import DAYS, Scored
from moderation.views import me, rule_words, services
from moderation.wording import gettext

blueprint = Blueprint("modes", __name__)

OFF = "off"


@blueprint.app_context_processor
def _shown_on_the_desk() -> dict[str, object]:
    return {"modes_on": _on}


def _on() -> list[tuple[str, State]]:
    """The modes that are on now, each with the language of its site."""
    with reading() as session:
        states = [
            (site.language, modes.on(session, site, modes.stated(rulebook.current(session, site.id)), now()))
            for site in session.scalars(select(Site).order_by(Site.name))
        ]
    return [(language, state) for language, state in states if state is not None]


@blueprint.get("/rules/<slug>/modes")
def every(slug: str) -> ResponseReturnValue:
    """Show the modes of a site, and which one is on and why."""
    with reading() as session:
        return _page(session, auth.site_by_slug(session, slug))


@blueprint.post("/rules/<slug>/modes")
def save(slug: str) -> ResponseReturnValue:
    """Write one mode, new or known by its key, or take it away."""
    key = request.form.get("key", "")
    with services().database.session() as session:
        site = auth.site_to_manage(session, slug)
        current = rulebook.current(session, site.id)
        rules, present = rulebook.stated(current), modes.stated(current)
        if request.form.get("do") == "remove":
            kept = [mode for mode in present if mode.key != key]
        else:
            try:
                made = Mode.model_validate(_read(rules, site, key or _key(present)))
            except ValidationError as error:
                session.rollback()
                problem: dict[str, Any] = dict(error.errors(include_url=False)[0])
                return _page(session, site, wrong=(key, _complaint(problem))), 422
            kept = [made if mode.key == key else mode for mode in present]
            kept += [] if key and made in kept else [made]
        try:
            rulebook.save(session, site, rules, modes=kept, moderator=me(session), seen=_seen())
        except BadInput as error:
            if error.code != "modes":
                raise
            session.rollback()
            return _page(session, site, wrong=(key, wording.problem(error))), 422
        session.commit()
    return redirect(url_for("modes.every", slug=slug), 303)


def _key(present: list[Mode]) -> str:
    return make_key(request.form.get("title", ""), [mode.key for mode in present])


def _seen() -> int:
    given = request.form.get("seen", "")
    if not given.isascii() or not given.isdigit() or len(given) > 9:
        raise BadInput("`seen` must be the version you looked at.", field="seen")
    return int(given)


def _read(rules: list[StatedRule], site: Site, key: str) -> dict[str, Any]:
    form = request.form
    said: dict[str, Any] = {"key": key, "title": {site.language[:2]: form.get("title", "")}, "rules": {}}
    if form.get("when") == "surge":
        said["surge"] = {name: form[name] for name in ("comments", "minutes") if form.get(name)}
    else:
        hours: dict[str, Any] = {name: form[name].strip() for name in ("start", "end") if form.get(name)}
        said["hours"] = hours | {"days": [day for day in form.getlist("days") if day in DAYS]}
    for rule in rules:
        bound = form.get(f"bound-{rule.key}", "").strip().replace(",", ".")
        advice = form.get(f"advice-{rule.key}", "")
        change: dict[str, Any] = {"off": True} if advice == OFF else {"advice": advice} if advice else {}
        if bound and isinstance(rule.when, Scored):
            change["at_least" if rule.when.at_least is not None else "at_most"] = bound
        if change:
            said["rules"][rule.key] = change
    return said


def _complaint(problem: dict[str, Any]) -> str:
    labels = {
        "title": gettext("Name"),
        "start": gettext("From (time)"),
        "end": gettext("Until (time)"),
        "comments": gettext("From so many comments"),
        "minutes": gettext("within so many minutes"),
        "rules": gettext("What this mode changes"),
    }
    steps = [str(step) for step in problem["loc"]]
    named = steps[1] if steps[:1] == ["rules"] and len(steps) > 1 else None
    place = named or next((labels[step] for step in reversed(steps) if step in labels), None)
    return f"{place}: {rule_words.complaint(problem)}" if place else rule_words.complaint(problem)


def _filled(mode: Mode, site: Site) -> MultiDict[str, str]:
    """Return what the form of a mode holds, by the names of its fields, as it would be sent."""
    filled: MultiDict[str, str] = MultiDict()
    filled["title"] = wording.pick(mode.title, site.language)
    filled["when"] = "surge" if mode.surge else "hours"
    if mode.surge:
        filled["comments"], filled["minutes"] = str(mode.surge.comments), str(mode.surge.minutes)
    if mode.hours:
        filled["start"], filled["end"] = mode.hours.start or "", mode.hours.end or ""
        filled.setlist("days", sorted(mode.hours.days))
    for key, change in mode.rules.items():
        bound = change.at_least if change.at_least is not None else change.at_most
        filled[f"bound-{key}"] = "" if bound is None else rule_words.number(bound)
        filled[f"advice-{key}"] = OFF if change.off else change.advice or ""
    return filled


def _page(session: Session, site: Site, *, wrong: tuple[str, str] | None = None) -> str:
    current = rulebook.current(session, site.id)
    present, rules = modes.stated(current), rulebook.stated(current)
    longest = services().settings.max_comment_characters
    filled = {mode.key: _filled(mode, site) for mode in present} | {"": MultiDict({"when": "hours"})}
    if wrong:
        filled[wrong[0]] = request.form
    return render_template(
        "modes.html",
        site=site,
        rules=rules,
        modes=present,
        notes={mode.key: modes.notes(rules, mode, longest=longest) for mode in present},
        state=modes.on(session, site, present, now()),
        wrong=wrong,
        filled=filled,
        days=DAYS,
        advices=list(Advice),
        off=OFF,
        may_save=current_user.manages(site),
        seen=current.version if current else 0,
    )
