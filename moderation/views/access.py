"""A moderator's own access: password, authenticator, passkeys, and the devices on which they are signed in."""

import segno
from flask import Blueprint, g, redirect, render_template, request, session, url_for
from flask.typing import ResponseReturnValue
from flask_login import current_user
from sqlalchemy.orm import Session
from werkzeug.wrappers import Response

from moderation import audit
from moderation.access import codes, passkeys, passwords, sign_ins
from moderation.access.codes import Codes
from moderation.auth import SignedIn
from moderation.errors import BadInput
from moderation.models import Moderator
from moderation.views import entering, me, ration, services
from moderation.views.challenges import challenge, possible, take_challenge
from moderation.views.challenges import passkeys as keys
from moderation.views.desk import ID

blueprint = Blueprint("access", __name__, url_prefix="/access")


@blueprint.after_app_request
def see(response: Response) -> Response:
    """Write down now and then that a sign-in is still used."""
    known: SignedIn | None = g.get("signed_in")  # nobody, where nothing asked who it is
    if known is not None and known.is_stale:
        with services().database.session() as database:
            sign_ins.see(database, known.sign_in_id)
            database.commit()
    return response


@blueprint.get("")
def show() -> ResponseReturnValue:
    """Show how one gets in, and where one is."""
    with services().database.session(read_only=True) as database:
        moderator = me(database)
        return render_template(
            "access.html",
            moderator=moderator,
            has_password=moderator.password_hash != passwords.NONE,
            sign_ins=sign_ins.lasting(database, moderator),
            passkeys=passkeys.of_moderator(database, moderator),
            has_authenticator=codes.is_set_up(database, moderator),
            codes_left=codes.recovery_codes_left(database, moderator),
            wrong=session.pop("wrong_passwords", 0),
            takes_passkeys=possible(),
            issuer=services().settings.openid_issuer,
            may_join=entering.may_join(),
            needed=must_add_factor(database),
        )


def must_add_factor(database: Session) -> bool:
    """Whether the house wants a second factor of this moderator and has none yet."""
    if services().settings.second_factor == "optional":
        return False
    moderator = me(database)
    return not (codes.is_set_up(database, moderator) or entering.comes_otherwise(database, moderator))


@blueprint.before_app_request
def lead_to_factor() -> ResponseReturnValue | None:
    """Show nobody anything else before they have the second factor that the house wants."""
    if services().settings.second_factor == "optional" or not current_user.is_authenticated:
        return None
    if request.endpoint is None or request.endpoint in {"static", "account.sign_out", "account.language"}:
        return None
    if request.endpoint.startswith("access.") or request.endpoint.startswith("account.openid"):
        return None
    with services().database.session(read_only=True) as database:
        return redirect(url_for("access.show"), 303) if must_add_factor(database) else None


@blueprint.post("/password")
def change_password() -> ResponseReturnValue:
    """Take a new password; all other devices must sign in with it anew."""
    _prove()
    with services().database.session() as database:
        moderator = me(database)
        moderator.password_hash = passwords.hashed(request.form.get("new", ""))
        sign_ins.end_all(database, moderator, but=current_user.sign_in_id)
        audit.note(database, "password_changed", moderator=moderator, subject=f"moderator {moderator.id}")
        database.commit()
    return redirect(url_for("access.show"), 303)


@blueprint.post("/authenticator")
def new_authenticator() -> ResponseReturnValue:
    """Show a secret that an app can read."""
    _prove()
    with services().database.session(read_only=True) as database:
        return _show_authenticator(me(database), Codes.propose(), None)


@blueprint.post("/authenticator/code")
def confirm_authenticator() -> ResponseReturnValue:
    """Keep the authenticator when its first code fits, and show the codes for paper."""
    secret = session.get("authenticator")
    if not secret:  # the page lay open across a new sign-in, which carries nothing over
        return redirect(url_for("access.show"), 303)
    with services().database.session() as database:
        moderator = me(database)
        try:
            shown = _codes().confirm(database, moderator, secret, request.form.get("code", "").replace(" ", ""))
        except BadInput as error:
            return _show_authenticator(moderator, secret, error.message)
        database.commit()
        session.pop("authenticator")
        return render_template("recovery_codes.html", codes=shown)


