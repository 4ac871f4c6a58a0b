"""Finds decisions that came faster than anybody reads, and asks an admin before anything is learned from them."""

from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from sqlalchemy import select
from sqlalchemy.orm import Session, joinedload

from moderation import audit
from moderation.db import now
from moderation.errors import NotFound, StaleView
from moderation.learning import shelf
from moderation.models import Burst, Moderator, Site

MOST_A_MINUTE = 60
"""Decisions of one moderator within a minute, from which on nobody can have read them."""

MINUTE = timedelta(minutes=1)


@dataclass(frozen=True, slots=True)
class Deed:
    """A decision by a moderator, as far as its pace is concerned."""

    id: int
    moderator_id: int
    decided_at: datetime


def find(deeds: Iterable[Deed]) -> list[list[Deed]]:
    """Return the runs of decisions in which one moderator decided `MOST_A_MINUTE` or more within some minute."""
    by_moderator: dict[int, list[Deed]] = defaultdict(list)
    for deed in deeds:
        by_moderator[deed.moderator_id].append(deed)
    return [run for mine in by_moderator.values() for run in _runs(sorted(mine, key=lambda deed: deed.decided_at))]


def _runs(mine: Sequence[Deed]) -> list[list[Deed]]:
    runs: list[list[Deed]] = []
    first, ends_at = 0, -1
    for last, deed in enumerate(mine):
        while mine[first].decided_at <= deed.decided_at - MINUTE:
            first += 1
        if last - first + 1 < MOST_A_MINUTE:
            continue
        if first <= ends_at:
            runs[-1].extend(mine[ends_at + 1 : last + 1])
        else:
            runs.append(list(mine[first : last + 1]))
        ends_at = last
    return runs


def doubtful(session: Session, site: Site, deeds: Sequence[Deed]) -> tuple[list[Burst], set[int]]:
    """Return bursts that nobody wrote down yet, and the decisions from which nothing may be learned."""
    known = list(session.scalars(select(Burst).where(Burst.site_id == site.id)))
    loose = [deed for deed in deeds if not any(_covers(burst, deed) for burst in known)]
    new = [_burst(site, run) for run in find(loose)]
    barred = [burst for burst in (*known, *new) if not burst.counts]
    return new, {deed.id for deed in deeds if any(_covers(burst, deed) for burst in barred)}


def _burst(site: Site, run: Sequence[Deed]) -> Burst:
    ids = [deed.id for deed in run]
    return Burst(
        site_id=site.id,
        moderator_id=run[0].moderator_id,
        first_id=min(ids),
        last_id=max(ids),
        decisions=len(run),
        began_at=run[0].decided_at,
        ended_at=run[-1].decided_at,
        counts=False,
    )


def _covers(burst: Burst, deed: Deed) -> bool:
    return burst.moderator_id == deed.moderator_id and burst.first_id <= deed.id <= burst.last_id


def waiting(session: Session, site_id: int) -> Sequence[Burst]:
    """Return the bursts of a site on which no admin has ruled, oldest first."""
    asked = select(Burst).where(Burst.site_id == site_id, Burst.ruled_at.is_(None))
    return session.scalars(asked.options(joinedload(Burst.moderator)).order_by(Burst.id)).all()


def rule(session: Session, burst_id: int, *, counts: bool, moderator: Moderator | None) -> Burst:
    """Let a burst count, or leave it out for good; NotFound, or StaleView where somebody else ruled otherwise."""
    burst = session.get(Burst, burst_id)
    if burst is None:
        raise NotFound(f"There is no burst of decisions {burst_id}.")
    if burst.ruled_at is not None and burst.counts != counts:
        raise StaleView("Somebody ruled otherwise on these decisions in the meantime.", code="ruled")
    burst.counts, burst.ruled_at, burst.ruled_by_id = counts, now(), moderator.id if moderator else None
    shelf.learner(session, burst.site_id).last_id = 0  # so that it is soon learned anew
    audit.note(
        session,
        "burst_counts" if counts else "burst_left_out",
        moderator=moderator,
        subject=f"burst {burst.id}",
        decisions=burst.decisions,
    )
    return burst
