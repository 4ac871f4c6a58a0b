"""Coral asks before it publishes, and tells later what its moderators decided: its exact bytes, signed its way."""

import hashlib
import hmac
import json
import threading
from collections.abc import Callable, Iterator
from datetime import timedelta
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import pytest
import time_machine
from flask import Flask
from sqlalchemy import select

from moderation import auth, coral_comments
from moderation.db import Database, now
from moderation.models import Article, Comment, CoralComment, Site, Status

SECRET = "empsec_5f2b8c1d9e7a4036"
FITTING = "Die Pfeiler der Brücke sind seit Jahren morsch, die Sperrung für Lastwagen war überfällig."
RUDE = "<div>Du Vollidiot, die Brücke ist doch längst bezahlt &amp; fertig.</div>"

PAGE = """<!doctype html><html lang="de"><head><title>Die alte Hafenbrücke wird gesperrt</title>
<meta name="description" content="Autos müssen außen herum fahren."><meta name="author" content="mab">
<meta property="og:title" content="Die alte Hafenbrücke wird gesperrt"></head><body>
<nav>Start Sport Wetter</nav><article>
<h1>Die alte Hafenbrücke wird gesperrt</h1>
<p>Von März an ist die alte Hafenbrücke für ein Jahr gesperrt. Die Pfeiler aus dem Jahr 1928 tragen die Last der
Lastwagen nicht mehr, wie ein Gutachten ergab.</p><p>Fußgänger und Radfahrer sollen eine Behelfsbrücke bekommen. Die
Umleitung für Autos führt über den Nordring und kostet etwa zwölf Minuten.</p></article></body></html>"""


class Pages:
    """A newspaper's web server."""

    def __init__(self) -> None:
        self.asked: list[str] = []
        pages = self

        class Handler(BaseHTTPRequestHandler):
            def do_GET(self) -> None:
                pages.asked.append(self.headers["user-agent"])
                if self.path == "/moved":
                    self.send_response(302)
                    self.send_header("location", "/bruecke")
                    self.end_headers()
                    return
                self.send_response(200)
                self.send_header("content-type", "text/html; charset=utf-8")
                self.end_headers()
                self.wfile.write(PAGE.encode())

            def log_message(self, *_: Any) -> None:
                pass

        self.server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.url = f"http://127.0.0.1:{self.server.server_port}"


@pytest.fixture
def pages() -> Iterator[Pages]:
    made = Pages()
    thread = threading.Thread(target=made.server.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True)
    thread.start()
    yield made
    made.server.shutdown()
    made.server.server_close()
    thread.join()


@pytest.fixture
def coral(judged: Flask, database: Database, site: Site) -> Callable[..., Any]:
    """Coral, which sends pretty JSON and signs it with each of its secrets."""
    with database.session() as session:
        changed = session.get_one(Site, site.id)
        changed.callback_private = True
        auth.add_coral_secret(changed, SECRET)
        session.commit()
    client = judged.test_client()

    def post(path: str, data: Any, *, secrets: tuple[str, ...] = ("empsec_an_older_secret", SECRET)) -> Any:
        body = json.dumps(data, indent=2, ensure_ascii=False).encode()
        signatures = [f"sha256={hmac.new(secret.encode(), body, hashlib.sha256).hexdigest()}" for secret in secrets]
        headers = {"X-Coral-Signature": ",".join(signatures), "User-Agent": "Coral Moderation/9.11.8"}
        return client.post(f"/compat/coral/{path}", data=body, content_type="application/json", headers=headers)

    return post


def asking(url: str, body: str = FITTING, author: str = "a1") -> dict[str, Any]:
    return {
        "action": "NEW",
        "comment": {"body": body, "parentID": None},
        "author": {"id": author, "role": "COMMENTER"},
        "story": {"id": "s1", "url": url},
        "site": {"id": "x"},
        "tenantID": "t",
        "tenantDomain": "coral.example",
    }


def left(coral_id: str, status: str, kind: str = "COMMENT_LEFT_MODERATION_QUEUE") -> dict[str, Any]:
    data = {"queue": "pending", "commentID": coral_id, "status": status, "storyID": "s1", "siteID": "x"}
    return {"id": "e1", "type": kind, "createdAt": "2026-11-25T10:00:00Z", "tenantID": "t", "data": data}


def test_a_comment_on_the_topic_passes_without_an_opinion(
    coral: Callable[..., Any], pages: Pages, database: Database
) -> None:
    answer = coral("moderate", asking(f"{pages.url}/moved"))
    assert (answer.status_code, answer.data) == (204, b"")
    with database.session(read_only=True) as session:
        (article,) = session.scalars(select(Article))
        assert article.title == "Die alte Hafenbrücke wird gesperrt"
        assert "Pfeiler aus dem Jahr 1928" in article.body
        assert "Sport" not in article.body
        assert article.lead == "Autos müssen außen herum fahren."


