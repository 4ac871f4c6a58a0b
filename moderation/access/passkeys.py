"""Passkeys (WebAuthn, level 2): a key in the moderator's device that is password and second factor in one."""

import json
from collections.abc import Sequence
from datetime import datetime, timedelta

from sqlalchemy import delete, select, update
from sqlalchemy.orm import Session
from webauthn import (
    generate_authentication_options,
    generate_registration_options,
    options_to_json,
    verify_authentication_response,
    verify_registration_response,
)
from webauthn.helpers import base64url_to_bytes
from webauthn.helpers.exceptions import WebAuthnException
from webauthn.helpers.structs import (
    AuthenticatorSelectionCriteria,
    PublicKeyCredentialDescriptor,
    ResidentKeyRequirement,
    UserVerificationRequirement,
)

from moderation import audit
from moderation.db import now
from moderation.errors import BadInput, NotFound
from moderation.models import Moderator, Passkey


class Passkeys:
    """Registers and checks passkeys for one address, such as ``https://desk.example``."""

    def __init__(self, origin: str, host: str) -> None:
        self._origin = origin
        self._host = host

    def ask_to_register(self, session: Session, moderator: Moderator) -> tuple[str, bytes]:
        """Return what the browser is asked (JSON), and the challenge that its answer must hold."""
        options = generate_registration_options(
            rp_id=self._host,
            rp_name="Hausordnung",
            user_id=str(moderator.id).encode(),
            user_name=moderator.name,
            exclude_credentials=[
                PublicKeyCredentialDescriptor(id=key.credential_id) for key in of_moderator(session, moderator)
            ],
            authenticator_selection=AuthenticatorSelectionCriteria(
                resident_key=ResidentKeyRequirement.REQUIRED, user_verification=UserVerificationRequirement.REQUIRED
            ),
        )
        return options_to_json(options), options.challenge

    def register(self, session: Session, moderator: Moderator, answer: str, challenge: bytes, name: str) -> Passkey:
        """Keep a new passkey; BadInput where the browser's answer does not hold."""
        try:
            verified = verify_registration_response(
                credential=answer,
                expected_challenge=challenge,
                expected_rp_id=self._host,
                expected_origin=self._origin,
                require_user_verification=True,
            )
        except (WebAuthnException, ValueError, RecursionError) as error:
            raise _unfit(error) from None
        made = Passkey(
            moderator_id=moderator.id,
            credential_id=verified.credential_id,
            public_key=verified.credential_public_key,
            sign_count=verified.sign_count,
            name=name.strip()[:80] or "Passkey",
        )
        session.add(made)
        audit.note(session, "passkey_added", moderator=moderator, subject=f"moderator {moderator.id}")
        return made

    def ask_to_sign_in(self) -> tuple[str, bytes]:
        """Return what the browser is asked (JSON), and the challenge. The device knows whose keys it holds."""
        options = generate_authentication_options(
            rp_id=self._host, user_verification=UserVerificationRequirement.REQUIRED
        )
        return options_to_json(options), options.challenge

    def sign_in(self, session: Session, answer: str, challenge: bytes, asked_at: datetime) -> Moderator:
        """Return whose passkey answered; BadInput where the answer does not hold, or was given before.

        A passkey that was used since ``asked_at`` answered this challenge already, or a later one: the browser, which
        keeps the challenge, can be made to forget that it did, and many passkeys count nothing.
        """
        try:
            kept = _find(session, base64url_to_bytes(json.loads(answer)["id"]))
            verified = verify_authentication_response(
                credential=answer,
                expected_challenge=challenge,
                expected_rp_id=self._host,
                expected_origin=self._origin,
                credential_public_key=kept.public_key,
                credential_current_sign_count=kept.sign_count,
                require_user_verification=True,
            )
        except (WebAuthnException, ValueError, KeyError, TypeError, RecursionError) as error:
            raise _unfit(error) from None
        used = session.execute(
            update(Passkey)
            .where(Passkey.id == kept.id, Passkey.used_at.is_(None) | (Passkey.used_at <= asked_at))
            .values(sign_count=verified.new_sign_count, used_at=max(now(), asked_at + timedelta(microseconds=1)))
        )
        if not used.rowcount:  # type: ignore[attr-defined]
            raise _unfit(ValueError("it was used since it was asked"))
        return kept.moderator


def of_moderator(session: Session, moderator: Moderator) -> Sequence[Passkey]:
    """Return a moderator's passkeys, in the order in which they came."""
    return session.scalars(select(Passkey).where(Passkey.moderator_id == moderator.id).order_by(Passkey.id)).all()


def remove(session: Session, moderator: Moderator, passkey_id: int) -> None:
    """Take a passkey away; NotFound where it is not the moderator's."""
    found = session.get(Passkey, passkey_id)
    if found is None or found.moderator_id != moderator.id:
        raise NotFound("There is no such passkey.")
    session.delete(found)
    audit.note(session, "passkey_removed", moderator=moderator, subject=f"moderator {moderator.id}")


def forget(session: Session, moderator: Moderator) -> None:
    """Take all of a moderator's passkeys away; whoever asks for it says so in the audit log."""
    session.execute(delete(Passkey).where(Passkey.moderator_id == moderator.id))


def _find(session: Session, credential_id: bytes) -> Passkey:
    found = session.scalars(select(Passkey).where(Passkey.credential_id == credential_id)).one_or_none()
    if found is None or found.moderator.disabled_at:
        raise ValueError("it is not known here")
    return found


def _unfit(error: Exception) -> BadInput:
    return BadInput(f"The passkey was not accepted: {error}", code="wrong_passkey", field="credential")
