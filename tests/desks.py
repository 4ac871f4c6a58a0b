"""The desk as moderators' browsers see it, without one: forms with their token."""

import re
from typing import Any

import pyotp
from flask import Flask
from flask.testing import FlaskClient

PASSWORD = "nur-fuer-tests-7"


def csrf(client: FlaskClient, address: str = "/sign-in") -> str:
    """The token of a page's form."""
    found = re.search(r'name="csrf_token"[^>]*value="([^"]+)"', client.get(address).text)
    assert found
    return found[1]


class Desk:
    """What somebody has open, in English."""

    def __init__(self, client: FlaskClient) -> None:
        self.client = client

    def sign_in(self, name: str) -> None:
        token = self.token("/sign-in")
        self.client.post("/sign-in", data={"name": name, "password": PASSWORD, "csrf_token": token})
        self.client.post("/language", data={"language": "en", "csrf_token": self.token("/rules")})

    def token(self, address: str) -> str:
        return csrf(self.client, address)

    def post(self, address: str, **data: Any) -> Any:
        return self.client.post(address, data={"csrf_token": self.token("/rules")} | data)


class Person:
    """Somebody at a browser of their own, who gets in or does not; sees German until they choose otherwise."""

    def __init__(self, app: Flask, name: str = "mona") -> None:
        self.client: FlaskClient = app.test_client()
        self.name = name

    def sign_in(self, password: str = PASSWORD) -> str:
        """Give name and password; return where that leads, or nothing."""
        answer = self.client.post(
            "/sign-in", data={"name": self.name, "password": password, "csrf_token": csrf(self.client)}
        )
        return answer.headers.get("location", "")

    def post(self, address: str, *, page: str = "/access", **form: str):
        return self.client.post(address, data={"csrf_token": csrf(self.client, page)} | form)

    def code(self, code: str) -> str:
        return self.post("/sign-in/code", page="/sign-in/code", code=code).headers.get("location", "")

    def set_up_authenticator(self) -> tuple[pyotp.TOTP, list[str]]:
        page = self.post("/access/authenticator", password=PASSWORD).text
        found = re.search(r"<code>([A-Z2-7]{32})</code>", page)
        assert found
        app = pyotp.TOTP(found[1])
        page = self.post("/access/authenticator/code", code=app.now()).text
        return app, re.findall(r"<code>([a-z2-9]{5}-[a-z2-9]{5})</code>", page)

    def is_in(self) -> bool:
        return self.client.get("/queue").status_code == 200
