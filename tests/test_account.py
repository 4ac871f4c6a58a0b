"""Signing in and out: the same answer for a wrong name and a wrong password, and nowhere else to be sent to."""

import re

import pytest
from flask.testing import FlaskClient

from moderation import sites
from moderation.db import Database
from moderation.models import Moderator
from tests.conftest import PASSWORD, csrf


def _sign_in(client: FlaskClient, **form: str) -> tuple[int, str, str]:
    values = {"name": "mona", "password": PASSWORD, "csrf_token": csrf(client)} | form
    answer = client.post("/sign-in", data=values)
    return answer.status_code, answer.headers.get("location", ""), answer.text


def test_the_right_password_opens_the_queue(client: FlaskClient, moderator: Moderator) -> None:
    assert _sign_in(client)[:2] == (303, "/queue")
    assert client.get("/queue").status_code == 200


def test_a_wrong_name_and_a_wrong_password_are_told_alike(client: FlaskClient, moderator: Moderator) -> None:
    wrong_name = _sign_in(client, name="nobody")
    wrong_password = _sign_in(client, password="falsch-falsch")
    problem = re.compile(r'<p class="notice".*?</p>')
    assert wrong_name[0] == wrong_password[0] == 401
    assert problem.findall(wrong_name[2]) == problem.findall(wrong_password[2]) != []


def test_somebody_who_left_cannot_sign_in(client: FlaskClient, database: Database, moderator: Moderator) -> None:
    from moderation.db import now

    with database.session() as session:
        session.get_one(Moderator, moderator.id).disabled_at = now()
        session.commit()
    assert _sign_in(client)[0] == 401


def test_somebody_who_left_is_no_longer_signed_in(
    client: FlaskClient, database: Database, moderator: Moderator
) -> None:
    from moderation.db import now

    _sign_in(client)
    with database.session() as session:
        session.get_one(Moderator, moderator.id).disabled_at = now()
        session.commit()
    assert client.get("/queue").status_code == 302


def test_without_the_forms_token_nobody_signs_in(client: FlaskClient, moderator: Moderator) -> None:
    assert client.post("/sign-in", data={"name": "mona", "password": PASSWORD}).status_code == 400


@pytest.mark.parametrize("address", ["/approved", "/queue?order=oldest"])
def test_after_the_sign_in_one_is_where_one_wanted_to_be(
    client: FlaskClient, moderator: Moderator, address: str
) -> None:
    redirected = client.get(address).headers["location"]
    assert redirected.startswith("/sign-in?next=")
    assert _sign_in(client, next=address)[1] == address


@pytest.mark.parametrize(
    "address",
    ["https://evil.example/", "//evil.example", "/\\evil.example", "\\\\evil.example", "javascript:x", "///e"],
)
def test_nobody_is_sent_elsewhere(client: FlaskClient, moderator: Moderator, address: str) -> None:
    assert _sign_in(client, next=address)[1] == "/queue"


def test_signing_out_ends_it(client: FlaskClient, moderator: Moderator) -> None:
    _sign_in(client)
    client.post("/sign-out", data={"csrf_token": csrf(client, "/queue")})
    assert client.get("/queue").status_code == 302


def test_whoever_is_out_already_may_leave_again(client: FlaskClient) -> None:
    answer = client.post("/sign-out", data={"csrf_token": csrf(client)})
    assert (answer.status_code, answer.headers["location"]) == (302, "/sign-in")


def test_a_language_that_the_desk_does_not_speak_changes_nothing(client: FlaskClient) -> None:
    german = {"Accept-Language": "de"}
    client.post("/language", data={"language": "fr", "csrf_token": csrf(client)})
    assert "Anmelden" in client.get("/sign-in", headers=german).text


def test_a_chosen_language_stays(client: FlaskClient, moderator: Moderator) -> None:
    english = {"Accept-Language": "en"}
    assert "Anmelden" not in client.get("/sign-in", headers=english).text
    client.post("/language", data={"language": "de", "csrf_token": csrf(client)})
    assert "Anmelden" in client.get("/sign-in", headers=english).text
    _sign_in(client)
    assert "Warteschlange" in client.get("/queue", headers=english).text


def test_the_language_of_a_moderator_is_kept_with_them(
    client: FlaskClient, database: Database, moderator: Moderator
) -> None:
    _sign_in(client)
    client.post("/language", data={"language": "en", "csrf_token": csrf(client, "/queue")})
    with database.session(read_only=True) as session:
        assert session.get_one(Moderator, moderator.id).language == "en"


def test_the_password_is_kept_as_argon2(database: Database) -> None:
    with database.session() as session:
        kept = sites.add_moderator(session, name="kai", password=PASSWORD).password_hash
    assert kept.startswith("$argon2id$")
    assert PASSWORD not in kept


@pytest.mark.parametrize("address", ["/sign-in", "/healthz"])
def test_no_page_may_be_put_into_another_ones_frame(client: FlaskClient, address: str) -> None:
    headers = client.get(address).headers
    assert "frame-ancestors 'none'" in headers["Content-Security-Policy"]
    assert headers["X-Content-Type-Options"] == "nosniff"
