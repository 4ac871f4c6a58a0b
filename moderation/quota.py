"""How often somebody may ask within a minute, counted in the database so that all processes count together."""

from datetime import timedelta

from sqlalchemy import delete
from sqlalchemy.orm import Session

from moderation.db import insert_into, now
from moderation.errors import TooMany
from moderation.models import Quota

KEPT = timedelta(hours=1)


def take(session: Session, key: str, *, per_minute: int, number: int = 1) -> int:
    """Count ``number`` more requests under ``key`` and return how many are left in this minute; commit at once.

    TooMany, with the seconds to wait, where there are none left: what was refused is counted, too.
    """
    moment = now()
    minute = moment.replace(second=0, microsecond=0)
    first = insert_into(session, Quota).values(key=key, minute_at=minute, used=number)
    counted = first.on_conflict_do_update(
        index_elements=["key", "minute_at"], set_={"used": Quota.used + number}
    ).returning(Quota.used)
    used = session.execute(counted).scalar_one()
    if used > per_minute:
        wait = 60 - moment.second
        raise TooMany(f"More than {per_minute} requests within a minute; try again in {wait} seconds.", wait=wait)
    return per_minute - used


def forget(session: Session) -> None:
    """Drop the counts of minutes long past."""
    session.execute(delete(Quota).where(Quota.minute_at < now() - KEPT))
