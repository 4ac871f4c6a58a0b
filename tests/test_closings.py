"""An article is closed for comments and opened again: undone in time, told to the site, and shut at our own forms."""

from datetime import datetime, timedelta

import pytest
import time_machine
from flask.testing import FlaskClient
from sqlalchemy import select, update
from standardwebhooks.webhooks import Webhook

from moderation import auth, closings
from moderation.db import Database, now
from moderation.errors import StaleView
from moderation.models import Article, AuditEntry, Closing, Comment, Delivery, Door, Moderator, Scope, Site, Status
from tests.conftest import PASSWORD, Receiver, csrf
from tests.senders import ARTICLE, Paper, comment
from tests.stories import add_comment
from tests.test_desk import _text
from worker import tasks
from worker.app import Workshop


@pytest.fixture
def article(database: Database, site: Site) -> int:
    """An article under which a comment waits."""
    with database.session() as session:
        found = add_comment(session, site, text="Wer zahlt das?").article_id
        session.commit()
    return found


def _decide(database: Database, article: int, outcome: Door, moderator: Moderator, reason: str = "") -> int | None:
    with database.session() as session:
        made = closings.decide(session, article, outcome, moderator=moderator, reason=reason)
        session.commit()
        return made and made.id


def _is_closed(database: Database, article: int) -> bool:
    with database.session(read_only=True) as session:
        return session.get_one(Article, article).closed_at is not None


def _post(mona: FlaskClient, address: str, **form: str) -> str:
    answer = mona.post(address, data=form | {"csrf_token": csrf(mona, "/queue")})
    assert answer.status_code == 303, answer.text
    return str(answer.headers["location"])


def test_a_moderator_closes_where_they_read_and_takes_it_back(
    mona: FlaskClient, database: Database, article: int
) -> None:
    queue = "/queue?order=article&comment=1"
    assert "Für Kommentare schließen" in _text(mona.get(queue).text)
    assert _post(mona, f"/articles/{article}/closing", outcome="close", reason="Feierabend", back=queue) == queue
    page = _text(mona.get(queue).text)
    assert "Für Kommentare geschlossen. Die alte Hafenbrücke wird ein Jahr lang gesperrt Rückgängig" in page
    about = _text(mona.get(f"/articles/{article}").text)
    assert "Für Kommentare geschlossen. Feierabend mona" in about
    assert "Geht in" in about
    assert "Die alte Hafenbrücke" in _text(mona.get("/deliveries").text)
    assert _post(mona, "/closings/1/undo", back=queue) == queue
    assert not _is_closed(database, article)
    assert "Nie gesendet" in _text(mona.get(f"/articles/{article}").text)
    with database.session(read_only=True) as session:
        deeds = session.scalars(select(AuditEntry.deed).where(AuditEntry.subject == f"article {article}")).all()
        assert list(deeds) == ["article_closed", "article_undo"]
        assert session.scalars(select(Delivery)).one().cancelled_at is not None


def test_the_site_is_told_signed_and_in_order(
    database: Database, article: int, pushed: Site, moderator: Moderator, receiver: Receiver, workshop: Workshop
) -> None:
    _decide(database, article, Door.CLOSE, moderator, "Es wurde persönlich.")
    tasks.deliver()
    _decide(database, article, Door.OPEN, moderator)
    tasks.deliver()
    told = [Webhook(auth.signing_secrets(pushed)[0]).verify(body, headers) for headers, body in receiver.got]
    assert [message["type"] for message in told] == ["article.closed", "article.opened"]
    assert [(message["data"]["id"], message["data"]["closed"]) for message in told] == [
        ("bruecke", True),
        ("bruecke", False),
    ]
    assert [message["data"]["reason"] for message in told] == ["Es wurde persönlich.", None]
    assert told[0]["data"]["decided_at"] < told[1]["data"]["decided_at"]


def test_what_stands_so_already_is_no_news(database: Database, article: int, moderator: Moderator) -> None:
    assert _decide(database, article, Door.OPEN, moderator) is None
    assert _decide(database, article, Door.CLOSE, moderator) == 1
    assert _decide(database, article, Door.CLOSE, moderator) is None
    with database.session(read_only=True) as session:
        assert len(session.scalars(select(Delivery)).all()) == 1


