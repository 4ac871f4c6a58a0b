"""The one door to the audit log: who did what to what, appended in the same transaction as the deed.

The entries form a chain: each is sealed with a hash over what it says and the seal before it. The sweep does that,
in the order in which entries became visible, so that deeds need not wait for each other.
"""

import hashlib
import json
from collections.abc import Sequence
from contextlib import closing
from dataclasses import dataclass
from typing import Any

from sqlalchemy import func, select
from sqlalchemy.orm import Session, joinedload

from moderation.models import AuditEntry, Moderator


def note(session: Session, deed: str, *, moderator: Moderator | None, subject: str = "", **detail: Any) -> AuditEntry:
    """Append an entry. ``detail`` holds ids and settings, never a reader's words, name or address."""
    entry = AuditEntry(deed=deed, moderator_id=moderator and moderator.id, subject=subject, detail=detail)
    session.add(entry)
    return entry


def page(session: Session, *, before: int, limit: int) -> Sequence[AuditEntry]:
    """Return entries, newest first, older than the entry ``before``."""
    older = select(AuditEntry).where(AuditEntry.id < before).options(joinedload(AuditEntry.moderator))
    return session.scalars(older.order_by(AuditEntry.id.desc()).limit(limit)).all()


AT_ONCE = 5000
"""Entries that one sweep seals; the next goes on."""


@dataclass(frozen=True, slots=True)
class Chain:
    """What is known of the chain: how many are sealed, how many wait for it, its end, and where it is broken."""

    sealed: int
    waiting: int
    head: str = ""
    problem: str = ""


def seal(session: Session) -> int:
    """Give entries that have none their place in the chain; return how many. Two at once do no harm: one fails."""
    last = session.scalars(
        select(AuditEntry)
        .where(AuditEntry.seal_number.is_not(None))
        .order_by(AuditEntry.seal_number.desc())
        .limit(1)
        .with_for_update()
    ).one_or_none()
    number, before = (last.seal_number or 0, last.seal or "") if last else (0, "")
    fresh = session.scalars(
        select(AuditEntry).where(AuditEntry.seal_number.is_(None)).order_by(AuditEntry.id).limit(AT_ONCE)
    ).all()
    for entry in fresh:
        number += 1
        before = _seal(entry, number, before)
        entry.seal_number, entry.seal = number, before
    session.flush()
    return len(fresh)


def _seal(entry: AuditEntry, number: int, before: str) -> str:
    said = [number, before, entry.id, entry.at.isoformat(), entry.moderator_id, entry.deed, entry.subject, entry.detail]
    return hashlib.sha256(json.dumps(said, sort_keys=True, ensure_ascii=False).encode()).hexdigest()


def verify(session: Session, *, known: str | None = None) -> Chain:
    """Go through the whole chain and say where it is broken, if anywhere.

    ``known`` is a seal that was kept elsewhere, as ``number:seal``: without one, nobody can tell whether entries at the
    end were taken away, or whether somebody who may write to the database sealed everything anew.
    """
    number, before = 0, ""
    waiting = session.scalar(select(func.count()).select_from(AuditEntry).where(AuditEntry.seal_number.is_(None))) or 0
    sealed = select(AuditEntry).where(AuditEntry.seal_number.is_not(None)).order_by(AuditEntry.seal_number)
    is_met = known is None
    with closing(session.scalars(sealed.execution_options(yield_per=1000))) as entries:
        for number, entry in enumerate(entries, start=1):
            if entry.seal_number != number:
                return Chain(number - 1, waiting, problem=f"Entry number {number} of the chain was taken out.")
            if entry.seal != _seal(entry, number, before):
                said = f"Entry {entry.id} (number {number}) is not as it was written."
                return Chain(number - 1, waiting, problem=said)
            before = entry.seal
            is_met = is_met or known == f"{number}:{before}"
    if not is_met:
        return Chain(number, waiting, problem=f"The chain of {number} entries does not hold the seal {known}.")
    return Chain(number, waiting, head=f"{number}:{before}" if number else "")
