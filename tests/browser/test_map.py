"""The map and the pages beside the queue in a real browser: a box by mouse, or by number without JavaScript."""

from collections.abc import Callable

import pytest
from playwright.sync_api import Page, expect
from sqlalchemy import func, select

from moderation.db import Database
from moderation.models import Assessment, Comment, Site, Status
from moderation.rules import Advice
from tests.browser.conftest import Visit
from tests.stories import add_comment
from worker import tasks

pytestmark = pytest.mark.browser

WAITING = 60
ROUGH = 20


@pytest.fixture
def crowd(database: Database, site: Site) -> None:
    """Sixty waiting comments: forty that fit and are civil, twenty that neither fit nor are."""
    with database.session() as session:
        rule = session.get_one(Site, site.id).house_rules[0]
        for number in range(WAITING):
            rough = number < ROUGH
            comment = add_comment(session, site, text=f"Beitrag {number}: Umweg über den Nordring.")
            session.add(
                Assessment(
                    comment_id=comment.id,
                    revision=1,
                    relevance=(0.2 if rough else 0.8) + number % 8 / 100,
                    disrespect=(0.8 if rough else 0.1) + number % 5 / 100,
                    advice=Advice.REVIEW,
                    rule_id=rule.id,
                )
            )
        session.commit()


def _count(database: Database, status: Status) -> int:
    with database.session(read_only=True) as session:
        return session.scalar(select(func.count()).where(Comment.status == status)) or 0


def drag(page: Page, across: tuple[float, float], up: tuple[float, float]) -> None:
    """Drag a box over these shares of the map's width and height."""
    plot = page.locator("[data-map] .plot")
    plot.scroll_into_view_if_needed()
    frame = plot.bounding_box()
    assert frame is not None
    page.mouse.move(frame["x"] + across[0] * frame["width"], frame["y"] + up[0] * frame["height"])
    page.mouse.down()
    for step in (0.5, 1):
        page.mouse.move(
            frame["x"] + (across[0] + step * (across[1] - across[0])) * frame["width"],
            frame["y"] + (up[0] + step * (up[1] - up[0])) * frame["height"],
            steps=4,
        )
    page.mouse.up()


def _delete_and_take_back(page: Page, database: Database) -> None:
    """Delete what is in the box under a rule, see it done, take it back, see that done."""
    expect(page.locator("#chosen h2")).to_have_text(f"{ROUGH} Kommentare")
    page.get_by_label("Löschen wegen").select_option("Niemand wird kleingemacht")
    page.get_by_role("button", name="Alle löschen").click()
    expect(page.get_by_role("status").filter(has_text=f"0 von {ROUGH}")).to_be_visible()
    tasks.batch()
    expect(page.get_by_text(f"fertig: {ROUGH} von {ROUGH}")).to_be_visible()
    assert _count(database, Status.DELETED) == ROUGH
    page.get_by_role("button", name="Alles rückgängig machen").click()
    expect(page.get_by_role("button", name="Alles rückgängig machen")).to_have_count(0)
    tasks.batch()
    expect(page.get_by_text(f"zurückgenommen: {ROUGH} von {ROUGH}")).to_be_visible()
    assert _count(database, Status.PENDING) == WAITING


@pytest.mark.usefixtures("crowd", "workshop")
def test_a_box_dragged_with_the_mouse_is_deleted_under_a_rule_and_taken_back(
    visit: Callable[..., Visit], database: Database
) -> None:
    page = visit().page
    page.goto(page.url.replace("/queue", "/map"))
    expect(page.locator("[data-map] canvas").first).to_be_visible()
    drag(page, (0.1, 0.45), (0.6, 0.88))
    _delete_and_take_back(page, database)


@pytest.mark.usefixtures("crowd", "workshop")
def test_a_box_given_by_number_does_the_same_without_javascript(
    visit: Callable[..., Visit], database: Database
) -> None:
    page = visit(java_script_enabled=False).page
    page.goto(page.url.replace("/queue", "/map"))
    bounds = page.get_by_role("group", name="Passt zum Artikel")
    bounds.get_by_label("Bis").fill("0.5")
    page.get_by_role("button", name="Zeigen, was darin liegt").click()
    _delete_and_take_back(page, database)
