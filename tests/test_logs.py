"""Logs hold ids and never what readers wrote, who they are, or a key: not even when something fails over it."""

import logging
import re
from typing import Any

import pytest
import structlog
from flask.testing import FlaskClient
from sqlalchemy import update
from sqlalchemy.exc import SQLAlchemyError

from moderation import auth, create_app, decisions, logs, outbound, scoring
from moderation.config import Settings
from moderation.db import Database, now
from moderation.decisions import Seen
from moderation.judge import Case
from moderation.models import Comment, Delivery, Moderator, Outcome, Site
from tests.conftest import Receiver
from tests.senders import Paper, comment
from tests.stories import add_comment
from worker import tasks
from worker.app import Workshop

CANARY = "Kanarienvogel"


def test_an_error_is_told_without_the_row_that_it_quotes(
    capsys: pytest.CaptureFixture[str], settings: Settings, database: Database, site: Site
) -> None:
    """PostgreSQL quotes the row that a constraint refuses, SQLAlchemy what was to be written."""
    logs.configure(settings)
    logs.begin("task", "t-1")
    try:
        with database.session() as session:
            add_comment(session, site, text=CANARY, concern=7.0)
    except SQLAlchemyError:
        logging.getLogger("celery").exception("task failed")
    log = capsys.readouterr().err
    assert CANARY not in log
    assert 'error="IntegrityError from' in log
    assert "test_logs.py:" in log
    assert "task=t-1" in log


def test_no_library_writes_down_what_it_does(
    capsys: pytest.CaptureFixture[str], settings: Settings, receiver: Receiver
) -> None:
    """At DEBUG, many quote what they send and where to: the address of a chat is its key."""
    logs.configure(settings.model_copy(update={"log_level": "DEBUG"}))
    receiver.answer = lambda: (200, {})
    address = f"mmost://127.0.0.1:{receiver.server.server_port}/{CANARY}"
    assert outbound.notify(address, "Alarm", CANARY, private=True, timeout=5) is None
    with outbound.client(private=True, timeout=5) as client:
        client.post(f"{receiver.url}?key={CANARY}")
    structlog.get_logger("moderation.tests").debug("ours")
    log = capsys.readouterr().err
    assert "event=ours" in log
    assert CANARY not in log
    assert len(receiver.got) == 2


def test_a_request_bears_the_id_it_came_with_if_that_is_plain(client: FlaskClient) -> None:
    assert client.get("/healthz", headers={"X-Request-ID": "proxy-7"}).headers["X-Request-ID"] == "proxy-7"
    odd = client.get("/healthz", headers={"X-Request-ID": 'x" level=error event=forged'})
    assert re.fullmatch(r"[0-9a-f]{16}", odd.headers["X-Request-ID"])


class Chatty:
    """A judge that fails and quotes the comment while doing so."""

    def study(self, cases: list[Case]) -> Any:
        raise ValueError(cases[0].text)

    def claim(self, *_: object, **__: object) -> Any:
        raise ValueError(CANARY)


def test_no_word_of_a_reader_and_no_key_reaches_the_log(
    capsys: pytest.CaptureFixture[str],
    settings: Settings,
    database: Database,
    workshop: Workshop,
    pushed: Site,
    moderator: Moderator,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    app = create_app(settings.model_copy(update={"log_level": "DEBUG"}))
    secret = auth.signing_secrets(pushed)[0]
    paper = Paper(app.test_client(), pushed.slug, secret)
    person = {"name": f"{CANARY}-Name", "email": f"{CANARY}@example.org", "ip": "192.0.2.99"}
    paper.send("comment.created", comment(text=f"{CANARY} über der Brücke", commenter=person))
    paper.send("comment.created", comment(text=f"{CANARY}\0", commenter=person))
    paper.post(f'{{"{CANARY}": ')

    workshop.__dict__["judge"] = Chatty()
    for _ in range(settings.score_attempts + 1):
        tasks.score()
        with database.session() as session:
            session.execute(update(Comment).values(due_at=now()))
            session.commit()
    with database.session() as session:
        session.get_one(Site, pushed.id).callback_url = f"http://127.0.0.1:1/{CANARY}"
        decisions.decide(session, 1, Outcome.DELETE, moderator=moderator, seen=Seen(revision=1))
        session.execute(update(Delivery).values(due_at=now()))
        session.commit()
    tasks.deliver()
    monkeypatch.setattr(scoring, "claim", Chatty().claim)
    tasks.score.apply()

    log = capsys.readouterr().err
    assert "judge_failed" in log
    assert "comment_not_scored" in log
    assert "tasks.py:" in log  # where a task failed
    for secret_thing in (CANARY, "192.0.2.99", secret, secret.removeprefix("whsec_")):
        assert secret_thing not in log
    app.extensions["moderation"].database.dispose()
