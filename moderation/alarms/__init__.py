"""Alarms: what people should know of at once, raised once, open until it is over, never a storm."""

from collections.abc import Sequence
from typing import Any

from sqlalchemy import select, update
from sqlalchemy.orm import Session, joinedload

from moderation import audit
from moderation.db import insert_once, now
from moderation.errors import NotFound
from moderation.models import Alarm, Moderator

__all__ = ["end", "notice", "open_ones", "sound"]

UNTIL_NOTICED = frozenset({"automation_off"})
"""Kinds that do not end by themselves: somebody must have noticed."""


def sound(session: Session, site_id: int, kind: str, subject: str = "", **detail: Any) -> Alarm | None:
    """Raise an alarm; None where the same one is open already. ``detail`` holds no reader's words."""
    return insert_once(
        session, Alarm, site_id=site_id, kind=kind, subject=subject, detail=detail, raised_at=now(), over_at=None
    )


def end(session: Session, site_id: int, kind: str, subject: str = "") -> bool:
    """Say that what the alarm told of is over; return whether it was open."""
    done = session.execute(
        update(Alarm)
        .where(Alarm.site_id == site_id, Alarm.kind == kind, Alarm.subject == subject, Alarm.over_at.is_(None))
        .values(over_at=now())
        .execution_options(synchronize_session=False)
    )
    return bool(done.rowcount)  # type: ignore[attr-defined]


def notice(session: Session, alarm_id: int, *, moderator: Moderator) -> None:
    """Say that somebody noticed an alarm that does not end by itself; NotFound where there is none such."""
    alarm = session.get(Alarm, alarm_id)
    if alarm is None or alarm.kind not in UNTIL_NOTICED:
        raise NotFound(f"There is no alarm {alarm_id} that waits to be noticed.")
    if end(session, alarm.site_id, alarm.kind, alarm.subject):
        audit.note(session, "alarm_noticed", moderator=moderator, subject=f"alarm {alarm_id}")


def open_ones(session: Session, *, limit: int = 20) -> Sequence[Alarm]:
    """Return the alarms that are open, newest first."""
    found = select(Alarm).where(Alarm.over_at.is_(None)).options(joinedload(Alarm.site))
    return session.scalars(found.order_by(Alarm.id.desc()).limit(limit)).all()
