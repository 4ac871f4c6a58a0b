"""Takes back every way of getting in but the password: for somebody who lost a device, or is no longer trusted."""

from sqlalchemy.orm import Session

from moderation import audit
from moderation.access import codes, passkeys, passwords, sign_ins
from moderation.models import Moderator


def reset(session: Session, moderator: Moderator, *, by: Moderator | None) -> None:
    """Leave a moderator nothing but the password, and sign them out everywhere; None is whoever may run commands."""
    codes.forget(session, moderator)
    passkeys.forget(session, moderator)
    passwords.forget_wrong(moderator)
    sign_ins.end_all(session, moderator)
    audit.note(session, "access_reset", moderator=by, subject=f"moderator {moderator.id}")
