"""Programs of a site read, decide and manage through the API, each with a token that may do so much and no more."""

from dataclasses import replace
from datetime import UTC, datetime

import pytest
from flask import Flask
from flask.testing import FlaskClient
from sqlalchemy import select

from moderation import auth, sites
from moderation.db import Database
from moderation.judge import Judge
from moderation.models import AuditEntry, Comment, Decision, Delivery, HouseRule, Maker, Quota, Scope, Site, Status
from tests.senders import ARTICLE, Paper, comment
from worker import tasks
from worker.app import Workshop

RUDE = "Du Vollidiot, lies doch erst mal den Artikel, bevor du hier schreibst!"


@pytest.fixture
def judged(app: Flask, judge: Judge) -> Flask:
    app.extensions["moderation"] = replace(app.extensions["moderation"], judge=judge)
    return app


def _bearer(database: Database, site: Site, scope: Scope) -> dict[str, str]:
    with database.session() as session:
        made = auth.new_token(session.get_one(Site, site.id), scope)
        session.commit()
    return {"Authorization": f"Bearer {made}"}


@pytest.fixture
def reader(database: Database, site: Site) -> dict[str, str]:
    return _bearer(database, site, Scope.READ)


@pytest.fixture
def decider(database: Database, site: Site) -> dict[str, str]:
    return _bearer(database, site, Scope.DECIDE)


@pytest.fixture
def manager(database: Database, site: Site) -> dict[str, str]:
    return _bearer(database, site, Scope.MANAGE)


def test_a_list_is_read_page_by_page(client: FlaskClient, paper: Paper, reader: dict[str, str]) -> None:
    for number in range(5):
        paper.send("comment.created", comment(id=f"c{number}", parent_id="c0" if number else None))
    seen: list[str] = []
    after = "0"
    while after:
        page = client.get(f"/api/v1/comments?limit=2&after={after}", headers=reader).json
        seen += [item["id"] for item in page["items"]]
        after = page["next"]
    assert seen == ["c0", "c1", "c2", "c3", "c4"]
    found = client.get("/api/v1/comments/c3", headers=reader).json
    assert (found["article_id"], found["parent_id"], found["status"]) == ("bruecke", "c0", "pending")
    assert found["commenter"] == {"id": None, "name": "Radlerin"}, "no addresses"
    only = client.get("/api/v1/comments?status=approved&article=bruecke", headers=reader).json
    assert only == {"items": [], "next": None}
    (article,) = client.get("/api/v1/articles", headers=reader).json["items"]
    assert (article["id"], article["title"]) == (ARTICLE["id"], ARTICLE["title"])
    assert client.get("/api/v1/articles/bruecke", headers=reader).json == article


def test_what_did_not_change_is_not_sent_again(client: FlaskClient, paper: Paper, reader: dict[str, str]) -> None:
    paper.send("comment.created", comment())
    for address in ("/api/v1/comments", "/api/v1/comments/c1", "/api/v1/openapi.json"):
        first = client.get(address, headers=reader)
        again = client.get(address, headers=reader | {"If-None-Match": first.headers["ETag"]})
        assert (first.status_code, again.status_code, again.data) == (200, 304, b"")
    tag = client.get("/api/v1/comments/c1", headers=reader).headers["ETag"]
    paper.send("comment.updated", {"id": "c1", "text": "Anders."})
    assert client.get("/api/v1/comments/c1", headers=reader | {"If-None-Match": tag}).json["revision"] == 2


def test_a_decision_is_made_on_what_was_seen_and_the_site_hears_of_it(
    client: FlaskClient, paper: Paper, decider: dict[str, str], database: Database
) -> None:
    paper.send("comment.created", comment())
    place = "/api/v1/comments/c1/decisions"
    seen = client.get("/api/v1/comments/c1", headers=decider).headers["ETag"]
    assert client.post(place, json={"outcome": "delete"}, headers=decider).status_code == 428

    paper.send("comment.updated", {"id": "c1", "text": "Inzwischen ein anderer Text."})
    late = client.post(place, json={"outcome": "delete"}, headers=decider | {"If-Match": seen})
    assert (late.status_code, late.json["code"]) == (412, "changed")

    with database.session(read_only=True) as session:
        key = session.scalars(select(HouseRule.key)).first()
    seen = client.get("/api/v1/comments/c1", headers=decider).headers["ETag"]
    now_then = client.post(place, json={"outcome": "delete", "rule": key}, headers=decider | {"If-Match": seen})
    assert (now_then.status_code, now_then.json["maker"], now_then.json["revision"]) == (200, "site", 2)
    with database.session(read_only=True) as session:
        (made,) = session.scalars(select(Decision)).all()
        assert (made.maker, made.comment.status, made.delivery is not None) == (Maker.SITE, Status.DELETED, True)
    assert client.get(place, headers=decider).json["decisions"] == [now_then.json]
    (waiting,) = client.get("/api/v1/deliveries?state=waiting", headers=decider).json["items"]
    assert (waiting["comment_id"], waiting["decision_id"]) == ("c1", now_then.json["id"])
    wrong = client.post(place, json={"outcome": "approve", "rule": "no-such"}, headers=decider | {"If-Match": "*"})
    assert (wrong.status_code, wrong.json["field"]) == (422, "rule")


