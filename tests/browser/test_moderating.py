"""A moderator at work in a real browser: by key, by button, without JavaScript, on a phone; the site hears of it."""

from collections.abc import Callable

import pytest
from flask import Flask
from playwright.sync_api import Page, Route, expect
from standardwebhooks.webhooks import Webhook

from moderation import auth
from moderation.db import Database
from moderation.models import Comment, Decision, Site, Status
from tests.browser.conftest import Visit
from tests.conftest import Receiver
from tests.senders import Paper, comment
from tests.waiting import until
from worker import tasks
from worker.app import Workshop

pytestmark = pytest.mark.browser

CIVIL = "Zwölf Minuten Umweg über den Nordring, das schaffen wir. Hauptsache, die Brücke hält danach."
RUDE = "Du Vollidiot, lies doch erst mal den Artikel über die Brücke!"
PHONE = {"viewport": {"width": 390, "height": 844}, "has_touch": True, "is_mobile": True}


@pytest.fixture
def queue(paper: Paper, workshop: Workshop) -> None:
    """Two comments, judged: a rude one and a civil one."""
    paper.send("comment.created", comment(id="rude", text=RUDE))
    paper.send("comment.created", comment(id="civil", text=CIVIL))
    tasks.score()


def _statuses(database: Database) -> dict[str, Status]:
    with database.session(read_only=True) as session:
        return {found.external_id: found.status for found in session.query(Comment)}


def _decisions(database: Database) -> int:
    with database.session(read_only=True) as session:
        return session.query(Decision).count()


def _card(page: Page) -> str:
    return page.locator("blockquote.text").inner_text()


@pytest.mark.live
@pytest.mark.usefixtures("queue")
def test_one_is_deleted_by_button_and_one_approved_by_key_and_the_site_verifies_both(
    visit: Callable[..., Visit], database: Database, pushed: Site, receiver: Receiver, workshop: Workshop
) -> None:
    page = visit().page
    expect(page.get_by_text("Niemand wird kleingemacht").first).to_be_visible()
    assert "Vollidiot" in _card(page)
    page.locator("summary.delete").click()
    page.get_by_role("button", name="Niemand wird kleingemacht").click()

    expect(page.locator("blockquote.text")).to_contain_text("Nordring")  # the next one came by itself
    page.keyboard.press("f")
    expect(page.get_by_text("Du hast alles gelesen.")).to_be_visible()

    assert _statuses(database) == {"rude": Status.DELETED, "civil": Status.APPROVED}
    tasks.deliver()
    verified = [Webhook(auth.signing_secrets(pushed)[0]).verify(body, headers) for headers, body in receiver.got]
    told = {message["data"]["id"]: message for message in verified}  # nobody waited for the answer to the first
    assert {name: message["type"] for name, message in told.items()} == {
        "rude": "comment.deleted",
        "civil": "comment.approved",
    }
    assert told["rude"]["data"]["rule"]["title"] == "Niemand wird kleingemacht"


@pytest.mark.usefixtures("queue")
def test_a_double_click_decides_once(visit: Callable[..., Visit], database: Database) -> None:
    page = visit().page
    sent: list[str] = []
    page.on("request", lambda request: sent.append(request.url) if "/decision" in request.url else None)
    page.locator("button.approve").hover()
    for clicks in (1, 2):
        page.mouse.down(click_count=clicks)
        page.mouse.up(click_count=clicks)
        expect(page.locator("blockquote.text")).to_contain_text("Nordring")  # the next one lies under the mouse
    assert page.evaluate("document.title")  # what the second click did has happened by now
    assert len(sent) == 1
    until(lambda: _statuses(database) == {"rude": Status.APPROVED, "civil": Status.PENDING})


@pytest.mark.live
@pytest.mark.usefixtures("queue")
def test_the_last_decision_waits_for_an_earlier_one_whose_answer_is_slower(
    visit: Callable[..., Visit], database: Database
) -> None:
    page = visit().page
    held: list[Route] = []
    page.route("**/decision", lambda route: route.continue_() if held else held.append(route))
    page.keyboard.press("Shift+l")
    expect(page.locator("blockquote.text")).to_contain_text("Nordring")
    with page.expect_response("**/decision"):
        page.keyboard.press("f")
    assert _statuses(database) == {"rude": Status.PENDING, "civil": Status.APPROVED}
    held[0].continue_()
    expect(page.get_by_text("Du hast alles gelesen.")).to_be_visible()
    assert _statuses(database) == {"rude": Status.DELETED, "civil": Status.APPROVED}


