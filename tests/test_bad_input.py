"""Bad input at the webhook gets a clear 4xx with a code, the field and a sentence; never a 500, nothing is stored."""

import json
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from flask.testing import FlaskClient
from hypothesis import HealthCheck, given
from hypothesis import settings as hypothesis_settings
from hypothesis import strategies as st
from sqlalchemy import func, select

from moderation import auth, sites
from moderation.db import Database
from moderation.models import Comment, Site
from tests.senders import Paper, comment, signed


def _stored(database: Database) -> int:
    with database.session(read_only=True) as session:
        return session.scalar(select(func.count()).select_from(Comment)) or 0


def _event(**changes: Any) -> str:
    return json.dumps({"type": "comment.created", "data": comment(**changes)})


@pytest.mark.parametrize("missing", ["webhook-id", "webhook-timestamp", "webhook-signature"])
def test_a_missing_header_is_named(client: FlaskClient, site: Site, missing: str) -> None:
    headers = signed(auth.signing_secrets(site)[0], _event())
    del headers[missing]
    answer = client.post("/webhooks/foerdeblick/comments", data=_event(), headers=headers)
    assert (answer.status_code, answer.json["field"]) == (401, missing)


@pytest.mark.parametrize("signature", ["v1,AAAA", "nonsense", "v1", "v2,x y", "v1," + "A" * 9000, "v1,ümläut"])
def test_a_wrong_signature_is_refused(client: FlaskClient, site: Site, database: Database, signature: str) -> None:
    body = _event()
    headers = signed(auth.signing_secrets(site)[0], body) | {"webhook-signature": signature}
    answer = client.post("/webhooks/foerdeblick/comments", data=body, headers=headers)
    assert (answer.status_code, answer.json["code"]) == (401, "wrong_signature")
    assert _stored(database) == 0


def test_a_changed_body_is_refused(client: FlaskClient, site: Site) -> None:
    headers = signed(auth.signing_secrets(site)[0], _event())
    answer = client.post("/webhooks/foerdeblick/comments", data=_event(text="anders"), headers=headers)
    assert answer.status_code == 401


def test_another_sites_key_does_not_fit(paper: Paper, database: Database) -> None:
    with database.session() as session:
        paper.secret = auth.signing_secrets(sites.add_site(session, slug="other", name="Other"))[0]
        session.commit()
    assert paper.post(_event()).status_code == 401


@pytest.mark.parametrize(("minutes", "way"), [(-6, "behind"), (6, "ahead of")])
def test_a_wrong_clock_is_told(paper: Paper, minutes: int, way: str) -> None:
    answer = paper.post(_event(), at=datetime.now(UTC) + timedelta(minutes=minutes))
    assert (answer.status_code, answer.json["code"]) == (401, "clock_skew")
    assert f"{way} ours" in answer.json["detail"]


@pytest.mark.parametrize("timestamp", ["gestern", "9" * 400, "9" * 5000])
def test_a_timestamp_that_is_no_number_is_told(client: FlaskClient, site: Site, timestamp: str) -> None:
    headers = signed(auth.signing_secrets(site)[0], _event()) | {"webhook-timestamp": timestamp}
    answer = client.post("/webhooks/foerdeblick/comments", data=_event(), headers=headers)
    assert (answer.status_code, answer.json["code"]) == (401, "wrong_timestamp")


def test_an_id_that_is_too_long_to_be_kept_is_told(paper: Paper, database: Database) -> None:
    answer = paper.post(_event(), webhook_id="m" * 256)
    assert (answer.status_code, answer.json["field"]) == (422, "webhook-id")
    assert _stored(database) == 0


def test_an_unknown_site_is_not_found(paper: Paper) -> None:
    paper.slug = "nowhere"
    assert paper.post(_event()).status_code == 404


def test_a_body_over_the_limit_is_not_read(paper: Paper) -> None:
    answer = paper.post("x" * 1_000_001)
    assert (answer.status_code, answer.json["code"]) == (413, "too_large")


@pytest.mark.parametrize("body", ["", "{", "nicht json", "[" * 100_000, "1" * 5000, b"\xff\xfe", '"' + "\\ud83d" * 9])
def test_what_is_not_json_is_told(client: FlaskClient, site: Site, body: str | bytes) -> None:
    raw = body.encode() if isinstance(body, str) else body
    from base64 import b64encode
    from hashlib import sha256
    from hmac import digest

    from standardwebhooks.webhooks import Webhook

    stamp = str(int(datetime.now(UTC).timestamp()))
    key = Webhook(auth.signing_secrets(site)[0])._whsecret
    mac = b64encode(digest(key, f"m.{stamp}.".encode() + raw, sha256)).decode()
    headers = {"webhook-id": "m", "webhook-timestamp": stamp, "webhook-signature": f"v1,{mac}"}
    answer = client.post("/webhooks/foerdeblick/comments", data=raw, headers=headers)
    assert answer.status_code == 400
    assert answer.json["code"] == "invalid_json"


