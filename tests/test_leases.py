"""What one process took is left to it by another whose clock is minutes off: leases go by the database's clock."""

import os
import subprocess
import sys
from collections.abc import Callable
from datetime import timedelta

import pytest
from sqlalchemy import update

from moderation import batches, decisions
from moderation.config import Settings
from moderation.db import Database, now
from moderation.decisions import Seen
from moderation.models import Batch, Comment, Delivery, Moderator, Outcome, Site
from moderation.queue import Filters, pending
from tests.conftest import SERVER
from tests.faults.houses import CLOCK, ROOT
from tests.stories import add_comment

pytestmark = pytest.mark.skipif(SERVER is None, reason="whoever shares SQLite's file shares its machine's clock")

SLOW, FAST = -300, 300
"""By how many seconds clocks are off."""

Ask = Callable[[int, str], str]


@pytest.fixture
def ask(settings: Settings) -> Ask:
    """Another process, whose clock is off, says what comes of an expression with a session, which it commits."""

    def ask_(skew: int, expression: str) -> str:
        said = (
            "from datetime import timedelta; from moderation import batches, delivery, scoring; "
            "from moderation.db import Database, next_try; from moderation.models import Comment\n"
            f"with Database({settings.database_url!r}).session() as session:\n"
            f"    print({expression}); session.commit()"
        )
        env = os.environ | {"FAULTS_SKEW": str(skew), "PYTHONPATH": f"{CLOCK}{os.pathsep}{ROOT}"}
        done = subprocess.run([sys.executable, "-c", said], env=env, check=True, capture_output=True, text=True)
        return done.stdout.splitlines()[-1]

    return ask_


TAKE = "scoring.claim(session, limit=9, attempts=3, lease=timedelta(seconds=120))"


@pytest.mark.parametrize(("first", "second"), [(SLOW, FAST), (FAST, SLOW)])
def test_a_comment_that_is_being_judged_is_left_to_whoever_has_it(
    ask: Ask, database: Database, site: Site, first: int, second: int
) -> None:
    with database.session() as session:
        comment_id = add_comment(session, site).id
        session.commit()
    assert ask(first, TAKE) == f"[{comment_id}]"
    left = ask(second, f"{TAKE}, scoring.give_up(session, attempts=1), 0 < next_try(session, Comment) <= 120")
    assert left == "[] 0 True", "nor is it handed to people unjudged"
    with database.session() as session:  # whoever had it died
        session.execute(update(Comment).values(due_at=now() - timedelta(seconds=1)))
        session.commit()
    assert ask(second, TAKE) == f"[{comment_id}]"


def test_a_delivery_on_its_way_is_sent_by_one(ask: Ask, database: Database, pushed: Site, moderator: Moderator) -> None:
    with database.session() as session:
        comment = add_comment(session, pushed)
        made = decisions.decide(session, comment.id, Outcome.APPROVE, moderator=moderator, seen=Seen(1))
        assert made.delivery is not None
        delivery_id = made.delivery.id
        session.commit()
    take = "delivery.claim(session, limit=1, lease=timedelta(seconds=120))"
    assert ask(SLOW, take) == f"[{delivery_id}]"
    assert ask(FAST, take) == "[]"
    before = now()
    result = f"delivery.Result({delivery_id}, 'timeout', retry_after=60)"
    wait = timedelta(seconds=float(ask(SLOW, f"delivery.record(session, {result}, give_up_after=timedelta(days=3))")))
    with database.session(read_only=True) as session:
        kept = session.get_one(Delivery, delivery_id)
        assert kept.due_at is not None
        assert before < kept.due_at - wait < now(), "tried again neither early nor late"
        assert kept.site.paused_until is not None
        assert before < kept.site.paused_until - wait < now(), "and the site has its peace"


def test_a_batch_is_worked_on_by_one(ask: Ask, database: Database, site: Site, moderator: Moderator) -> None:
    with database.session() as session:
        for _ in range(batches.PIECE + 1):
            add_comment(session, site)
        batch = batches.create(session, pending(Filters()), moderator=moderator, outcome=Outcome.APPROVE)
        session.commit()
        batch_id = batch.id
    assert ask(SLOW, "batches.claim(session)") == str(batch_id)
    assert ask(SLOW, f"batches.step(session, {batch_id})") == "True"
    assert ask(FAST, "batches.claim(session)") == "None"
    with database.session(read_only=True) as session:
        assert session.get_one(Batch, batch_id).finished_at is None