@pytest.mark.usefixtures("queue")
def test_the_keys_do_what_they_say(visit: Callable[..., Visit], database: Database) -> None:
    page = visit().page
    page.keyboard.press("j")
    expect(page.locator("blockquote.text")).to_contain_text("Nordring")
    page.keyboard.press("k")
    expect(page.locator("blockquote.text")).to_contain_text("Vollidiot")
    page.keyboard.press("?")
    expect(page.get_by_role("dialog", name="Tasten")).to_be_visible()
    page.keyboard.press("Escape")
    expect(page.get_by_role("dialog")).to_have_count(0)
    page.keyboard.press("l")
    page.keyboard.press("Enter")  # the recommended rule
    expect(page.locator("blockquote.text")).to_contain_text("Nordring")
    expect(page.locator(".undo")).to_be_visible()
    assert _statuses(database)["rude"] is Status.DELETED
    page.keyboard.press("u")
    expect(page.locator("blockquote.text")).to_contain_text("Vollidiot")
    assert _statuses(database)["rude"] is Status.PENDING
    page.keyboard.press("d")
    page.keyboard.press("1")
    until(lambda: _statuses(database)["rude"] is Status.DELETED)


@pytest.mark.live
@pytest.mark.usefixtures("queue")
def test_keys_pressed_before_the_answer_to_undo_are_for_the_comment_that_comes_back(
    visit: Callable[..., Visit], database: Database
) -> None:
    page = visit().page
    page.keyboard.press("Shift+d")
    expect(page.locator("blockquote.text")).to_contain_text("Nordring")
    expect(page.locator(".undo")).to_be_visible()
    for key in ("u", "d", "1"):
        page.keyboard.press(key)
    until(lambda: _decisions(database) == 3)  # deleted, taken back, deleted again
    assert _statuses(database) == {"rude": Status.DELETED, "civil": Status.PENDING}


@pytest.mark.live
@pytest.mark.usefixtures("queue")
@pytest.mark.parametrize("streams", [8, 0], ids=["by a ring", "by asking"])
def test_what_others_do_shows_by_itself(
    visit: Callable[..., Visit], app: Flask, database: Database, paper: Paper, streams: int
) -> None:
    app.extensions["moderation"].feed.most = streams
    mine, other = visit().page, visit().page
    expect(mine.locator(".waiting strong")).to_have_text("2")
    other.keyboard.press("l")
    other.keyboard.press("Enter")
    until(lambda: _statuses(database)["rude"] is Status.DELETED)
    expect(mine.locator("#stale")).to_contain_text("Inzwischen entschieden – mona: gelöscht.")
    expect(mine.locator(".waiting strong")).to_have_text("1")
    paper.send("comment.created", comment(id="third", text=CIVIL))
    expect(mine.get_by_role("link", name="1 neuen Kommentar zeigen")).to_be_visible()


@pytest.mark.usefixtures("queue")
def test_the_word_that_carries_it_is_marked(visit: Callable[..., Visit]) -> None:
    mark = visit().page.locator("mark.insult").first
    expect(mark).to_contain_text("Vollidiot")
    expect(mark.locator(".kind")).to_have_text(" Herabsetzung")


@pytest.mark.usefixtures("queue")
def test_all_of_it_works_without_javascript(visit: Callable[..., Visit], database: Database) -> None:
    page = visit(java_script_enabled=False).page
    page.locator("summary.delete").click()
    page.get_by_role("button", name="aus einem anderen Grund").click()
    page.get_by_role("button", name="Rückgängig").click()
    assert _statuses(database)["rude"] is Status.PENDING
    page.get_by_role("button", name="Freigeben").click()
    assert _statuses(database)["rude"] is Status.APPROVED


