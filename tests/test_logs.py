"""Logs hold ids and never what readers wrote, who they are, or a key: not even when something fails over it."""

from typing import Any

import pytest
from sqlalchemy import update

from moderation import auth, create_app, decisions
from moderation.config import Settings
from moderation.db import Database, now
from moderation.decisions import Seen
from moderation.judge import Case
from moderation.models import Comment, Delivery, Moderator, Outcome, Site
from tests.senders import Paper, comment
from worker import tasks
from worker.app import Workshop

CANARY = "Kanarienvogel"


class Chatty:
    """A judge that fails and quotes the comment while doing so."""

    def assess(self, cases: list[Case]) -> Any:
        raise ValueError(cases[0].text)


def test_no_word_of_a_reader_and_no_key_reaches_the_log(
    capsys: pytest.CaptureFixture[str],
    settings: Settings,
    database: Database,
    workshop: Workshop,
    pushed: Site,
    moderator: Moderator,
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

    log = capsys.readouterr().err
    assert "judge_failed" in log
    assert "comment_not_scored" in log
    for secret_thing in (CANARY, "192.0.2.99", secret, secret.removeprefix("whsec_")):
        assert secret_thing not in log
    app.extensions["moderation"].database.dispose()
