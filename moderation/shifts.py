"""A letter at the beginning of a shift: what waits, since when, what is hot, what does not arrive; with a link to look.

The link shows and never decides. Mail scanners follow links, so following it opens nothing: comments are shown once, to
whoever presses its button before it expires.
"""

import re
from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import datetime, time, timedelta
from typing import Any
from zoneinfo import ZoneInfo

from sqlalchemy import delete, func, select, update
from sqlalchemy.orm import Session, joinedload

from moderation import alarms, letters
from moderation.alarms import looking
from moderation.confinement import as_seen_by
from moderation.db import claim as claim_due
from moderation.db import now
from moderation.errors import BadInput, NotFound
from moderation.models import (
    Alarm,
    Appeal,
    Comment,
    Delivery,
    Moderator,
    Shift,
    ShiftLink,
    Site,
    Status,
)
from moderation.rules.conditions import DAYS

GOOD_FOR = timedelta(hours=12)
"""How long a link shows what waits."""

SHOWN = 12
"""Comments that a link shows."""


@dataclass(frozen=True, slots=True)
class Overview:
    """What waits at one site; ``oldest`` is how many minutes the oldest comment has been waiting."""

    site: Site
    waiting: int
    oldest: int
    failing: int
    hot: Sequence[Alarm]

    def as_json(self) -> dict[str, Any]:
        """Return it as a letter needs it."""
        hot = [{"kind": alarm.kind, "detail": alarm.detail} for alarm in self.hot]
        figures = {"waiting": self.waiting, "oldest": self.oldest, "failing": self.failing}
        return {"site": self.site.name, "hot": hot, **figures}


def overview(session: Session, moderator: Moderator) -> list[Overview]:
    """Return what waits at each site that a moderator may see."""
    with as_seen_by(session, moderator):
        return _overview(session)


def _overview(session: Session) -> list[Overview]:
    found = []
    for site in session.scalars(select(Site).order_by(Site.name)):
        waits = looking.waiting(session, site.id)
        failed = select(func.count()).select_from(Delivery)
        failing = session.scalar(failed.where(Delivery.site_id == site.id, Delivery.failed_at.is_not(None)))
        hot = [alarm for alarm in alarms.open_ones(session, site_id=site.id) if alarm.kind == "hot"]
        found.append(Overview(site, waits.number, waits.minutes, failing or 0, hot))
    return found


def keep(session: Session, moderator: Moderator, *, email: str, begins: str, days: Collection[str], zone: str) -> Shift:
    """Have the moderator written at the beginning of each shift; BadInput names what is wrong."""
    if not letters.is_mailbox(email.strip()):
        raise BadInput("Please enter an e-mail address.", field="email")
    if not re.fullmatch(r"([01]\d|2[0-3]):[0-5]\d", begins.strip()):
        raise BadInput("Write times like 06:00.", field="begins")
    shift = of(session, moderator.id)
    if shift is None:
        shift = Shift(moderator_id=moderator.id)
        session.add(shift)
    shift.email, shift.begins, shift.days = email.strip(), begins.strip(), [day for day in DAYS if day in days]
    shift.due_at, shift.attempts = next_beginning(shift, zone), 0
    return shift


def forget(session: Session, moderator: Moderator) -> None:
    """Write to the moderator no more."""
    session.execute(delete(Shift).where(Shift.moderator_id == moderator.id))


def of(session: Session, moderator_id: int) -> Shift | None:
    """Return when a moderator is written to, None for never."""
    return session.scalars(select(Shift).where(Shift.moderator_id == moderator_id)).one_or_none()


def next_beginning(shift: Shift, zone: str) -> datetime:
    """Return when the shift begins next, by the clock of a time zone; an hour that is left out begins after it."""
    moment = now()
    here = moment.astimezone(ZoneInfo(zone))
    hour, minute = map(int, shift.begins.split(":"))
    days = [here.date() + timedelta(days=ahead) for ahead in range(9)]
    begins = [datetime.combine(day, time(hour, minute), ZoneInfo(zone)) for day in days]
    return next(
        at
        for at in begins
        if at.timestamp() > moment.timestamp() and (not shift.days or DAYS[at.weekday()] in shift.days)
    )


def write(session: Session, *, zone: str, default_language: str, limit: int = 20) -> int:
    """Write the letters of the shifts that begin; return how many."""
    taken = claim_due(session, Shift, limit=limit, lease=timedelta(minutes=10))
    written = 0
    found = select(Shift).where(Shift.id.in_(taken)).options(joinedload(Shift.moderator)).order_by(Shift.id)
    for shift in session.scalars(found):
        if shift.moderator.disabled_at is None:
            _write(session, shift, shift.moderator.language or default_language)
            written += 1
        shift.due_at, shift.attempts = next_beginning(shift, zone), 0
    return written


def _write(session: Session, shift: Shift, language: str) -> None:
    link = ShiftLink(moderator_id=shift.moderator_id, expires_at=now() + GOOD_FOR)
    session.add(link)
    session.flush()
    sites = overview(session, shift.moderator)
    with as_seen_by(session, shift.moderator):
        objections = session.scalar(select(func.count()).select_from(Appeal).where(Appeal.closed_at.is_(None))) or 0
    letters.write(
        session,
        "shift",
        shift.email,
        language,
        name=shift.moderator.name,
        shift=link.id,
        hours=int(GOOD_FOR.total_seconds() // 3600),
        waiting=sum(one.waiting for one in sites),
        sites=[one.as_json() for one in sites],
        objections=objections,
    )


def link(session: Session, link_id: int) -> ShiftLink:
    """Return a link that is still good; NotFound where it expired or its moderator is gone."""
    found = session.get(ShiftLink, link_id)
    if found is None or found.expires_at <= now() or found.moderator.disabled_at is not None:
        raise NotFound("This link is too old.", code="link_expired")
    return found


def open_once(session: Session, link_id: int) -> list[Comment]:
    """Return the comments that wait, worst first, this one time; NotFound where the link was opened before."""
    moderator = link(session, link_id).moderator
    opened = session.execute(
        update(ShiftLink)
        .where(ShiftLink.id == link_id, ShiftLink.opened_at.is_(None))
        .values(opened_at=now())
        .execution_options(synchronize_session=False)
    )
    if not opened.rowcount:  # type: ignore[attr-defined]
        raise NotFound("This link was opened before; sign in to see more.", code="link_used")
    waits = select(Comment).where(Comment.status == Status.PENDING).order_by(Comment.concern.desc(), Comment.id)
    whole = (joinedload(Comment.article), joinedload(Comment.site), joinedload(Comment.assessment))
    with as_seen_by(session, moderator):
        return list(session.scalars(waits.options(*whole).limit(SHOWN)))


def forget_links(session: Session) -> None:
    """Drop links that expired long ago."""
    session.execute(delete(ShiftLink).where(ShiftLink.expires_at < now() - timedelta(days=7)))