@pytest.mark.usefixtures("queue")
def test_on_a_phone_the_decisions_are_under_the_thumb(visit: Callable[..., Visit], database: Database) -> None:
    page = visit(**PHONE).page
    button = page.get_by_role("button", name="Freigeben")
    box = button.bounding_box()
    assert box is not None
    assert box["height"] >= 48
    assert box["y"] + box["height"] <= 844
    assert page.evaluate("document.documentElement.scrollWidth") <= 390
    button.tap()
    until(lambda: _statuses(database)["rude"] is Status.APPROVED)


def _swipe(page: Page, by: int) -> None:
    """Draw a finger over the text, as Chromium itself does it."""
    box = page.locator("blockquote.text").bounding_box()
    assert box is not None
    finger = page.context.new_cdp_session(page)
    x, y = 195, box["y"] + box["height"] / 2
    for kind, at in (("touchStart", x), ("touchMove", x + by / 2), ("touchMove", x + by), ("touchEnd", None)):
        points = [] if at is None else [{"x": at, "y": y}]
        finger.send("Input.dispatchTouchEvent", {"type": kind, "touchPoints": points})


@pytest.mark.usefixtures("queue")
def test_a_finger_drawn_to_the_left_offers_the_rules_and_one_to_the_right_approves(
    visit: Callable[..., Visit], database: Database
) -> None:
    page = visit(**PHONE).page
    page.wait_for_load_state()
    _swipe(page, -140)
    page.get_by_role("button", name="Niemand wird kleingemacht").tap()
    expect(page.locator("blockquote.text")).to_contain_text("Nordring")
    _swipe(page, 40)  # a finger that trembles decides nothing
    _swipe(page, 140)
    until(lambda: _statuses(database) == {"rude": Status.DELETED, "civil": Status.APPROVED})


@pytest.mark.usefixtures("queue")
@pytest.mark.parametrize("width", [390, 1024, 1600])
def test_the_buttons_never_move(visit: Callable[..., Visit], width: int) -> None:
    page = visit(viewport={"width": width, "height": 900}).page
    button = page.get_by_role("button", name="Freigeben")
    before = button.bounding_box()
    page.keyboard.press("j")
    expect(page.locator("blockquote.text")).to_contain_text("Nordring")
    assert button.bounding_box() == before


@pytest.mark.usefixtures("queue")
def test_what_was_done_is_said_aloud(visit: Callable[..., Visit]) -> None:
    page = visit().page
    page.keyboard.press("f")
    expect(page.locator("#said")).to_have_text("Kommentar freigegeben.")


@pytest.mark.usefixtures("queue")
def test_a_lost_connection_is_told_and_nothing_is_decided(visit: Callable[..., Visit], database: Database) -> None:
    visited = visit()
    visited.page.context.set_offline(True)
    visited.page.keyboard.press("f")
    expect(visited.page.get_by_text("Nichts ist verloren")).to_be_visible()
    expect(visited.page.locator("blockquote.text")).to_contain_text("Vollidiot")
    assert _statuses(database)["rude"] is Status.PENDING
    visited.page.context.set_offline(False)
    visited.page.keyboard.press("f")
    until(lambda: _statuses(database)["rude"] is Status.APPROVED)
    visited.complaints.clear()  # the browser itself reports the lost connection


@pytest.mark.parametrize("width", [390, 1024, 1600])
@pytest.mark.parametrize("text", ["x" * 20_000, "\u202e" + "gnudleseb " * 40, "Z" + "\u0300" * 3000])
def test_no_text_breaks_the_layout(visit: Callable[..., Visit], paper: Paper, text: str, width: int) -> None:
    article = comment()["article"] | {"title": text[:1000], "lead": text}
    paper.send("comment.created", comment(text=text, commenter={"name": text[:255]}, article=article))
    page = visit(viewport={"width": width, "height": 900}).page
    expect(page.locator("blockquote.text")).to_be_visible()
    assert page.evaluate("document.documentElement.scrollWidth") <= width
    assert page.get_by_role("button", name="Freigeben").bounding_box() is not None


def test_the_language_can_be_changed(visit: Callable[..., Visit]) -> None:
    page = visit().page
    page.get_by_role("button", name="English").click()
    expect(page.get_by_text("There is no site yet.")).to_be_visible()
    expect(page.locator("html")).to_have_attribute("lang", "en")