def test_a_token_may_do_so_much_and_no_more(
    client: FlaskClient, paper: Paper, reader: dict[str, str], decider: dict[str, str], database: Database
) -> None:
    paper.send("comment.created", comment())
    refused = client.post(
        "/api/v1/comments/c1/decisions", json={"outcome": "delete"}, headers=reader | {"If-Match": "*"}
    )
    assert (refused.status_code, refused.json["code"]) == (403, "scope")
    assert "--scope decide" in refused.json["detail"]
    assert client.post("/api/v1/decisions/ack", json={"ids": []}, headers=reader).status_code == 403
    assert client.patch("/api/v1/site", json={}, headers=decider).status_code == 403
    assert client.get("/api/v1/site").status_code == 401
    with database.session() as session:
        other = sites.add_site(session, slug="other", name="Other")
        stranger = {"Authorization": f"Bearer {auth.new_token(other)}"}
        session.commit()
    for address in ("/comments/c1", "/articles/bruecke", "/comments/c1/decisions", "/comments/c1/assessment"):
        assert client.get(f"/api/v1{address}", headers=stranger).status_code == 404


def test_the_site_and_its_rules_are_managed(
    client: FlaskClient, site: Site, manager: dict[str, str], database: Database
) -> None:
    before = client.get("/api/v1/site", headers=manager)
    match = manager | {"If-Match": before.headers["ETag"]}
    changed = client.patch(
        "/api/v1/site", json={"undo_seconds": 0, "callback_url": "https://a.example/h"}, headers=match
    )
    tag = changed.headers["ETag"].strip('"')
    assert changed.json == before.json | {"undo_seconds": 0, "callback_url": "https://a.example/h", "etag": tag}
    assert client.patch("/api/v1/site", json={"undo_seconds": 5}, headers=match).status_code == 412
    match = manager | {"If-Match": changed.headers["ETag"]}
    assert client.patch("/api/v1/site", json={"callback_url": None}, headers=match).json["callback_url"] is None

    rules = client.get("/api/v1/rules", headers=manager)
    fewer = rules.json["rules"][:1]
    match = manager | {"If-Match": rules.headers["ETag"]}
    twice = client.put("/api/v1/rules", json={"rules": fewer * 2}, headers=match)
    assert (twice.status_code, twice.json["field"]) == (422, "rules")
    saved = client.put("/api/v1/rules", json={"rules": fewer}, headers=match)
    assert (saved.json["version"], saved.json["rules"]) == (2, fewer)
    with database.session(read_only=True) as session:
        deeds = session.scalars(select(AuditEntry.deed).order_by(AuditEntry.id)).all()
        assert deeds[-3:] == ["site_changed", "site_changed", "rules_saved"]


def test_a_callback_inside_our_network_is_not_changed_by_a_token(
    client: FlaskClient, pushed: Site, manager: dict[str, str]
) -> None:
    match = manager | {"If-Match": "*"}
    moved = client.patch("/api/v1/site", json={"callback_url": "http://10.0.0.1:6379/"}, headers=match)
    assert moved.status_code == 403
    assert client.patch("/api/v1/site", json={"callback_url": None}, headers=match).status_code == 200


def test_what_could_not_be_delivered_is_sent_again(
    client: FlaskClient, paper: Paper, decider: dict[str, str], manager: dict[str, str], database: Database
) -> None:
    paper.send("comment.created", comment())
    client.post("/api/v1/comments/c1/decisions", json={"outcome": "approve"}, headers=decider | {"If-Match": "*"})
    (sent,) = client.get("/api/v1/deliveries", headers=manager).json["items"]
    place = f"/api/v1/deliveries/{sent['id']}"
    assert client.post(f"{place}/again", headers=manager).json["code"] == "not_failed"
    with database.session() as session:
        row = session.get_one(Delivery, sent["id"])
        row.failed_at, row.due_at, row.last_error = datetime.now(UTC), None, "timeout"
        session.commit()
    assert client.get(place, headers=manager).json["state"] == "failed"
    assert client.post(f"{place}/again", headers=manager).json["state"] == "waiting"
    with database.session() as session:
        session.get_one(Delivery, sent["id"]).delivered_at = datetime.now(UTC)
        session.commit()
    assert client.get(place, headers=manager).json["state"] == "delivered"


