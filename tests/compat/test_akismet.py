"""Akismet's clients, unmodified, ask here whether something is spam."""

import csv
import io
import json
from collections.abc import Callable, Iterator
from dataclasses import replace
from typing import Any

import akismet
import httpx
import pytest
from flask import Flask
from sqlalchemy import select
from werkzeug.test import TestResponse

from moderation import decisions
from moderation.db import Database
from moderation.decisions import Seen
from moderation.models import Comment, Moderator, Outcome, Site, Status
from tests.conftest import Receiver
from tests.senders import ARTICLE, Paper
from worker import tasks
from worker.app import Workshop

SPAM = "Günstige Kredite ohne Schufa! Sofort auszahlen lassen: https://kredit-blitz.example WhatsApp +49 151 23456789"
HAM = "Die Umleitung über den Nordring kostet mich jeden Morgen zwölf Minuten, das ist zu viel."
BLOG = "https://zeitung.example"


@pytest.fixture
def stock(port: int, akismet_key: str) -> Iterator[akismet.SyncClient]:
    class Here(httpx.HTTPTransport):
        def handle_request(self, request: httpx.Request) -> httpx.Response:
            request.url = request.url.copy_with(scheme="http", host="127.0.0.1", port=port)
            return super().handle_request(request)

    with httpx.Client(transport=Here(), timeout=10) as http:
        yield akismet.SyncClient.validated_client(config=akismet.Config(akismet_key, BLOG), http_client=http)


def test_the_client_from_pypi_finds_spam(stock: akismet.SyncClient) -> None:
    check = stock.comment_check
    assert check(user_ip="192.0.2.1", comment_content=SPAM) in {
        akismet.CheckResponse.SPAM,
        akismet.CheckResponse.DISCARD,
    }
    assert check(user_ip="192.0.2.1", comment_content=HAM) is akismet.CheckResponse.HAM
    assert check(user_ip="192.0.2.1", comment_author="akismet-guaranteed-spam") is akismet.CheckResponse.SPAM


def test_nothing_that_a_reader_may_have_written_is_thrown_away_unseen(judged: Flask, akismet_key: str) -> None:
    """Akismet's plugin can be set to discard what the service calls certain; a model is never that."""
    form = {"api_key": akismet_key, "blog": "https://blog.example", "user_ip": "192.0.2.7"}
    blatant = "Günstige Kredite ohne Schufa! https://kredit-blitz.example WhatsApp +49 151 23456789 Casino gratis!!!"
    answer = judged.test_client().post("/1.1/comment-check", data=form | {"comment_content": blatant})
    assert answer.text == "true"
    assert "x-akismet-pro-tip" not in answer.headers


def test_the_client_from_pypi_corrects_and_counts(stock: akismet.SyncClient, judged: Flask, akismet_key: str) -> None:
    stock.comment_check(user_ip="192.0.2.1", comment_content=SPAM)
    assert stock.submit_spam(user_ip="192.0.2.1", comment_content=SPAM)
    assert stock.submit_ham(user_ip="192.0.2.1", comment_content=HAM)
    assert stock.usage_limit()["usage"] == 1
    form = {"api_key": akismet_key}
    client = judged.test_client()
    extended = client.get("/1.2/usage-limit", query_string=form | {"extended": "1"}).json
    assert (extended["usage"], extended["notice_level"]) == (1, False)
    assert client.get("/1.2/key-sites", query_string=form | {"filter": "https://other"}).json["total"] == 0
    assert client.get("/1.2/key-sites", query_string=form | {"filter": "zeitung"}).json["total"] == 1
    (row,) = next(v for v in client.get("/1.2/key-sites", query_string=form).json.values() if isinstance(v, list))
    assert (row["site"], row["api_calls"], row["missed_spam"], row["false_positives"]) == (BLOG, "1", "1", "1")
    lines = client.get("/1.2/key-sites", query_string=form | {"format": "csv"}).text.splitlines()
    assert lines[1].startswith("Site,Total API Calls")
    assert lines[2] == f"{BLOG},1,1,0,1,1,False"