WRONG = {
    "not an object": ([], 422, "wrong_type", ""),
    "no type": ({"data": {}}, 422, "unknown_event", "type"),
    "an unknown event": ({"type": "comment.approved", "data": {}}, 422, "unknown_event", "type"),
    "a type that cannot be looked up": ({"type": []}, 422, "unknown_event", "type"),
    "no data": ({"type": "comment.created"}, 422, "missing", "data"),
    "data of a wrong type": ({"type": "comment.created", "data": 7}, 422, "model_type", "data"),
    "no text": ({"type": "comment.created", "data": {**comment(), "text": None}}, 422, "string_type", "data.text"),
    "a list as text": ({"type": "comment.created", "data": comment(text=["a"])}, 422, "string_type", "data.text"),
    "an empty id": ({"type": "comment.created", "data": comment(id="")}, 422, "too_short", "data.id"),
    "an object as id": ({"type": "comment.created", "data": comment(id={})}, 422, "string_type", "data.id"),
    "a long id": ({"type": "comment.created", "data": comment(id="x" * 256)}, 422, "too_long", "data.id"),
    "no article": ({"type": "comment.created", "data": comment(article=None)}, 422, "model_type", "data.article"),
    "a time without a zone": (
        {"type": "comment.created", "data": comment(submitted_at="2026-01-01T00:00:00")},
        422,
        "timezone_aware",
        "data.submitted_at",
    ),
    "a time at the end of days": (
        {"type": "comment.created", "data": comment(submitted_at="9999-12-31T23:59:59-14:00")},
        422,
        "value_error",
        "data.submitted_at",
    ),
    "NUL": ({"type": "comment.created", "data": comment(text="a\0b")}, 422, "value_error", "data.text"),
    "a lone surrogate": ({"type": "comment.created", "data": comment(text="a\ud83d")}, 422, None, "data.text"),
    "a lone surrogate in a name": (
        {"type": "comment.created", "data": comment(commenter={"name": "\udc00"})},
        422,
        None,
        "data.commenter.name",
    ),
    "a text that is too long": (
        {"type": "comment.created", "data": comment(text="x" * 20_001)},
        422,
        "too_long",
        "data.text",
    ),
    "a script as article url": (
        {"type": "comment.created", "data": comment(article={"id": "a", "url": "javascript:x", "title": "t"})},
        422,
        "string_pattern_mismatch",
        "data.article.url",
    ),
}


@pytest.mark.parametrize("case", WRONG)
def test_what_is_wrong_is_named(paper: Paper, database: Database, case: str) -> None:
    payload, status, code, field = WRONG[case]
    answer = paper.post(json.dumps(payload))
    assert answer.status_code == status
    assert answer.content_type == "application/problem+json"
    assert answer.json["field"] == field
    assert code is None or answer.json["code"] == code
    assert len(answer.json["detail"]) > 10
    assert _stored(database) == 0


def test_unknown_fields_are_ignored(paper: Paper) -> None:
    assert paper.post(_event(mood="sunny", article=comment()["article"] | {"paywall": True})).status_code == 202


def test_a_refused_event_may_be_sent_again_once_it_is_right(paper: Paper) -> None:
    assert paper.send("comment.updated", {"id": "c1", "text": "x"}, webhook_id="msg_1").status_code == 404
    paper.send("comment.created", comment())
    assert paper.send("comment.updated", {"id": "c1", "text": "x"}, webhook_id="msg_1").status_code == 202


_json = st.recursive(
    st.none() | st.booleans() | st.floats() | st.integers() | st.text(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=8), inner, max_size=4),
    max_leaves=8,
)
_fields = ["id", "text", "html", "commenter", "parent_id", "submitted_at", "language", "article"]


@hypothesis_settings(max_examples=150, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(kind=st.sampled_from(["comment.created", "comment.updated", "comment.deleted", "article.updated"]),
       changes=st.dictionaries(st.sampled_from(_fields), _json, max_size=3), stamp=_json)  # fmt: skip
def test_no_input_gives_a_500(paper: Paper, kind: str, changes: dict[str, Any], stamp: Any) -> None:
    body = json.dumps({"type": kind, "timestamp": stamp, "data": comment() | changes})
    assert paper.post(body).status_code in {202, 404, 422}


@pytest.mark.parametrize("query", ["after=-1", "after=x", "after=9" * 30, "limit=1001", "after=%C2%B2", "after="])
def test_a_wrong_place_in_the_decisions_is_told(client: FlaskClient, token: str, query: str) -> None:
    answer = client.get(f"/api/v1/decisions?{query}", headers={"Authorization": f"Bearer {token}"})
    assert answer.status_code == 422


@pytest.mark.parametrize("header", [None, "", "Bearer", "Bearer x", "Basic eDp5", "Bearer \udcff"])
def test_decisions_need_the_sites_token(client: FlaskClient, site: Site, header: str | None) -> None:
    headers = {} if header is None else {"Authorization": header.encode("utf-8", "surrogateescape").decode("latin-1")}
    assert client.get("/api/v1/decisions", headers=headers).status_code == 401


@pytest.mark.parametrize("body", ["{}", "[]", '{"ids": "x"}', '{"ids": [1]}', '{"ids": [{}]}'])
def test_a_wrong_acknowledgement_is_told(client: FlaskClient, token: str, body: str) -> None:
    headers = {"Authorization": f"Bearer {token}"}
    assert client.post("/api/v1/decisions/ack", data=body, headers=headers).status_code == 422
