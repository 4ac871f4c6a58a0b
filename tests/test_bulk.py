"""Many events in one call: each has its own outcome, in order, exactly once."""

import json
import threading
from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any

import pytest
from flask import Flask
from flask.testing import FlaskClient
from sqlalchemy import func, select

from moderation.db import Database
from moderation.models import Article, Comment, Status
from tests.senders import ARTICLE, Paper, comment, signed
from worker import tasks
from worker.app import Workshop

Send = Callable[[Paper, dict[str, Any], str], tuple[str, bool]]


def _created(name: str, **changes: Any) -> dict[str, Any]:
    return {"type": "comment.created", "data": comment(id=name, **changes)}


def _send(paper: Paper, events: Any, webhook_id: str | None = None) -> Any:
    body = json.dumps({"events": events})
    headers = signed(paper.secret, body, webhook_id=webhook_id)
    return paper.client.post(f"/webhooks/{paper.slug}/bulk", data=body, headers=headers)


def test_each_event_has_its_own_outcome_in_order(paper: Paper, database: Database) -> None:
    events = [
        _created("a"),
        {"type": "comment.deleted", "data": {"id": "never came"}},
        _created("b", text="x" * 20_001),
        _created("c"),
        {"type": "comment.deleted", "data": {"id": "a"}},
        "nonsense",
        _created("a"),
    ]
    answer = _send(paper, events)
    assert answer.status_code == 202
    told = [outcome.get("status") or outcome["problem"]["code"] for outcome in answer.json["outcomes"]]
    assert told == ["pending", "unknown_comment", "too_long", "pending", "withdrawn", "wrong_type", "pending"]
    with database.session(read_only=True) as session:
        assert set(session.scalars(select(Comment.external_id))) == {"a", "c"}


def test_of_one_article_in_one_call_what_is_said_to_be_empty_is_told_from_what_is_left_out(
    paper: Paper, database: Database
) -> None:
    short = {name: ARTICLE[name] for name in ("id", "url", "title")}
    _send(paper, [_created("a")])
    _send(paper, [_created("b", article=short), _created("c", article=short | {"lead": ""})])
    with database.session(read_only=True) as session:
        article = session.scalars(select(Article)).one()
        assert (article.lead, article.body) == ("", ARTICLE["body"])


def test_what_is_written_together_is_kept_to_the_letter(paper: Paper, database: Database) -> None:
    texts = [
        "„Na“ \"ja\" 'so'",
        "\\n ist kein Umbruch,\nder hier schon\t\u2028",
        "null",
        "{1,2}",
        "👩‍👩‍👧 \U0010ffff",
        "%s ?::text",
    ]
    events = [_created(f"c{at}", text=text) for at, text in enumerate(texts)]
    events[3]["data"]["submitted_at"] = "2026-07-14T08:00:00.123456+02:00"
    assert {outcome["status"] for outcome in _send(paper, events).json["outcomes"]} == {"pending"}
    with database.session(read_only=True) as session:
        found = {row.external_id: row for row in session.scalars(select(Comment))}
        assert [found[f"c{at}"].text for at in range(len(texts))] == texts
        assert found["c0"].parent_external_id is None
        assert found["c3"].submitted_at == datetime(2026, 7, 14, 6, 0, 0, 123456, tzinfo=UTC)


def test_what_a_site_decided_by_itself_may_come_in_many_too(paper: Paper, database: Database) -> None:
    data = comment(id="a", outcome="delete", decided_at=comment()["submitted_at"])
    told = _send(paper, [_created("a"), {"type": "comment.decided", "data": data}, _created("b")]).json["outcomes"]
    assert [outcome["status"] for outcome in told] == ["pending", "deleted", "pending"]
    with database.session(read_only=True) as session:
        found = {row.external_id: row.status for row in session.scalars(select(Comment))}
        assert found == {"a": Status.DELETED, "b": Status.PENDING}


def test_the_same_call_again_changes_nothing(paper: Paper, database: Database) -> None:
    events = [_created("a"), {"type": "comment.deleted", "data": {"id": "a"}}]
    first = _send(paper, events, "msg_1").json["outcomes"]
    again = _send(paper, events, "msg_1").json["outcomes"]
    assert [outcome["status"] for outcome in first] == ["pending", "withdrawn"]
    assert [outcome["status"] for outcome in again] == ["withdrawn", "withdrawn"]
    with database.session(read_only=True) as session:
        assert session.scalar(select(func.count()).select_from(Comment)) == 1


def _one(paper: Paper, event: dict[str, Any], webhook_id: str) -> tuple[str, bool]:
    """Where the comment stands, or why the event was refused; and whether it was."""
    answer = paper.send(event["type"], event["data"], webhook_id=webhook_id).json
    return answer.get("status") if "id" in answer else answer["code"], "id" not in answer


def _among_many(paper: Paper, event: dict[str, Any], webhook_id: str) -> tuple[str, bool]:
    (first, outcome) = _send(paper, [_created("beside"), event], webhook_id).json["outcomes"]
    assert first == {"id": "beside", "status": "pending"}
    return outcome["problem"]["code"] if "problem" in outcome else outcome["status"], "problem" in outcome


@pytest.mark.parametrize("send", [_one, _among_many])
def test_what_was_refused_as_it_came_too_early_is_heard_under_the_same_id_once_it_fits(
    paper: Paper, database: Database, send: Send
) -> None:
    early = {"type": "comment.updated", "data": {"id": "a", "text": "Zweitens."}}
    for _ in range(2):
        assert send(paper, early, "msg_early") == ("unknown_comment", True), "as long as it does not fit"
    paper.send("comment.created", comment(id="a", text="Erstens."))
    assert send(paper, early, "msg_early") == ("pending", False)
    paper.send("comment.updated", {"id": "a", "text": "Drittens."})
    assert send(paper, early, "msg_early") == ("pending", False), "heard by now: it changes nothing more"
    with database.session(read_only=True) as session:
        found = session.scalars(select(Comment).where(Comment.external_id == "a")).one()
        assert (found.text, found.revision) == ("Drittens.", 3)


