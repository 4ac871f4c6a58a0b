"""Sign-ins that last: one row for each device, so that any of them can be ended from any other."""

import secrets
from collections.abc import Sequence
from datetime import timedelta

from sqlalchemy import select, update
from sqlalchemy.orm import Session

from moderation.access.digests import digest
from moderation.db import now
from moderation.errors import NotFound
from moderation.models import Moderator, SignIn

LONGEST = timedelta(hours=12)
"""A shift and a half: then one signs in anew, whatever happened meanwhile."""

EXACT_TO = timedelta(minutes=5)
"""When somebody was seen last is written down this often, not with each request."""


def start(session: Session, moderator: Moderator, device: str) -> str:
    """Sign a moderator in on a device and return the token that the device keeps; here only its hash is kept."""
    token = secrets.token_urlsafe(32)
    session.add(SignIn(moderator_id=moderator.id, token_hash=digest(token), device=device[:200]))
    return token


def find(session: Session, token: str) -> SignIn | None:
    """Return the sign-in of a token, or None where it ended, is too old, or its moderator was shut out."""
    found = session.scalars(select(SignIn).where(SignIn.token_hash == digest(token))).one_or_none()
    if found is None or found.ended_at or found.started_at < now() - LONGEST or found.moderator.disabled_at:
        return None
    return found


def is_stale(sign_in: SignIn) -> bool:
    """Whether it should be written down again that somebody was here."""
    return sign_in.seen_at < now() - EXACT_TO


def see(session: Session, sign_in_id: int) -> None:
    """Write down that somebody was here now."""
    session.execute(update(SignIn).where(SignIn.id == sign_in_id).values(seen_at=now()))


def lasting(session: Session, moderator: Moderator) -> Sequence[SignIn]:
    """Return where a moderator is signed in, the latest first."""
    return session.scalars(
        select(SignIn)
        .where(SignIn.moderator_id == moderator.id, SignIn.ended_at.is_(None), SignIn.started_at > now() - LONGEST)
        .order_by(SignIn.seen_at.desc(), SignIn.id.desc())
    ).all()


def end(session: Session, moderator: Moderator, sign_in_id: int) -> None:
    """End one of a moderator's own sign-ins; NotFound where it is not theirs."""
    found = session.get(SignIn, sign_in_id)
    if found is None or found.moderator_id != moderator.id:
        raise NotFound("There is no such sign-in.")
    found.ended_at = found.ended_at or now()


def end_all(session: Session, moderator: Moderator, *, but: int | None = None) -> None:
    """End every sign-in of a moderator, but one."""
    session.execute(
        update(SignIn)
        .where(SignIn.moderator_id == moderator.id, SignIn.ended_at.is_(None), SignIn.id != (but or 0))
        .values(ended_at=now())
    )
