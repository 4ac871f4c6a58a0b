"""What every way into the desk has in common: half a sign-in that waits for its code, and a whole one."""

from time import time

from flask import redirect, request, session, url_for
from flask.typing import ResponseReturnValue
from flask_babel import gettext
from flask_login import login_user
from sqlalchemy.orm import Session

from moderation import auth
from moderation.access import codes, passkeys, passwords, sign_ins
from moderation.access.digests import digest
from moderation.errors import ModerationError, NotSignedIn
from moderation.models import Moderator
from moderation.views import services
from moderation.views.addresses import local

HALF_SECONDS = 300
"""How long the code may take after the password."""

NOTABLE = 3
"""Wrong passwords since the last sign-in of which its owner is told."""


def sentence(error: ModerationError) -> str:
    """Say to a moderator why they did not get in."""
    known = {
        "late": gettext("That took too long. Please begin again."),
        "no_challenge": gettext("That took too long. Please begin again."),
        "other_way": gettext(
            "Here a password alone opens nothing. "
            "Sign in with your passkey or at your provider; if you cannot, ask an admin."
        ),
        "wrong_passkey": gettext("The passkey was not accepted."),
        "openid_refused": gettext("The sign-in at your provider did not work. Please try again."),
        "openid_away": gettext("Your provider cannot be reached right now."),
        "openid_stranger": gettext("Your provider knows you, but you are not a moderator here. Ask an admin."),
        "openid_name_taken": gettext(
            "There is a moderator of your name already. If it is you, sign in and join the two accounts."
        ),
    }
    return str(known.get(error.code, error.message))


def enter(database: Session, moderator: Moderator, wanted: str | None) -> ResponseReturnValue:
    """Sign a moderator in on this device, and go where they wanted to be. Nothing from before is carried over."""
    kept = {name: session[name] for name in ("language", "draft") if session.get(name)}
    session.clear()
    session.permanent = True
    session.update(kept)
    wrong = passwords.forget_wrong(moderator)
    token = sign_ins.start(database, moderator, request.user_agent.string)
    database.flush()
    started = sign_ins.find(database, token)
    if started is None:
        raise NotSignedIn("You may not sign in any more.")
    login_user(auth.signed_in(database, started, token))
    database.commit()
    if wrong >= NOTABLE:
        session["wrong_passwords"] = wrong
        return redirect(url_for("access.show"), 303)
    return redirect(local(wanted) or url_for("desk.queue"), 303)


def half(database: Session, moderator: Moderator, wanted: str | None) -> ResponseReturnValue:
    """The password was right: ask for the code where there is one to ask for, else enter.

    NotSignedIn where the house wants a second factor and the moderator has another one than a code.
    """
    if not codes.is_set_up(database, moderator):
        if services().settings.second_factor == "required" and comes_otherwise(database, moderator):
            raise NotSignedIn("Sign in by your passkey or your provider.", code="other_way")
        return enter(database, moderator, wanted)
    given = digest(moderator.password_hash)
    session["half"] = {"moderator": moderator.id, "given": given, "until": time() + HALF_SECONDS, "next": wanted}
    database.commit()
    return redirect(url_for("account.code"), 303)


def is_half_in(moderator: Moderator) -> bool:
    """Whether the password that was given for the first half is the moderator's still."""
    return bool(session["half"].get("given") == digest(moderator.password_hash))


def comes_otherwise(database: Session, moderator: Moderator) -> bool:
    """Whether a moderator has another way in than a password: a passkey, or an account at the provider."""
    joined = moderator.openid and services().settings.openid_issuer
    return bool(joined or passkeys.of_moderator(database, moderator))


def let_join() -> None:
    """Let this browser join the moderator's access with an account at the provider, for some minutes."""
    session["join_until"] = time() + HALF_SECONDS


def may_join() -> bool:
    """Whether the password was given a moment ago: an account that is joined opens the desk for good."""
    return bool(session.get("join_until", 0) >= time())


def waiting() -> tuple[int, str | None]:
    """Return the id of who owes the code after the password, and where they wanted to be; NotSignedIn when late."""
    begun = session.get("half") or {}
    if begun.get("until", 0) < time():
        raise NotSignedIn("That took too long. Please begin again with your password.", code="late")
    return begun["moderator"], begun.get("next")
