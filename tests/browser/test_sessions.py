"""A session that ended meanwhile: whoever signs in again is where they were, and what they wrote is still there."""

import re
from collections.abc import Callable

import pytest
from playwright.sync_api import Route, expect
from sqlalchemy import delete, update

from moderation import decisions
from moderation.db import Database
from moderation.decisions import Seen
from moderation.models import Appeal, Moderator, Outcome, Role, SignIn, Site
from moderation.notices import appeals
from tests.browser.conftest import Visit, sign_in
from tests.conftest import PASSWORD
from tests.senders import Paper, comment
from tests.stories import add_comment

pytestmark = pytest.mark.browser

ANSWER = "Sie haben recht, das war ein Zitat. Wir haben es übersehen und bitten um Entschuldigung."


def _end_sessions(database: Database) -> None:
    """As they end after a shift, or from another device: the browser keeps its cookie, which opens nothing."""
    with database.session() as session:
        session.execute(delete(SignIn))
        session.commit()


def test_a_long_answer_outlives_the_session(
    visit: Callable[..., Visit], database: Database, site: Site, moderator: Moderator
) -> None:
    with database.session() as session:
        session.execute(update(Moderator).values(role=Role.ADMIN))
        decided = add_comment(session, session.get_one(Site, site.id), text="„Du Esel“, sagte er.")
        cut = decisions.decide(session, decided.id, Outcome.DELETE, moderator=None, seen=Seen(1))
        appeals.object_to(session, cut.id, text="Das war ein Zitat.", email="otto@example.org", language="de")
        session.commit()
    page = visit().page
    desk = page.url.removesuffix("/queue")
    page.goto(f"{desk}/objections")
    page.get_by_label("Antwort an den Leser").fill(ANSWER)
    _end_sessions(database)
    page.get_by_role("button", name="Stattgeben").click()
    expect(page).to_have_url(re.compile("/sign-in"))
    sign_in(page, to="**/objections")
    expect(page.locator("#kept")).to_be_visible()
    expect(page.get_by_label("Antwort an den Leser")).to_have_value(ANSWER)
    with database.session(read_only=True) as session:
        assert session.query(Appeal).one().closed_at is None, "nothing was sent by itself"
    page.get_by_role("button", name="Stattgeben").click()
    expect(page.get_by_text("Kein Widerspruch wartet")).to_be_visible()
    page.wait_for_function("sessionStorage.getItem('sent form') === null")
    with database.session(read_only=True) as session:
        assert session.query(Appeal).one().answer == ANSWER


def test_a_card_is_there_again_with_its_note(visit: Callable[..., Visit], paper: Paper, database: Database) -> None:
    for number in ("1", "2"):
        paper.send("comment.created", comment(id=number, text=f"Nummer {number}."))
    visited = visit()
    page = visited.page
    page.wait_for_load_state()
    first = page.locator("blockquote.text").inner_text()
    page.keyboard.press("j")
    expect(page.locator("blockquote.text")).not_to_contain_text(first)
    second = page.locator("blockquote.text").inner_text()
    page.keyboard.press("z")
    page.locator("input[name=note]").fill("Die Lokalredaktion fragen")
    _end_sessions(database)
    page.keyboard.press("Enter")
    expect(page).to_have_url(re.compile("/sign-in"))
    sign_in(page, to="**/queue*")
    expect(page.locator("blockquote.text")).to_contain_text(second)
    expect(page.locator("input[name=note]")).to_have_value("Die Lokalredaktion fragen")
    visited.complaints.clear()  # the browser reports that the queue asked for news in vain


def test_a_note_that_is_slower_than_the_next_card_is_not_cut_off(
    visit: Callable[..., Visit], paper: Paper, database: Database
) -> None:
    for number in range(8):
        paper.send("comment.created", comment(id=str(number), text=f"Nummer {number}."))
    visited = visit()
    page = visited.page
    page.wait_for_load_state()
    slow: list[Route] = []
    page.route("**/comments/*/deferral", lambda route: slow.append(route) if not slow else route.continue_())
    page.keyboard.press("z")
    page.locator("input[name=note]").fill("Die Lokalredaktion fragen")
    _end_sessions(database)
    with page.expect_response(lambda answer: "/queue/cards/" in answer.url and answer.status == 302):
        page.keyboard.press("Enter")
    slow[0].continue_()
    expect(page).to_have_url(re.compile("/sign-in"))
    sign_in(page, to="**/queue*")
    expect(page.locator("input[name=note]")).to_have_value("Die Lokalredaktion fragen")
    visited.complaints.clear()  # the browser reports that the queue asked for news in vain


def test_no_secret_is_kept_in_the_browser(visit: Callable[..., Visit], database: Database, site: Site) -> None:
    with database.session() as session:
        session.execute(update(Moderator).values(role=Role.ADMIN))
        session.commit()
    page = visit().page
    page.goto(page.url.replace("/queue", f"/sites/{site.slug}"))
    page.get_by_label("Corals Geheimnis zum Signieren").fill("empsec_0123456789abcdef")
    _end_sessions(database)
    page.get_by_role("button", name="Coral fragen lassen").click()
    page.locator("[data-signs-in]").wait_for()
    assert "empsec" not in page.evaluate("JSON.stringify(sessionStorage)")
    assert PASSWORD not in page.evaluate("JSON.stringify(sessionStorage)")
