"""The newsroom's own provider opens the desk for its moderators, and for nobody whom it did not name here and now."""

import re
import threading
import warnings
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from functools import partial
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import httpx
import pytest
import time_machine
from flask.testing import FlaskClient
from pydantic import SecretStr
from sqlalchemy import Connection, event, insert, select
from werkzeug.test import TestResponse

from moderation import create_app, sites
from moderation.access import openid
from moderation.config import Settings
from moderation.db import Database, now
from moderation.errors import Forbidden
from moderation.models import AuditEntry, Moderator, Role
from tests.conftest import PASSWORD, add_moderator, csrf
from tests.integration.ports import free_port
from tests.serving import answering
from tests.together import at_once

DESK = "https://desk.example"
PROVIDER = {
    "openid_client_id": "desk",
    "openid_client_secret": SecretStr("only for tests"),
    "openid_moderators": "moderation",
    "openid_admins": "chefs",
}
STRANGER = "Euer Anmeldedienst kennt dich, du moderierst hier aber nicht."
TAKEN = "Es gibt schon jemanden mit deinem Namen."
REFUSED = "Die Anmeldung bei eurem Anmeldedienst hat nicht geklappt."


@pytest.fixture
def provider() -> Iterator[str]:
    """An OpenID provider that believes whatever name is typed."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # it uses a part of Authlib that is going
        import oidc_provider_mock as oidc

        users = [
            oidc.User(sub="mona", claims={"preferred_username": "Mona", "groups": ["moderation"]}),
            oidc.User(sub="chef", claims={"preferred_username": "Chef", "groups": ["moderation", "chefs"]}),
            oidc.User(sub="solo", claims={"name": "Solo", "groups": "moderation"}),
            oidc.User(sub="reporter", claims={"preferred_username": "Rike", "groups": ["sport"]}),
        ]
        with oidc.run_server_in_thread(user_claims=users) as server:
            yield f"http://localhost:{server.server_port}"


Serve = Callable[..., FlaskClient]


@pytest.fixture
def serve(settings: Settings, database: Database) -> Iterator[Serve]:
    """The desk with a provider: somebody's browser at it."""
    made = []

    def serve_(issuer: str, **changes: object) -> FlaskClient:
        known = PROVIDER | {"public_url": DESK, "openid_issuer": issuer}
        made.append(create_app(settings.model_copy(update=known | changes)))
        return made[-1].test_client()

    yield serve_
    for app in made:
        app.extensions["moderation"].database.dispose()


def _at_the_provider(browser: FlaskClient, who: str) -> str:
    """Go to the provider and type a name there; return where it sends the browser."""
    there = browser.get("/sign-in/openid?next=/approved").location
    answer = httpx.post(there, data={"sub": who}, trust_env=False)
    assert answer.status_code == 302, answer.text
    return answer.headers["location"].removeprefix(DESK)


def _back(browser: FlaskClient, address: str) -> TestResponse:
    """Come back to the desk, whose page goes on by itself."""
    found = re.search(r'/sign-in/openid/finish\?[^"]*', browser.get(address).text)
    assert found
    return browser.get(found[0].replace("&amp;", "&"))


def _sign_in(browser: FlaskClient, who: str) -> TestResponse:
    return _back(browser, _at_the_provider(browser, who))


def _is_in(browser: FlaskClient) -> bool:
    return browser.get("/queue").status_code == 200


def _moderators(database: Database) -> list[tuple[str, Role]]:
    with database.session(read_only=True) as session:
        return [(found.name, found.role) for found in session.scalars(select(Moderator).order_by(Moderator.id))]


def test_groups_say_who_moderates_and_who_leads_anew_each_time(serve: Serve, provider: str, database: Database) -> None:
    opened = _sign_in(serve(provider), "mona")
    assert (opened.status_code, opened.location) == (303, "/approved")
    browser = serve(provider)
    assert not _is_in(browser)
    _sign_in(browser, "chef")
    assert _is_in(browser)
    _sign_in(serve(provider), "solo")
    assert _moderators(database) == [("Mona", Role.MODERATOR), ("Chef", Role.ADMIN), ("Solo", Role.MODERATOR)]
    _sign_in(serve(provider, openid_admins="moderation"), "mona")
    assert _moderators(database)[0] == ("Mona", Role.ADMIN), "the same person, whose group leads by now"
    with database.session(read_only=True) as session:
        deeds = session.scalars(select(AuditEntry.deed).order_by(AuditEntry.id)).all()
        assert deeds == ["moderator_made_by_openid"] * 3 + ["moderator_changed_by_openid"]