def test_scores_are_there_when_they_are(
    client: FlaskClient, paper: Paper, reader: dict[str, str], workshop: Workshop
) -> None:
    paper.send("comment.created", comment(text=RUDE))
    early = client.get("/api/v1/comments/c1/assessment", headers=reader)
    assert (early.status_code, early.json["code"]) == (404, "not_judged")
    tasks.score()
    assert client.get("/api/v1/comments/c1/assessment", headers=reader).json["disrespect"] > 0.5


def test_a_text_is_looked_at_before_it_is_sent(
    judged: Flask, paper: Paper, reader: dict[str, str], database: Database
) -> None:
    paper.send("comment.created", comment())
    client = judged.test_client()
    text = f"👋 {RUDE}"
    said = client.post("/api/v1/preview", json={"text": text, "article_id": "bruecke"}, headers=reader).json
    assert said["rule"]["title"] == "Niemand wird kleingemacht"
    assert said["advice"] != "approve"
    assert "Vollidiot" in said["spans"][0]["quote"]
    for span in said["spans"]:
        assert text[span["start"] : span["end"]] == span["quote"]
    fine = client.post("/api/v1/preview", json={"text": "Der Umweg über den Nordring ist zu lang."}, headers=reader)
    assert (fine.json["rule"], fine.json["spans"]) == (None, [])
    unknown = client.post("/api/v1/preview", json={"text": text, "article_id": "?"}, headers=reader)
    assert (unknown.status_code, unknown.json["code"]) == (404, "unknown_article")
    with database.session(read_only=True) as session:
        assert len(session.scalars(select(Comment)).all()) == 1, "nothing is stored"


@pytest.mark.parametrize(
    ("method", "path", "sent", "status", "field"),
    [
        ("GET", "/comments?limit=501", None, 422, "limit"),
        ("GET", "/comments?after=x", None, 422, "after"),
        ("GET", "/comments?mood=bad", None, 422, "mood"),
        ("GET", "/comments?status=odd", None, 422, "status"),
        ("GET", "/assessments", None, 422, "comment"),
        ("POST", "/preview", "{", 400, ""),
        ("POST", "/preview", "[]", 422, ""),
        ("POST", "/preview", '{"text": ""}', 422, "text"),
        ("POST", "/preview", '{"text": "a\\u0000b"}', 422, "text"),
        ("POST", "/preview", '{"text": "a", "colour": 1}', 422, "colour"),
    ],
)
def test_each_mistake_names_its_field(
    client: FlaskClient, reader: dict[str, str], method: str, path: str, sent: str | None, status: int, field: str
) -> None:
    answer = client.open(f"/api/v1{path}", method=method, data=sent, headers=reader)
    assert (answer.status_code, answer.json["field"]) == (status, field)
    assert answer.content_type == "application/problem+json"


def test_who_asks_too_often_waits(client: FlaskClient, site: Site, reader: dict[str, str], database: Database) -> None:
    with database.session() as session:
        for minute in (0, 1):
            moment = datetime.now(UTC).replace(second=0, microsecond=0)
            moment = moment.replace(minute=(moment.minute + minute) % 60)
            session.add(Quota(key=f"calls {site.id}", minute_at=moment, used=600))
        session.commit()
    answer = client.get("/api/v1/site", headers=reader)
    assert (answer.status_code, answer.json["code"]) == (429, "too_many")
    assert 0 < int(answer.headers["Retry-After"]) <= 60


def test_a_wrong_method_is_told_the_right_ones(client: FlaskClient) -> None:
    answer = client.delete("/api/v1/rules")
    assert (answer.status_code, answer.json["code"]) == (405, "method_not_allowed")
    assert set(answer.headers["Allow"].split(", ")) >= {"GET", "PUT"}
    assert client.get("/api/v1/nothing").json["code"] == "not_found"


@pytest.mark.parametrize("address", ["/api/v1/comments/a%00b", "/forms/foerdeblick/comments?article=%00", "/forms/%00"])
def test_a_nul_in_an_address_is_refused_at_the_door(client: FlaskClient, site: Site, address: str) -> None:
    answer = client.get(address)
    assert (answer.status_code, answer.json["code"]) == (422, "nul")
