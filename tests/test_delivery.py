"""Decisions reach the site: signed, once, in spite of everything; or they wait until the site fetches them."""

from datetime import UTC, datetime, timedelta
from email.utils import format_datetime
from typing import Any

import pytest
import time_machine
from flask.testing import FlaskClient
from sqlalchemy import func, select, update
from standardwebhooks.webhooks import Webhook

from moderation import auth, decisions, delivery
from moderation.db import Database, now
from moderation.decisions import Seen
from moderation.delivery import Result
from moderation.models import Decision, Delivery, Moderator, Outcome, Site
from tests.conftest import Receiver
from tests.stories import add_comment
from worker import tasks
from worker.app import Workshop

THREE_DAYS = timedelta(days=3)


@pytest.fixture
def decided(database: Database, pushed: Site, moderator: Moderator) -> int:
    """A decision that is due at the site."""
    with database.session() as session:
        comment = add_comment(session, pushed)
        rule = comment.site.house_rules[0]
        decision = decisions.decide(
            session, comment.id, Outcome.DELETE, moderator=moderator, seen=Seen(revision=1), rule_id=rule.id
        )
        session.commit()
        return decision.id


def _delivery(database: Database) -> Delivery:
    with database.session(read_only=True) as session:
        return session.scalars(select(Delivery)).one()


def _make_due(database: Database) -> None:
    with database.session() as session:
        session.execute(update(Delivery).where(Delivery.due_at.is_not(None)).values(due_at=now()))
        session.commit()


def _answer(receiver: Receiver, status: int, **headers: str) -> None:
    receiver.answer = lambda: (status, {name.replace("_", "-"): value for name, value in headers.items()})


def test_a_delivery_is_signed_over_the_bytes_that_are_sent(
    database: Database, workshop: Workshop, decided: int, pushed: Site, receiver: Receiver
) -> None:
    tasks.deliver()
    headers, body = receiver.got[0]
    message = Webhook(auth.signing_secrets(pushed)[0]).verify(body, headers)
    assert message["type"] == "comment.deleted"
    assert message["data"]["rule"]["title"] == "Bleiben Sie beim Thema"
    assert message["data"]["reason"].startswith("Unter einem Artikel geht es um das, was im Artikel steht.")
    assert message["data"]["automated"] is False
    assert _delivery(database).delivered_at is not None


def test_during_a_change_of_keys_a_delivery_bears_both_signatures(
    database: Database, workshop: Workshop, decided: int, pushed: Site, receiver: Receiver
) -> None:
    old = auth.signing_secrets(pushed)[0]
    with database.session() as session:
        new = auth.new_signing_key(session.get_one(Site, pushed.id))
        session.commit()
    tasks.deliver()
    headers, body = receiver.got[0]
    for secret in (old, new):
        Webhook(secret).verify(body, headers)


def test_what_was_delivered_is_not_sent_again(workshop: Workshop, decided: int, receiver: Receiver) -> None:
    tasks.deliver()
    tasks.deliver()
    assert len(receiver.got) == 1


@pytest.mark.parametrize("status", [301, 400, 404, 429, 500, 503])
def test_whatever_is_no_2xx_is_tried_again_with_the_same_id(
    database: Database, workshop: Workshop, decided: int, receiver: Receiver, status: int
) -> None:
    _answer(receiver, status, location="http://127.0.0.1:1/elsewhere")
    tasks.deliver()
    failed = _delivery(database)
    assert failed.last_error == f"answered {status}"
    assert failed.due_at is not None
    assert timedelta(seconds=4) < failed.due_at - now() < timedelta(seconds=6)
    _answer(receiver, 200)
    _make_due(database)
    tasks.deliver()
    ids = {headers["webhook-id"] for headers, _ in receiver.got}
    assert (len(receiver.got), len(ids)) == (2, 1)
    assert _delivery(database).last_error is None


