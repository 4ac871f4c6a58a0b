"""A page without a comment system has a form: what it sends waits at the desk, what is approved stands on the page."""

import re
import shlex
from collections.abc import Iterator
from dataclasses import replace
from typing import Any

import altcha.v1 as altcha
import pytest
from click.testing import CliRunner
from flask import Flask
from flask.testing import FlaskClient
from sqlalchemy import select, update
from werkzeug.test import TestResponse

from moderation import forms
from moderation.cli import main
from moderation.config import Settings
from moderation.db import Database
from moderation.errors import BadInput
from moderation.judge import Judge
from moderation.models import Article, Comment, Site, Status
from tests.senders import Paper, comment

BLOG = "https://blog.example"
HERE = {"Origin": BLOG, "Referer": f"{BLOG}/posts/bridge/"}
JSON = HERE | {"Accept": "application/json"}
FIELDS = {"fields[name]": "Jörg", "fields[email]": "j@blog.example", "fields[message]": "Grüße 👋, schöner Text."}


@pytest.fixture
def form(client: FlaskClient, database: Database, site: Site) -> Iterator["Form"]:
    with database.session() as session:
        session.get_one(Site, site.id).origins = [BLOG, "https://www.blog.example"]
        session.commit()
    return Form(client, database)


class Form:
    """A form on a page of the blog."""

    def __init__(self, client: FlaskClient, database: Database) -> None:
        self.client = client
        self.database = database

    def send(self, headers: dict[str, str] = JSON, path: str = "", **fields: str) -> TestResponse:
        return self.client.post(f"/forms/foerdeblick{path}", data=FIELDS | fields, headers=headers)

    def comments(self) -> list[Comment]:
        with self.database.session(read_only=True) as session:
            found = list(session.scalars(select(Comment).order_by(Comment.id)))
            assert all(one.article for one in found)
            return found

    def approve_all(self) -> None:
        with self.database.session() as session:
            session.execute(update(Comment).values(status=Status.APPROVED))
            session.commit()

    def listed(self, **headers: str) -> TestResponse:
        return self.client.get("/forms/foerdeblick/comments?article=/posts/bridge/", headers=headers)


@pytest.mark.parametrize("after", ["x", "", "-1", "²", "9" * 19])
def test_a_place_in_the_list_that_cannot_be_is_told(form: Form, after: str) -> None:
    answer = form.client.get("/forms/foerdeblick/comments", query_string={"article": "/posts/bridge/", "after": after})
    assert (answer.status_code, answer.json["field"]) == (422, "after")


@pytest.mark.parametrize("origin", ["https://other.example", "null"])
def test_a_foreign_page_is_told_no_comments_and_why(form: Form, origin: str) -> None:
    answer = form.listed(Origin=origin)
    assert (answer.status_code, answer.json["code"], answer.json["field"]) == (403, "foreign_page", "origin")
    assert "Access-Control-Allow-Origin" not in answer.headers
    assert "Origin" in answer.headers["Vary"]


@pytest.mark.parametrize("asked", ["", "?article=", "?after=0"])
def test_comments_are_asked_for_under_an_article(form: Form, asked: str) -> None:
    answer = form.client.get(f"/forms/foerdeblick/comments{asked}")
    assert (answer.status_code, answer.json["code"], answer.json["field"]) == (422, "missing", "article")


def test_what_is_sent_waits_and_what_is_approved_is_shown(form: Form) -> None:
    sent = form.send()
    assert (sent.status_code, sent.json["success"], sent.json["status"]) == (202, True, "pending")
    (waiting,) = form.comments()
    assert (waiting.text, waiting.commenter_name) == ("Grüße 👋, schöner Text.", "Jörg")
    article = waiting.article
    assert (article.external_id, article.url) == ("/posts/bridge/", f"{BLOG}/posts/bridge/")
    assert form.listed().json == {"comments": [], "next": None, "work": False, "closed": False}
    form.approve_all()
    first = form.listed(Origin=BLOG)
    (shown,) = first.json["comments"]
    assert (shown["id"], shown["name"], shown["text"]) == (sent.json["id"], "Jörg", waiting.text)
    assert set(shown) == {"id", "parent_id", "name", "text", "submitted_at"}, "no addresses"
    again = form.listed(Origin=BLOG, **{"If-None-Match": first.headers["ETag"]})
    assert (again.status_code, again.headers["Access-Control-Allow-Origin"]) == (304, BLOG)
    assert "Origin" in first.headers["Vary"]
    assert "Set-Cookie" not in first.headers


