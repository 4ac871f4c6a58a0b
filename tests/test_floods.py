"""One reader who floods a site by way of its signed webhook is slowed down; nobody else is, and nothing is lost."""

import json
from typing import Any

import pytest
from flask import Flask
from hypothesis import given
from hypothesis import strategies as st
from sqlalchemy import func, select

from moderation import quota
from moderation.db import Database
from moderation.models import Comment, Site
from tests.senders import Paper, comment, signed
from tests.statements import heard

AT_MOST = 120


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> Any:
    """A clock that stands still until it is told to go on."""

    class Clock:
        moment = 1000.0

        def monotonic(self) -> float:
            return self.moment

    made = Clock()
    monkeypatch.setattr(quota, "time", made)
    return made


def _from(ip: str | None, number: int) -> dict[str, Any]:
    return comment(id=f"{ip} {number}", commenter={"name": "Jemand", "ip": ip})


def _stored(database: Database) -> int:
    with database.session(read_only=True) as session:
        return session.scalar(select(func.count()).select_from(Comment)) or 0


def test_what_one_address_sends_too_much_is_refused_early_and_taken_later(
    app: Flask, paper: Paper, database: Database, clock: Any
) -> None:
    answers = []
    for number in range(AT_MOST):
        answers.append(paper.send("comment.created", _from(f"2001:db8:0:1::{number:x}", number)))
    assert {answer.status_code for answer in answers} == {202}

    again = [("comment.created", _from("2001:db8:0:1:ffff::1", number), f"again-{number}") for number in range(20)]
    with heard(app.extensions["moderation"].database.engine) as asked:
        refused = [paper.send(kind, data, webhook_id=name) for kind, data, name in again]
    assert {(answer.status_code, answer.json["code"]) for answer in refused} == {(429, "reader_too_many")}
    assert {answer.headers["Retry-After"] for answer in refused} == {"61"}
    assert not asked, "a flood costs the database nothing"

    for number, honest in enumerate(["2001:db8:0:2::1", "192.0.2.8", None]):  # others are not held up
        assert paper.send("comment.created", _from(honest, number)).status_code == 202
    assert _stored(database) == AT_MOST + 3

    clock.moment += 61
    assert {paper.send(kind, data, webhook_id=name).status_code for kind, data, name in again} == {202}
    assert _stored(database) == AT_MOST + 3 + len(again)


def test_in_a_call_with_many_only_the_flooders_are_refused(paper: Paper, clock: Any) -> None:
    events = [{"type": "comment.created", "data": _from("192.0.2.9", number)} for number in range(AT_MOST + 10)]
    events.insert(60, {"type": "comment.created", "data": _from("192.0.2.10", 1)})
    events.append({"type": "comment.updated", "data": _from("192.0.2.9", 1)})
    events.append({"type": "comment.created", "data": _from("192.0.2.10", 2)})
    body = json.dumps({"events": events})
    answer = paper.client.post(f"/webhooks/{paper.slug}/bulk", data=body, headers=signed(paper.secret, body))
    told = [outcome.get("status") or outcome["problem"]["code"] for outcome in answer.json["outcomes"]]
    assert told == ["pending"] * (AT_MOST + 1) + ["reader_too_many"] * 11 + ["pending"]


def test_a_call_with_many_brings_the_flooders_when_it_comes_again_later(
    paper: Paper, database: Database, clock: Any
) -> None:
    for number in range(AT_MOST - 1):
        paper.send("comment.created", _from("192.0.2.9", number))
    late = [_from("192.0.2.9", AT_MOST + number) for number in range(3)]
    body = json.dumps({"events": [{"type": "comment.created", "data": data} for data in late]})
    headers = signed(paper.secret, body, webhook_id="msg_1")
    told = []
    for _ in range(2):
        answer = paper.client.post(f"/webhooks/{paper.slug}/bulk", data=body, headers=headers)
        told.append([outcome.get("status") for outcome in answer.json["outcomes"]])
        clock.moment += 61
    assert told == [["pending", None, None], ["pending"] * 3]
    assert _stored(database) == AT_MOST + 2


def test_two_sites_do_not_share_a_readers_count(site: Site) -> None:
    readers = quota.Readers(1)
    readers.count(site, "192.0.2.9")
    readers.count(Site(id=site.id + 1, pepper="another"), "192.0.2.9")
    with pytest.raises(quota.TooMany):
        readers.count(site, "::ffff:192.0.2.9")


def test_however_many_addresses_there_are_memory_is_bounded(site: Site, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(quota, "MOST_READERS", 10)
    readers = quota.Readers(1)
    for number in range(100):
        readers.count(site, f"192.0.2.{number}")
        assert len(readers._counts) <= 10


def test_no_address_is_kept_as_it_is(site: Site) -> None:
    readers = quota.Readers(1)
    readers.count(site, "192.0.2.9")
    (kept,) = readers._counts
    assert not any(address in kept for address in (b"192.0.2.9", b"c0000209", bytes([192, 0, 2, 9])))


@pytest.mark.parametrize("number", [0, 1])
def test_a_site_without_a_limit_has_none(site: Site, number: int) -> None:
    readers = quota.Readers(number)
    for _ in range(3):
        readers.count(site, "192.0.2.9" if number == 0 else None)


@given(st.ip_addresses(v=6), st.integers(0, 2**64 - 1))
def test_a_household_is_one_reader(address: Any, suffix: int) -> None:
    neighbour = type(address)((int(address) >> 64 << 64) | suffix)
    if address.ipv4_mapped is None and neighbour.ipv4_mapped is None:
        assert quota.who(str(address)) == quota.who(str(neighbour))


@given(st.text())
def test_whatever_is_given_as_an_address_counts_as_somebody(address: str) -> None:
    assert isinstance(quota.who(address), str)