def test_a_site_that_cannot_be_reached_is_tried_again(
    database: Database, workshop: Workshop, decided: int, pushed: Site
) -> None:
    with database.session() as session:
        session.get_one(Site, pushed.id).callback_url = "http://127.0.0.1:1/"
        session.commit()
    tasks.deliver()
    assert _delivery(database).last_error == "unreachable ConnectError"
    assert _delivery(database).due_at is not None


def test_what_something_overtook_on_its_way_is_not_tried_again(
    database: Database, workshop: Workshop, decided: int, receiver: Receiver
) -> None:
    def meanwhile() -> tuple[int, dict[str, str]]:
        with database.session() as session:
            decisions.cancel_deliveries(session, [session.get_one(Decision, decided).comment_id])
            session.commit()
        return 500, {}

    receiver.answer = meanwhile
    tasks.deliver()
    assert len(receiver.got) == 1
    assert (_delivery(database).due_at, _delivery(database).failed_at) == (None, None)


def test_a_site_that_is_gone_is_left_alone(
    database: Database, workshop: Workshop, decided: int, receiver: Receiver
) -> None:
    _answer(receiver, 410)
    tasks.deliver()
    assert _delivery(database).failed_at is not None
    assert _delivery(database).due_at is None


def test_a_private_address_is_refused_unless_the_site_allows_it(
    database: Database, workshop: Workshop, decided: int, pushed: Site, receiver: Receiver
) -> None:
    with database.session() as session:
        session.get_one(Site, pushed.id).callback_private = False
        session.commit()
    tasks.deliver()
    assert receiver.got == []
    assert _delivery(database).last_error == "private 127.0.0.1"


@pytest.fixture
def five(database: Database, pushed: Site, moderator: Moderator) -> list[int]:
    """Five deliveries that are due at one site."""
    made = []
    with database.session() as session:
        for _ in range(5):
            comment = add_comment(session, pushed)
            decision = decisions.decide(session, comment.id, Outcome.APPROVE, moderator=moderator, seen=Seen(1))
            assert decision.delivery is not None
            made.append(decision.delivery.id)
        session.commit()
    return made


def _due(database: Database) -> int:
    with database.session(read_only=True) as session:
        return session.scalar(select(func.count()).where(Delivery.due_at <= now())) or 0


def test_whoever_has_sent_much_lets_others_go_on(
    database: Database, workshop: Workshop, five: list[int], receiver: Receiver, monkeypatch: pytest.MonkeyPatch
) -> None:
    rung: list[str] = []
    monkeypatch.setattr(workshop.bell, "ring", lambda name, after=0.0: rung.append(name))
    monkeypatch.setattr(tasks, "ROUNDS", 3)
    tasks.deliver()
    assert (len(receiver.got), rung[-1]) == (3, "deliver")
    tasks.deliver()
    assert len(receiver.got) == 5


def test_a_site_that_is_ill_is_left_in_peace_and_holds_up_no_other(
    database: Database, workshop: Workshop, five: list[int], receiver: Receiver
) -> None:
    _answer(receiver, 500)
    tasks.deliver()
    assert len(receiver.got) == delivery.ILL
    tasks.deliver()
    assert len(receiver.got) == delivery.ILL
    assert _due(database) == 2, "what was not tried lost no try"


def test_an_ill_site_is_asked_by_one_delivery_at_a_time(database: Database, pushed: Site, five: list[int]) -> None:
    with database.session() as session:
        session.get_one(Site, pushed.id).failed_tries = delivery.ILL
        session.commit()
        assert len(delivery.claim(session, limit=1, lease=timedelta(seconds=30))) == 1
        session.commit()
        assert delivery.claim(session, limit=1, lease=timedelta(seconds=30)) == []


