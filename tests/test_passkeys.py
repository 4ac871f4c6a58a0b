"""A passkey alone opens the desk, and no answer of any device does that was not asked for here and now."""

import hashlib
import json
import secrets
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import timedelta
from functools import partial
from typing import Any

import pytest
import time_machine
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.hashes import SHA256
from flask import Flask
from flask.testing import FlaskClient
from sqlalchemy import select
from webauthn.helpers import bytes_to_base64url, encode_cbor

from moderation import create_app, sites
from moderation.config import Settings
from moderation.db import Database, now
from moderation.models import Moderator, Passkey
from tests.conftest import PASSWORD, csrf
from tests.together import at_once

DESK = "https://desk.example"
PRESENT, VERIFIED, NEW = 0x01, 0x04, 0x40


@dataclass
class Device:
    """What a phone or a laptop does when a page asks for a passkey."""

    key: ec.EllipticCurvePrivateKey = field(default_factory=lambda: ec.generate_private_key(ec.SECP256R1()))
    id: bytes = field(default_factory=lambda: secrets.token_bytes(16))
    used: int = 0
    origin: str = DESK
    flags: int = PRESENT | VERIFIED

    def create(self, asked: dict[str, Any]) -> dict[str, Any]:
        numbers = self.key.public_key().public_numbers()
        public = {1: 2, 3: -7, -1: 1, -2: numbers.x.to_bytes(32, "big"), -3: numbers.y.to_bytes(32, "big")}
        mine = bytes(16) + len(self.id).to_bytes(2, "big") + self.id + encode_cbor(public)
        made = encode_cbor({"fmt": "none", "attStmt": {}, "authData": self._data(NEW, asked["rp"]["id"]) + mine})
        return self._answer(self._client("create", asked), attestationObject=made)

    def get(self, asked: dict[str, Any]) -> dict[str, Any]:
        self.used += 1
        data, client = self._data(0, asked["rpId"]), self._client("get", asked)
        signature = self.key.sign(data + hashlib.sha256(client).digest(), ec.ECDSA(SHA256()))
        return self._answer(client, authenticatorData=data, signature=signature)

    def _data(self, more: int, host: str) -> bytes:
        return hashlib.sha256(host.encode()).digest() + bytes([self.flags | more]) + self.used.to_bytes(4, "big")

    def _client(self, kind: str, asked: dict[str, Any]) -> bytes:
        said = {"type": f"webauthn.{kind}", "challenge": asked["challenge"], "origin": self.origin}
        return json.dumps(said).encode()

    def _answer(self, client: bytes, **parts: bytes) -> dict[str, Any]:
        response = {name: bytes_to_base64url(part) for name, part in {"clientDataJSON": client, **parts}.items()}
        mine = bytes_to_base64url(self.id)
        return {"id": mine, "rawId": mine, "type": "public-key", "response": response}


@pytest.fixture
def settings(settings: Settings) -> Settings:
    return settings.model_copy(update={"public_url": DESK})


@pytest.fixture
def device(mona: FlaskClient) -> Device:
    """Mona's, and the desk knows it."""
    made = Device()
    assert _register(mona, made).status_code == 303
    return made


def _register(client: FlaskClient, device: Device, **changes: str) -> Any:
    token = {"csrf_token": csrf(client, "/access")}
    asked = client.post("/access/passkeys/challenge", data=token).get_json()
    form = {"name": "Mein Rechner", "password": PASSWORD, "credential": json.dumps(device.create(asked)), **changes}
    return client.post("/access/passkeys", data=token | form)


def _ask(client: FlaskClient) -> dict[str, Any]:
    asked: dict[str, Any] = client.post("/sign-in/passkey/challenge", data={"csrf_token": csrf(client)}).get_json()
    return asked


def _give(client: FlaskClient, answer: object) -> Any:
    form = {"csrf_token": csrf(client), "credential": json.dumps(answer), "next": "/approved"}
    return client.post("/sign-in/passkey", data=form)


def _is_in(client: FlaskClient) -> bool:
    return client.get("/queue").status_code == 200


def test_a_passkey_alone_opens_the_desk_until_it_is_taken_away(
    client: FlaskClient, mona: FlaskClient, device: Device, database: Database
) -> None:
    assert "Mein Rechner" in mona.get("/access").text
    opened = _give(client, device.get(_ask(client)))
    assert (opened.status_code, opened.location) == (303, "/approved")
    assert _is_in(client)
    with database.session(read_only=True) as session:
        kept = session.scalars(select(Passkey)).one()
        assert (kept.sign_count, kept.used_at is not None) == (1, True)
    form = {"csrf_token": csrf(mona, "/access"), "password": PASSWORD}
    assert mona.post(f"/access/passkeys/{kept.id}/remove", data=form).status_code == 303
    assert mona.post(f"/access/passkeys/{kept.id}/remove", data=form).status_code == 404
    client.post("/sign-out", data={"csrf_token": csrf(client, "/access")})
    assert _give(client, device.get(_ask(client))).status_code == 401
    assert not _is_in(client)


def _of_another_site(device: Device, asked: dict[str, Any]) -> object:
    device.origin = "https://desk.example.evil.example"
    return device.get(asked)


