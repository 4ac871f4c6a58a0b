"""Perspective's clients, unmodified, get what they are used to."""

import json
from collections.abc import Callable
from dataclasses import replace
from typing import Any

import googleapiclient.discovery
import googleapiclient.errors
import pytest
from flask import Flask
from flask.testing import FlaskClient
from sqlalchemy import select

from moderation.db import Database
from moderation.models import Comment, Decision, Maker, Outcome, Status

RUDE = "Du Vollidiot 🙈, die Brücke ist doch längst bezahlt. Das steht im Artikel."
ARTICLE = (
    "Die alte Hafenbrücke wird ein Jahr lang gesperrt\nDie Pfeiler aus dem Jahr 1928 tragen die Lastwagen nicht mehr."
)


@pytest.fixture
def google(port: int, token: str) -> Any:
    address = f"http://127.0.0.1:{port}/$discovery/rest?version=v1alpha1"
    with googleapiclient.discovery.build(
        "commentanalyzer", "v1alpha1", developerKey=token, discoveryServiceUrl=address, static_discovery=False
    ) as client:
        yield client


@pytest.fixture
def ask(judged: Flask, token: str) -> Callable[..., Any]:
    client = judged.test_client()

    def post(body: Any, *, key: str = token, method: str = "analyze") -> Any:
        return client.post(f"/v1alpha1/comments:{method}?key={key}", data=json.dumps(body))

    return post


def test_googles_own_client_gets_its_scores(google: Any) -> None:
    wanted = {"comment": {"text": RUDE}, "requestedAttributes": {"TOXICITY": {}, "INSULT": {}, "THREAT": {}}}
    answer = google.comments().analyze(body=wanted | {"languages": ["de"], "doNotStore": True}).execute()
    scores = {name: score["summaryScore"]["value"] for name, score in answer["attributeScores"].items()}
    assert scores["TOXICITY"] > 0.8
    assert scores["INSULT"] > 0.8
    assert scores["THREAT"] < 0.3
    assert answer["languages"] == ["de"]


def test_googles_own_client_understands_our_errors(google: Any) -> None:
    with pytest.raises(googleapiclient.errors.HttpError) as caught:
        google.comments().analyze(body={"comment": {"text": ""}, "requestedAttributes": {"TOXICITY": {}}}).execute()
    assert caught.value.status_code == 400
    assert caught.value.reason == "Comment must be non-empty."
    assert caught.value.error_details[0]["errorType"] == "COMMENT_EMPTY"


def test_the_client_from_npm_gets_its_scores(node: Callable[..., Any], port: int, token: str) -> None:
    script = """
        const axios = require('axios')
        const google = 'https://commentanalyzer.googleapis.com'
        axios.interceptors.request.use(c => (c.url = c.url.replace(google, process.argv[1]), c))
        const Perspective = require('perspective-api-client')
        new Perspective({apiKey: process.argv[2]})
            .analyze(process.argv[3], {attributes: ['toxicity', 'profanity'], languages: ['de']})
            .then(a => console.log(JSON.stringify(a)), e => { console.error(e); process.exit(1) })
    """
    answer = node(script, f"http://127.0.0.1:{port}", token, RUDE)
    assert answer["attributeScores"]["TOXICITY"]["summaryScore"]["value"] > 0.8
    assert set(answer["attributeScores"]) == {"TOXICITY", "PROFANITY"}


def test_coral_gets_the_one_number_it_reads(ask: Callable[..., Any]) -> None:
    body = {
        "comment": {"text": "Danke, das war mir neu."},
        "doNotStore": True,
        "requestedAttributes": {"TOXICITY": {}},
        "languages": ["de"],
    }
    assert 0 < ask(body).json["attributeScores"]["TOXICITY"]["summaryScore"]["value"] < 0.3


def test_coral_with_an_unknown_language_says_english_and_is_not_believed(ask: Callable[..., Any]) -> None:
    answer = ask({"comment": {"text": RUDE}, "requestedAttributes": {"TOXICITY": {}}, "languages": ["en"]}).json
    assert answer["detectedLanguages"] == ["de"]


def test_spans_count_in_utf16(ask: Callable[..., Any]) -> None:
    wanted: dict[str, Any] = {"TOXICITY": {}, "INSULT": {}, "SPAM": {}}
    body = {"comment": {"text": RUDE}, "requestedAttributes": wanted, "spanAnnotations": True}
    scores = ask(body).json["attributeScores"]
    units = RUDE.encode("utf-16-le")

    def cut(span: dict[str, int]) -> str:
        return units[2 * span["begin"] : 2 * span["end"]].decode("utf-16-le")

    assert "Vollidiot" in cut(scores["INSULT"]["spanScores"][0])
    assert cut(scores["TOXICITY"]["spanScores"][-1]).strip() == "Das steht im Artikel."
    assert len(scores["TOXICITY"]["spanScores"]) == 2
    assert cut(scores["SPAM"]["spanScores"][0]) == RUDE, "spam has no place of its own"


