"""In a real browser: an article is closed beside its card and opened by the key for undo; a new secret is in sight."""

from collections.abc import Callable

import pytest
from playwright.sync_api import expect
from sqlalchemy import select, update

from moderation.db import Database
from moderation.models import Article, Moderator, Role, Site
from tests.browser.conftest import Visit
from tests.senders import Paper, comment

pytestmark = pytest.mark.browser


def test_an_article_is_closed_beside_the_card_and_the_key_for_undo_opens_it(
    visit: Callable[..., Visit], database: Database, paper: Paper
) -> None:
    paper.send("comment.created", comment())

    def is_closed() -> bool:
        with database.session(read_only=True) as session:
            return session.scalars(select(Article)).one().closed_at is not None

    page = visit().page
    page.goto(page.url + "?order=article")
    page.get_by_text("Für Kommentare schließen").click()
    page.get_by_label("Warum, in wenigen Worten").fill("Es wurde persönlich.")
    page.locator(".closing button").click()
    expect(page.locator(".undo")).to_contain_text("Für Kommentare geschlossen.")
    expect(page.locator(".rail .of")).to_contain_text("für Kommentare geschlossen")
    assert is_closed()
    page.wait_for_load_state()  # the text is there before the keys are
    page.keyboard.press("u")
    expect(page.locator(".closing summary")).to_have_text("Für Kommentare schließen")
    assert not is_closed()
    assert "order=article" in page.url


def test_what_is_shown_once_is_in_sight(
    visit: Callable[..., Visit], database: Database, moderator: Moderator, site: Site
) -> None:
    with database.session() as session:
        session.execute(update(Moderator).values(role=Role.ADMIN))
        session.commit()
    opened = visit(viewport={"width": 390, "height": 700})
    page = opened.page
    page.goto(page.url.replace("/queue", f"/sites/{site.slug}"))
    page.get_by_role("button", name="Ein Token machen").click()
    shown = page.locator(".notice.good code")
    expect(shown).to_contain_text("ho_")
    expect(shown).to_be_in_viewport()
    page.get_by_label("Zeitzone").fill("Mond/Mare")
    page.get_by_role("button", name="Speichern").click()
    expect(page.get_by_text("Diese Zeitzone gibt es nicht")).to_be_in_viewport()
    expect(page.get_by_label("Zeitzone")).to_be_focused()
    assert ["422" in one for one in opened.complaints] == [True], "the browser notes the refusal, and nothing else"
    opened.complaints.clear()
