"""The moderator's own desk: care for who reads bad texts, how the desk speaks, and keys of one's own."""

from dataclasses import dataclass
from typing import Any

from flask import Blueprint, redirect, render_template, request, url_for
from flask.typing import ResponseReturnValue
from flask_babel import Domain, LazyString, lazy_gettext
from flask_login import current_user

from moderation.auth import speaks_to_programs
from moderation.errors import BadInput
from moderation.folders import TRANSLATIONS
from moderation.views import keyboard, me, services

blueprint = Blueprint("own", __name__)


@dataclass(frozen=True, slots=True)
class Wish:
    """One way in which a moderator may want the desk: the first of the choices is how it is for everybody."""

    name: str
    label: LazyString
    choices: tuple[tuple[str, LazyString], ...]


WISHES = (
    Wish(
        "worst",
        lazy_gettext("The worst texts"),
        (("open", lazy_gettext("are shown")), ("covered", lazy_gettext("are covered until I open them"))),
    ),
    Wish("colours", lazy_gettext("Colours"), (("all", lazy_gettext("all")), ("grey", lazy_gettext("grey only")))),
    Wish(
        "theme",
        lazy_gettext("Brightness"),
        (
            ("system", lazy_gettext("as the system says")),
            ("light", lazy_gettext("always light")),
            ("dark", lazy_gettext("always dark")),
        ),
    ),
    Wish(
        "address",
        lazy_gettext("German speaks to me with"),
        (("informal", lazy_gettext("“du”")), ("formal", lazy_gettext("“Sie”"))),
    ),
    Wish(
        "pause",
        lazy_gettext("Remind me of a break"),
        (
            ("50", lazy_gettext("after 50 minutes")),
            ("25", lazy_gettext("after 25 minutes")),
            ("90", lazy_gettext("after 90 minutes")),
            ("never", lazy_gettext("never")),
        ),
    ),
)


FORMAL = Domain([str(TRANSLATIONS)] * 2, "messages;formal")
"""The messages, and over them those that are said otherwise to whoever is not on first-name terms."""


@blueprint.before_app_request
def _speak() -> None:
    if request.endpoint != "static" and not speaks_to_programs() and wish("address") == "formal":
        FORMAL.as_default()


@blueprint.app_context_processor
def _wishes() -> dict[str, object]:
    return {"wish": wish, "key_hint": keyboard.hint, "keyboard": keyboard}


def wish(name: str) -> str:
    """Return how the moderator of this request wants the desk in one way; as it is for everybody without one."""
    choices = next(one.choices for one in WISHES if one.name == name)
    chosen = getattr(current_user, "preferences", {}).get(name)
    return chosen if chosen in dict(choices) else choices[0][0]


@blueprint.get("/own")
def show() -> ResponseReturnValue:
    """Show how the moderator has the desk."""
    return _render(current_user.keys, {})


def _render(keys: dict[str, str], problems: dict[str, str]) -> ResponseReturnValue:
    html = render_template("own.html", wishes=WISHES, actions=keyboard.ACTIONS, own_keys=keys, problems=problems)
    return html, 422 if problems else 200


def _change(**changes: Any) -> None:
    with services().database.session() as session:
        moderator = me(session)
        for name, value in changes.items():
            setattr(moderator, name, value)
        session.commit()


@blueprint.post("/own")
def save() -> ResponseReturnValue:
    """Keep how the moderator wants the desk."""
    chosen = {one.name: request.form.get(one.name, one.choices[0][0]) for one in WISHES}
    for one in WISHES:
        if chosen[one.name] not in dict(one.choices):
            raise BadInput(f"`{one.name}` must be one of {', '.join(dict(one.choices))}.", field=one.name)
    _change(preferences=current_user.preferences | chosen)
    return redirect(url_for("own.show", saved="desk"), 303)


@blueprint.post("/own/keys")
def save_keys() -> ResponseReturnValue:
    """Keep the moderator's own keys, or say which are taken already; or go back to those the desk comes with."""
    keys, problems = ({}, {}) if request.form.get("back") else keyboard.check(request.form)
    if problems:
        return _render(keys, problems)
    _change(keys=keys)
    return redirect(url_for("own.show", saved="keys"), 303)