def _to_another_question(device: Device, asked: dict[str, Any]) -> object:
    return device.get(asked | {"challenge": bytes_to_base64url(b"an earlier one")})


def _of_another_device(device: Device, asked: dict[str, Any]) -> object:
    return Device(id=device.id).get(asked)


def _of_a_device_nobody_knows(device: Device, asked: dict[str, Any]) -> object:
    return Device().get(asked)


def _of_a_copied_key(device: Device, asked: dict[str, Any]) -> object:
    device.used = -1
    return device.get(asked)


def _without_finger_or_pin(device: Device, asked: dict[str, Any]) -> object:
    device.flags = PRESENT
    return device.get(asked)


@pytest.mark.parametrize(
    "answer",
    [
        _of_another_site,
        _to_another_question,
        _of_another_device,
        _of_a_device_nobody_knows,
        _of_a_copied_key,
        _without_finger_or_pin,
        lambda device, asked: {},
        lambda device, asked: [],
        lambda device, asked: {"id": 7},
    ],
)
def test_an_answer_that_does_not_hold_opens_nothing(
    client: FlaskClient, device: Device, answer: Callable[[Device, dict[str, Any]], object]
) -> None:
    assert _give(client, device.get(_ask(client))).status_code == 303, "once it was used, copies are found out"
    client.post("/sign-out", data={"csrf_token": csrf(client, "/access")})
    refused = _give(client, answer(device, _ask(client)))
    assert refused.status_code == 401
    assert "Der Passkey wurde nicht angenommen." in refused.text
    assert not _is_in(client)


def test_a_question_is_answered_once_and_within_five_minutes(client: FlaskClient, device: Device) -> None:
    answer = device.get(_ask(client))
    with time_machine.travel(now() + timedelta(minutes=6)):
        late = _give(client, answer)
    assert late.status_code == 401
    assert "Das hat zu lange gedauert." in late.text
    again = _give(client, answer)
    assert "Das hat zu lange gedauert." in again.text
    assert not _is_in(client)


@pytest.mark.parametrize("counts", [True, False])
def test_an_answer_that_was_copied_with_the_cookie_opens_once(
    app: Flask, client: FlaskClient, device: Device, counts: bool
) -> None:
    """The browser keeps the question, so that it can be asked anew; many devices count nothing."""
    if not counts:
        device.used = -1
    answer = device.get(_ask(client))
    cookie = client.get_cookie("hausordnung")
    assert cookie
    browsers = [client, *(app.test_client() for _ in range(5))]
    form = {"csrf_token": csrf(client), "credential": json.dumps(answer)}
    for browser in browsers:
        browser.set_cookie("hausordnung", cookie.value)
    answers = at_once([partial(browser.post, "/sign-in/passkey", data=form) for browser in browsers])
    assert sorted(answer.status_code for answer in answers) == [303] + [401] * 5
    late = app.test_client()
    late.set_cookie("hausordnung", cookie.value)
    assert late.post("/sign-in/passkey", data=form).status_code == 401
    assert [_is_in(browser) for browser in browsers].count(True) == 1


def test_the_passkey_of_somebody_who_was_shut_out_opens_nothing(
    client: FlaskClient, device: Device, database: Database, moderator: Moderator
) -> None:
    with database.session() as session:
        session.get_one(Moderator, moderator.id).disabled_at = now()
        session.commit()
    assert _give(client, device.get(_ask(client))).status_code == 401


def test_a_passkey_is_added_by_whoever_knows_the_password_and_fits_this_desk(
    mona: FlaskClient, database: Database
) -> None:
    assert _register(mona, Device(), password="something else").status_code == 422
    assert _register(mona, Device(origin="https://evil.example")).status_code == 422
    assert _register(mona, Device(flags=PRESENT)).status_code == 422
    assert _register(mona, Device(), credential="{}").status_code == 422
    with database.session(read_only=True) as session:
        assert session.scalars(select(Passkey)).all() == []
    assert _register(mona, Device(), name="  ").status_code == 303
    with database.session(read_only=True) as session:
        assert session.scalars(select(Passkey.name)).one() == "Passkey"


def test_a_passkey_opens_only_its_owners_desk(
    client: FlaskClient, device: Device, database: Database, app: Flask
) -> None:
    with database.session() as session:
        sites.add_moderator(session, name="ada", password=PASSWORD)
        session.commit()
        kept = session.scalars(select(Passkey)).one()
    ada = app.test_client()
    ada.post("/sign-in", data={"name": "ada", "password": PASSWORD, "csrf_token": csrf(ada)})
    form = {"csrf_token": csrf(ada, "/access"), "password": PASSWORD}
    assert ada.post(f"/access/passkeys/{kept.id}/remove", data=form).status_code == 404
    _give(client, device.get(_ask(client)))
    assert "mona" in client.get("/access").text


@pytest.mark.parametrize(
    ("address", "offered"),
    [(DESK, True), ("http://localhost:8000", True), ("http://desk.example", False), ("https://192.0.2.7", False)],
)
def test_they_are_offered_where_browsers_take_them(settings: Settings, address: str, offered: bool) -> None:
    app = create_app(settings.model_copy(update={"public_url": address}))
    assert ("Mit Passkey anmelden" in app.test_client().get("/sign-in").text) is offered
    app.extensions["moderation"].database.dispose()
