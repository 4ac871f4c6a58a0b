"""Many events in one call: each has its own outcome, in order, exactly once."""

import json
from typing import Any

from flask.testing import FlaskClient
from sqlalchemy import func, select

from moderation.db import Database
from moderation.models import Article, Comment, Status
from tests.senders import ARTICLE, Paper, comment, signed
from worker import tasks
from worker.app import Workshop


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


def test_the_same_call_again_changes_nothing(paper: Paper, database: Database) -> None:
    events = [_created("a"), {"type": "comment.deleted", "data": {"id": "a"}}]
    first = _send(paper, events, "msg_1").json["outcomes"]
    again = _send(paper, events, "msg_1").json["outcomes"]
    assert [outcome["status"] for outcome in first] == ["pending", "withdrawn"]
    assert [outcome["status"] for outcome in again] == ["withdrawn", "withdrawn"]
    with database.session(read_only=True) as session:
        assert session.scalar(select(func.count()).select_from(Comment)) == 1


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
