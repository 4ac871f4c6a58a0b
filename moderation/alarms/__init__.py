"""Alarms: what people should know of at once, raised once, open until it is over, never a storm."""

from collections.abc import Sequence
from datetime import timedelta
from typing import Any

from sqlalchemy import select, update
from sqlalchemy.orm import Session, joinedload

from moderation import audit, channels
from moderation.db import insert_once, now
from moderation.errors import NotFound
from moderation.models import Alarm, Moderator

__all__ = ["end", "notice", "open_ones", "sound"]

UNTIL_NOTICED = frozenset({"automation_off"})
"""Kinds that do not end by themselves: somebody must have noticed."""

REST = timedelta(minutes=30)
"""Time for which an alarm that ended by itself is not raised again."""


def sound(
    session: Session, site_id: int, kind: str, subject: str = "", *, comment_id: int | None = None, **detail: Any
) -> Alarm | None:
    """Raise an alarm and have it told; None where the same one is open already, or was until a moment ago.

    ``detail`` holds no reader's words; ``comment_id`` names the comment that channels which may quote do quote.
    """
    known = (Alarm.site_id == site_id, Alarm.kind == kind, Alarm.subject == subject)
    lately = select(Alarm.id).where(*known, Alarm.over_at > now() - REST).limit(1)
    if kind not in UNTIL_NOTICED and session.scalar(lately) is not None:
        return None
    alarm = insert_once(
        session, Alarm, site_id=site_id, kind=kind, subject=subject, detail=detail, raised_at=now(), over_at=None
    )
    if alarm is not None:
        channels.tell(session, alarm, comment_id=comment_id)
    return alarm


def end(session: Session, site_id: int, kind: str, subject: str = "") -> bool:
    """Say that what the alarm told of is over, and have that told; return whether it was open."""
    done = session.scalars(
        update(Alarm)
        .where(Alarm.site_id == site_id, Alarm.kind == kind, Alarm.subject == subject, Alarm.over_at.is_(None))
        .values(over_at=now())
        .returning(Alarm)
        .execution_options(synchronize_session=False)
    ).one_or_none()
    if done is not None and kind not in UNTIL_NOTICED:
        channels.tell(session, done, over=True)
    return done is not None


def notice(session: Session, alarm_id: int, *, moderator: Moderator) -> None:
    """Say that somebody noticed an alarm that does not end by itself; NotFound where there is none such."""
    alarm = session.get(Alarm, alarm_id)
    if alarm is None or alarm.kind not in UNTIL_NOTICED:
        raise NotFound(f"There is no alarm {alarm_id} that waits to be noticed.")
    if end(session, alarm.site_id, alarm.kind, alarm.subject):
        audit.note(session, "alarm_noticed", moderator=moderator, subject=f"alarm {alarm_id}")


def open_ones(session: Session, *, site_id: int | None = None, limit: int = 20) -> Sequence[Alarm]:
    """Return the alarms that are open, of one site or of all, newest first."""
    found = select(Alarm).where(Alarm.over_at.is_(None)).options(joinedload(Alarm.site))
    if site_id is not None:
        found = found.where(Alarm.site_id == site_id)
    return session.scalars(found.order_by(Alarm.id.desc()).limit(limit)).all()
