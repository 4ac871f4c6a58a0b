"""Told to stop, a carrier is gone within ten seconds, and leaves nothing behind that it holds; killed, no process."""

import os
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from datetime import timedelta
from pathlib import Path

import pytest
from sqlalchemy import select

from moderation import decisions
from moderation.config import Settings
from moderation.db import Database, now
from moderation.decisions import Seen
from moderation.models import Delivery, Moderator, Outcome, Site
from tests.conftest import Receiver
from tests.stories import add_comment
from tests.waiting import until

Start = Callable[..., subprocess.Popen[bytes]]


@pytest.fixture
def start(settings: Settings) -> Iterator[Start]:
    """Starts a carrier, with what it says in a file."""
    env = os.environ | {
        "MODERATION_HOME": str(settings.home),
        "MODERATION_DATABASE_URL": settings.database_url,
        "MODERATION_SECRET_KEY": settings.require_secret_key(),
    }
    worker = ["celery", "--app", "worker", "--quiet", "worker", "--queues", "deliver", "--pool", "threads"]
    started: list[subprocess.Popen[bytes]] = []

    def start_(*options: str) -> subprocess.Popen[bytes]:
        command = [sys.executable, "-m", *worker, "--concurrency", "2", *options]
        with (settings.home / "carrier.log").open("wb") as log:
            started.append(subprocess.Popen(command, env=env, stderr=log))
        return started[-1]

    yield start_
    for process in started:
        process.kill()
        process.wait()


def _children(pid: int) -> list[str]:
    return [child for file in Path(f"/proc/{pid}/task").glob("*/children") for child in file.read_text().split()]


def test_a_carrier_that_waits_for_a_slow_site_stops_and_holds_no_lease(
    database: Database,
    pushed: Site,
    moderator: Moderator,
    receiver: Receiver,
    start: Start,
) -> None:
    def dawdle() -> tuple[int, dict[str, str]]:
        time.sleep(13)  # longer than the carrier has
        return 204, {}

    receiver.answer = dawdle
    with database.session() as session:
        for _ in range(3):
            comment = add_comment(session, pushed)
            decisions.decide(session, comment.id, Outcome.APPROVE, moderator=moderator, seen=Seen(1))
        session.commit()
    carrier = start()  # that nobody rings for: no clock, no sweep. It looks for what is due as soon as it is up
    receiver.wait_for(1, within=180)
    began = time.monotonic()
    carrier.terminate()
    carrier.wait(10)
    assert time.monotonic() - began < 10
    with database.session(read_only=True) as session:
        soon = now() + timedelta(seconds=6)
        assert all(due is not None and due <= soon for due in session.scalars(select(Delivery.due_at)))


@pytest.mark.skipif(sys.platform != "linux", reason="only there a process can be tied to its parent")
@pytest.mark.usefixtures("database")
def test_a_carrier_that_is_killed_takes_its_clock_along(start: Start, settings: Settings) -> None:
    carrier = start("--beat", "--schedule", str(settings.home / "beat"))
    until(lambda: b"beat: Starting" in (settings.home / "carrier.log").read_bytes(), within=180)
    clocks = [Path("/proc", child) for child in _children(carrier.pid)]
    assert clocks
    carrier.kill()
    carrier.wait()
    until(lambda: not any(clock.exists() for clock in clocks))
