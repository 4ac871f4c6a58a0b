"""The storm: comments come, moderators decide, and seeded chance breaks one thing after another; then all must heal."""

import random
import threading
import time
from collections.abc import Iterator
from dataclasses import dataclass
from functools import partial
from pathlib import Path

import httpx
from sqlalchemy import select
from sqlalchemy.exc import SQLAlchemyError

from moderation import auth, sites
from moderation.db import Database
from moderation.models import Comment, Role, Status
from tests.faults import ledgers
from tests.faults.houses import House
from tests.faults.moderators import PASSWORD, Moderator
from tests.faults.paper import MOODS, Desk, Receiver

RECOVERY = 60.0
"""Seconds after the last fault within which everything must be done, on a machine with nothing else to do."""

LULLS = 0.12
"""The share of faults before which the house may get up again, to be hit while it works."""

LONGEST_LULL = 20.0
"""Seconds for which that is waited for."""

AFTERWARDS = 20.0
"""Seconds for which moderators go on with what is left, once the house has healed."""


@dataclass(frozen=True, slots=True)
class Outcome:
    """What a storm came to: counts for the reader, and all that the ledgers do not agree on.

    ``healing`` says of each kind of work for how many seconds after the storm there was some.
    """

    promised: int
    decided: int
    repeats: int
    faults: int
    healing: dict[str, float]
    wrong: list[str]

    @property
    def healed_after(self) -> float:
        """Seconds after the storm until nothing was left to do."""
        return max(self.healing.values(), default=0.0)


@dataclass(frozen=True, slots=True)
class Step:
    """What breaks next, and how many seconds after what broke before, or after the house has got up again."""

    name: str
    after: float
    lull: bool


def plan(house: House, seed: int) -> Iterator[Step]:
    """What breaks, in which order, by the seed alone: each kind of fault once before any comes again."""
    chance = random.Random(seed)
    kinds = [*sorted(house.faults(random.Random(seed))), *(f"the receiver is {mood}" for mood in MOODS)]
    while True:
        for name in chance.sample(kinds, len(kinds)):
            lull = chance.random() < LULLS
            yield Step(name, chance.uniform(2, 5) if lull else chance.uniform(0.2, 1.4), lull)


def rage(
    house: House,
    *,
    seed: int,
    seconds: float,
    comments: int,
    patience: float = RECOVERY,
    show: bool = False,
    keep_logs: Path | None = None,
) -> Outcome:
    """Open the house, break it for so many seconds, wait until it has healed, and compare the ledgers."""
    print(f"\n{house.name}: seed {seed}")
    receiver = Receiver()
    database = house.database()
    moderators: list[Moderator] = []
    desk = Desk(house.web_urls, "", random.Random(seed))
    try:
        house.open()
        with database.session() as session:
            site = sites.add_site(session, slug="zeitung", name="Zeitung", callback_url=receiver.url)
            site.callback_private, site.undo_seconds = True, 2
            for name in ("mona", "malik"):
                sites.add_moderator(session, name=name, password=PASSWORD, role=Role.MODERATOR)
            desk.secret = receiver.secret = auth.signing_secrets(site)[0]
            session.commit()
        receiver.open()
        for name in ("mona", "malik"):
            moderator = Moderator(name, house.web_urls, database, random.Random(f"{seed} {name}"))
            moderators.append(moderator)
            moderator.sign_in()
        working = [moderator.start() for moderator in moderators]
        desk.send_all(comments, threads=4, per_second=comments / seconds)
        broken = _break(house, receiver, seed, seconds, show=show)
        calm = time.monotonic()
        _stop(moderators, working)
        healing, wrong = _heal(database, desk, moderators[0], calm, patience)
        _go_on(database, desk, moderators, patience)
        with database.session(read_only=True) as session:
            wrong += ledgers.disagreements(session, desk, receiver, moderators)
        wrong += ledgers.told_in_logs(house.home, desk)
        return Outcome(
            promised=len(desk.promised),
            decided=sum(len(moderator.decided) for moderator in moderators),
            repeats=sum(desk.tries.values()) - len(desk.tries),
            faults=broken,
            healing=healing,
            wrong=wrong,
        )
    finally:
        desk.stop()
        for moderator in moderators:
            moderator.stop.set()
            moderator.close()
        receiver.close()
        house.close(keep_logs)
        database.dispose()


def _break(house: House, receiver: Receiver, seed: int, seconds: float, *, show: bool) -> int:
    """Break what is planned for so many seconds; return how often there was something to break."""
    faults = house.faults(random.Random(seed))
    began, broken = time.monotonic(), 0
    for step in plan(house, seed):
        if step.lull:
            house.await_peace(at_most=min(LONGEST_LULL, began + seconds - time.monotonic()))
        time.sleep(step.after)
        if (at := time.monotonic() - began) > seconds:
            break
        fault = faults.get(step.name) or partial(receiver.be, step.name.removeprefix("the receiver is "))
        felt = fault()
        broken += felt
        if show:
            print(f"  {at:6.1f} s  {step.name}{'' if felt else ': already'}", flush=True)
    receiver.be("well")
    house.calm_down()
    return broken


def _heal(
    database: Database, desk: Desk, moderator: Moderator, calm: float, patience: float
) -> tuple[dict[str, float], list[str]]:
    """Have one more comment come and be decided; wait until there is nothing to do.

    Return for how long since the calm there was something of each kind, and what is left when the time is over.
    """
    desk.say("afterwards")
    lasted: dict[str, float] = {}
    while True:
        left = _unfinished(database, desk, moderator)
        after = time.monotonic() - calm
        lasted |= dict.fromkeys(left, after)
        if not left:
            return lasted, []
        if after > patience:
            return lasted, [f"after {patience:.0f} s there are still {number} {name}" for name, number in left.items()]
        time.sleep(0.1)


def _unfinished(database: Database, desk: Desk, moderator: Moderator) -> dict[str, int]:
    """What is still to be done; the last comment is decided as soon as it is there and the desk takes it."""
    unsent = desk.unsent()
    left = {"senders": unsent} if unsent else {}
    try:
        if not moderator.decide_on("afterwards"):
            left["decision at the desk"] = 1
        with database.session(read_only=True) as session:
            return left | ledgers.unfinished(session)
    except (httpx.HTTPError, SQLAlchemyError) as error:
        return left | {type(error).__name__: 1}


def _go_on(database: Database, desk: Desk, moderators: list[Moderator], patience: float) -> None:
    """Have the moderators decide for a while what still waits, and all of that arrive."""
    working = [moderator.start() for moderator in moderators]
    deadline = time.monotonic() + AFTERWARDS
    while time.monotonic() < deadline and _waits(database):
        time.sleep(0.1)
    _stop(moderators, working)
    deadline = time.monotonic() + patience
    while _unfinished(database, desk, moderators[0]) and time.monotonic() < deadline:
        time.sleep(0.1)


def _waits(database: Database) -> bool:
    with database.session(read_only=True) as session:
        return session.scalar(select(Comment.id).where(Comment.status == Status.PENDING).limit(1)) is not None


def _stop(moderators: list[Moderator], working: list[threading.Thread]) -> None:
    for moderator in moderators:
        moderator.stop.set()
    for thread in working:
        thread.join()
