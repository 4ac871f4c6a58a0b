"""Decisions that a site made elsewhere come in as labels: once, in order, and nothing is sent back."""

from datetime import UTC, datetime, timedelta

import pytest
from flask.testing import FlaskClient
from sqlalchemy import func, select
from sqlalchemy.exc import IntegrityError

from moderation import decisions, history
from moderation.contract import CommentData
from moderation.db import Database
from moderation.decisions import Seen
from moderation.models import Comment, Decision, Delivery, Maker, Moderator, Outcome, Site, Status
from tests.senders import Paper
from tests.senders import comment as sent
from worker import tasks
from worker.app import Workshop

LONG_AGO = datetime(2024, 3, 1, 12, tzinfo=UTC)


def _data(**changes: object) -> CommentData:
    return CommentData.model_validate(sent(submitted_at=LONG_AGO.isoformat(), **changes))


def _record(database: Database, site: Site, outcome: Outcome, at: datetime = LONG_AGO) -> int:
    with database.session() as session:
        comment = history.record(session, session.get_one(Site, site.id), _data(), outcome=outcome, decided_at=at)
        session.commit()
        return comment.id


def test_a_comment_comes_with_its_decision_and_its_date(database: Database, site: Site) -> None:
    comment_id = _record(database, site, Outcome.DELETE)
    with database.session(read_only=True) as session:
        comment = session.get_one(Comment, comment_id)
        assert comment.status is Status.DELETED
        assert comment.due_at is not None, "it is judged, so that a model can learn from it"
        (decision,) = comment.decisions
        assert (decision.maker, decision.moderator, decision.decided_at) == (Maker.SITE, None, LONG_AGO)
        assert session.scalar(select(func.count()).select_from(Delivery)) == 0


def test_the_same_news_twice_is_one_decision(database: Database, site: Site) -> None:
    comment_id = _record(database, site, Outcome.APPROVE)
    assert _record(database, site, Outcome.APPROVE, LONG_AGO + timedelta(days=1)) == comment_id
    with database.session(read_only=True) as session:
        assert len(session.get_one(Comment, comment_id).decisions) == 1


def test_a_change_of_mind_is_the_newer_decision(database: Database, site: Site) -> None:
    _record(database, site, Outcome.APPROVE)
    comment_id = _record(database, site, Outcome.DELETE, LONG_AGO + timedelta(days=1))
    with database.session(read_only=True) as session:
        comment = session.get_one(Comment, comment_id)
        assert comment.status is Status.DELETED
        assert [decision.outcome for decision in comment.decisions] == [Outcome.APPROVE, Outcome.DELETE]


def test_old_news_does_not_overrule_our_moderators(database: Database, site: Site, moderator: Moderator) -> None:
    comment_id = _record(database, site, Outcome.APPROVE)
    with database.session() as session:
        who = session.get_one(Moderator, moderator.id)
        decisions.decide(session, comment_id, Outcome.DELETE, moderator=who, seen=Seen(1, Status.APPROVED))
        session.commit()
    _record(database, site, Outcome.APPROVE, LONG_AGO + timedelta(hours=1))
    with database.session(read_only=True) as session:
        assert session.get_one(Comment, comment_id).status is Status.DELETED


def test_a_site_tells_by_webhook_what_it_decided_itself(paper: Paper, database: Database) -> None:
    decided = {"outcome": "delete", "decided_at": LONG_AGO.isoformat()}
    for _ in range(2):
        answer = paper.send("comment.decided", sent(submitted_at=LONG_AGO.isoformat(), **decided), webhook_id="once")
        assert (answer.status_code, answer.json) == (202, {"id": "c1", "status": "deleted"})
    assert paper.send("comment.decided", sent(**decided | {"outcome": "maybe"})).status_code == 422
    with database.session(read_only=True) as session:
        (decision,) = session.scalars(select(Decision)).all()
        assert (decision.maker, decision.outcome, decision.decided_at) == (Maker.SITE, Outcome.DELETE, LONG_AGO)


def test_the_same_word_on_a_changed_text_is_another_decision(paper: Paper, database: Database) -> None:
    for number, text in enumerate(("Erst so.", "Dann so.")):
        at = (LONG_AGO + timedelta(days=number)).isoformat()
        answer = paper.send("comment.decided", sent(text=text, outcome="approve", decided_at=at, submitted_at=at))
        assert answer.json["status"] == "approved"
    with database.session(read_only=True) as session:
        assert [decision.revision for decision in session.scalars(select(Decision).order_by(Decision.id))] == [1, 2]


def test_a_site_asks_for_scores(paper: Paper, client: FlaskClient, token: str, workshop: Workshop) -> None:
    bearer = {"Authorization": f"Bearer {token}"}
    paper.send("comment.created", sent(text="Du Vollidiot, lies doch erst mal den Artikel!"))
    address = "/api/v1/assessments?comment=c1&comment=never-came"
    assert client.get(address, headers=bearer).json == {"assessments": []}
    tasks.score()
    (said,) = client.get(address, headers=bearer).json["assessments"]
    assert (said["comment_id"], said["status"], said["revision"]) == ("c1", "pending", 1)
    assert said["disrespect"] > 0.5
    assert said["rule"]["title"] == "Niemand wird kleingemacht"
    assert client.get("/api/v1/assessments", headers=bearer).status_code == 422
    assert client.get(address).status_code == 401


@pytest.mark.parametrize("maker", [Maker.RULE, Maker.SITE])
def test_only_moderators_decide_in_somebodys_name(
    database: Database, site: Site, moderator: Moderator, maker: Maker
) -> None:
    comment_id = _record(database, site, Outcome.APPROVE)
    with database.session() as session:
        named = Decision(
            comment_id=comment_id, revision=1, outcome=Outcome.DELETE, maker=maker, moderator_id=moderator.id
        )
        session.add(named)
        with pytest.raises(IntegrityError):
            session.flush()