def test_the_first_that_arrives_at_a_site_brings_all_that_waited_for_it(
    database: Database, workshop: Workshop, five: list[int], receiver: Receiver
) -> None:
    _answer(receiver, 500)
    tasks.deliver()
    with database.session() as session:
        session.execute(update(Delivery).where(Delivery.id.in_(five[:3])).values(due_at=now() + timedelta(hours=9)))
        session.commit()
    _answer(receiver, 200)
    with time_machine.travel(now() + delivery.LONGEST_PAUSE):
        tasks.deliver()
    with database.session(read_only=True) as session:
        assert all(session.scalars(select(Delivery.delivered_at)))


def test_a_site_is_asked_as_soon_as_its_peace_is_over_not_at_the_sweep_after(
    database: Database, workshop: Workshop, five: list[int], receiver: Receiver, monkeypatch: pytest.MonkeyPatch
) -> None:
    _answer(receiver, 500)
    tasks.deliver()
    rung: list[tuple[str, float]] = []
    monkeypatch.setattr(workshop.bell, "ring", lambda name, *, after=0.0: rung.append((name, after)))
    with time_machine.travel(now() + timedelta(seconds=7), tick=False):  # those that failed are due again
        tasks.deliver()
        with database.session(read_only=True) as session:
            peace = session.scalars(select(Site.paused_until).where(Site.paused_until.is_not(None))).one()
        assert peace is not None
        assert rung == [("deliver", (peace - now()).total_seconds())]


def test_what_fails_by_itself_is_not_sent_again_with_every_other(
    database: Database, workshop: Workshop, five: list[int], receiver: Receiver
) -> None:
    """The site takes all but one, which it cannot digest."""
    with database.session(read_only=True) as session:
        poison = session.get_one(Delivery, five[0]).webhook_id
    receiver.answer = lambda: (500 if receiver.got[-1][0]["webhook-id"] == poison else 204, {})
    for number in range(5):
        with database.session() as session:
            session.execute(update(Delivery).where(Delivery.id == five[number]).values(delivered_at=None, due_at=now()))
            session.commit()
        tasks.deliver()
    for _ in range(10):
        with database.session() as session:
            session.execute(update(Delivery).where(Delivery.id == five[1]).values(delivered_at=None, due_at=now()))
            session.commit()
        tasks.deliver()
    tries = [headers["webhook-id"] for headers, _ in receiver.got].count(poison)
    assert 2 <= tries <= delivery.ILL + 2


def test_the_waits_grow_and_after_three_days_it_has_failed(database: Database, decided: int) -> None:
    waits: list[float] = []
    moment = now()
    while True:
        with time_machine.travel(moment, tick=False), database.session() as session:
            session.execute(update(Delivery).values(attempts=Delivery.attempts + 1))
            wait = delivery.record(session, Result(_delivery_id(session), "down"), give_up_after=THREE_DAYS)
            session.commit()
        if wait is None:
            break
        waits.append(wait)
        moment += timedelta(seconds=wait)
    assert waits == sorted(waits)
    assert waits[0] < 6
    assert 2 < sum(waits) / 86_400 < 3
    assert _delivery(database).failed_at is not None


def _delivery_id(session: Any) -> int:
    return int(session.scalars(select(Delivery.id)).one())


def test_a_failed_delivery_can_be_sent_again(
    database: Database, workshop: Workshop, decided: int, receiver: Receiver
) -> None:
    _answer(receiver, 410)
    tasks.deliver()
    with database.session() as session:
        delivery.try_again(session, _delivery(database).id)
        session.commit()
    _answer(receiver, 200)
    tasks.deliver()
    assert _delivery(database).delivered_at is not None
    assert _delivery(database).failed_at is None


def test_retry_after_is_honoured(database: Database, workshop: Workshop, decided: int, receiver: Receiver) -> None:
    _answer(receiver, 429, retry_after="120")
    tasks.deliver()
    due_at = _delivery(database).due_at
    assert due_at is not None
    assert timedelta(seconds=115) < due_at - now() <= timedelta(seconds=120)


