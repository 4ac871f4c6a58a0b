"""The queue tells by itself what happened: rings that say nothing, and news for whoever asks."""

import threading
from collections.abc import Callable
from datetime import datetime
from typing import Any

import pytest
from flask import Flask
from flask.testing import FlaskClient
from werkzeug.test import TestResponse

from moderation import closings, decisions, queue
from moderation.db import Database
from moderation.decisions import Seen
from moderation.models import Comment, Door, Moderator, Outcome, Site
from moderation.views import feed as feeds
from moderation.views import live
from moderation.views.feed import Feed
from tests.conftest import add_moderator
from tests.stories import add_comment
from tests.waiting import until


@pytest.fixture
def kai(database: Database) -> Moderator:
    return add_moderator(database, "kai")


@pytest.fixture
def two(database: Database, site: Site) -> list[int]:
    """Two waiting comments."""
    with database.session() as session:
        made = [add_comment(session, site, text=f"Nummer {number}.").id for number in (1, 2)]
        session.commit()
    return made


@pytest.fixture
def feed(database: Database, monkeypatch: pytest.MonkeyPatch) -> Any:
    monkeypatch.setattr(feeds, "LOOK_EVERY", 0.02)
    made = Feed(database, most=2)
    yield made
    made.close()


def _ask(client: FlaskClient, known: list[int], etag: str = "", **more: object) -> TestResponse:
    query = {"known": ",".join(map(str, known)), "newest": max(known), "comment": known[0], "revision": 1} | more
    return client.get("/queue/news", query_string=query, headers={"If-None-Match": etag} if etag else {})


def _do(database: Database, deed: Callable[[Any, Moderator], object], who: Moderator) -> None:
    with database.session() as session:
        deed(session, session.get_one(Moderator, who.id))
        session.commit()


def test_an_article_that_others_close_is_told_at_its_open_card(
    mona: FlaskClient, kai: Moderator, database: Database, two: list[int]
) -> None:
    before = _ask(mona, two, closed="no")
    assert before.json["notice"] == ""

    def close(session: Any, who: Moderator) -> None:
        article_id = session.get_one(Comment, two[0]).article_id
        closings.decide(session, article_id, Door.CLOSE, moderator=who)

    _do(database, close, kai)
    assert "gerade für Kommentare geschlossen" in _ask(mona, two, before.headers["ETag"], closed="no").json["notice"]
    assert _ask(mona, two, closed="yes").json["notice"] == "", "the card says so already"


def test_what_others_did_is_told(
    mona: FlaskClient, kai: Moderator, database: Database, site: Site, two: list[int]
) -> None:
    first, second = two
    assert _ask(mona, two).json == {
        "waits": "<strong>2</strong> warten",
        "came": "",
        "gone": [],
        "held": {},
        "notice": "",
    }
    _do(database, lambda session, who: queue.claim(session, second, moderator=who), kai)
    _do(database, lambda session, _: add_comment(session, site, text="Neu."), kai)
    assert _ask(mona, two).json == {
        "waits": "<strong>3</strong> warten",
        "came": "1 neuen Kommentar zeigen",
        "gone": [],
        "held": {str(second): "kai liest ihn"},
        "notice": "",
    }
    _do(
        database,
        lambda session, who: decisions.decide(session, first, Outcome.DELETE, moderator=who, seen=Seen(1)),
        kai,
    )
    told = _ask(mona, two).json
    assert told is not None
    assert told["gone"] == [str(first)]
    assert "Inzwischen entschieden – kai: gelöscht." in told["notice"]


def test_a_text_that_changed_under_the_readers_eyes_is_told(
    mona: FlaskClient, database: Database, two: list[int]
) -> None:
    with database.session() as session:
        session.get_one(Comment, two[0]).revision = 2
        session.commit()
    assert "gerade geändert" in str(_ask(mona, two).json)


def test_who_asks_again_is_told_nothing_while_nothing_happened(
    mona: FlaskClient,
    database: Database,
    site: Site,
    two: list[int],
    moment: datetime,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(live, "now", lambda: moment)
    etag = _ask(mona, two).headers["ETag"]
    assert _ask(mona, two, etag).status_code == 304
    _do(database, lambda session, _: add_comment(session, site), Moderator(id=1))
    assert _ask(mona, two, etag).status_code == 200


def test_an_empty_desk_is_told_what_comes(mona: FlaskClient, two: list[int]) -> None:
    told = mona.get("/queue/news?known=&newest=0").json
    assert told is not None
    assert (told["came"], told["notice"]) == ("2 neue Kommentare zeigen", "")


@pytest.mark.parametrize("query", ["known=x", "known=1&newest=-1", "known=1", "newest=1&order=worst&article=x"])
def test_a_wrong_question_is_refused(mona: FlaskClient, query: str) -> None:
    assert mona.get(f"/queue/news?{query}").status_code == 422


def test_a_ring_comes_when_something_happened(feed: Feed, database: Database, site: Site) -> None:
    assert feed.enter()
    rings = feed.rings()
    assert next(rings) == "data:\n\n"
    heard: list[str] = []
    listening = threading.Thread(target=lambda: heard.extend(next(rings) for _ in range(2)))
    listening.start()
    with database.session() as session:
        add_comment(session, site)
        session.commit()
    until(lambda: "data:\n\n" in heard)
    feed.close()
    listening.join()


def test_streams_are_never_more_than_there_are_threads_for(feed: Feed) -> None:
    assert [feed.enter(), feed.enter(), feed.enter()] == [True, True, False]
    feed.leave()
    assert feed.enter()


def test_a_stream_ends_when_its_time_is_over_or_the_process_stops(feed: Feed, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(feeds, "LASTS", 0.0)
    assert list(feed.rings()) == []
    monkeypatch.setattr(feeds, "LASTS", 60.0)
    feed.ends = lambda: True
    assert list(feed.rings()) == []


def test_the_bell_is_a_stream_and_says_when_there_is_none_free(app: Flask, mona: FlaskClient) -> None:
    stream = mona.get("/queue/bell", buffered=False)
    assert stream.mimetype == "text/event-stream"
    assert next(stream.response) in {b"data:\n\n", "data:\n\n"}  # type: ignore[call-overload]
    stream.close()
    app.extensions["moderation"].feed.close()
    assert mona.get("/queue/bell").status_code == 204
