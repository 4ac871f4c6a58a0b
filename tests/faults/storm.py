"""The storm: comments come, moderators decide, and seeded chance breaks one thing after another; then all must heal."""

import random
import time
from dataclasses import dataclass

from sqlalchemy.exc import SQLAlchemyError

from moderation import auth, sites
from moderation.db import Database
from moderation.models import Role
from tests.faults import ledgers
from tests.faults.houses import House
from tests.faults.moderators import PASSWORD, Moderator, decide_the_rest
from tests.faults.paper import MOODS, Desk, Receiver

RECOVERY = 60.0
"""Seconds after the last fault within which everything must be done, on a machine with nothing else to do."""


@dataclass(frozen=True, slots=True)
class Outcome:
    """What a storm came to: counts for the reader, and all that the ledgers do not agree on."""

    promised: int
    decided: int
    repeats: int
    faults: int
    healed_after: float
    wrong: list[str]


def plan(house: House, seed: int, seconds: float) -> list[tuple[float, str]]:
    """What breaks when, by the seed alone: each kind of fault once before any comes again, while there is time."""
    chance = random.Random(seed)
    house_faults = sorted(house.faults(random.Random(seed)))
    moods = [f"the receiver is {mood}" for mood in MOODS]
    bag: list[str] = []
    at, planned = 1.0, []
    while at < seconds:
        if not bag:
            bag = [*house_faults, *moods]
            chance.shuffle(bag)
        planned.append((at, bag.pop()))
        at += chance.uniform(0.2, 1.4)
    return planned


def rage(
    house: House, *, seed: int, seconds: float, comments: int, patience: float = RECOVERY, show: bool = False
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
        planned = plan(house, seed, seconds)
        _break(house, receiver, planned, seed, show=show)
        receiver.be("well")
        began = time.monotonic()
        desk.join(patience)
        for moderator in moderators:
            moderator.stop.set()
        for thread in working:
            thread.join()
        healed = _heal(database, desk, moderators, patience)
        with database.session(read_only=True) as session:
            wrong = [*healed, *ledgers.disagreements(session, desk, receiver, moderators)]
        wrong += ledgers.told_in_logs(house.home, desk)
        return Outcome(
            promised=len(desk.promised),
            decided=sum(len(moderator.decided) for moderator in moderators),
            repeats=sum(desk.tries.values()) - len(desk.tries),
            faults=len(planned),
            healed_after=time.monotonic() - began,
            wrong=wrong,
        )
    finally:
        desk.stop()
        for moderator in moderators:
            moderator.stop.set()
            moderator.close()
        receiver.close()
        house.close()
        database.dispose()


def _break(house: House, receiver: Receiver, planned: list[tuple[float, str]], seed: int, *, show: bool) -> None:
    faults = house.faults(random.Random(seed))
    began = time.monotonic()
    for at, name in planned:
        time.sleep(max(0.0, began + at - time.monotonic()))
        if show:
            print(f"  {time.monotonic() - began:6.1f} s  {name}", flush=True)
        if name in faults:
            faults[name]()
        else:
            receiver.be(name.removeprefix("the receiver is "))


def _heal(database: Database, desk: Desk, moderators: list[Moderator], patience: float) -> list[str]:
    """One more comment comes and all are decided; say what is still not done when the time is over."""
    desk.say("afterwards")
    if not decide_the_rest(moderators[0], patience=patience):
        return [f"for {patience:.0f} s the desk took no decision, though there was something to decide"]
    deadline = time.monotonic() + patience
    left: dict[str, int] = {"everything": 1}
    while left:
        try:
            with database.session(read_only=True) as session:
                left = ledgers.unfinished(session)
        except SQLAlchemyError as error:
            left = {type(error).__name__: 1}
        if left and time.monotonic() > deadline:
            return [f"after {patience:.0f} s there are still {number} {name}" for name, number in left.items()]
        if left:
            time.sleep(0.1)
    return []
