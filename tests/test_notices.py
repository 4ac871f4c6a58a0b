"""What readers are owed: reasons, a way to object, an answer to a notice, and figures for everybody."""

import csv
import io
import re
from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest
import time_machine
from flask import Flask
from flask.testing import FlaskClient
from sqlalchemy import select

from moderation import decisions
from moderation.config import Settings
from moderation.db import Database, now
from moderation.decisions import Seen
from moderation.models import (
    Appeal,
    Assessment,
    Comment,
    Decision,
    Letter,
    Maker,
    Moderator,
    Notice,
    Outcome,
    PastText,
    Site,
    Status,
)
from moderation.notices import appeals
from moderation.rules import Advice
from tests.conftest import PASSWORD, add_moderator, csrf
from tests.senders import Paper
from tests.stories import add_comment

RUDE = "Du Vollidiot, die Brücke ist doch längst bezahlt."


@pytest.fixture
def second(database: Database) -> Moderator:
    """Another moderator, who made no decision yet."""
    return add_moderator(database, "nils")


@pytest.fixture
def deleted(database: Database, site: Site, moderator: Moderator) -> int:
    """The id of a decision that deleted a rude comment under the rule about putting people down."""
    with database.session() as session:
        comment = add_comment(session, site, text=RUDE, language="de", commenter_email="otto@example.org")
        rule = next(r for r in session.get_one(Site, site.id).house_rules if r.signal == "disrespect")
        session.add(
            Assessment(
                comment_id=comment.id,
                revision=1,
                kinds={},
                advice=Advice.REVIEW,
                spans=[{"start": 3, "end": 12, "kind": "insult", "score": 0.9}],
                reasons=[{"rule_id": rule.id, "signal": "disrespect"}],
            )
        )
        session.flush()
        decision = decisions.decide(
            session,
            comment.id,
            Outcome.DELETE,
            moderator=session.get_one(Moderator, moderator.id),
            seen=Seen(1),
            rule_id=rule.id,
        )
        session.commit()
        return decision.id


@pytest.fixture
def path(settings: Settings) -> Callable[[int], str]:
    """The path of a decision's statement."""
    return lambda id_: settings.links.statement(id_).removeprefix(settings.public_url)


def sign_in(app: Flask, moderator: Moderator) -> FlaskClient:
    client = app.test_client()
    client.post("/sign-in", data={"name": moderator.name, "password": PASSWORD, "csrf_token": csrf(client)})
    return client


def answer(client: FlaskClient, address: str, **form: str) -> Any:
    return client.post(address, data=form | {"csrf_token": csrf(client, "/objections")})


def test_the_site_hears_where_the_reasons_stand(app: Flask, client: FlaskClient, deleted: int, token: str) -> None:
    with time_machine.travel(now() + timedelta(minutes=1)):
        told = client.get("/api/v1/decisions", headers={"Authorization": f"Bearer {token}"}).json["decisions"][0][
            "data"
        ]
        assert told["outcome"] == "delete"
        public_url = app.extensions["moderation"].settings.public_url
        assert client.get(told["statement_url"].removeprefix(public_url)).status_code == 200


def test_a_commenter_reads_why_in_their_own_language(
    client: FlaskClient, database: Database, deleted: int, path: Callable[[int], str]
) -> None:
    text = client.get(path(deleted)).text
    assert 'lang="de"' in text
    assert "<mark>Vollidiot</mark>" in text
    assert "Ein Mensch hat entschieden." in text
    assert "Why your comment was deleted" in client.get(path(deleted) + "?language=en").text
    with database.session() as session:
        decision = session.get_one(Decision, deleted)
        decision.rule_title = decision.rule_text = None
        session.commit()
    assert "<h2>Warum</h2>" in client.get(path(deleted)).text, "where no rule was cited none is announced"


def test_a_decision_by_a_rule_says_that_no_person_read_it(
    client: FlaskClient, database: Database, deleted: int, path: Callable[[int], str]
) -> None:
    with database.session() as session:
        decision = session.get_one(Decision, deleted)
        decision.maker, decision.moderator_id = Maker.RULE, None
        session.commit()
    assert "kein Mensch hatte den Kommentar gelesen" in client.get(path(deleted)).text


def test_a_link_is_good_for_one_decision_and_half_a_year(
    client: FlaskClient, deleted: int, path: Callable[[int], str]
) -> None:
    assert client.get(path(deleted).replace("/statements/", "/statements/x")).status_code == 404
    assert client.get(path(deleted + 1)).status_code == 404
    assert client.get("/reader/notices/" + path(deleted).rpartition("/")[2]).status_code == 404
    link = path(deleted)
    with time_machine.travel(now() + timedelta(days=184)):
        assert client.get(link).status_code == 404


