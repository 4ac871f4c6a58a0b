"""Getting in with a real browser: a passkey in a device, and a newsroom's own provider."""

from collections.abc import Callable, Iterator
from typing import Any

import pytest
from flask import Flask
from playwright.sync_api import Browser, Page, expect

from moderation import create_app
from moderation.config import Settings
from moderation.db import Database
from moderation.models import Moderator, Role
from tests.browser.conftest import windows
from tests.conftest import PASSWORD
from tests.serving import Server
from tests.test_openid import PROVIDER, provider

__all__ = ["provider"]

pytestmark = pytest.mark.browser


@pytest.fixture
def serve(settings: Settings) -> Iterator[Callable[..., str]]:
    """Serves the desk at localhost, which browsers trust with passkeys, with other settings."""
    stop: list[Callable[[], Any]] = []

    def serve_(**changes: object) -> str:
        server = Server(Flask(__name__))
        address = f"http://localhost:{server.port}"
        app = create_app(settings.model_copy(update={"public_url": address} | changes))
        server.serve(app)
        stop.extend((server.close, app.extensions["moderation"].database.dispose))
        return address

    yield serve_
    for step in stop:
        step()


@pytest.fixture
def page(browser: Browser) -> Iterator[Page]:
    with windows(browser) as window:
        yield window(locale="de-DE").new_page()


def _sign_in(page: Page, address: str) -> None:
    page.goto(f"{address}/sign-in")
    page.get_by_label("Name").fill("mona")
    page.get_by_label("Kennwort").fill(PASSWORD)
    page.get_by_role("button", name="Anmelden", exact=True).click()
    page.wait_for_url("**/queue")


def test_a_passkey_alone_opens_the_desk(
    serve: Callable[..., str], page: Page, moderator: Moderator, database: Database
) -> None:
    device = page.context.new_cdp_session(page)
    device.send("WebAuthn.enable")
    options = {
        "protocol": "ctap2",
        "transport": "internal",
        "hasResidentKey": True,
        "hasUserVerification": True,
        "isUserVerified": True,
        "automaticPresenceSimulation": True,
    }
    authenticator = device.send("WebAuthn.addVirtualAuthenticator", {"options": options})["authenticatorId"]
    address = serve()
    _sign_in(page, address)
    page.goto(f"{address}/access")
    form = page.locator("form[data-passkey=create]")
    form.get_by_label("Name des Geräts").fill("Mein Rechner")
    form.get_by_label("Dein Kennwort").fill(PASSWORD)
    form.get_by_role("button").click()
    expect(page.get_by_text("Mein Rechner")).to_be_visible()

    page.get_by_role("button", name="Abmelden", exact=True).click()
    page.get_by_role("button", name="Mit Passkey anmelden").click()
    page.wait_for_url("**/queue")

    page.goto(f"{address}/access")
    page.locator("li", has_text="Mein Rechner").get_by_label("Dein Kennwort").fill(PASSWORD)
    page.get_by_role("button", name="Entfernen").click()
    expect(page.get_by_text("Mein Rechner")).to_have_count(0)
    page.get_by_role("button", name="Abmelden", exact=True).click()
    page.get_by_role("button", name="Mit Passkey anmelden").click()
    expect(page.get_by_role("alert")).to_contain_text("Passkey")
    device.send("WebAuthn.removeVirtualAuthenticator", {"authenticatorId": authenticator})


@pytest.mark.parametrize(("who", "role"), [("mona", Role.MODERATOR), ("chef", Role.ADMIN)])
def test_the_newsrooms_own_provider_opens_the_desk(
    serve: Callable[..., str], page: Page, provider: str, database: Database, who: str, role: Role
) -> None:
    address = serve(openid_issuer=provider, **PROVIDER)
    page.goto(f"{address}/approved")
    page.get_by_role("link", name="Bei").click()
    page.locator("input[name=sub]").fill(who)
    page.locator("button[type=submit]").first.click()
    page.wait_for_url("**/approved")
    with database.session(read_only=True) as session:
        made = session.query(Moderator).one()
        assert (made.name, made.role) == (who.title(), role)


def test_an_account_is_joined_by_whoever_knows_the_password_and_by_nobody_else(
    serve: Callable[..., str], page: Page, provider: str, database: Database, moderator: Moderator
) -> None:
    address = serve(openid_issuer=provider, **PROVIDER)

    def joined() -> bool:
        with database.session(read_only=True) as session:
            return session.get_one(Moderator, moderator.id).openid is not None

    _sign_in(page, address)
    page.goto(f"{address}/sign-in/openid")  # as somebody would who sits down at a desk that is left open
    page.locator("input[name=sub]").fill("mona")
    page.locator("button[type=submit]").first.click()
    expect(page.get_by_role("heading", name="Das hat nicht geklappt")).to_be_visible()
    assert not joined()

    page.goto(f"{address}/access")
    own = page.locator("section", has=page.get_by_role("heading", name="Euer Anmeldedienst"))
    own.get_by_label("Dein Kennwort").fill(PASSWORD)
    own.get_by_role("button").click()
    page.get_by_role("link", name="Mit deinem Konto").click()
    page.locator("input[name=sub]").fill("mona")
    page.locator("button[type=submit]").first.click()
    page.wait_for_url("**/access")
    assert joined()


def test_whoever_is_no_moderator_is_told_so(serve: Callable[..., str], page: Page, provider: str) -> None:
    address = serve(openid_issuer=provider, **PROVIDER)
    page.goto(f"{address}/sign-in")
    page.get_by_role("link", name="Bei").click()
    page.locator("input[name=sub]").fill("reporter")
    page.locator("button[type=submit]").first.click()
    expect(page.get_by_role("alert")).to_contain_text("moderierst hier aber nicht")
    page.goto(f"{address}/queue")
    page.wait_for_url("**/sign-in**")


def test_an_answer_that_nobody_asked_for_signs_nobody_in(
    serve: Callable[..., str], page: Page, provider: str, database: Database
) -> None:
    address = serve(openid_issuer=provider, **PROVIDER)
    page.goto(f"{address}/sign-in/openid/back?code=abc&state=forged")
    expect(page.get_by_role("alert")).to_contain_text("Anmeldedienst")