def test_an_undo_brings_back_what_was_before_and_comes_too_late_once_the_site_knows(
    database: Database, article: int, moderator: Moderator
) -> None:
    _decide(database, article, Door.CLOSE, moderator)
    with database.session(read_only=True) as session:
        closed_at = session.get_one(Article, article).closed_at
    opened = _decide(database, article, Door.OPEN, moderator)
    with database.session() as session:
        with pytest.raises(StaleView, match="since"):
            closings.undo(session, 1, moderator=moderator)
        closings.undo(session, opened or 0, moderator=moderator)
        session.commit()
    with database.session(read_only=True) as session:
        assert session.get_one(Article, article).closed_at == closed_at
        assert closings.undoable(session, moderator=moderator).id == 1  # type: ignore[union-attr]
        told = [sent.cancelled_at is None for sent in session.scalars(select(Delivery).order_by(Delivery.id))]
        assert told == [True, False], "the site still hears that it was closed"
    later = _decide(database, article, Door.OPEN, moderator)
    with time_machine.travel(now() + timedelta(seconds=11)), database.session() as session:
        with pytest.raises(StaleView) as late:
            closings.undo(session, later or 0, moderator=moderator)
        assert late.value.code == "too_late"
        assert closings.undoable(session, moderator=moderator) is None


def test_what_readers_sent_meanwhile_is_kept_and_marked(
    mona: FlaskClient, database: Database, article: int, moderator: Moderator, paper: Paper
) -> None:
    _decide(database, article, Door.CLOSE, moderator)
    assert paper.send("comment.created", comment(id="spaet", text="Noch schnell ein Wort.")).status_code == 202
    page = _text(mona.get("/comments/2").text)
    assert "nach dem Schließen geschickt" in page
    assert "wartet" in page
    assert "nach dem Schließen geschickt" not in _text(mona.get("/comments/1").text)


def test_programs_read_close_and_fetch(
    client: FlaskClient, database: Database, site: Site, article: int, token: str
) -> None:
    ours = {"Authorization": f"Bearer {token}"}
    seen = client.get("/api/v1/articles/bruecke", headers=ours)
    assert seen.json["closed"] is False
    place, body = "/api/v1/articles/bruecke", {"closed": True, "reason": "Nachts geschlossen"}
    assert client.patch(place, json=body, headers=ours).status_code == 428
    closed = client.patch(place, json=body, headers=ours | {"If-Match": seen.headers["ETag"]})
    assert (closed.status_code, closed.json["closed"]) == (200, True)
    assert client.patch(place, json=body, headers=ours | {"If-Match": seen.headers["ETag"]}).status_code == 412
    wrong = client.patch(place, json={"closed": True, "reason": "x" * 301}, headers=ours | {"If-Match": "*"})
    assert (wrong.status_code, wrong.json["field"]) == (422, "reason")
    assert client.get("/api/v1/decisions", headers=ours).json["decisions"] == [], "it can still be undone"
    with database.session() as session:
        session.execute(update(Delivery).values(not_before=now()))
        reader = {"Authorization": f"Bearer {auth.new_token(session.get_one(Site, site.id), Scope.READ)}"}
        session.commit()
    assert client.patch(place, json=body, headers=reader | {"If-Match": "*"}).status_code == 403
    (message,) = client.get("/api/v1/decisions", headers=ours).json["decisions"]
    assert (message["type"], message["data"]["reason"]) == ("article.closed", "Nachts geschlossen")
    (sent,) = client.get("/api/v1/deliveries", headers=ours).json["items"]
    assert (sent["article_id"], sent["comment_id"], sent["state"]) == ("bruecke", None, "waiting")
    heard = client.post("/api/v1/decisions/ack", json={"ids": [message["webhook_id"]]}, headers=ours)
    assert heard.json == {"acknowledged": 1}
    with database.session(read_only=True) as session:
        assert session.scalars(select(Closing)).one().moderator_id is None


