"""Keys in a real browser: pages by letter, the thread in place, keys of one's own, a text uncovered."""

from collections.abc import Callable

import pytest
from playwright.sync_api import expect

from moderation.db import Database
from moderation.models import Comment, Moderator, Site, Status
from tests.browser.conftest import Visit
from tests.stories import add_comment
from tests.waiting import until

pytestmark = pytest.mark.browser


@pytest.fixture
def two(database: Database, site: Site) -> None:
    with database.session() as session:
        add_comment(session, site, text="Wer zahlt das?", concern=0.9)
        add_comment(session, site, text="Das Land zahlt.", concern=0.1)
        session.commit()


@pytest.mark.usefixtures("two")
def test_every_page_is_two_keys_away_and_the_thread_one(
    visit: Callable[..., Visit], database: Database, moderator: Moderator
) -> None:
    page = visit().page
    page.keyboard.press("t")
    expect(page.locator("#around")).to_contain_text("Das Land zahlt.")
    page.keyboard.press("t")
    expect(page.locator("#around")).to_be_hidden()
    expect(page.locator(".rail")).to_be_visible()  # still in the queue
    page.keyboard.press("g")
    expect(page.locator(".menu kbd").first).to_be_visible()
    page.keyboard.press("Escape")
    expect(page.locator(".menu kbd").first).to_be_hidden()
    page.keyboard.press("g")
    page.keyboard.press("n")
    page.get_by_label("freigeben").fill("x")
    page.get_by_role("button", name="Tasten speichern").click()
    expect(page.get_by_text("Gespeichert.")).to_be_visible()
    page.goto(page.url)  # away from the field, which gets its focus back after it was saved
    page.keyboard.press("m")
    page.wait_for_url("**/map*")
    page.keyboard.press("g")
    page.keyboard.press("w")
    page.wait_for_url("**/queue*")
    page.keyboard.press("f")  # means nothing any more
    page.keyboard.press("x")
    until(lambda: _approved(database) == ["Wer zahlt das?"])


def _approved(database: Database) -> list[str]:
    with database.session(read_only=True) as session:
        return [found.text for found in session.query(Comment).filter_by(status=Status.APPROVED)]
