"""The moderators' own door: signing in by password and code, passkey or provider, and out; the pages' language."""

import hashlib

from flask import Blueprint, redirect, render_template, request, session, url_for
from flask.typing import ResponseReturnValue
from flask_babel import gettext, lazy_gettext
from flask_login import current_user, logout_user
from flask_wtf import FlaskForm
from wtforms import HiddenField, PasswordField, StringField
from wtforms.validators import DataRequired, Length

from moderation import auth, quota
from moderation.access import openid, passwords, sign_ins
from moderation.access.codes import Codes
from moderation.errors import ModerationError, NotSignedIn
from moderation.models import Moderator
from moderation.views import me, ration, services
from moderation.views.addresses import local, with_arguments
from moderation.views.challenges import challenge, passkeys, possible, take_challenge
from moderation.views.entering import enter, half, is_half_in, may_join, sentence, waiting
from moderation.views.language import LANGUAGES

blueprint = Blueprint("account", __name__)


class SignInForm(FlaskForm):  # type: ignore[misc]
    """Name and password, and where the moderator wanted to go."""

    name = StringField(lazy_gettext("Name"), validators=[DataRequired(), Length(max=80)])
    password = PasswordField(lazy_gettext("Password"), validators=[DataRequired(), Length(max=1000)])
    next = HiddenField()


class CodeForm(FlaskForm):  # type: ignore[misc]
    """A code of the authenticator app, or one from paper."""

    code = StringField(lazy_gettext("Code"), validators=[DataRequired(), Length(max=20)])


@blueprint.route("/sign-in", methods=["GET", "POST"])
def sign_in() -> ResponseReturnValue:
    """Ask for name and password; a wrong name, a wrong password and a locked account are told alike."""
    form = SignInForm(next=request.args.get("next", ""))
    problem = None
    if form.validate_on_submit():
        _slow_down(form.name.data)
        with services().database.session() as database:
            moderator = passwords.check(database, form.name.data, form.password.data)
            if moderator is None:
                database.commit()
                return _ask(form, gettext("Name and password do not fit. Please try again."))
            try:
                return half(database, moderator, form.next.data)
            except NotSignedIn as error:
                problem = sentence(error)
    return _ask(form, problem)


@blueprint.route("/sign-in/code", methods=["GET", "POST"])
def code() -> ResponseReturnValue:
    """Ask whoever gave the right password for the code of their app."""
    form = CodeForm()
    problem = None
    try:
        moderator_id, wanted = waiting()
    except NotSignedIn as late:
        return _ask(SignInForm(formdata=None), sentence(late))
    if form.validate_on_submit():
        ration(f"code of moderator {moderator_id}", per_minute=services().settings.sign_ins_per_minute)
        with services().database.session() as database:
            moderator = database.get_one(Moderator, moderator_id)
            if is_half_in(moderator) and not passwords.is_locked(moderator):
                if Codes(services().settings.require_secret_key()).check(database, moderator, form.code.data):
                    return enter(database, moderator, wanted)
                passwords.count_wrong(database, moderator)
                database.commit()
        problem = gettext("The code does not fit, or was used already. The next one comes within half a minute.")
    return render_template("sign_in_code.html", form=form, problem=problem), 401 if problem else 200


@blueprint.post("/sign-in/passkey/challenge")
def passkey_challenge() -> ResponseReturnValue:
    """Say what a passkey has to answer."""
    _slow_down(None)
    return challenge(*passkeys().ask_to_sign_in())


@blueprint.post("/sign-in/passkey")
def passkey() -> ResponseReturnValue:
    """Sign in by a passkey's answer: it is password and second factor in one."""
    with services().database.session() as database:
        try:
            moderator = passkeys().sign_in(database, request.form.get("credential", ""), *take_challenge())
        except ModerationError as error:
            return _ask(SignInForm(formdata=None, next=request.form.get("next", "")), sentence(error))
        return enter(database, moderator, request.form.get("next"))


@blueprint.get("/sign-in/openid")
def openid_begin() -> ResponseReturnValue:
    """Send the browser to the provider."""
    _slow_down(None)
    address, session["openid"] = provider().ask()
    session["openid"]["next"] = request.args.get("next", "")
    return redirect(address, 303)


@blueprint.get("/sign-in/openid/back")
def openid_back() -> ResponseReturnValue:
    """Take the browser back from the provider.

    Our cookies stay here when another site sends somebody (SameSite=Strict), so this page, which needs none, goes on to
    the next by itself: then it is we who send.
    """
    answer = {name: request.args.get(name) for name in ("state", "code", "error", "error_description")}
    return render_template("openid_back.html", on=with_arguments(url_for("account.openid_finish"), **answer))


@blueprint.get("/sign-in/openid/finish")
def openid_finish() -> ResponseReturnValue:
    """Sign in whom the provider named, or join their account with the one that is signed in."""
    _slow_down(None)  # a copied cookie brings the same answer again and again, and each time the provider is asked
    begun = session.pop("openid", None) or {}
    settings = services().settings
    try:
        claims = provider().identify(request.args, begun)
        with services().database.session() as database:
            if current_user.is_authenticated:
                if not may_join():
                    raise NotSignedIn("Give your password first, under My access.", code="late")
                openid.join(database, me(database), claims)
                database.commit()
                session.pop("join_until")
                return redirect(url_for("access.show"), 303)
            return enter(database, openid.welcome(database, claims, settings), begun.get("next"))
    except ModerationError as error:
        if current_user.is_authenticated:
            raise
        return _ask(SignInForm(formdata=None), sentence(error))


def provider() -> openid.Provider:
    """Return the provider that the settings name."""
    return openid.Provider(services().settings, services().settings.public_url.rstrip("/") + "/sign-in/openid/back")


def _ask(form: SignInForm, problem: str | None) -> ResponseReturnValue:
    ways = {"issuer": services().settings.openid_issuer, "takes_passkeys": possible()}
    return render_template("sign_in.html", form=form, problem=problem, **ways), 401 if problem else 200


def _slow_down(name: str | None) -> None:
    """Let nobody guess: TooMany where one name, or one address, tries too often within a minute.

    A name that does not exist is counted like one that does, so that it tells nothing.
    """
    limit = services().settings.sign_ins_per_minute
    ration(f"sign-in from {quota.who(request.remote_addr)}", per_minute=4 * limit)
    if name is not None:
        digest = hashlib.sha256(name.encode("utf-8", "replace")).hexdigest()
        ration(f"sign-in as {digest}", per_minute=limit)


@blueprint.post("/sign-out")
def sign_out() -> ResponseReturnValue:
    """End the sign-in, here and in the table."""
    with services().database.session() as database:
        sign_ins.end(database, me(database), current_user.sign_in_id)
        database.commit()
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
                me(database).language = chosen
                database.commit()
    return redirect(local(request.form.get("next")) or url_for("desk.queue"), 303)


def bring_back() -> ResponseReturnValue | None:
    """Lead a form that is older than the sign-in back to its card, with what was typed in it; None without a card.

    Such a form lay open in a window while the moderator signed in anew in another.
    """
    back = local(request.form.get("back"))
    if back is None or not current_user.is_authenticated:
        return None
    auth.keep_draft()
    session["was_old"] = True
    return redirect(back, 303)