def test_without_spans_the_whole_text_is_one(ask: Callable[..., Any]) -> None:
    scores = ask({"comment": {"text": "🙈 So so."}, "requestedAttributes": {"TOXICITY": {}}}).json["attributeScores"]
    (span,) = scores["TOXICITY"]["spanScores"]
    assert (span["begin"], span["end"]) == (0, 9)
    assert span["score"] == scores["TOXICITY"]["summaryScore"]


def test_off_topic_needs_the_article(ask: Callable[..., Any]) -> None:
    def off_topic(text: str) -> Any:
        context = {"articleAndParentComment": {"article": {"text": ARTICLE}}}
        body = {"comment": {"text": text}, "requestedAttributes": {"OFF_TOPIC": {}}, "context": context}
        return ask(body).json["attributeScores"]

    fitting = off_topic("Die Pfeiler der Brücke sind seit Jahren morsch, die Sperrung für Lastwagen war überfällig.")
    foreign = off_topic("Mein Rezept für Rhabarberkuchen: mehr Butter, weniger Zucker, zwei Eier und Vanille dazu.")
    assert fitting["OFF_TOPIC"]["summaryScore"]["value"] < foreign["OFF_TOPIC"]["summaryScore"]["value"]
    alone = ask({"comment": {"text": "Ein Satz ohne Artikel."}, "requestedAttributes": {"OFF_TOPIC": {}, "SPAM": {}}})
    assert set(alone.json["attributeScores"]) == {"SPAM"}


def test_whom_an_attack_is_aimed_at_makes_the_difference(ask: Callable[..., Any]) -> None:
    wanted: dict[str, Any] = {"ATTACK_ON_AUTHOR": {}, "ATTACK_ON_COMMENTER": {}}
    scores = ask({"comment": {"text": RUDE}, "requestedAttributes": wanted}).json["attributeScores"]
    values = {name: score["summaryScore"]["value"] for name, score in scores.items()}
    assert values["ATTACK_ON_COMMENTER"] > values["ATTACK_ON_AUTHOR"]


def test_what_has_no_words_has_no_tone_and_no_score(ask: Callable[..., Any]) -> None:
    wanted: dict[str, Any] = {name: {} for name in ("TOXICITY", "SEVERE_TOXICITY", "ATTACK_ON_AUTHOR", "SPAM")}
    assert ask({"comment": {"text": "🙈!"}, "requestedAttributes": wanted}).json["attributeScores"].keys() == {"SPAM"}


def test_a_threshold_leaves_out_what_is_below(ask: Callable[..., Any]) -> None:
    body = {"comment": {"text": "Danke schön."}, "requestedAttributes": {"TOXICITY": {"scoreThreshold": 0.9}}}
    assert ask(body | {"clientToken": "t1"}).json["attributeScores"] == {}
    assert ask(body | {"clientToken": "t1"}).json["clientToken"] == "t1"


@pytest.mark.parametrize(
    ("change", "message", "kind"),
    [
        ({"comment": {"text": "x" * 20_481}}, "Comment text too long.", "COMMENT_TOO_LONG"),
        ({"requestedAttributes": {}}, "Missing requested_attributes.", "NO_REQUESTED_ATTRIBUTES"),
        ({"requestedAttributes": {"WISDOM": {}}}, "Unknown requested attribute: WISDOM", "INVALID_REQUEST"),
        (
            {"comment": {"text": "a", "type": "HTML"}},
            "Currently, only 'PLAIN_TEXT' comments are supported.",
            "INVALID_REQUEST",
        ),
        (
            {"requestedAttributes": {"TOXICITY": {"scoreType": "RAW"}}},
            "Requested score type RAW is not supported by attribute TOXICITY",
            "INVALID_REQUEST",
        ),
        (
            {"languages": ["fr"]},
            "Attribute TOXICITY does not support request languages: fr",
            "LANGUAGE_NOT_SUPPORTED_BY_ATTRIBUTE",
        ),
        (
            {"context": {"entries": [{"text": "a"}], "articleAndParentComment": {}}},
            "Context can have either entries or article_and_parent_comment, but both fields were populated.",
            "INVALID_REQUEST",
        ),
        ({"comment": 7}, "Invalid value at 'comment'", "INVALID_REQUEST"),
    ],
)
def test_what_is_wrong_is_said_as_google_says_it(ask: Callable[..., Any], change: Any, message: str, kind: str) -> None:
    answer = ask({"comment": {"text": "Hallo Welt"}, "requestedAttributes": {"TOXICITY": {}}} | change)
    error = answer.json["error"]
    assert (answer.status_code, error["code"], error["status"]) == (400, 400, "INVALID_ARGUMENT")
    assert error["message"].startswith(message)
    assert error["details"][0]["errorType"] == kind