@pytest.mark.parametrize("blog", ["=HYPERLINK(1)", "+1", "-1", "@SUM(1)", "\t=1", "\r=1", "a\r=1"])
def test_no_spreadsheet_takes_a_blogs_name_for_a_formula(judged: Flask, akismet_key: str, blog: str) -> None:
    form = {"api_key": akismet_key, "blog": blog}
    client = judged.test_client()
    client.post("/1.1/submit-spam", data=form)
    text = client.get("/1.2/key-sites", query_string={"api_key": akismet_key, "format": "csv"}).text
    (row,) = list(csv.reader(io.StringIO(text, newline="")))[2:]
    assert row[0] == ("a =1" if blog == "a\r=1" else f"'{blog.strip()}")


def test_the_client_from_npm_sends_its_key_in_the_hosts_name(
    node: Callable[..., Any], port: int, akismet_key: str
) -> None:
    script = """
        const dns = require('dns')
        const here = {address: '127.0.0.1', family: 4}
        dns.lookup = (host, options, done) => done(null, options.all ? [here] : here.address, here.family)
        const { AkismetClient } = require('akismet-api')
        const [, port, key, blog, spam, ham] = process.argv
        const client = new AkismetClient({key, blog, host: 'akismet.test:' + port, protocol: 'http'})
        const check = text => client.checkSpam({ip: '192.0.2.1', content: text, useragent: 'Test'})
        ;(async () => {
            const answers = [await client.verifyKey(), await check(spam), await check(ham)]
            await client.submitHam({ip: '192.0.2.1', content: ham, useragent: 'Test'})
            console.log(JSON.stringify(answers))
        })()
    """
    assert node(script, str(port), akismet_key, BLOG, SPAM, HAM) == [True, True, False]


def test_a_wrong_key_is_invalid(judged: Flask, akismet_key: str) -> None:
    answer = judged.test_client().post("/1.1/verify-key", data={"key": "000000000000", "blog": BLOG})
    assert (answer.status_code, answer.text) == (200, "invalid")
    assert "akismet-key" in answer.headers["x-akismet-debug-help"]
    assert judged.test_client().post("/1.1/verify-key", data={"key": akismet_key, "blog": BLOG}).text == "valid"


def test_who_asks_too_often_is_told_when_to_ask_again(judged: Flask, akismet_key: str) -> None:
    services = judged.extensions["moderation"]
    settings = services.settings.model_copy(update={"calls_per_minute": 0})
    judged.extensions["moderation"] = replace(services, settings=settings)
    answer = judged.test_client().post("/1.1/verify-key", data={"key": akismet_key, "blog": BLOG})
    assert answer.status_code == 429
    assert 1 <= int(answer.headers["retry-after"]) <= 60


def test_what_is_missing_is_named(judged: Flask, akismet_key: str) -> None:
    answer = judged.test_client().post("/1.1/comment-check", data={"api_key": akismet_key, "blog": BLOG})
    assert answer.text == "invalid"
    assert answer.headers["x-akismet-debug-help"] == "The parameter user_ip is missing."


def test_a_filled_honeypot_is_spam_and_an_administrator_never_is(judged: Flask, akismet_key: str) -> None:
    form = {"api_key": akismet_key, "blog": BLOG, "user_ip": "192.0.2.1", "comment_content": HAM}
    client = judged.test_client()
    trapped = client.post("/1.1/comment-check", data=form | {"honeypot_field_name": "trap", "trap": "x"})
    assert (trapped.text, trapped.headers["x-akismet-pro-tip"]) == ("true", "discard")
    answer = client.post("/1.1/comment-check", data=form | {"comment_content": SPAM, "user_role": "administrator"})
    assert answer.text == "false"


def test_a_correction_that_names_its_comment_is_kept_as_a_decision(
    judged: Flask, akismet_key: str, database: Database
) -> None:
    form = {"api_key": akismet_key, "blog": BLOG, "user_ip": "192.0.2.1", "comment_content": "<b>Kauft</b> &amp; spart"}
    form |= {"comment_ID": "77", "comment_post_ID": "5", "permalink": f"{BLOG}/bruecke"}
    assert judged.test_client().post("/1.1/submit-spam", data=form).text == "Thanks for making the web a better place."
    with database.session(read_only=True) as session:
        (comment,) = session.scalars(select(Comment))
        assert (comment.external_id, comment.text, comment.status) == ("77", "Kauft & spart", Status.DELETED)
        assert [decision.outcome for decision in comment.decisions] == [Outcome.DELETE]


def test_corals_feedback_in_json_without_a_blog_is_counted(judged: Flask, akismet_key: str) -> None:
    answer = judged.test_client().post(
        "/1.1/submit-ham", json={"comment_content": HAM}, base_url=f"http://{akismet_key}.akismet.test"
    )
    assert answer.text == "Thanks for making the web a better place."


