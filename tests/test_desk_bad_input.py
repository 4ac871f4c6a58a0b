"""Hostile texts and wrong addresses at the desk: shown as text, explained, and never a 500."""

import html
import re

import pytest
from flask import Flask
from flask.testing import FlaskClient

from moderation.config import Settings
from moderation.db import Database
from moderation.models import Site
from tests.desks import csrf
from tests.stories import add_article, add_comment

HOSTILE = [
    "<script>alert(1)</script>",
    '"><img src=x onerror=alert(1)>',
    "\u202eabgekehrt\u202d" * 20,
    "x" * 20_000,
    "Z" + "\u0300" * 5_000,
    "{{ 7 * 7 }} %(name)s %s",
    "\u200b\u200d\ufeff",
]


@pytest.mark.parametrize("text", HOSTILE, ids=range(len(HOSTILE)))
def test_hostile_text_is_text(mona: FlaskClient, database: Database, site: Site, text: str) -> None:
    with database.session() as session:
        article = add_article(session, site, external_id="x", title=text, lead=text, body=text)
        add_comment(session, site, text=text, commenter_name=text[:200], article=article)
        session.commit()
    for address in ("/queue", "/comments/1"):
        page = mona.get(address)
        assert page.status_code == 200
        assert "<script>alert" not in page.text
        assert "<img" not in page.text
        assert html.escape(text, quote=False)[:50] in html.unescape(page.text).replace("&", "&amp;") or text in (
            html.unescape(page.text)
        )


@pytest.mark.parametrize(
    ("address", "status"),
    [
        ("/queue?order=sideways", 422),
        ("/queue?after=x", 422),
        ("/queue?after=nan:1", 422),
        ("/queue?after=1e400:1", 422),
        ("/queue?order=oldest&after=9e99:1", 422),
        ("/queue?comment=x", 200),
        ("/queue?comment=99999999999999999999999", 200),
        ("/comments/99999999999999999999999999", 404),
        ("/comments/4711", 404),
        ("/nowhere", 404),
        ("/approved?after=-", 422),
    ],
)
def test_a_wrong_address_is_explained(mona: FlaskClient, address: str, status: int) -> None:
    page = mona.get(address)
    assert page.status_code == status
    assert status == 200 or "Das hat nicht geklappt" in page.text


def test_an_address_with_a_stroke_too_many_leads_to_the_right_one(mona: FlaskClient) -> None:
    answer = mona.get("/comments//1")
    assert (answer.status_code, answer.headers["location"]) == (308, "http://localhost/comments/1")


def test_pages_of_the_desk_send_nobody_anywhere(mona: FlaskClient) -> None:
    headers = mona.get("/queue").headers
    assert "script-src 'self'" in headers["Content-Security-Policy"]
    assert headers["Referrer-Policy"] == "no-referrer"
    assert headers["Cache-Control"] == "no-store"


def test_scripts_and_styles_are_kept_under_the_name_of_their_version(mona: FlaskClient) -> None:
    (script,) = re.findall(r'src="(/static/v-[0-9a-f]+/desk\.js)"', mona.get("/queue").text)
    with mona.get(script) as kept, mona.get(re.sub("v-[0-9a-f]+", "v-of-another-process", script)) as unknown:
        assert (kept.status_code, "immutable" in kept.headers["Cache-Control"]) == (200, True)
        assert (unknown.status_code, "immutable" in unknown.headers["Cache-Control"]) == (200, False)


def test_a_thread_is_not_deleted_without_a_reason(mona: FlaskClient) -> None:
    for rule in ({}, {"rule": "x"}):
        answer = mona.post("/comments/1/thread", data=rule | {"csrf_token": csrf(mona, "/queue")})
        assert (answer.status_code, "Das hat nicht geklappt" in answer.text) == (422, True)


def test_a_link_to_a_notice_that_is_no_more_is_explained(client: FlaskClient, settings: Settings) -> None:
    link = settings.links.notice(4711).removeprefix(settings.public_url)
    assert client.get(link).status_code == 404


@pytest.mark.parametrize("address", ["/queue?relevance_from=2", "/queue?article=x", "/queue?replies=perhaps"])
def test_a_filter_that_cannot_be_is_explained(mona: FlaskClient, address: str) -> None:
    answer = mona.get(address)
    assert (answer.status_code, "Das hat nicht geklappt" in answer.text) == (422, True)


def test_what_cannot_be_seen_is_shown(mona: FlaskClient, database: Database, site: Site) -> None:
    with database.session() as session:
        add_comment(session, site, text="harm\u200blos \u202etxet", commenter_name="Admin\u202e")
        session.commit()
    page = mona.get("/queue").text
    assert '">U+200B</span>' in page
    assert '">U+202E</span>' in page
    assert "\u202e" not in page


@pytest.mark.parametrize(
    ("address", "form", "status"),
    [
        ("/sign-in", {"name": "mo\0na", "password": "x"}, 422),
        ("/sign-in", {"name": "mona", "password": "x\0"}, 422),
        ("/reader/sites/foerdeblick/notice", {"address": "https://a.example/#\0", "text": "x", "good_faith": "y"}, 422),
        ("/reader/sites/foerdeblick/notice", {"address": "x", "text": "x", "name": "\0", "good_faith": "y"}, 422),
        ("/sign-in/passkey", {"credential": "[" * 100_000}, 401),
        ("/sign-in/passkey", {"credential": '{"id": {"a": 1}}'}, 401),
    ],
)
def test_no_form_that_strangers_may_send_gives_a_500(
    app: Flask, site: Site, address: str, form: dict[str, str], status: int
) -> None:
    app.testing = False
    client = app.test_client()
    token = csrf(client)
    client.post("/sign-in/passkey/challenge", data={"csrf_token": token})
    assert client.post(address, data=form | {"csrf_token": token}).status_code == status
