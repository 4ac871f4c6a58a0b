"""Decisions between our desk and a real WordPress, both ways: signed, in order, undone, fetched."""

import hashlib
import json
import time

import httpx
import pytest
from sqlalchemy import select

from moderation.models import Article, Maker, Site, Status
from tests.conftest import csrf
from tests.integration.conftest import SECRET, TOKEN, Newsroom
from tests.senders import signed
from tests.waiting import until
from worker import tasks


def test_a_decision_on_another_text_is_not_applied(room: Newsroom) -> None:
    comment = room.blog.comment("Der Text, über den entschieden wird.")
    room.arrived(comment)
    room.decide(comment, "approve")
    room.blog.php(f"wp_update_comment(['comment_ID' => {comment}, 'comment_content' => 'Inzwischen ein anderer.']);")
    tasks.deliver()
    assert room.blog.read(comment)["status"] == "hold"


@pytest.mark.parametrize(("in_wordpress", "status"), [("spam", Status.DELETED), ("approved", Status.APPROVED)])
def test_what_is_decided_in_wordpress_is_decided_here(room: Newsroom, in_wordpress: str, status: Status) -> None:
    comment = room.blog.comment(f"Kauft Uhren! {in_wordpress}")
    room.arrived(comment)
    room.blog.rest("POST", f"/comments/{comment}", status=in_wordpress)
    room.arrived(comment, status=status)
    assert [maker for maker, _ in room.decisions(comment)] == [Maker.SITE]

    room.blog.rest("POST", f"/comments/{comment}", status="hold")
    room.arrived(comment, status=Status.PENDING)


def test_an_undone_decision_never_reaches_the_blog(room: Newsroom) -> None:
    comment = room.blog.comment("Zu schnell geklickt.")
    room.arrived(comment)
    with room.database.session() as session:
        session.scalars(select(Site)).one().undo_seconds = 600
        session.commit()
    decision = room.decide(comment, "delete")
    room.desk.post(f"/decisions/{decision}/undo", data={"csrf_token": csrf(room.desk, "/queue")})
    tasks.deliver()
    assert room.blog.read(comment)["status"] == "hold"


def test_a_second_thought_brings_a_comment_back_from_the_bin(room: Newsroom) -> None:
    comment = room.blog.comment("Erst gelöscht, dann doch nicht.")
    room.arrived(comment)
    room.decide(comment, "delete")
    tasks.deliver()
    assert room.blog.read(comment)["status"] == "trash"
    room.decide(comment, "approve")
    tasks.deliver()
    assert room.blog.read(comment)["status"] == "approved"


def _decision(comment: int, text: str, outcome: str, at: str) -> str:
    data = {"id": str(comment), "outcome": outcome, "decided_at": at, "rule": None}
    data["text_sha256"] = hashlib.sha256(text.encode()).hexdigest()
    return json.dumps({"type": f"comment.{outcome}", "data": data})


def test_decisions_are_believed_only_when_signed_fresh_and_new(room: Newsroom) -> None:
    text = "Wer darf entscheiden?"
    comment = room.blog.comment(text)
    address = f"{room.blog.url}/wp-json/hausordnung/v1/decisions"
    approve = _decision(comment, text, "approve", "2026-11-02T10:00:00+00:00")
    delete = _decision(comment, text, "delete", "2026-11-01T10:00:00+00:00")

    def post(body: str, headers: dict[str, str]) -> httpx.Response:
        return httpx.post(address, content=body, headers=headers, trust_env=False)

    good = signed(SECRET, approve)
    stale = signed(SECRET, approve) | {"webhook-timestamp": str(int(time.time()) - 900)}
    for body, headers in ((approve, {"content-type": "application/json"}), (delete, good), (approve, stale)):
        assert post(body, headers).status_code == 401
    assert room.blog.read(comment)["status"] == "hold"

    assert [post(approve, good).json() for _ in range(2)] == [{"applied": True}] * 2
    assert post(delete, signed(SECRET, delete)).json() == {"applied": False, "why": "older"}
    assert room.blog.read(comment)["status"] == "approved"
    unknown = _decision(10**9, text, "approve", "2026-11-02T10:00:00+00:00")
    assert post(unknown, signed(SECRET, unknown)).status_code == 404
    assert post("{}", signed(SECRET, "{}")).status_code == 422