@pytest.mark.parametrize("path", ["get-subscription", "get-stats", "deactivate", "test"])
def test_the_plugins_own_pages_are_answered(judged: Flask, akismet_key: str, path: str) -> None:
    assert judged.test_client().post(f"/1.1/{path}", data={"api_key": akismet_key}).status_code == 200


def test_a_month_that_is_none_is_said(judged: Flask, akismet_key: str) -> None:
    answer = judged.test_client().get("/1.2/key-sites", query_string={"api_key": akismet_key, "month": "2026-13"})
    assert answer.headers["x-akismet-debug-help"] == "`month` must look like 2026-11."


RUDE = {
    "blog": BLOG,
    "user_ip": "192.0.2.1",
    "comment_content": "Du Vollidiot, lies doch erst mal den Artikel!",
    "comment_author": "Bote",
    "comment_post_ID": "bruecke",
    "comment_parent": "0",
    "permalink": "https://zeitung.example/bruecke",
}


@pytest.fixture
def asking(database: Database, pushed: Site, paper: Paper) -> Site:
    """A site whose people decide on what Akismet's clients ask; it knows an article."""
    paper.send("article.updated", ARTICLE)
    with database.session() as session:
        session.get_one(Site, pushed.id).akismet_asks = True
        session.commit()
    return pushed


def _check(judged: Flask, key: str, **changes: str) -> TestResponse:
    return judged.test_client().post("/1.1/comment-check", data=RUDE | {"api_key": key} | changes)


@pytest.mark.parametrize(("outcome", "result"), [(Outcome.DELETE, "true"), (Outcome.APPROVE, "false")])
def test_what_a_rule_doubts_is_decided_by_people_and_told_to_the_callback(
    judged: Flask,
    asking: Site,
    akismet_key: str,
    receiver: Receiver,
    database: Database,
    moderator: Moderator,
    workshop: Workshop,
    outcome: Outcome,
    result: str,
) -> None:
    callback = receiver.url.replace("/hausordnung", "/wp-json/akismet/v1/webhook")
    fine = _check(judged, akismet_key, callback=callback, comment_content=HAM)
    assert (fine.text, "X-akismet-guid" in fine.headers) == ("false", False)

    held = _check(judged, akismet_key, callback=callback)
    assert (held.text, int(held.headers["X-akismet-recheck-after"]) > 3600) == ("false", True)
    guid = held.headers["X-akismet-guid"]
    with database.session() as session:
        waiting = session.scalars(select(Comment)).one()
        assert (waiting.external_id, waiting.article.title) == (guid, ARTICLE["title"])
        decisions.decide(session, waiting.id, outcome, moderator=moderator, seen=Seen(revision=1))
        session.commit()
    tasks.deliver()
    receiver.wait_for(1)
    headers, body = receiver.got[0]
    said = {"guid": guid, "result": result, "comment_post_ID": "bruecke", "comment_parent": "0"}
    assert json.loads(body) == {"key": akismet_key, "endpoint": "comment-check", "comments": [said]}
    assert headers["content-type"] == "application/json"


def test_a_verdict_for_akismet_is_nothing_the_site_fetches(
    judged: Flask, asking: Site, akismet_key: str, database: Database, moderator: Moderator, token: str
) -> None:
    _check(judged, akismet_key, callback="https://blog.example/wp-json/akismet/v1/webhook")
    with database.session() as session:
        waiting = session.scalars(select(Comment)).one()
        decisions.decide(session, waiting.id, Outcome.DELETE, moderator=moderator, seen=Seen(revision=1))
        session.commit()
    bearer = {"Authorization": f"Bearer {token}"}
    assert judged.test_client().get("/api/v1/decisions", headers=bearer).json["decisions"] == []


OF_ADMIN = {"callback": "https://x.example", "user_role": "administrator"}


@pytest.mark.parametrize("changes", [{}, {"callback": "ftp://x"}, OF_ADMIN])
def test_who_cannot_be_told_later_is_told_at_once(
    judged: Flask, asking: Site, akismet_key: str, database: Database, changes: dict[str, str]
) -> None:
    answer = _check(judged, akismet_key, **changes)
    assert (answer.text, "X-akismet-guid" in answer.headers) == ("false", False)
    with database.session(read_only=True) as session:
        assert session.scalars(select(Comment)).first() is None
