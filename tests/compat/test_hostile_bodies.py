"""Whatever is sent to another protocol's door is refused in that protocol's own words, and never a 500."""

import hashlib
import hmac
import json
from collections.abc import Callable

import pytest
from flask import Flask
from flask.testing import FlaskClient
from werkzeug.test import TestResponse

from moderation import auth
from moderation.db import Database
from moderation.models import Site
from tests.compat.coral import SECRET

Post = Callable[[bytes, str], TestResponse]

BODIES = {
    "empty": b"",
    "not UTF-8": '{"comment": {"text": "M\xfcll"}, "input": "M\xfcll"}'.encode("latin-1"),
    "100,000 deep": b"[" * 100_000,
    "a list": b"[]",
    "no text": b'{"comment": {"text": ""}, "input": [], "requestedAttributes": {"TOXICITY": {}}}',
    "too long": json.dumps(
        {"comment": {"text": "x " * 60_000}, "input": "x " * 60_000, "requestedAttributes": {"TOXICITY": {}}}
    ).encode(),
    "over a megabyte": b'{"input": "' + b"x" * 1_100_000 + b'"}',
}
TYPES = ("application/json", "text/plain; charset=utf-16", "multipart/form-data; boundary=x")


DOORS = ("analyze", "suggestscore", "moderations", "comment-check", "usage-limit", "moderate", "webhook")


@pytest.fixture(params=DOORS)
def door(
    request: pytest.FixtureRequest, judged: Flask, token: str, akismet_key: str, database: Database, site: Site
) -> tuple[str, Post]:
    """One of the doors, entered with the right key: the protocol it speaks, and how to post there."""
    client = judged.test_client()
    name = request.param
    with database.session() as session:
        auth.add_coral_secret(session.get_one(Site, site.id), SECRET)
        session.commit()

    def post(body: bytes, kind: str) -> TestResponse:
        signature = "sha256=" + hmac.new(SECRET.encode(), body, hashlib.sha256).hexdigest()
        path, headers = {
            "moderations": ("/v1/moderations", {"Authorization": f"Bearer {token}"}),
            "comment-check": (f"/1.1/comment-check?api_key={akismet_key}", {}),
            "usage-limit": ("/1.2/usage-limit", {"Host": f"{akismet_key}.rest.example"}),
            "moderate": ("/compat/coral/moderate", {"X-Coral-Signature": signature}),
            "webhook": ("/compat/coral/webhook", {"X-Coral-Signature": signature}),
        }.get(name, (f"/v1alpha1/comments:{name}?key={token}", {}))
        return client.post(path, data=body, content_type=kind, headers=headers)

    protocols = {"analyze": "google", "suggestscore": "google", "moderations": "openai"}
    protocols |= {"comment-check": "akismet", "usage-limit": "akismet"}
    return protocols.get(name, "problem"), post


@pytest.mark.parametrize("body", BODIES.values(), ids=BODIES)
def test_a_hostile_body_is_refused_in_the_protocols_own_words(door: tuple[str, Post], body: bytes) -> None:
    protocol, post = door
    for kind in TYPES:
        answer = post(body, kind)
        if protocol == "akismet":  # it knows words, not statuses; what its form does not hold, it does not hold
            assert answer.status_code in {200, 413}
            assert answer.text == "invalid" or answer.json["usage"] == 0
            continue
        assert 400 <= answer.status_code < 500, answer.text
        _require_own_words(protocol, answer)


def _require_own_words(protocol: str, answer: TestResponse) -> None:
    if protocol == "google":
        assert {"code", "message", "status"} <= answer.json["error"].keys()
        assert answer.json["error"]["code"] == answer.status_code
    elif protocol == "openai":
        assert answer.json["error"].keys() == {"message", "type", "param", "code"}
    else:
        assert answer.content_type == "application/problem+json"
        assert answer.json["detail"]