def test_an_objection_is_decided_by_somebody_else_and_the_site_hears_of_it(
    app: Flask,
    client: FlaskClient,
    database: Database,
    moderator: Moderator,
    second: Moderator,
    deleted: int,
    path: Callable[[int], str],
) -> None:
    address = path(deleted)
    sent = client.post(address, data={"text": "Das war ironisch gemeint.", "csrf_token": csrf(client, address)})
    assert sent.status_code == 303
    assert "Ihr Widerspruch ist angekommen" in client.get(address).text
    mona, nils = sign_in(app, moderator), sign_in(app, second)
    assert "somebody else has to look at it" in mona.get("/objections", headers={"accept-language": "en"}).text
    assert answer(mona, "/objections/appeals/1", outcome="approve").status_code == 403
    assert (
        answer(nils, "/objections/appeals/1", outcome="approve", answer="Stimmt, entschuldigen Sie.").status_code == 303
    )
    assert answer(nils, "/objections/appeals/1", outcome="delete", answer="Doch nicht.").status_code == 409
    with database.session(read_only=True) as session:
        decision = session.get_one(Decision, deleted)
        assert decision.comment.status is Status.APPROVED
        assert decision.comment.decisions[-1].delivery is not None
    text = client.get(address).text
    assert "Stimmt, entschuldigen Sie." in text
    assert "wieder veröffentlicht" in text


def test_an_objection_refused_needs_a_reason(
    app: Flask, client: FlaskClient, database: Database, second: Moderator, deleted: int, path: Callable[[int], str]
) -> None:
    client.post(path(deleted), data={"text": "Nein.", "csrf_token": csrf(client, path(deleted))})
    nils = sign_in(app, second)
    assert answer(nils, "/objections/appeals/1", outcome="delete").status_code == 422
    assert answer(nils, "/objections/appeals/1", outcome="delete", answer="Er nennt jemanden Idiot.").status_code == 303
    with database.session(read_only=True) as session:
        assert session.get_one(Decision, deleted).comment.status is Status.DELETED
        assert session.scalars(select(Appeal.outcome)).one() is Outcome.DELETE


def test_an_objection_is_answered_once_and_never_by_whoever_decided(
    app: Flask,
    client: FlaskClient,
    moderator: Moderator,
    second: Moderator,
    deleted: int,
    path: Callable[[int], str],
) -> None:
    client.post(path(deleted), data={"text": "Nein.", "csrf_token": csrf(client, path(deleted))})
    assert answer(sign_in(app, moderator), "/objections/appeals/1", outcome="approve").status_code == 403
    nils = sign_in(app, second)
    assert answer(nils, "/objections/appeals/7", outcome="approve").status_code == 404
    assert answer(nils, "/objections/appeals/1", outcome="approve").status_code == 303
    assert answer(nils, "/objections/appeals/1", outcome="delete", answer="Doch.").status_code == 409


def test_nobodys_mailbox_is_filled_with_confirmations(client: FlaskClient, site: Site) -> None:
    form = "/reader/sites/foerdeblick/notice"
    told = {"address": "https://zeitung.example/bruecke#7", "text": "Das ist verboten.", "good_faith": "y"}
    with time_machine.travel(now(), tick=False):
        token = csrf(client, form)
        for email, status in (("a@b.example", 303), ("A@b.example", 303), ("a@B.example", 429), ("", 303)):
            assert client.post(form, data=told | {"email": email, "csrf_token": token}).status_code == status


def test_an_objection_that_is_granted_publishes_no_other_text(
    database: Database, site: Site, moderator: Moderator, second: Moderator, deleted: int
) -> None:
    """A reader may object, send in something worse, have that deleted, too, and wait for the answer."""
    with database.session() as session:
        appeals.object_to(session, deleted, text="Das war ironisch.", email=None, language="de")
        comment = session.get_one(Decision, deleted).comment
        session.add(PastText(comment_id=comment.id, revision=1, text=comment.text))
        comment.text, comment.revision, comment.status = "Noch viel schlimmer.", 2, Status.PENDING
        session.flush()
        mona, nils = (session.get_one(Moderator, who.id) for who in (moderator, second))
        decisions.decide(session, comment.id, Outcome.DELETE, moderator=mona, seen=Seen(2))
        appeals.close(session, 1, Outcome.APPROVE, answer="", moderator=nils)
        session.refresh(comment)
        assert comment.status is Status.DELETED
        assert session.scalars(select(Appeal.outcome)).one() is Outcome.APPROVE


