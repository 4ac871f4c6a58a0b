"""Told to stop, a carrier is gone within ten seconds, and leaves nothing behind that it holds."""

import os
import subprocess
import sys
import time
from collections.abc import Iterator
from datetime import timedelta

import pytest
from sqlalchemy import select

from moderation import decisions
from moderation.config import Settings
from moderation.db import Database, now
from moderation.decisions import Seen
from moderation.models import Delivery, Moderator, Outcome, Site
from tests.conftest import Receiver
from tests.stories import add_comment


@pytest.fixture
def carrier(settings: Settings) -> Iterator[subprocess.Popen[bytes]]:
    """A carrier that nobody rings for: no clock, no sweep. It looks for what is due as soon as it is up."""
    env = os.environ | {
        "MODERATION_HOME": str(settings.home),
        "MODERATION_DATABASE_URL": settings.database_url,
        "MODERATION_SECRET_KEY": settings.require_secret_key(),
    }
    worker = ["celery", "--app", "worker", "--quiet", "worker", "--queues", "deliver", "--pool", "threads"]
    started = subprocess.Popen([sys.executable, "-m", *worker, "--concurrency", "2"], env=env)
    yield started
    started.kill()
    started.wait()


def test_a_carrier_that_waits_for_a_slow_site_stops_and_holds_no_lease(
    database: Database, pushed: Site, moderator: Moderator, receiver: Receiver, carrier: subprocess.Popen[bytes]
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
    receiver.wait_for(1, within=60)
    began = time.monotonic()
    carrier.terminate()
    carrier.wait(10)
    assert time.monotonic() - began < 10
    with database.session(read_only=True) as session:
        soon = now() + timedelta(seconds=6)
        assert all(due is not None and due <= soon for due in session.scalars(select(Delivery.due_at)))
