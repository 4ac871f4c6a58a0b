"""The moderators' own door: signing in and out, and the language of the pages."""

import hashlib

from flask import Blueprint, redirect, render_template, request, session, url_for
from flask.typing import ResponseReturnValue
from flask_babel import gettext, lazy_gettext
from flask_login import current_user, login_user, logout_user
from flask_wtf import FlaskForm
from wtforms import HiddenField, PasswordField, StringField
from wtforms.validators import DataRequired, Length

from moderation import auth
from moderation.models import Moderator
from moderation.views import ration, services
from moderation.views.addresses import local
from moderation.views.language import LANGUAGES

blueprint = Blueprint("account", __name__)


class SignInForm(FlaskForm):  # type: ignore[misc]
    """Name and password, and where the moderator wanted to go."""

    name = StringField(lazy_gettext("Name"), validators=[DataRequired(), Length(max=80)])
    password = PasswordField(lazy_gettext("Password"), validators=[DataRequired(), Length(max=1000)])
    next = HiddenField()


@blueprint.route("/sign-in", methods=["GET", "POST"])
def sign_in() -> ResponseReturnValue:
    """Ask for name and password; a wrong name and a wrong password are told alike."""
    form = SignInForm(next=request.args.get("next", ""))
    problem = None
    if form.validate_on_submit():
        _slow_down(form.name.data)
        with services().database.session() as database:
            moderator = auth.sign_in(database, form.name.data, form.password.data)
            if moderator is not None:
                language, draft = session.get("language"), session.get("draft")
                session.clear()  # nothing of the time before the sign-in is carried over
                session.permanent = True
                session["language"] = language
                session["draft"] = draft
                login_user(auth.SignedIn(moderator))
                database.commit()
                return redirect(local(form.next.data) or url_for("desk.queue"), 303)
        problem = gettext("Name and password do not fit. Please try again.")
    return render_template("sign_in.html", form=form, problem=problem), 401 if problem else 200


def _slow_down(name: str) -> None:
    """Let nobody guess passwords: TooMany where one name, or one address, tries too often within a minute.

    A name that does not exist is counted like one that does, so that it tells nothing.
    """
    limit = services().settings.sign_ins_per_minute
    digest = hashlib.sha256(name.encode("utf-8", "replace")).hexdigest()
    ration(f"sign-in from {request.remote_addr}", per_minute=4 * limit)
    ration(f"sign-in as {digest}", per_minute=limit)


@blueprint.post("/sign-out")
def sign_out() -> ResponseReturnValue:
    """End the session."""
    logout_user()
    session.clear()
    return redirect(url_for("account.sign_in"), 303)


@blueprint.post("/language")
def language() -> ResponseReturnValue:
    """Show the pages in another language, from now on."""
    chosen = request.form.get("language")
    if chosen in LANGUAGES:
        session["language"] = chosen
        if current_user.is_authenticated:
            with services().database.session() as database:
                database.get_one(Moderator, current_user.id).language = chosen
                database.commit()
    return redirect(local(request.form.get("next")) or url_for("desk.queue"), 303)