def test_what_does_not_stand_any_more_needs_no_objection(
    client: FlaskClient, database: Database, moderator: Moderator, deleted: int, path: Callable[[int], str]
) -> None:
    form = csrf(client, path(deleted))
    with database.session() as session:
        decisions.undo(session, deleted, moderator=session.get_one(Moderator, moderator.id))
        session.commit()
    assert client.post(path(deleted), data={"text": "Nein.", "csrf_token": form}).status_code == 409
    with database.session(read_only=True) as session:
        assert session.scalars(select(Appeal)).all() == []


def test_one_objects_once(client: FlaskClient, database: Database, deleted: int, path: Callable[[int], str]) -> None:
    form = csrf(client, path(deleted))
    for text in ("Erstens.", "Zweitens."):
        client.post(path(deleted), data={"text": text, "csrf_token": form})
    with database.session(read_only=True) as session:
        assert session.scalars(select(Appeal.text)).all() == ["Erstens."]


@pytest.mark.parametrize(
    "form",
    [
        *({"text": "   "}, {"text": "x" * 4001}),
        *({"text": "Gut.", "email": email} for email in ("keine", "a@b", '"@example.org', "a@example.org\n")),
    ],
)
def test_an_objection_that_is_none_is_given_back(
    client: FlaskClient, deleted: int, path: Callable[[int], str], form: dict[str, str]
) -> None:
    sent = client.post(path(deleted), data=form | {"csrf_token": csrf(client, path(deleted))})
    assert sent.status_code == 422
    assert 'role="alert"' in sent.text


def test_hostile_text_stays_text(
    client: FlaskClient, database: Database, deleted: int, path: Callable[[int], str]
) -> None:
    with database.session() as session:
        session.get_one(Decision, deleted).comment.text = "<script>alert(1)</script>"
        session.commit()
    assert "<script>alert" not in client.get(path(deleted)).text


def test_a_notice_is_confirmed_decided_and_answered(
    app: Flask, client: FlaskClient, database: Database, site: Site, moderator: Moderator
) -> None:
    with database.session() as session:
        comment = add_comment(session, site, external_id="4711", text="Ich weiß, wo du wohnst.")
        session.commit()
        comment_id = comment.id
    form = "/reader/sites/foerdeblick/notice"
    told = {
        "address": "https://zeitung.example/bruecke#comment-4711",
        "text": "Das ist eine Drohung.",
        "good_faith": "y",
    }
    sent = client.post(form, data=told | {"email": "a@example.org", "csrf_token": csrf(client, form)})
    assert sent.status_code == 303
    follow_up = sent.headers["location"]
    assert "ein Mensch wird sie prüfen" in client.get(follow_up).text
    mona = sign_in(app, moderator)
    assert "Ich weiß, wo du wohnst." in mona.get("/objections").text
    assert answer(mona, "/objections/notices/1", outcome="delete").status_code == 422
    told_of = {"outcome": "delete", "answer": "Sie haben recht."}
    assert answer(mona, "/objections/notices/1", **told_of, revision="2").status_code == 409, (
        "another text than was seen"
    )
    assert answer(mona, "/objections/notices/1", **told_of, revision="1").status_code == 303
    assert "Sie haben recht." in client.get(follow_up).text
    with database.session(read_only=True) as session:
        assert session.get_one(Comment, comment_id).status is Status.DELETED
        assert session.scalars(select(Letter.kind).order_by(Letter.id)).all() == ["notice_received", "notice_closed"]


@pytest.mark.parametrize("missing", ["address", "text", "good_faith"])
def test_a_notice_needs_what_the_law_asks(client: FlaskClient, site: Site, database: Database, missing: str) -> None:
    form = "/reader/sites/foerdeblick/notice"
    told = {
        "address": "https://zeitung.example/x",
        "text": "Verboten.",
        "good_faith": "y",
        "csrf_token": csrf(client, form),
    }
    told.pop(missing)
    assert client.post(form, data=told).status_code == 422
    with database.session(read_only=True) as session:
        assert session.scalars(select(Notice)).all() == []


@pytest.mark.parametrize(
    "address", ["https://anders.example/bruecke#comment-1", "irgendwas", "https://[::1", "https://zeitung.example/"]
)
def test_a_notice_about_what_we_do_not_know_is_taken_all_the_same(
    client: FlaskClient, site: Site, database: Database, address: str
) -> None:
    form = "/reader/sites/foerdeblick/notice"
    told = {"address": address, "text": "Verboten.", "good_faith": "y", "csrf_token": csrf(client, form)}
    assert client.post(form, data=told).status_code == 303
    with database.session(read_only=True) as session:
        assert session.scalars(select(Notice.comment_id)).all() == [None]


