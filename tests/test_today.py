"""Pages that look over the queue: the day so far, what is put off, what can still be undone."""

import html
import re
from datetime import timedelta

import pytest
from flask.testing import FlaskClient

from moderation import decisions, queue
from moderation.alarms import sound
from moderation.db import Database, now
from moderation.decisions import Seen
from moderation.models import Delivery, Moderator, Outcome, Site
from tests.conftest import csrf
from tests.stories import add_article, add_comment


@pytest.fixture
def busy(database: Database, site: Site, moderator: Moderator) -> None:
    """Seven comments: two approved, one deleted, one of those taken back, one put off."""
    with database.session() as session:
        who = session.get_one(Moderator, moderator.id)
        sports = add_article(session, site, external_id="derby", title="Derby am Samstag", section="Sport")
        made = [add_comment(session, site, text=f"Nummer {number}.") for number in range(5)]
        add_comment(session, site, text="Wartet lange.", article=sports, submitted_at=now() - timedelta(days=2))
        later = add_comment(session, site, text="Stimmt das?", submitted_at=now() - timedelta(days=3))
        queue.defer(session, later.id, moderator=who, note="Die Lokalredaktion fragen")
        for comment, outcome in zip(made, (Outcome.APPROVE, Outcome.APPROVE, Outcome.DELETE), strict=False):
            last = decisions.decide(session, comment.id, outcome, moderator=who, seen=Seen(1))
        decisions.undo(session, last.id, moderator=who)
        heat = {"article": 1, "title": "Derby am Samstag", "why": "rate", "minutes": 30, "recent": 40, "usual": 3.0}
        sound(session, site.id, "hot", "article 1", **heat)
        session.commit()


def _text(page: str) -> str:
    return " ".join(html.unescape(re.sub(r"<[^>]+>", " ", page)).split())


@pytest.mark.usefixtures("busy")
def test_the_day_is_told_in_numbers(mona: FlaskClient) -> None:
    page = mona.get("/today").text
    tally = dict(re.findall(r"<dt>(.*?)</dt><dd>(?:<a [^>]*>)?(\d+)", page))
    assert tally == {
        "warten": "4",
        "kamen": "7",
        "freigegeben": "2",
        "gelöscht": "1",
        "zurückgenommen": "1",
        "von mir": "3",
        "zurückgestellt": "1",
    }
    assert "Wartet am längsten Wartet lange." in _text(page)
    assert re.search(r"Wo es heiß wird .*Derby am Samstag", _text(page))
    assert "1 Derby am Samstag" in _text(page)


def test_a_day_without_anything_is_told_too(mona: FlaskClient) -> None:
    assert "Nirgends" in _text(mona.get("/today").text)


@pytest.mark.usefixtures("busy")
def test_what_is_put_off_stands_there_with_its_note_until_it_is_taken_up(mona: FlaskClient) -> None:
    page = _text(mona.get("/put-off").text)
    assert "Stimmt das? Die Lokalredaktion fragen mona" in page
    mona.post("/comments/7/take-up", data={"csrf_token": csrf(mona, "/put-off")})
    assert "Nichts ist zurückgestellt." in _text(mona.get("/put-off").text)


@pytest.mark.usefixtures("busy")
def test_what_can_still_be_undone_can_be_listed(mona: FlaskClient, database: Database) -> None:
    assert mona.get("/decisions?state=undoable").text.count("Rückgängig</button>") == 2
    with database.session() as session:
        session.query(Delivery).update({Delivery.not_before: now()})
        session.commit()
    assert "Hier ist noch nichts." in mona.get("/decisions?state=undoable").text
    assert "Nummer 0." in mona.get("/decisions").text