def test_whoever_is_no_moderator_any_more_does_not_get_in(serve: Serve, provider: str, database: Database) -> None:
    refused = _sign_in(serve(provider), "reporter")
    assert (refused.status_code, STRANGER in refused.text) == (401, True)
    _sign_in(serve(provider), "mona")
    browser = serve(provider, openid_moderators="newsroom", openid_admins="")
    assert STRANGER in _sign_in(browser, "mona").text, "no longer in any of the groups"
    with database.session() as session:
        session.scalars(select(Moderator)).one().disabled_at = now()
        session.commit()
    browser = serve(provider)
    assert STRANGER in _sign_in(browser, "mona").text, "shut out here"
    assert not _is_in(browser)


def test_a_provider_that_does_not_say_who_leads_takes_the_admin_from_nobody(
    serve: Serve, provider: str, database: Database
) -> None:
    """The only admin joined their account, signed in by it, and the house had none any more."""
    _sign_in(serve(provider, openid_admins=""), "mona")
    with database.session() as session:
        session.scalars(select(Moderator)).one().role = Role.ADMIN
        session.commit()
    _sign_in(serve(provider, openid_admins=""), "mona")
    assert _moderators(database) == [("Mona", Role.ADMIN)]
    _sign_in(serve(provider), "mona")
    assert _moderators(database) == [("Mona", Role.MODERATOR)], "where a group leads, who is in it"


def test_a_name_that_is_here_already_is_nobodys_by_being_alike(serve: Serve, provider: str, database: Database) -> None:
    with database.session() as session:
        sites.add_moderator(session, name="Mona", password=PASSWORD)
        session.commit()
    browser = serve(provider)
    assert TAKEN in _sign_in(browser, "mona").text
    assert not _is_in(browser)


@contextmanager
def _between(browser: FlaskClient, deed: Callable[[Connection], object]) -> Iterator[None]:
    """Do something once when the desk has looked whether it knows somebody, and not yet let them in."""
    engine = browser.application.extensions["moderation"].database.engine
    left = [deed]

    def looked(connection: Connection, _cursor: object, statement: str, *_: object) -> None:
        if "WHERE moderator.openid = " in statement and left:
            left.pop()(connection)

    event.listen(engine, "after_cursor_execute", looked)
    yield
    event.remove(engine, "after_cursor_execute", looked)


def test_a_new_person_who_signs_in_twice_at_once_is_one_moderator(
    serve: Serve, provider: str, database: Database
) -> None:
    browsers = [serve(provider), serve(provider)]
    answers = [_at_the_provider(browser, "mona") for browser in browsers]
    clicks = [partial(_back, *one) for one in zip(browsers, answers, strict=True)]
    met = threading.Barrier(2)
    with ExitStack() as stack:
        if database.engine.dialect.name == "postgresql":  # on SQLite the second looks when the first is through
            for browser in browsers:
                stack.enter_context(_between(browser, lambda _: met.wait(30)))
        assert [answer.status_code for answer in at_once(clicks)] == [303, 303]
    assert [_is_in(browser) for browser in browsers] == [True, True]
    assert _moderators(database) == [("Mona", Role.MODERATOR)]


@pytest.mark.parametrize(("taken", "status"), [("openid", 303), ("name", 401)])
def test_whoever_came_in_since_the_desk_looked_is_found_at_the_second_look(
    serve: Serve, provider: str, database: Database, taken: str, status: int
) -> None:
    known_as = f"{provider} mona" if taken == "openid" else None
    other = insert(Moderator).values(name="Mona", password_hash="-", openid=known_as)
    browser = serve(provider)
    with _between(browser, lambda connection: connection.execute(other)):
        answer = _sign_in(browser, "mona")
    assert (answer.status_code, TAKEN in answer.text) == (status, taken == "name")
    assert _is_in(browser) is (taken == "openid")


def test_an_account_that_two_join_at_once_is_one_moderators(database: Database) -> None:
    people = [add_moderator(database, name) for name in ("Mona", "Ada")]
    connected = threading.Barrier(2)

    def join(moderator: Moderator) -> bool:
        with database.session(read_only=True) as session:
            session.scalar(select(1))
            connected.wait(30)
        with database.session() as session:
            try:
                openid.join(session, session.get_one(Moderator, moderator.id), {"iss": "i", "sub": "mona"})
            except Forbidden:
                return False
            session.commit()
            return True

    assert sorted(at_once([partial(join, one) for one in people])) == [False, True]