def test_an_answer_is_an_answer_only_under_the_same_article(form: Form, paper: Paper) -> None:
    paper.send("comment.created", comment(id="elsewhere"))
    first = form.send().json["id"]
    form.send(**{"options[parent]": first, "fields[message]": "Ja."})
    form.send(**{"fields[reply_to]": "elsewhere", "fields[message]": "Nein."})
    assert [found.parent_external_id for found in form.comments()[1:]] == [None, first, None]


def test_a_theme_for_staticman_works_with_another_address(form: Form) -> None:
    options = {"options[slug]": "bridge", "options[redirect]": f"{BLOG}/thanks/", "options[reCaptcha][siteKey]": "x"}
    sent = form.send(HERE | {"Accept": "text/html"}, "/user/repo/main/comments", **options)
    assert (sent.status_code, sent.headers["Location"]) == (303, f"{BLOG}/thanks/")
    (found,) = form.comments()
    assert found.article.external_id == "bridge"
    thanks = form.send(HERE | {"Accept": "text/html"})
    assert (thanks.status_code, "Danke" in thanks.text) == (202, True)


def test_a_form_changes_nothing_of_an_article_that_is_known(form: Form, paper: Paper) -> None:
    paper.send("comment.created", comment())
    form.send(**{"options[slug]": "bruecke", "options[title]": "Gekapert"})
    with form.database.session(read_only=True) as session:
        assert session.scalars(select(Article)).one().title.startswith("Die alte Hafenbrücke")


@pytest.mark.parametrize(
    ("headers", "fields", "status", "code"),
    [
        ({"Origin": "https://evil.example"}, {}, 403, "foreign_page"),
        ({"Origin": "null"}, {}, 403, "foreign_page"),
        ({}, {}, 403, "foreign_page"),
        (HERE, {"options[redirect]": "https://evil.example/"}, 422, "foreign_address"),
        (HERE, {"options[redirect]": f"{BLOG}@evil.example/"}, 422, "foreign_address"),
        (HERE, {"options[redirect]": f"{BLOG}.evil.example/"}, 422, "foreign_address"),
        (HERE, {"options[redirect]": "https:\\\\evil.example"}, 422, "foreign_address"),
        (HERE, {"options[redirect]": "javascript:alert(1)"}, 422, "foreign_address"),
        (HERE, {"options[origin]": "https://evil.example/"}, 422, "foreign_address"),
        (HERE, {"fields[hidden]": "ich bin ein Programm"}, 422, "invalid"),
        (HERE, {"fields[message]": " "}, 422, "missing"),
        (HERE, {"fields[message]": "x" * 20_001}, 422, "too_long"),
        (HERE, {"fields[message]": "a\x00b"}, 422, "nul"),
        (HERE, {"options[slug]": "a\x00b"}, 422, "nul"),
    ],
)
def test_what_is_refused_leaves_nothing_behind(
    form: Form, headers: dict[str, str], fields: dict[str, str], status: int, code: str
) -> None:
    answer = form.send({"Accept": "application/json", **headers}, **fields)
    assert (answer.status_code, answer.json["code"]) == (status, code)
    assert form.comments() == []


def test_a_reader_without_script_is_told_on_a_page(form: Form) -> None:
    page = HERE | {"Accept": "text/html,*/*;q=0.8"}
    refused = form.send(page, **{"fields[message]": ""})
    assert (refused.status_code, "<h1>" in refused.text) == (422, True)
    back = form.send(page, **{"fields[message]": "", "options[redirectError]": f"{BLOG}/oh/"})
    assert (back.status_code, back.headers["Location"]) == (303, f"{BLOG}/oh/")


def test_the_work_is_good_for_one_comment(form: Form) -> None:
    with form.database.session() as session:
        session.scalars(select(Site)).one().forms_need_work = True
        session.commit()
    assert form.listed().json["work"] is True
    assert form.send().json["code"] == "work"
    asked = form.client.get("/forms/foerdeblick/work").json
    solved = altcha.solve_challenge(asked["challenge"], asked["salt"], asked["algorithm"], asked["maxNumber"])
    payload = altcha.Payload(
        asked["algorithm"], asked["challenge"], solved.number, asked["salt"], asked["signature"]
    ).to_base64()
    assert form.send(altcha=payload).status_code == 202
    assert form.send(altcha=payload).json["code"] == "sent_already"
    for nonsense in ("W10=", "e30=", "{", "eyJzYWx0IjoxfQ=="):
        assert form.send(altcha=nonsense).json["code"] == "work"
    assert len(form.comments()) == 1


