"""How often somebody may ask within a minute, counted in the database so that all processes count together.

What readers write by way of their site is counted by each process for itself, so that a flood is refused before it
costs the database anything.
"""

import hashlib
import socket
import threading
import time
from datetime import timedelta

from sqlalchemy import delete
from sqlalchemy.orm import Session

from moderation.db import insert_into, now
from moderation.errors import TooMany
from moderation.models import Quota, Site

KEPT = timedelta(hours=1)

MINUTE = 60.0

_MAPPED = bytes(10) + b"\xff\xff"
"""How an IPv4 address begins that is written as an IPv6 one."""

MOST_READERS = 100_000
"""Readers whose comments are counted at a time."""


def who(address: str | None) -> str:
    """Return what counts as one person: an IPv4 address, of IPv6 the /64 that a household has, else what is given."""
    given = (address or "").partition("%")[0]
    try:
        packed = socket.inet_pton(socket.AF_INET6 if ":" in given else socket.AF_INET, given)
    except (OSError, ValueError):
        return (address or "").casefold()
    return packed.removeprefix(_MAPPED)[:8].hex()


class Readers:
    """Counts how many comments each reader's address sent to a site within a minute. Safe to use from any thread.

    Addresses are kept as keyed hashes, and for that minute only.
    """

    def __init__(self, per_minute: int) -> None:
        self._per_minute = per_minute
        self._counting = threading.Lock()
        self._counts: dict[bytes, int] = {}
        self._ends_at = 0.0

    def count(self, site: Site, address: str | None) -> None:
        """Count a comment; TooMany, with the seconds to wait, where there were too many of this address.

        A site that says of a comment no address is not held up, nor is any where the number allowed is 0.
        """
        if not address or not self._per_minute:
            return
        key = hashlib.blake2b(f"{site.id} {who(address)}".encode(), key=site.pepper.encode()[:64]).digest()
        with self._counting:
            moment = time.monotonic()
            if moment >= self._ends_at or len(self._counts) >= MOST_READERS:
                self._counts.clear()
                self._ends_at = moment + MINUTE
            used = self._counts[key] = self._counts.get(key, 0) + 1
            wait = int(self._ends_at - moment) + 1
        if used > self._per_minute:
            raise TooMany(
                f"One reader's address sent more than {self._per_minute} comments within a minute; send this one again "
                f"in {wait} seconds, and those of others meanwhile.",
                wait=wait,
                code="reader_too_many",
            )


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
