"""At the beginning of a shift a letter says what waits; its link shows it once, and never decides."""

import re
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
import time_machine
from flask.testing import FlaskClient
from sqlalchemy import select

from moderation import alarms, shifts
from moderation.db import Database, now
from moderation.models import Comment, Decision, Letter, Moderator, Shift, ShiftLink, Site, Status
from tests.desks import Desk
from tests.stories import add_comment
from tests.test_letters import Postbox, postbox
from worker import tasks
from worker.app import Workshop

__all__ = ["postbox"]

MONDAY = datetime(2026, 1, 12, 3, 0, tzinfo=UTC)
"""Four in the morning at the desk."""


def _keep(database: Database, moderator: Moderator, *, begins: str = "06:00", days: tuple[str, ...] = ()) -> None:
    with database.session() as session:
        mona = session.get_one(Moderator, moderator.id)
        shifts.keep(session, mona, email="mona@example.org", begins=begins, days=days, zone="Europe/Berlin")
        session.commit()


@pytest.mark.parametrize(
    ("at", "begins", "days", "expected"),
    [
        ("2026-01-12T04:59", "06:00", (), "2026-01-12T05:00"),  # winter
        ("2026-01-12T05:00", "06:00", (), "2026-01-13T05:00"),
        ("2026-07-13T03:59", "06:00", (), "2026-07-13T04:00"),  # summer
        ("2026-03-28T06:00", "06:00", (), "2026-03-29T04:00"),  # the night that is an hour shorter
        ("2026-10-24T06:00", "06:00", (), "2026-10-25T05:00"),
        ("2026-03-28T12:00", "02:30", (), "2026-03-29T01:30"),  # half past two is left out that night
        ("2026-01-12T12:00", "06:00", ("sat",), "2026-01-17T05:00"),
    ],
)
def test_a_shift_begins_by_the_desks_clock(at: str, begins: str, days: tuple[str, ...], expected: str) -> None:
    shift = Shift(begins=begins, days=list(days))
    with time_machine.travel(datetime.fromisoformat(at).replace(tzinfo=UTC), tick=False):
        found = shifts.next_beginning(shift, "Europe/Berlin").astimezone(UTC)
    assert found.isoformat()[:16] == expected


def _letter_at_six(database: Database, site: Site, moderator: Moderator, postbox: Postbox) -> Any:
    with time_machine.travel(MONDAY, tick=False):
        _keep(database, moderator)
        with database.session() as session:
            old = add_comment(session, site, text="Trottel seid ihr alle", concern=0.9)
            old.received_at = MONDAY - timedelta(hours=1)
            add_comment(session, site, text="Schöne Brücke", concern=0.1)
            session.commit()
        tasks.sweep()
        tasks.mail()
        assert postbox.got == []
        with database.session() as session:
            for _ in range(8):  # so that it stays hot
                lately = add_comment(session, site, status=Status.APPROVED)
                lately.received_at = lately.submitted_at = MONDAY + timedelta(hours=1, minutes=55)
            hot = {"why": "rate", "article": lately.article_id, "title": "A", "recent": 20, "usual": 2, "minutes": 30}
            alarms.sound(session, site.id, "hot", f"article {lately.article_id}", **hot)
            session.commit()
    with time_machine.travel(MONDAY + timedelta(hours=2, seconds=20), tick=False):
        tasks.sweep()
        tasks.sweep()
        tasks.mail()
    (mail,) = postbox.got
    return mail


def test_the_letter_says_what_waits_and_holds_no_readers_words(
    postbox: Postbox, database: Database, site: Site, moderator: Moderator
) -> None:
    mail = _letter_at_six(database, site, moderator, postbox)
    assert mail["to"] == "mona@example.org"
    assert mail["subject"] == "Deine Schicht: 2 Kommentare warten"
    said = mail.get_content()
    assert "Hallo mona," in said
    assert "2 Kommentare warten, der älteste seit 180 Minuten." in said
    assert "„A“ wird heiß" in said
    assert "Trottel" not in said
    with database.session(read_only=True) as session:
        assert session.scalars(select(Shift.due_at)).one() == datetime(2026, 1, 13, 5, tzinfo=UTC)