def test_who_sends_too_often_waits(app: Flask, form: Form) -> None:
    services = app.extensions["moderation"]
    few = services.settings.model_copy(update={"forms_per_minute": 1})
    app.extensions["moderation"] = replace(services, settings=few)
    assert {form.send().status_code for _ in range(3)} >= {202, 429}


def test_a_look_before_sending_names_rule_and_words(app: Flask, form: Form, judge: Judge) -> None:
    app.extensions["moderation"] = replace(app.extensions["moderation"], judge=judge)

    def look(text: str, headers: dict[str, str] = JSON) -> Any:
        return form.client.post("/forms/foerdeblick/preview", data={"text": text}, headers=headers).json

    said = look("Du Vollidiot, lies doch erst mal den Artikel!")
    assert said["rule"]["title"] == "Niemand wird kleingemacht"
    assert any("Vollidiot" in quote for quote in said["quotes"])
    assert look("Danke, das wusste ich nicht.") == {"rule": None, "quotes": []}
    assert look("")["code"] == "invalid"
    assert look("Hallo", {"Accept": "application/json"})["code"] == "foreign_page"
    assert form.comments() == []


def test_pages_are_named_at_the_command_line(settings: Settings, site: Site, database: Database) -> None:
    env = {"MODERATION_DATABASE_URL": settings.database_url, "MODERATION_HOME": str(settings.home)}

    def run(*arguments: str) -> str:
        return CliRunner().invoke(main, ["site", *arguments], env=env).output

    run(
        "set",
        "foerdeblick",
        "--origin",
        "https://Blog.example/",
        "--origin",
        "http://127.0.0.1:8080",
        "--proof-of-work",
    )
    assert "Forms stand on:  https://blog.example, http://127.0.0.1:8080" in run("show", "foerdeblick")
    assert "is no origin" in run("set", "foerdeblick", "--origin", "https://blog.example/path")
    run("set", "foerdeblick", "--no-origins")
    with database.session(read_only=True) as session:
        found = session.scalars(select(Site)).one()
        assert (found.origins, found.forms_need_work) == ([], True)


def test_what_a_refused_page_is_told_to_do_takes_no_other_page_away(form: Form, settings: Settings) -> None:
    env = {"MODERATION_DATABASE_URL": settings.database_url, "MODERATION_HOME": str(settings.home)}
    page = {"Origin": "https://new.example", "Accept": "application/json"}
    advice = re.search(r"`moderation (.*)`", form.send(page).json["detail"])
    assert advice

    def run(line: str) -> str:
        return CliRunner().invoke(main, shlex.split(line), env=env).output

    assert run(advice[1]) == (
        "foerdeblick is changed.\n"
        "Forms stand on:  https://blog.example, https://www.blog.example, https://new.example\n"
    )
    assert form.send(page).status_code == 202
    assert "blog.example, https://new.example\n" in run(advice[1]), "said twice, it stands there once"
    gone = run("site set foerdeblick --remove-origin https://www.blog.example")
    assert gone.endswith("Forms stand on:  https://blog.example, https://new.example\n")
    assert "not among the site's origins: https://blog.example, https://new.example." in run(
        "site set foerdeblick --remove-origin https://www.blog.example"
    )
    anew = run("site set foerdeblick --no-origins --origin https://only.example")
    assert anew.endswith("Forms stand on:  https://only.example\n")
    assert run("site set foerdeblick --no-origins").endswith("Forms stand on:  (no page)\n")


@pytest.mark.parametrize("address", ["https://*.blog.example", "https://*", "http://*:8080/"])
def test_an_origin_that_is_meant_to_stand_for_many_is_refused_as_no_page_would_match_it(address: str) -> None:
    with pytest.raises(BadInput, match="name each origin by itself"):
        forms.clean_origin(address)


@pytest.mark.parametrize(
    "address", ["", "blog.example", "ftp://blog.example", "https://", "https://a:b@c", "https://[", "//x"]
)
def test_what_is_no_origin_is_none(address: str) -> None:
    with pytest.raises(BadInput):
        forms.clean_origin(address)