@pytest.mark.parametrize("send", [_one, _among_many])
@pytest.mark.parametrize("kind", ["comment.created", "comment.updated", "comment.decided"])
def test_what_is_wrong_is_refused_as_often_as_it_comes_and_heard_when_it_is_mended(
    paper: Paper, database: Database, send: Send, kind: str
) -> None:
    paper.send("comment.created", comment(id="a", text="Vorher."))
    said = comment(id="a", text="x" * 20_001, outcome="approve", decided_at=comment()["submitted_at"])
    for _ in range(2):
        assert send(paper, {"type": kind, "data": said}, "msg_wrong") == ("too_long", True)
    assert not send(paper, {"type": kind, "data": said | {"text": "Kurz."}}, "msg_mended")[1]
    with database.session(read_only=True) as session:
        assert session.scalars(select(Comment.text).where(Comment.external_id == "a")).one() == "Kurz."


def test_what_a_call_brought_and_was_taken_is_not_heard_again_with_what_was_refused(
    paper: Paper, database: Database
) -> None:
    paper.send("comment.created", comment(id="a", text="Erstens."))
    events = [
        {"type": "comment.updated", "data": {"id": "a", "text": "Zweitens."}},
        {"type": "comment.deleted", "data": {"id": "never came"}},
    ]
    _send(paper, events, "msg_1")
    paper.send("comment.updated", {"id": "a", "text": "Drittens."})
    _send(paper, events, "msg_1")
    with database.session(read_only=True) as session:
        assert session.scalars(select(Comment.text)).all() == ["Drittens."]


def test_a_comment_that_is_known_already_is_not_taken_twice(paper: Paper, database: Database) -> None:
    paper.send("comment.created", comment(id="a"))
    _send(paper, [_created("a", text="Anders."), _created("b")])
    with database.session(read_only=True) as session:
        found = {row.external_id: row for row in session.scalars(select(Comment))}
        assert {name: row.revision for name, row in found.items()} == {"a": 2, "b": 1}


def test_an_article_that_changes_within_a_call_is_taken_over(paper: Paper, database: Database) -> None:
    _send(paper, [_created("a"), _created("b", article=ARTICLE | {"title": "Die Brücke bleibt offen"})])
    with database.session(read_only=True) as session:
        assert session.scalars(select(Article.title)).all() == ["Die Brücke bleibt offen"]


def test_an_article_that_changes_and_changes_back_within_a_call_ends_as_it_was_told_last(
    paper: Paper, database: Database
) -> None:
    other = ARTICLE | {"title": "Die Brücke bleibt offen"}
    _send(paper, [_created("a"), _created("b", article=other), _created("c"), _created("d", article=other)])
    with database.session(read_only=True) as session:
        assert session.scalars(select(Article.title)).all() == ["Die Brücke bleibt offen"]
        assert set(session.scalars(select(Comment.external_id))) == {"a", "b", "c", "d"}


def test_the_newest_news_of_an_article_counts_though_it_is_told_first_in_a_call(
    paper: Paper, database: Database
) -> None:
    early, noon, late = (f"2026-05-01T{hour}:00:00Z" for hour in ("08", "12", "20"))
    paper.send("article.updated", ARTICLE | {"title": "Mittags"}, timestamp=noon)
    evening = ARTICLE | {"title": "Abends"}
    _send(
        paper,
        [
            _created("b", article=evening) | {"timestamp": early},
            _created("a", article=evening) | {"timestamp": late},
        ],
    )
    with database.session(read_only=True) as session:
        assert session.scalars(select(Article.title)).all() == ["Abends"]


def test_two_calls_at_once_that_bring_the_same_articles_do_not_wait_for_each_other_for_ever(
    app: Flask, paper: Paper, database: Database
) -> None:
    start = threading.Barrier(2)
    answers: list[int] = []

    def deliver(events: list[dict[str, Any]]) -> None:
        mine = Paper(app.test_client(), paper.slug, paper.secret)
        start.wait()
        answers.append(_send(mine, events).status_code)

    for round_ in range(5):
        articles = [ARTICLE | {"id": f"{round_} {number}"} for number in range(12)]
        here = [_created(f"here {article['id']}", article=article) for article in articles]
        there = [_created(f"there {article['id']}", article=article) for article in reversed(articles)]
        threads = [threading.Thread(target=deliver, args=(events,)) for events in (here, there)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
    assert answers == [202] * 10
    with database.session(read_only=True) as session:
        assert session.scalar(select(func.count()).select_from(Comment)) == 5 * 24


def test_what_came_in_bulk_is_judged_and_found(paper: Paper, database: Database, workshop: Workshop) -> None:
    _send(paper, [_created(f"c{number}") for number in range(40)])
    tasks.score()
    with database.session(read_only=True) as session:
        waiting = session.scalars(select(Comment)).all()
        assert len(waiting) == 40
        assert all(row.due_at is None and row.status is Status.PENDING and row.assessment for row in waiting)


def test_a_call_must_hold_events_but_not_too_many(paper: Paper, client: FlaskClient) -> None:
    for events in ([], None, [_created("a")] * 201):
        answer = _send(paper, events)
        assert (answer.status_code, answer.json["field"]) == (422, "events")
    unsigned = client.post(f"/webhooks/{paper.slug}/bulk", json={"events": [_created("a")]})
    assert unsigned.status_code == 401
