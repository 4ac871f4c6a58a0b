"""A real browser before the real service: Debian's Chromium, driven by Playwright."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass

import pytest
from flask import Flask
from playwright.sync_api import Browser, BrowserContext, Error, Page, expect, sync_playwright

from moderation.models import Moderator
from tests.conftest import PASSWORD
from tests.serving import serving

ARGUMENTS = [
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
]


@pytest.fixture
def address(app: Flask) -> Iterator[str]:
    """Where the desk is served."""
    with serving(app) as server:
        yield f"http://127.0.0.1:{server.port}"


@pytest.fixture(scope="session")
def browser() -> Iterator[Browser]:
    expect.set_options(timeout=30_000)  # milliseconds: a slow machine is no failure
    with sync_playwright() as playwright:
        launched = playwright.chromium.launch(executable_path="/usr/bin/chromium", args=ARGUMENTS)
        yield launched
        launched.close()


@dataclass
class Visit:
    """A page, and everything it did that it should not have done."""

    page: Page
    complaints: list[str]


def sign_in(page: Page, name: str = "mona", to: str = "**/queue") -> None:
    """Fill in the form for signing in, in whatever language it is."""
    page.locator("input[name=name]").fill(name)
    page.locator("input[name=password]").fill(PASSWORD)
    page.locator("input[name=password]").press("Enter")
    page.wait_for_url(to)


@contextmanager
def windows(browser: Browser) -> Iterator[Callable[..., BrowserContext]]:
    """Open windows that have nothing in common; all are closed at the end.

    Each first leaves what it shows: a page that is just about to show another is at times not closed by Chromium, and
    whoever waits for that waits for ever.
    """
    opened: list[BrowserContext] = []

    def open_(**options: object) -> BrowserContext:
        opened.append(browser.new_context(**options))  # type: ignore[arg-type]
        return opened[-1]

    yield open_
    for context in opened:
        for page in context.pages:
            _leave(page)
        context.close()


def _leave(page: Page) -> None:
    """Show nothing; once more where the page that was about to come came in between."""
    try:
        page.goto("about:blank")
    except Error as error:
        if "interrupted by another navigation" not in error.message:
            raise
        _leave(page)


@pytest.fixture
def visit(browser: Browser, address: str, moderator: Moderator) -> Iterator[Callable[..., Visit]]:
    """Opens the desk in a window of its own, signed in unless told; fails on console errors, among them breaches of the
    content policy, and on requests to other hosts."""
    complaints: list[str] = []

    def open_(*, signed_in: bool = True, **options: object) -> Visit:
        page = window(**({"locale": "de-DE"} | options)).new_page()
        page.on("console", lambda said: complaints.append(said.text) if said.type == "error" else None)
        page.on("pageerror", lambda error: complaints.append(str(error)))
        page.on(
            "request", lambda asked: None if asked.url.startswith((address, "data:")) else complaints.append(asked.url)
        )
        page.goto(f"{address}/")
        if signed_in:
            sign_in(page)
        return Visit(page, complaints)

    with windows(browser) as window:
        yield open_
    assert complaints == []