@pytest.mark.parametrize(
    ("form", "status"),
    [
        ({"outcome": "approve"}, 422),  # nothing is said to whoever wrote it
        ({"outcome": "delete", "answer": "Sie haben recht."}, 422),  # there is no comment to be deleted
        ({"outcome": "vielleicht", "answer": "Mal sehen."}, 422),
        ({"outcome": "approve", "answer": "Dazu kennen wir nichts."}, 303),
    ],
)
def test_a_notice_is_answered_in_words_and_once(
    app: Flask, client: FlaskClient, site: Site, moderator: Moderator, form: dict[str, str], status: int
) -> None:
    page = "/reader/sites/foerdeblick/notice"
    told = {"address": "https://anders.example/x", "text": "Verboten.", "good_faith": "y"}
    client.post(page, data=told | {"csrf_token": csrf(client, page)})
    mona = sign_in(app, moderator)
    assert answer(mona, "/objections/notices/7", **form).status_code in {404, 422}
    assert answer(mona, "/objections/notices/1", **form).status_code == status
    last = {"outcome": "approve", "answer": "Noch einmal."}
    assert answer(mona, "/objections/notices/1", **last).status_code == (409 if status == 303 else 303)


def test_nobody_sends_forms_without_end(client: FlaskClient, site: Site) -> None:
    form = "/reader/sites/foerdeblick/notice"
    told = {"address": "x", "text": "Verboten.", "good_faith": "y", "csrf_token": csrf(client, form)}
    assert 429 in {client.post(form, data=told).status_code for _ in range(25)}


def test_the_report_counts_what_stood_and_by_whom(
    app: Flask, database: Database, site: Site, moderator: Moderator, deleted: int
) -> None:
    with database.session() as session:
        mona = session.get_one(Moderator, moderator.id)
        approved = add_comment(session, site)
        decisions.decide(session, approved.id, Outcome.APPROVE, moderator=mona, seen=Seen(1))
        undone = add_comment(session, site)
        decision = decisions.decide(session, undone.id, Outcome.DELETE, moderator=mona, seen=Seen(1))
        decisions.undo(session, decision.id, moderator=mona)
        by_rule = add_comment(session, site)
        rule = session.get_one(Site, site.id).house_rules[0]
        decisions.decide(session, by_rule.id, Outcome.DELETE, moderator=None, seen=Seen(1), rule_id=rule.id)
        session.commit()
    client = sign_in(app, moderator)
    rows = list(csv.reader(io.StringIO(client.get("/transparency?format=csv").text)))
    figures = {(section, name): value for section, name, value in rows}
    counts = {name: figures["comments", name] for name in ("received", "approved", "deleted", "automated")}
    assert counts == {"received": "4", "approved": "1", "deleted": "2", "automated": "1"}
    assert sum(int(value) for section, _, value in rows if section == "deleted_by_rule") == 2
    assert client.get("/transparency").status_code == 200
    empty = client.get("/transparency?since=2020-01-01&until=2020-01-31&format=csv").text
    assert "comments,received,0" in empty
    for wrong in ("since=gestern", "since=2026-02-01&until=2026-01-01", "site=nowhere"):
        assert client.get(f"/transparency?{wrong}").status_code in {404, 422}


def test_the_webs_pages_have_no_inline_script_or_style(client: FlaskClient, site: Site) -> None:
    text = client.get("/reader/sites/foerdeblick/notice").text
    assert not re.search(r"<script>|<style| style=| on\w+=", text)


def test_a_comment_comes_and_its_commenter_is_mailed_the_reasons(
    paper: Paper, database: Database, site: Site, moderator: Moderator
) -> None:
    with database.session() as session:
        session.get_one(Site, site.id).mails_reasons = True
        comment = add_comment(session, site, commenter_email="otto@example.org", language="de")
        mona = session.get_one(Moderator, moderator.id)
        decisions.decide(session, comment.id, Outcome.DELETE, moderator=mona, seen=Seen(1))
        session.commit()
    with database.session(read_only=True) as session:
        letter = session.scalars(select(Letter)).one()
        assert (letter.kind, letter.address, letter.language) == ("statement", "otto@example.org", "de")
        assert letter.due_at is not None
        assert letter.due_at > now()  # not before the undo window is over