def _address(mail: Any) -> str:
    found = re.search(r"(/shift/\S+)", mail.get_content())
    assert found
    return found[1]


def test_following_the_link_decides_nothing_and_does_not_use_it_up(
    postbox: Postbox, database: Database, site: Site, moderator: Moderator, client: FlaskClient
) -> None:
    address = _address(_letter_at_six(database, site, moderator, postbox))
    with time_machine.travel(MONDAY + timedelta(hours=3)):
        for _ in range(3):  # as mail scanners do
            page = client.get(address)
            assert page.status_code == 200
            assert "2 Kommentare warten" in page.text
            assert "Trottel" not in page.text
        token = re.search(r'name="csrf_token" value="([^"]+)"', page.text)
        assert token
        assert client.post(address).status_code == 400, "a form from somewhere else opens nothing"
        opened = client.post(address, data={"csrf_token": token[1]})
        assert opened.text.index("Trottel") < opened.text.index("Schöne Brücke")
        again = client.post(address, data={"csrf_token": token[1]})
        assert again.status_code == 404
        assert "schon geöffnet" in again.text
    with database.session(read_only=True) as session:
        assert session.scalars(select(Decision)).all() == []
        waits = [comment for comment in session.scalars(select(Comment)) if comment.status is Status.PENDING]
        assert len(waits) == 2
        assert session.scalars(select(ShiftLink.opened_at)).one() is not None


def test_the_link_expires_and_dies_with_its_moderator(
    postbox: Postbox, database: Database, site: Site, moderator: Moderator, client: FlaskClient
) -> None:
    address = _address(_letter_at_six(database, site, moderator, postbox))
    with time_machine.travel(MONDAY + timedelta(hours=15)):
        assert client.get(address).status_code == 404
    with time_machine.travel(MONDAY + timedelta(hours=3)):
        assert client.get(address + "x").status_code == 404
        with database.session() as session:
            session.get_one(Moderator, moderator.id).disabled_at = now()
            session.commit()
        assert client.get(address).status_code == 404


def test_a_letter_that_found_no_server_for_too_long_is_not_sent(
    workshop: Workshop, database: Database, site: Site, moderator: Moderator
) -> None:
    with time_machine.travel(MONDAY, tick=False):
        _keep(database, moderator)
    with time_machine.travel(MONDAY + timedelta(hours=2, seconds=20), tick=False):
        tasks.sweep()
    with time_machine.travel(MONDAY + timedelta(hours=20), tick=False), database.session() as session:
        from moderation import letters

        letter = session.scalars(select(Letter)).one()
        assert letters.compose(session, [letter.id], links=workshop.settings.links, sender="a@example.org") == []
        assert letter.address is None


def test_each_moderator_says_at_the_desk_when_their_shift_begins(
    client: FlaskClient, database: Database, site: Site, moderator: Moderator
) -> None:
    desk = Desk(client)
    desk.sign_in("mona")
    form = {"email": "mona@example.org", "begins": "06:30", "days": ["mon", "tue"], "do": "keep"}
    for wrong in ({"email": "mona"}, {"email": '"@example.org'}, {"begins": "6 Uhr"}):
        assert desk.post("/alarms/shift", **form | wrong).status_code == 422
    assert desk.post("/alarms/shift", **form).status_code == 303
    page = desk.client.get("/alarms").text
    assert 'value="06:30"' in page
    assert "The next letter comes on" in page
    assert "No mail server is set" in page
    assert desk.post("/alarms/shift", do="stop").status_code == 303
    with database.session(read_only=True) as session:
        assert session.scalars(select(Shift)).all() == []