@blueprint.post("/recovery-codes")
def new_recovery_codes() -> ResponseReturnValue:
    """Show new codes for paper in place of the old ones."""
    _prove()
    with services().database.session() as database:
        shown = codes.new_recovery_codes(database, me(database))
        database.commit()
        return render_template("recovery_codes.html", codes=shown)


@blueprint.post("/authenticator/remove")
def remove_authenticator() -> ResponseReturnValue:
    """Ask for the password alone from now on."""
    _prove()
    with services().database.session() as database:
        moderator = me(database)
        codes.forget(database, moderator)
        audit.note(database, "authenticator_removed", moderator=moderator, subject=f"moderator {moderator.id}")
        database.commit()
    return redirect(url_for("access.show"), 303)


@blueprint.post("/passkeys/challenge")
def passkey_challenge() -> ResponseReturnValue:
    """Say what a new passkey has to answer."""
    with services().database.session(read_only=True) as database:
        return challenge(*keys().ask_to_register(database, me(database)))


@blueprint.post("/passkeys")
def add_passkey() -> ResponseReturnValue:
    """Keep a new passkey."""
    form = request.form
    _prove()
    with services().database.session() as database:
        moderator = me(database)
        asked, _ = take_challenge()
        keys().register(database, moderator, form.get("credential", ""), asked, form.get("name", ""))
        database.commit()
    return redirect(url_for("access.show"), 303)


@blueprint.post(f"/passkeys/<{ID}:passkey_id>/remove")
def remove_passkey(passkey_id: int) -> ResponseReturnValue:
    """Let a passkey open nothing any more."""
    _prove()
    with services().database.session() as database:
        passkeys.remove(database, me(database), passkey_id)
        database.commit()
    return redirect(url_for("access.show"), 303)


@blueprint.post("/provider")
def prove_to_join() -> ResponseReturnValue:
    """Let whoever knows the password join with an account at the provider, within some minutes."""
    _prove()
    entering.let_join()
    return redirect(url_for("access.show"), 303)


@blueprint.post(f"/sign-ins/<{ID}:sign_in_id>/end")
def end_sign_in(sign_in_id: int) -> ResponseReturnValue:
    """Sign out another device."""
    with services().database.session() as database:
        moderator = me(database)
        sign_ins.end(database, moderator, sign_in_id)
        audit.note(database, "sign_in_ended", moderator=moderator, subject=f"moderator {moderator.id}")
        database.commit()
    return redirect(url_for("access.show"), 303)


@blueprint.post("/sign-ins/end-others")
def end_others() -> ResponseReturnValue:
    """Sign out all devices but this one."""
    with services().database.session() as database:
        moderator = me(database)
        sign_ins.end_all(database, moderator, but=current_user.sign_in_id)
        audit.note(database, "sign_ins_ended", moderator=moderator, subject=f"moderator {moderator.id}")
        database.commit()
    return redirect(url_for("access.show"), 303)


def _prove() -> None:
    """BadInput unless the moderator of this request, if they have a password, has just given it again.

    Wrong ones count as at the door: whoever guesses here has the desk of somebody else, and loses it.
    """
    with services().database.session(read_only=True) as database:
        moderator = me(database)
    if moderator.password_hash == passwords.NONE:
        return
    ration(f"password of moderator {moderator.id}", per_minute=services().settings.sign_ins_per_minute)
    try:
        passwords.confirm(moderator, request.form.get("password", ""))
    except BadInput:
        with services().database.session() as database:
            moderator = me(database)
            if passwords.count_wrong(database, moderator):
                sign_ins.end(database, moderator, current_user.sign_in_id)
            database.commit()
        raise


def _codes() -> Codes:
    return Codes(services().settings.require_secret_key())


def _show_authenticator(moderator: Moderator, secret: str, problem: str | None) -> ResponseReturnValue:
    session["authenticator"] = secret
    picture = segno.make(Codes.address(moderator, secret), error="m").svg_data_uri(scale=5, border=3)
    page = render_template("authenticator.html", secret=secret, picture=picture, problem=problem)
    return page, 422 if problem else 200
