"""The one door to the audit log: who did what to what, appended in the same transaction as the deed."""

from collections.abc import Sequence
from typing import Any

from sqlalchemy import select
from sqlalchemy.orm import Session, joinedload

from moderation.models import AuditEntry, Moderator


def note(session: Session, deed: str, *, moderator: Moderator | None, subject: str = "", **detail: Any) -> AuditEntry:
    """Append an entry. ``detail`` holds ids and settings, never a reader's words, name or address."""
    entry = AuditEntry(deed=deed, moderator_id=moderator and moderator.id, subject=subject, detail=detail)
    session.add(entry)
    return entry


def page(session: Session, *, before: int | None = None, limit: int = 100) -> Sequence[AuditEntry]:
    """Return entries, newest first, older than the entry ``before``."""
    found = select(AuditEntry).options(joinedload(AuditEntry.moderator)).order_by(AuditEntry.id.desc())
    if before is not None:
        found = found.where(AuditEntry.id < before)
    return session.scalars(found.limit(limit)).all()
