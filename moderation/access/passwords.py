"""Passwords: kept as argon2id, never compared in a time that tells something, locked after many wrong ones."""

import secrets
import sys
from datetime import timedelta
from functools import cache

from argon2 import PasswordHasher
from argon2.exceptions import InvalidHashError, VerificationError
from sqlalchemy import select, update
from sqlalchemy.orm import Session

from moderation import audit, quota
from moderation.access.digests import digest
from moderation.db import now
from moderation.errors import BadInput
from moderation.models import Moderator

SHORTEST = 10
NONE = "-"
"""The hash of no password: whoever has it comes in by another way."""
MOST_WRONG = 20
"""Wrong passwords and codes in a row after which none opens this account for `LOCKED_FOR`."""
LOCKED_FOR = timedelta(minutes=15)

hasher = PasswordHasher()
_NO_PASSWORD = secrets.token_urlsafe()


@cache
def _nobody(by: PasswordHasher) -> str:
    """Return a hash that costs as much to compare with as any other: that of a password that nobody has."""
    return by.hash(_NO_PASSWORD)


def hashed(password: str) -> str:
    """Return the argon2id hash; BadInput where the password is too short."""
    if len(password) < SHORTEST:
        raise BadInput(f"A password needs at least {SHORTEST} characters.", code="too_short", field="password")
    return hasher.hash(password)


def check(session: Session, name: str, password: str) -> Moderator | None:
    """Return the moderator; None, in the same time, where name and password do not fit or the account is locked.

    Wrong ones are counted, so the session is to be committed in either case.
    """
    moderator = session.scalars(
        select(Moderator).where(Moderator.name == name, Moderator.disabled_at.is_(None))
    ).one_or_none()
    has_one = moderator is not None and moderator.password_hash != NONE
    fits = _fits(moderator.password_hash if moderator and has_one else _nobody(hasher), password)
    if moderator is None or is_locked(moderator):
        _write_as_much(session, name)
        return None
    if not fits:
        count_wrong(session, moderator)
        return None
    if hasher.check_needs_rehash(moderator.password_hash):
        moderator.password_hash = hasher.hash(password)
    return moderator


def is_locked(moderator: Moderator) -> bool:
    """Whether neither password nor code opens an account for a while, because there were too many wrong ones."""
    return moderator.locked_until is not None and moderator.locked_until > now()


def confirm(moderator: Moderator, password: str) -> None:
    """BadInput unless this is the moderator's password: before something that a borrowed desk must not do."""
    if not _fits(moderator.password_hash, password):
        raise BadInput("This is not your password.", code="wrong_password", field="password")


def forget_wrong(moderator: Moderator) -> int:
    """Return how many passwords were wrong since the last sign-in, and begin to count anew."""
    wrong, moderator.wrong_passwords, moderator.locked_until = moderator.wrong_passwords, 0, None
    return wrong


def _fits(kept: str, password: str) -> bool:
    try:
        return hasher.verify(kept, password)
    except (VerificationError, InvalidHashError):
        return False


def _write_as_much(session: Session, name: str) -> None:
    """Ask and write what a wrong password of somebody would: to wait for the disk takes a time that tells something."""
    quota.take(session, f"no sign-in as {digest(name)}", per_minute=sys.maxsize)
    session.scalar(select(Moderator.wrong_passwords).where(Moderator.name == name))


def count_wrong(session: Session, moderator: Moderator) -> bool:
    """Count a wrong password, or a wrong code after a right one; after many the account is locked for a while.

    Return whether it was this one that locked it.
    """
    session.execute(
        update(Moderator)
        .where(Moderator.id == moderator.id)
        .values(wrong_passwords=Moderator.wrong_passwords + 1)
        .execution_options(synchronize_session=False)
    )
    session.refresh(moderator, ["wrong_passwords"])
    if moderator.wrong_passwords % MOST_WRONG:
        return False
    moderator.locked_until = now() + LOCKED_FOR
    audit.note(session, "sign_in_locked", moderator=None, subject=f"moderator {moderator.id}")
    return True