@pytest.mark.parametrize(
    ("value", "seconds"),
    [
        (None, None),
        ("90", 90.0),
        ("soon", None),
        ("Wed, 21 Oct 2015 07:28:00 GMT", 0.0),
        ("9" * 400, None),
        ("9" * 5000, None),
    ],
)
def test_what_retry_after_says(value: str | None, seconds: float | None) -> None:
    assert delivery._retry_after(value) == seconds


def test_retry_after_may_be_a_date() -> None:
    moment = datetime(2026, 11, 1, 12, tzinfo=UTC)
    with time_machine.travel(moment, tick=False):
        assert delivery._retry_after(format_datetime(moment + timedelta(minutes=1))) == 60.0


def test_a_decision_undone_in_time_is_never_sent(
    database: Database, workshop: Workshop, pushed: Site, moderator: Moderator, receiver: Receiver
) -> None:
    with database.session() as session:
        session.get_one(Site, pushed.id).undo_seconds = 60
        comment = add_comment(session, pushed)
        decision = decisions.decide(session, comment.id, Outcome.APPROVE, moderator=moderator, seen=Seen(revision=1))
        decisions.undo(session, decision.id, moderator=moderator)
        session.commit()
    with time_machine.travel(now() + timedelta(hours=1)):
        tasks.deliver()
    assert receiver.got == []


def test_the_message_is_about_the_text_that_was_decided_on(
    database: Database, workshop: Workshop, pushed: Site, moderator: Moderator, receiver: Receiver
) -> None:
    import hashlib
    import json

    with database.session() as session:
        comment = add_comment(session, pushed, text="Die erste Fassung.")
        decisions.decide(session, comment.id, Outcome.APPROVE, moderator=moderator, seen=Seen(revision=1))
        session.commit()
    tasks.deliver()
    data = json.loads(receiver.got[0][1])["data"]
    assert data["text_sha256"] == hashlib.sha256(b"Die erste Fassung.").hexdigest()


def test_a_fetching_site_sees_nothing_that_can_still_be_undone(
    database: Database, site: Site, token: str, moderator: Moderator, client: FlaskClient
) -> None:
    bearer = {"Authorization": f"Bearer {token}"}
    with database.session() as session:
        for outcome in (Outcome.APPROVE, Outcome.DELETE, Outcome.APPROVE):
            comment = add_comment(session, site)
            decisions.decide(session, comment.id, outcome, moderator=moderator, seen=Seen(revision=1))
        session.execute(update(Delivery).where(Delivery.id != 2).values(not_before=now()))
        session.commit()
    answer = client.get("/api/v1/decisions", headers=bearer).json
    assert [decision["cursor"] for decision in answer["decisions"]] == ["1"], "the third must not overtake the second"
    with time_machine.travel(now() + timedelta(minutes=1)):
        answer = client.get(f"/api/v1/decisions?after={answer['cursor']}", headers=bearer).json
        assert [decision["cursor"] for decision in answer["decisions"]] == ["2", "3"]


def test_one_site_neither_sees_nor_acknowledges_another_ones_decisions(
    database: Database, site: Site, moderator: Moderator, client: FlaskClient
) -> None:
    from moderation import sites

    with database.session() as session:
        session.get_one(Site, site.id).undo_seconds = 0
        comment = add_comment(session, site)
        made = decisions.decide(session, comment.id, Outcome.APPROVE, moderator=moderator, seen=Seen(revision=1))
        stranger = auth.new_token(sites.add_site(session, slug="other", name="Other"))
        session.commit()
        webhook_id = made.delivery.webhook_id if made.delivery else ""
    bearer = {"Authorization": f"Bearer {stranger}"}
    assert client.get("/api/v1/decisions", headers=bearer).json["decisions"] == []
    answer = client.post("/api/v1/decisions/ack", json={"ids": [webhook_id]}, headers=bearer)
    assert answer.json == {"acknowledged": 0}