def test_what_the_site_closes_by_itself_is_known_and_the_later_word_counts(
    database: Database, site: Site, moderator: Moderator, paper: Paper, moment: datetime
) -> None:
    assert paper.send("article.closed", ARTICLE).json == {"id": "bruecke", "status": "accepted"}
    assert _is_closed(database, 1), "also of an article that was not known"
    paper.send("article.opened", ARTICLE, timestamp=(moment - timedelta(hours=1)).isoformat())
    assert _is_closed(database, 1), "that is older"

    _decide(database, 1, Door.OPEN, moderator)
    with database.session(read_only=True) as session:
        opened_at = session.scalars(select(Closing.decided_at).order_by(Closing.id.desc())).first()
    assert opened_at is not None
    paper.send("article.closed", ARTICLE, timestamp=opened_at.replace(microsecond=0).isoformat())
    with database.session(read_only=True) as session:
        assert session.scalars(select(Delivery)).one().cancelled_at is not None, "the site has the last word"
        made = session.scalars(select(Closing).order_by(Closing.id)).all()
        assert [(one.outcome, one.moderator_id) for one in made] == [
            (Door.CLOSE, None),
            (Door.OPEN, moderator.id),
            (Door.CLOSE, None),
        ]
        with pytest.raises(StaleView):
            closings.undo(session, made[1].id, moderator=moderator)
    paper.send("article.closed", ARTICLE)
    with database.session(read_only=True) as session:
        assert len(session.scalars(select(Closing)).all()) == 3, "the same once more is nothing new"


def test_our_forms_refuse_politely(client: FlaskClient, database: Database, site: Site, article: int) -> None:
    page = "https://zeitung.example/bruecke"
    with database.session() as session:
        session.get_one(Site, site.id).origins = ["https://zeitung.example"]
        session.get_one(Article, article).closed_at = now()
        session.commit()
    fields = {"fields[message]": "Noch ein Wort.", "options[slug]": "bruecke"}
    here = {"Origin": "https://zeitung.example", "Referer": page}
    refused = client.post("/forms/foerdeblick", data=fields, headers=here | {"Accept": "application/json"})
    assert (refused.status_code, refused.json["code"]) == (409, "closed")
    said = {}
    for language in ("de", "en"):
        asked = here | {"Accept": "text/html", "Accept-Language": language}
        said[language] = _text(client.post("/forms/foerdeblick", data=fields, headers=asked).text)
    assert "Unter diesem Artikel kann man nicht mehr kommentieren." in said["de"]
    assert "This article is closed for comments." in said["en"]
    assert client.get("/forms/foerdeblick/comments?article=bruecke").json["closed"] is True
    with database.session(read_only=True) as session:
        assert session.scalars(select(Comment.status)).all() == [Status.PENDING]


def test_a_reason_is_not_lost_when_the_session_is_over(mona: FlaskClient, database: Database, article: int) -> None:
    back = f"/articles/{article}"
    with mona.session_transaction() as session:
        session.clear()
    asked = mona.post(f"{back}/closing", data={"outcome": "close", "reason": "Es wurde laut.", "back": back})
    assert asked.headers["location"].startswith("/sign-in?next=")
    mona.post("/sign-in", data={"name": "mona", "password": PASSWORD, "next": back, "csrf_token": csrf(mona)})
    assert not _is_closed(database, article)
    assert 'value="Es wurde laut."' in mona.get(back).text
    _post(mona, f"{back}/closing", outcome="close", reason="Es wurde laut.", back=back)
    assert _is_closed(database, article)
    _post(mona, f"{back}/closing", outcome="open", back=back)
    assert 'value="Es wurde laut."' not in mona.get(back).text


def test_bad_input_is_explained(mona: FlaskClient, article: int) -> None:
    form = {"csrf_token": csrf(mona, "/queue")}
    assert mona.post(f"/articles/{article}/closing", data=form | {"outcome": "burn"}).status_code == 422
    long = form | {"outcome": "close", "reason": "x" * 301}
    assert mona.post(f"/articles/{article}/closing", data=long).status_code == 422
    assert mona.post("/articles/99/closing", data=form | {"outcome": "close"}).status_code == 404
    assert mona.post("/closings/99/undo", data=form).status_code == 404
    elsewhere = mona.post(f"/articles/{article}/closing", data=form | {"outcome": "close", "back": "//evil.example/"})
    assert elsewhere.headers["location"] == f"/articles/{article}"