def test_what_is_not_supported_can_be_dropped(ask: Callable[..., Any]) -> None:
    body = {
        "comment": {"text": "Hallo Welt, da bin ich wieder."},
        "requestedAttributes": {"TOXICITY": {}, "WISDOM": {}},
        "dropUnsupportedAttributes": True,
    }
    assert set(ask(body).json["attributeScores"]) == {"TOXICITY"}


@pytest.mark.parametrize(
    "body", [b"{", b"[]", b"\xff", b'{"a":' * 100_000, b'{"comment": {"text": "\\ud800 \\u0000 da"}}']
)
def test_hostile_bodies_get_an_error_of_the_same_shape(judged: Flask, token: str, body: bytes) -> None:
    answer = judged.test_client().post(f"/v1alpha1/comments:analyze?key={token}", data=body)
    assert answer.status_code == 400
    assert answer.json["error"]["status"] == "INVALID_ARGUMENT"


def test_a_wrong_key_is_refused(ask: Callable[..., Any]) -> None:
    error = ask({"comment": {"text": "a"}, "requestedAttributes": {"TOXICITY": {}}}, key="ho_wrong").json["error"]
    assert error["message"] == "API key not valid. Please pass a valid API key."


def test_nothing_that_is_analyzed_is_stored(ask: Callable[..., Any], database: Database) -> None:
    ask({"comment": {"text": RUDE}, "requestedAttributes": {"TOXICITY": {}}, "doNotStore": False})
    with database.session(read_only=True) as session:
        assert session.scalars(select(Comment)).all() == []


def test_corals_moderators_teach_by_suggested_scores(ask: Callable[..., Any], database: Database) -> None:
    entry = json.dumps({"url": "https://zeitung.example/bruecke", "Coral_comment_id": "c-1"})
    body = {
        "comment": {"text": RUDE},
        "context": {"entries": [{"text": entry}]},
        "attributeScores": {"TOXICITY": {"summaryScore": {"value": 1}}},
        "languages": ["de"],
        "communityId": "Coral:https://coral.example",
        "clientToken": "comment:c-1",
    }
    answer = ask(body, method="suggestscore")
    assert (answer.status_code, answer.json["clientToken"]) == (200, "comment:c-1")
    ask(body, method="suggestscore")
    with database.session(read_only=True) as session:
        (comment,) = session.scalars(select(Comment))
        (decision,) = session.scalars(select(Decision))
        assert (comment.external_id, comment.status) == ("coral:c-1", Status.DELETED)
        assert comment.article.url == "https://zeitung.example/bruecke"
        assert (decision.outcome, decision.maker) == (Outcome.DELETE, Maker.SITE)


def test_a_suggestion_that_names_no_comment_is_known_by_its_text_and_kept_under_its_article(
    ask: Callable[..., Any], database: Database
) -> None:
    thanks = {
        "comment": {"text": "Danke, das war mir neu."},
        "attributeScores": {"TOXICITY": {"summaryScore": {"value": 0.1}}},
    }
    told = {"context": {"articleAndParentComment": {"article": {"text": ARTICLE}}}}
    for body in (thanks | told, thanks | told, thanks | {"clientToken": "2", "communityId": "Klönstube"}):
        assert ask(body, method="suggestscore").status_code == 200
    with database.session(read_only=True) as session:
        comments = session.scalars(select(Comment).order_by(Comment.id)).all()
        assert [comment.status for comment in comments] == [Status.APPROVED, Status.APPROVED]
        assert [comment.article.title for comment in comments] == [ARTICLE.partition("\n")[0], "Klönstube"]


@pytest.mark.parametrize("scores", [{}, {"TOXICITY": {}}, {"TOXICITY": {"summaryScore": {"value": 7}}}])
def test_a_suggestion_without_a_score_is_refused(ask: Callable[..., Any], scores: Any) -> None:
    assert ask({"comment": {"text": "a"}, "attributeScores": scores}, method="suggestscore").status_code == 400


def test_a_site_can_ask_only_so_often(
    client: FlaskClient, judged: Flask, token: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    services = judged.extensions["moderation"]
    settings = services.settings.model_copy(update={"calls_per_minute": 2})
    monkeypatch.setitem(judged.extensions, "moderation", replace(services, settings=settings))
    body = json.dumps({"comment": {"text": "Hallo Welt"}, "requestedAttributes": {"TOXICITY": {}}})
    answers = [client.post(f"/v1alpha1/comments:analyze?key={token}", data=body) for _ in range(5)]
    refused = [answer for answer in answers if answer.status_code == 429]
    assert refused  # at the turn of a minute the count begins anew, so not exactly three
    assert refused[0].json["error"]["status"] == "RESOURCE_EXHAUSTED"
    assert 1 <= int(refused[0].headers["retry-after"]) <= 60