def test_a_blog_that_cannot_be_called_fetches_and_acknowledges(room: Newsroom) -> None:
    with room.database.session() as session:
        session.scalars(select(Site)).one().callback_url = None
        session.commit()
    room.blog.set_up(url=room.service.url, site="foerdeblick", mode="pull")
    comment = room.blog.comment("Hinter der Brandmauer.")
    room.arrived(comment)
    room.decide(comment, "approve")
    room.blog.press("hausordnung_now")
    assert room.blog.read(comment)["status"] == "approved"
    waiting = room.service.app.test_client().get("/api/v1/decisions", headers={"Authorization": f"Bearer {TOKEN}"})
    assert waiting.json["decisions"] == []


def test_what_the_desk_closes_is_closed_in_wordpress(room: Newsroom) -> None:
    comment = room.blog.comment("Vor dem Schließen.")
    article = room.arrived(comment).article.id

    def at_the_desk(outcome: str) -> None:
        form = {"outcome": outcome, "reason": "", "csrf_token": csrf(room.desk, "/queue")}
        assert room.desk.post(f"/articles/{article}/closing", data=form).status_code == 303

    def post() -> list[str]:
        columns = "comment_status, post_modified_gmt"
        row = f"$GLOBALS['wpdb']->get_row('SELECT {columns} FROM wp_posts WHERE ID = {room.blog.post}', ARRAY_N)"
        found: list[str] = json.loads(room.blog.php(f"echo json_encode({row});"))
        return found

    _, edited = post()
    at_the_desk("close")
    tasks.deliver()
    assert post() == ["closed", edited], "the post does not count as edited"
    with httpx.Client(transport=httpx.HTTPTransport(local_address="127.0.0.99")) as reader:
        form = {
            "comment": "Danach.",
            "author": "Jörg",
            "email": "j@example.org",
            "comment_post_ID": str(room.blog.post),
        }
        assert reader.post(f"{room.blog.url}/wp-comments-post.php", data=form, timeout=30).status_code == 403
    data = {"id": str(room.blog.post), "closed": False, "reason": None, "decided_at": "2020-01-01T10:00:00+00:00"}
    for changes, status, answer in (
        ({}, 200, {"applied": False, "why": "older"}),
        ({"id": "999999"}, 404, None),
        ({"closed": "no"}, 422, None),
    ):
        body = json.dumps({"type": "article.opened", "data": data | changes})
        address = f"{room.blog.url}/wp-json/hausordnung/v1/decisions"
        said = httpx.post(address, content=body, headers=signed(SECRET, body), trust_env=False)
        assert said.status_code == status
        assert answer is None or said.json() == answer
    assert post()[0] == "closed"

    with room.database.session() as session:
        session.scalars(select(Site)).one().callback_url = None
        session.commit()
    room.blog.set_up(url=room.service.url, site="foerdeblick", mode="pull")
    at_the_desk("open")
    room.blog.press("hausordnung_now")
    assert post() == ["open", edited]

    def is_closed() -> bool:
        room.blog.knock()
        with room.database.session(read_only=True) as session:
            return session.get_one(Article, article).closed_at is not None

    assert not is_closed(), "what the desk said is not echoed"
    for status in ("closed", "open"):
        room.blog.php(f"wp_update_post(['ID' => {room.blog.post}, 'comment_status' => '{status}']);")
        until(lambda wanted=status == "closed": is_closed() is wanted)
    waiting = room.service.app.test_client().get("/api/v1/decisions", headers={"Authorization": f"Bearer {TOKEN}"})
    assert waiting.json["decisions"] == []