def test_the_article_is_fetched_once_and_politely(coral: Callable[..., Any], pages: Pages) -> None:
    for author in ("a1", "a2"):
        coral("moderate", asking(f"{pages.url}/bruecke", author=author))
    assert len(pages.asked) == 1
    assert pages.asked[0].startswith("Hausordnung/")
    assert "+http" in pages.asked[0]


def test_a_comment_that_puts_somebody_down_is_withheld_with_a_flag(coral: Callable[..., Any], pages: Pages) -> None:
    answer = coral("moderate", asking(f"{pages.url}/bruecke", RUDE)).json
    assert answer["status"] == "SYSTEM_WITHHELD"
    assert {"actionType": "FLAG", "reason": "COMMENT_DETECTED_TOXIC"} in answer["actions"]


def test_it_is_rejected_with_a_reason_only_where_the_site_wants_that(
    coral: Callable[..., Any], pages: Pages, database: Database, site: Site
) -> None:
    from moderation import rulebook
    from moderation.rules import Advice, Signal

    with database.session() as session:
        changed = session.get_one(Site, site.id)
        changed.coral_rejects = True
        stated = [
            rule.model_copy(update={"advice": Advice.DELETE})
            for rule in rulebook.stated(rulebook.current(session, site.id))
            if rule.applied().signal is Signal.DISRESPECT
        ]
        rulebook.save(session, changed, stated)
        session.commit()
    answer = coral("moderate", asking(f"{pages.url}/bruecke", RUDE)).json
    assert answer["status"] == answer["moderationAction"]["status"] == "REJECTED"
    reason = answer["moderationAction"]["rejectionReason"]
    assert reason["code"] == "HARASSMENT_BULLYING"
    assert reason["detailedExplanation"]


def test_an_article_that_cannot_be_had_holds_nobody_up(coral: Callable[..., Any]) -> None:
    assert coral("moderate", asking("http://127.0.0.1:9/nobody", RUDE)).json["status"] == "SYSTEM_WITHHELD"


def test_private_addresses_are_not_fetched_for_a_public_site(
    coral: Callable[..., Any], pages: Pages, database: Database, site: Site
) -> None:
    with database.session() as session:
        session.get_one(Site, site.id).callback_private = False
        session.commit()
    for url in (pages.url, "http://2130706433/", "http://[::1]/", "http://169.254.169.254/latest"):
        coral("moderate", asking(url))
    assert pages.asked == []


def test_a_wrong_signature_is_refused(coral: Callable[..., Any]) -> None:
    answer = coral("moderate", asking("https://a.example"), secrets=("empsec_not_this_one",))
    assert answer.status_code == 401
    assert answer.content_type == "application/problem+json"


@pytest.mark.parametrize(
    "change", [{"action": "LOOK"}, {"comment": {}}, {"story": {"id": "s", "url": "file:///etc/passwd"}}]
)
def test_what_is_wrong_is_named(coral: Callable[..., Any], change: Any) -> None:
    answer = coral("moderate", asking("https://a.example") | change)
    assert answer.status_code == 422
    assert answer.json["field"].split(".")[0] in change


def test_a_decision_in_coral_is_kept_to_learn_from(coral: Callable[..., Any], pages: Pages, database: Database) -> None:
    coral("moderate", asking(f"{pages.url}/bruecke", RUDE))
    assert coral("webhook", left("c7", "SYSTEM_WITHHELD", "COMMENT_ENTERED_MODERATION_QUEUE")).status_code == 204
    assert coral("webhook", left("c7", "REJECTED")).status_code == 204
    with database.session(read_only=True) as session:
        (comment,) = session.scalars(select(Comment))
        assert (comment.external_id, comment.status) == ("coral:c7", Status.DELETED)
        assert comment.text == "Du Vollidiot, die Brücke ist doch längst bezahlt & fertig."
        assert comment.article.title == "Die alte Hafenbrücke wird gesperrt"


def test_of_two_comments_that_came_at_once_neither_is_guessed(
    coral: Callable[..., Any], pages: Pages, database: Database
) -> None:
    coral("moderate", asking(f"{pages.url}/bruecke", RUDE))
    coral("moderate", asking(f"{pages.url}/bruecke", FITTING, author="a2"))
    coral("webhook", left("c7", "REJECTED"))
    with database.session(read_only=True) as session:
        assert session.scalars(select(Comment)).all() == []


def test_texts_without_a_decision_are_forgotten(coral: Callable[..., Any], pages: Pages, database: Database) -> None:
    coral("moderate", asking(f"{pages.url}/bruecke", RUDE))
    with time_machine.travel(now() + timedelta(days=31)), database.session() as session:
        coral_comments.forget(session)
        assert session.scalars(select(CoralComment)).all() == []
