"""The desk as a moderator's browser sees it, without one: forms with their token, in English."""

import re
from typing import Any

from flask.testing import FlaskClient

PASSWORD = "nur-fuer-tests-7"


def csrf(client: FlaskClient, address: str = "/sign-in") -> str:
    """The token of a page's form."""
    found = re.search(r'name="csrf_token"[^>]*value="([^"]+)"', client.get(address).text)
    assert found
    return found[1]


class Desk:
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
