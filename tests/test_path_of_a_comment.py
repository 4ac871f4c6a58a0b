"""One comment, from the reader's form to the site's page, in the ten lines of the architecture."""

import json

from flask.testing import FlaskClient
from sqlalchemy import select
from standardwebhooks.webhooks import Webhook

from moderation import auth, decisions, queue
from moderation.db import Database
from moderation.decisions import Seen
from moderation.models import Comment, Delivery, Moderator, Outcome, Site
from tests.conftest import Receiver
from tests.senders import Paper, comment
from worker import tasks
from worker.app import Workshop


def test_a_comment_is_judged_decided_and_the_site_hears_of_it(
    paper: Paper, database: Database, workshop: Workshop, moderator: Moderator, pushed: Site, receiver: Receiver
) -> None:
    # A reader's comment comes in, signed by the site, and is safe before it is answered.
    answer = paper.send("comment.created", comment(text="Du Vollidiot, lies doch erst mal den Artikel!"))
    assert (answer.status_code, answer.json) == (202, {"id": "c1", "status": "pending"})

    # A worker claims it, the judge reads it, the house rules say which of them is in doubt.
    tasks.score()

    # It stands in the queue, with the rule in the site's own words and the words that carry it.
    with database.session(read_only=True) as session:
        card = queue.page(session).comments[0]
        assert card.assessment is not None
        reason = card.assessment.reasons[0]
        assert reason["title"]["de"] == "Niemand wird kleingemacht"
        assert any("Vollidiot" in card.text[span["start"] : span["end"]] for span in card.assessment.spans)
        assert reason["score"] >= reason["threshold"]

    # A moderator deletes it under that rule.
    with database.session() as session:
        seen = Seen(revision=card.revision, status=card.status)
        decisions.decide(
            session, card.id, Outcome.DELETE, moderator=moderator, seen=seen, rule_id=int(reason["rule_id"])
        )
        session.commit()

    # The site is told, signed, and says that it heard.
    tasks.deliver()
    headers, body = receiver.got[0]
    with database.session(read_only=True) as session:
        secret = auth.signing_secrets(session.get_one(Site, pushed.id))[0]
        message = Webhook(secret).verify(body, headers)
        assert message["type"] == "comment.deleted"
        assert message["data"]["id"] == "c1"
        assert message["data"]["rule"]["title"] == "Niemand wird kleingemacht"
        assert session.scalars(select(Delivery)).one().delivered_at is not None


def test_a_site_that_cannot_be_called_fetches_and_acknowledges(
    paper: Paper, database: Database, moderator: Moderator, token: str, client: FlaskClient
) -> None:
    paper.send("comment.created", comment())
    with database.session() as session:
        session.get_one(Site, 1).undo_seconds = 0
        decisions.decide(session, 1, Outcome.APPROVE, moderator=moderator, seen=Seen(revision=1))
        session.commit()

    bearer = {"Authorization": f"Bearer {token}"}
    fetched = client.get("/api/v1/decisions", headers=bearer).json
    assert [decision["type"] for decision in fetched["decisions"]] == ["comment.approved"]
    assert fetched["decisions"][0]["data"]["id"] == "c1"

    ids = [decision["webhook_id"] for decision in fetched["decisions"]]
    assert client.post("/api/v1/decisions/ack", json={"ids": ids}, headers=bearer).json == {"acknowledged": 1}
    assert client.post("/api/v1/decisions/ack", json={"ids": ids}, headers=bearer).json == {"acknowledged": 0}
    assert client.get("/api/v1/decisions", headers=bearer).json["decisions"] == []


def test_the_whole_text_of_a_message_is_signed(paper: Paper, database: Database) -> None:
    body = json.dumps({"type": "comment.created", "data": comment(text="Grüße 👋 an die „Brücke“")}, ensure_ascii=False)
    assert paper.post(body).status_code == 202
    with database.session(read_only=True) as session:
        assert session.scalars(select(Comment.text)).one() == "Grüße 👋 an die „Brücke“"
