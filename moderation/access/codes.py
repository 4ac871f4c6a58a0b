"""The second factor: codes of an authenticator app (TOTP, RFC 6238), and codes on paper for when the app is lost."""

import base64
import hashlib
import secrets

import pyotp
from cryptography.fernet import Fernet, InvalidToken
from sqlalchemy import delete, func, select, update
from sqlalchemy.orm import Session

from moderation import audit
from moderation.access.digests import digest
from moderation.db import now
from moderation.errors import BadInput
from moderation.models import Authenticator, Moderator, RecoveryCode

ISSUER = "Hausordnung"
RECOVERY_CODES = 10
_LETTERS = "abcdefghjkmnpqrstuvwxyz23456789"  # none that looks like another
_STEP = 30


class Codes:
    """Makes and checks codes. ``secret_key`` encrypts what the database holds of authenticators."""

    def __init__(self, secret_key: str) -> None:
        key = hashlib.sha256(b"authenticators:" + secret_key.encode()).digest()
        self._seal = Fernet(base64.urlsafe_b64encode(key))

    @staticmethod
    def propose() -> str:
        """Return a new secret for an authenticator, not yet kept: 32 base32 characters."""
        return pyotp.random_base32()

    @staticmethod
    def address(moderator: Moderator, secret: str) -> str:
        """Return the ``otpauth`` address that an app reads from a QR code."""
        return pyotp.TOTP(secret).provisioning_uri(name=moderator.name, issuer_name=ISSUER)

    def confirm(self, session: Session, moderator: Moderator, secret: str, code: str) -> list[str]:
        """Keep the authenticator whose first code this is; return the recovery codes, which are shown only now.

        BadInput where the code does not fit.
        """
        step = _step(secret, code)
        if step is None:
            raise BadInput("The code does not fit. Is the clock of your phone right?", code="wrong_code", field="code")
        forget(session, moderator)
        kept = self._seal.encrypt(secret.encode()).decode()
        session.add(Authenticator(moderator_id=moderator.id, secret=kept, last_step=step))
        audit.note(session, "authenticator_added", moderator=moderator, subject=f"moderator {moderator.id}")
        return new_recovery_codes(session, moderator)

    def check(self, session: Session, moderator: Moderator, code: str) -> bool:
        """Whether this code opens the door now. It does so once."""
        code = code.strip().replace(" ", "").replace("-", "").casefold()
        return self._is_of_app(session, moderator, code) or _is_on_paper(session, moderator, code)

    def _is_of_app(self, session: Session, moderator: Moderator, code: str) -> bool:
        kept = session.get(Authenticator, moderator.id)
        if kept is None:
            return False
        try:
            step = _step(self._seal.decrypt(kept.secret).decode(), code)
        except InvalidToken:
            return False  # the secret key was changed: the paper still opens
        if step is None:
            return False
        used = session.execute(
            update(Authenticator)
            .where(Authenticator.moderator_id == moderator.id, Authenticator.last_step < step)
            .values(last_step=step)
        )
        return bool(used.rowcount)  # type: ignore[attr-defined]


def is_set_up(session: Session, moderator: Moderator) -> bool:
    """Whether a moderator has an authenticator."""
    return session.get(Authenticator, moderator.id) is not None


def recovery_codes_left(session: Session, moderator: Moderator) -> int:
    """Return how many of the codes on paper were not used yet."""
    counted = select(func.count()).select_from(RecoveryCode).where(RecoveryCode.moderator_id == moderator.id)
    return session.scalars(counted).one()


def new_recovery_codes(session: Session, moderator: Moderator) -> list[str]:
    """Return new codes for paper; those from before open nothing any more."""
    _wait_for_others(session, moderator)
    session.execute(delete(RecoveryCode).where(RecoveryCode.moderator_id == moderator.id))
    codes = ["".join(secrets.choice(_LETTERS) for _ in range(10)) for _ in range(RECOVERY_CODES)]
    session.add_all(RecoveryCode(moderator_id=moderator.id, code_hash=digest(code)) for code in codes)
    audit.note(session, "recovery_codes_made", moderator=moderator, subject=f"moderator {moderator.id}")
    return [f"{code[:5]}-{code[5:]}" for code in codes]


def forget(session: Session, moderator: Moderator) -> None:
    """Take the authenticator and its recovery codes away."""
    _wait_for_others(session, moderator)
    for table in (Authenticator, RecoveryCode):
        session.execute(delete(table).where(table.moderator_id == moderator.id))


def _wait_for_others(session: Session, moderator: Moderator) -> None:
    """Let who does the same at this moment be done: what they add would else stand beside what is added here."""
    session.execute(select(Moderator.id).where(Moderator.id == moderator.id).with_for_update(key_share=True))


def _step(secret: str, code: str) -> int | None:
    """Return the thirty seconds that a code belongs to: now, or one before or after, as clocks differ."""
    timer = pyotp.TOTP(secret)
    current = int(now().timestamp()) // _STEP
    for step in (current, current - 1, current + 1):
        if secrets.compare_digest(timer.generate_otp(step).encode(), code.encode("utf-8", "replace")):
            return step
    return None


def _is_on_paper(session: Session, moderator: Moderator, code: str) -> bool:
    used = session.execute(
        delete(RecoveryCode).where(RecoveryCode.moderator_id == moderator.id, RecoveryCode.code_hash == digest(code))
    )
    if used.rowcount:  # type: ignore[attr-defined]
        audit.note(session, "recovery_code_used", moderator=moderator, subject=f"moderator {moderator.id}")
    return bool(used.rowcount)  # type: ignore[attr-defined]