@pytest.mark.parametrize(
    ("protocol", "path", "allowed"),
    [
        ("google", "/v1alpha1/comments:analyze", {"POST"}),
        ("google", "/v1alpha1/comments:suggestscore", {"POST"}),
        ("google", "/$discovery/rest", {"GET", "HEAD"}),
        ("openai", "/v1/moderations", {"POST"}),
        ("akismet", "/1.1/comment-check", {"POST"}),
        ("akismet", "/1.2/usage-limit", {"GET", "HEAD", "POST"}),
        ("problem", "/compat/coral/moderate", {"POST"}),
    ],
)
def test_a_wrong_method_is_refused_in_the_protocols_own_words(
    client: FlaskClient, protocol: str, path: str, allowed: set[str]
) -> None:
    for method in {"GET", "HEAD", "PUT", "DELETE"} - allowed:
        answer = client.open(path, method=method)
        assert (answer.status_code, set(answer.headers["Allow"].split(", "))) == (405, allowed | {"OPTIONS"})
        if method == "HEAD":
            assert answer.data == b""
        elif protocol == "akismet":
            assert answer.text == "invalid"
            assert "not allowed" in answer.headers["X-akismet-debug-help"]
        else:
            _require_own_words(protocol, answer)


def test_a_wrong_method_at_an_address_with_a_slash_too_many_is_led_to_the_right_address(client: FlaskClient) -> None:
    answer = client.get("/v1//moderations")
    assert (answer.status_code, answer.headers["Location"]) == (308, "http://localhost/v1/moderations")


HALF = "\ud800"
"""Half of a surrogate pair, which JSON can say and no database can keep."""

JUDGED = {"attributeScores": {"TOXICITY": {"summaryScore": {"value": 1}}}}
COMMENT = {"blog": "b", "user_ip": "192.0.2.7", "comment_content": "Hallo", "comment_ID": "5"}
ODD = [
    ("comment-check", {"blog": HALF, "user_ip": HALF, "comment_content": HALF}),
    (
        "submit-spam",
        {**COMMENT, "comment_author": HALF, "permalink": f"https://a.example/{HALF}\0", "comment_ID": HALF},
    ),
    ("submit-spam", {**COMMENT, "permalink": "https://a.example/", "comment_post_ID": "p" * 300}),
    *(
        ("comment-check", {**COMMENT, "permalink": f"https://{host}/", "callback": "https://a.example/"})
        for host in ("xn--" + "a" * 80, "a" * 70, "a..b")
    ),
    ("key-sites", {"filter": "\0"}),
    ("key-sites", {"offset": "9" * 30}),
    ("key-sites", {"key": "\0"}),
    *(
        ("suggestscore", JUDGED | more)
        for more in (
            *({"languages": ["xx-"]}, {"languages": [HALF]}, {"clientToken": HALF}, {"communityId": HALF}),
            *({"communityId": "\0"}, {"communityId": "x" * 3000}),
            {"context": {"articleAndParentComment": {"article": {"text": f"{HALF}\nx"}}}},
            *(
                {"context": {"entries": [{"text": json.dumps({"url": f"https://a/{sign}", "Coral_comment_id": sign})}]}}
                for sign in (HALF, "\0", "x" * 1990)
            ),
        )
    ),
]


@pytest.mark.parametrize(("name", "said"), ODD)
def test_what_no_database_keeps_breaks_no_door(
    judged: Flask, token: str, akismet_key: str, database: Database, site: Site, name: str, said: dict[str, object]
) -> None:
    judged.testing = False
    with database.session() as session:
        session.get_one(Site, site.id).akismet_asks = True
        session.commit()
    client = judged.test_client()
    if name == "key-sites":
        headers = {"Host": f"{akismet_key}.rest.example"}
        assert client.post("/1.2/key-sites", data=said, headers=headers).status_code == 200
        return
    path = f"/1.1/{name}?api_key={akismet_key}"
    if name == "suggestscore":
        path, said = f"/v1alpha1/comments:suggestscore?key={token}", {"comment": {"text": "Das ist dumm."}, **said}
    answer = client.post(path, data=json.dumps(said), content_type="application/json")
    assert answer.status_code in {200, 400}, answer.text


def test_akismet_says_by_a_header_what_was_wrong(judged: Flask, akismet_key: str) -> None:
    answer = judged.test_client().post(f"/1.1/comment-check?api_key={akismet_key}", data=b"{}", content_type=TYPES[0])
    assert answer.text == "invalid"
    assert "blog" in answer.headers["X-akismet-debug-help"]