def test_two_accounts_are_joined_by_whoever_just_gave_the_password_and_each_only_once(
    serve: Serve, provider: str, database: Database
) -> None:
    with database.session() as session:
        for name in ("Mona", "Ada"):
            sites.add_moderator(session, name=name, password=PASSWORD)
        session.commit()
    browsers = {}
    for name in ("Mona", "Ada"):
        browsers[name] = browser = serve(provider)
        form = {"name": name, "password": PASSWORD, "csrf_token": csrf(browser)}
        browser.post("/sign-in", data=form)
        assert _sign_in(browser, "mona").status_code == 401, "the desk was left open, and somebody sat down at it"
        proof = {"csrf_token": csrf(browser, "/access"), "password": PASSWORD}
        assert browser.post("/access/provider", data=proof).status_code == 303
    assert _sign_in(browsers["Mona"], "mona").location == "/access"
    assert _sign_in(browsers["Ada"], "mona").status_code == 403, "the account is Mona's"
    browser = serve(provider)
    assert _sign_in(browser, "mona").status_code == 303
    assert "Mona" in browser.get("/access").text


@pytest.mark.parametrize("answer", ["code=abc&state=forged", "error=access_denied", "state=", "code=abc"])
def test_an_answer_that_nobody_asked_for_signs_nobody_in(serve: Serve, provider: str, answer: str) -> None:
    browser = serve(provider)
    refused = _back(browser, f"/sign-in/openid/back?{answer}")
    assert (refused.status_code, REFUSED in refused.text) == (401, True)
    assert not _is_in(browser)


def test_an_answer_is_good_for_the_browser_that_asked_and_once(serve: Serve, provider: str) -> None:
    mine, other = serve(provider), serve(provider)
    _at_the_provider(other, "mona")
    answer = _at_the_provider(mine, "mona")
    assert REFUSED in _back(other, answer).text, "somebody was sent another's answer"
    assert _back(mine, answer).status_code == 303
    mine.post("/sign-out", data={"csrf_token": csrf(mine, "/access")})
    assert REFUSED in _back(mine, answer).text
    assert not _is_in(mine)
    assert not _is_in(other)


def test_a_code_that_the_provider_does_not_know_opens_nothing(serve: Serve, provider: str) -> None:
    browser = serve(provider)
    answer = re.sub("code=[^&]*", "code=made-up", _at_the_provider(browser, "mona"))
    assert REFUSED in _back(browser, answer).text
    assert not _is_in(browser)


def test_nobody_has_the_provider_asked_without_end(serve: Serve, provider: str) -> None:
    """The answer comes with the cookie that was kept for it; both can be sent again and again."""
    browser = serve(provider, sign_ins_per_minute=1)
    answer = re.sub("code=[^&]*", "code=made-up", _at_the_provider(browser, "mona")).replace("/back", "/finish")
    cookie = browser.get_cookie("hausordnung")
    assert cookie
    with time_machine.travel(now(), tick=False):
        statuses = []
        for _ in range(6):
            browser.set_cookie("hausordnung", cookie.value)
            statuses.append(browser.get(answer).status_code)
    assert (statuses[0], statuses[-1]) == (401, 429)


class _Misnamed(BaseHTTPRequestHandler):
    """Answers in the name of another provider."""

    says = b'{"issuer": "https://another.example"}'

    def do_GET(self) -> None:
        self.send_response(200)
        self.end_headers()
        self.wfile.write(self.says)

    def log_message(self, *_: object) -> None:
        pass


class _Senseless(_Misnamed):
    says = b"<html>"


@pytest.mark.parametrize(("handler", "why"), [(_Misnamed, "calls itself"), (_Senseless, "Expecting value")])
def test_whoever_is_not_the_provider_is_not_believed(
    serve: Serve, handler: type[BaseHTTPRequestHandler], why: str
) -> None:
    server = ThreadingHTTPServer(("127.0.0.1", 0), handler)
    with answering(server):
        refused = serve(f"http://127.0.0.1:{server.server_port}").get("/sign-in/openid")
    assert (refused.status_code, why in refused.text) == (503, True)


def test_a_provider_that_is_away_is_said(serve: Serve, provider: str) -> None:
    away = serve(f"http://localhost:{free_port()}").get("/sign-in/openid")
    assert away.status_code == 503
    assert "MODERATION_OPENID_ISSUER" in away.text
