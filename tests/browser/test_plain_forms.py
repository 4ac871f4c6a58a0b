"""The whole desk without JavaScript: every flow is links and plain forms."""

from collections.abc import Callable

import pytest
from playwright.sync_api import Page, expect
from sqlalchemy import select, update

from moderation import decisions
from moderation.db import Database, now
from moderation.decisions import Seen
from moderation.models import (
    Appeal,
    Article,
    Comment,
    Delivery,
    Moderator,
    Outcome,
    Role,
    Site,
    Status,
)
from moderation.notices import appeals
from tests.browser.conftest import Visit
from tests.stories import add_assessment, add_comment
from worker import tasks

pytestmark = pytest.mark.browser


@pytest.fixture
def thread(database: Database, site: Site, moderator: Moderator) -> dict[str, int]:
    """Three comments, the second an answer to the first, the third an answer to that; mona is an admin."""
    with database.session() as session:
        session.execute(update(Moderator).values(role=Role.ADMIN))
        kept = session.get_one(Site, site.id)
        first = add_comment(session, kept, text="Wer zahlt das?", concern=0.9)
        second = add_comment(session, kept, text="Du Esel.", concern=0.5, parent_external_id=first.external_id)
        third = add_comment(session, kept, text="Das Land.", concern=0.1, parent_external_id=second.external_id)
        for comment in (first, second, third):
            add_assessment(session, comment, kept.house_rules[0])
        session.commit()
        return {"first": first.id, "second": second.id, "third": third.id}


@pytest.fixture
def page(visit: Callable[..., Visit], thread: dict[str, int]) -> Page:
    return visit(java_script_enabled=False).page


def _statuses(database: Database) -> list[Status]:
    with database.session(read_only=True) as session:
        return list(session.scalars(select(Comment.status).order_by(Comment.id)))


def _at(page: Page, path: str) -> Page:
    page.goto("/".join(page.url.split("/")[:3]) + path)
    return page


def test_comments_are_found_by_order_filter_and_search(page: Page) -> None:
    expect(page.locator("blockquote.text")).to_contain_text("Wer zahlt das?")
    page.locator(".rail ol a").nth(1).click()
    expect(page.locator("blockquote.text")).to_contain_text("Du Esel.")
    page.get_by_role("link", name="Filter", exact=True).click()
    page.locator("select[name=replies]").select_option("yes")
    page.get_by_role("button", name="Zeigen").click()
    expect(page.locator(".waiting strong")).to_have_text("2")
    page.get_by_role("link", name="Suche", exact=True).click()
    page.locator("input[name=words]").fill("Land")
    page.locator("input[name=words]").press("Enter")
    expect(page.locator("#main")).to_contain_text("Das Land.")


def test_a_comment_is_put_off_with_a_note_and_taken_up_again(page: Page) -> None:
    page.locator("summary.later").click()
    page.locator("input[name=note]").fill("Die Lokalredaktion fragen")
    page.get_by_role("button", name="Zurückstellen").click()
    expect(page.locator(".waiting strong")).to_have_text("2")
    _at(page, "/put-off")
    expect(page.locator("#main")).to_contain_text("Die Lokalredaktion fragen")
    page.get_by_role("button", name="Zurück in die Warteschlange").click()
    _at(page, "/queue")
    expect(page.locator(".waiting strong")).to_have_text("3")


@pytest.mark.usefixtures("workshop")
def test_an_article_is_closed_and_a_branch_of_its_thread_deleted(page: Page, database: Database) -> None:
    page.get_by_role("link", name="Alle Stränge hier").click()
    page.locator(".closing summary").click()
    page.locator(".closing input[name=reason]").fill("Es wurde persönlich.")
    page.locator(".closing button").click()
    with database.session(read_only=True) as session:
        assert session.scalars(select(Article.closed_at)).one() is not None
    page.locator(".undo button").click()
    with database.session(read_only=True) as session:
        assert session.scalars(select(Article.closed_at)).one() is None

    page.locator(".prune summary").nth(1).click()
    page.locator(".prune").nth(1).get_by_role("button").first.click()
    tasks.batch()
    page.reload()
    assert _statuses(database) == [Status.PENDING, Status.DELETED, Status.DELETED]
    page.get_by_role("button", name="Alles rückgängig machen").click()
    tasks.batch()
    assert _statuses(database) == [Status.PENDING] * 3


def test_a_decision_that_was_delivered_is_reversed(page: Page, database: Database, thread: dict[str, int]) -> None:
    page.get_by_role("button", name="Freigeben").click()
    with database.session() as session:
        session.execute(update(Delivery).values(delivered_at=now(), due_at=None))
        session.commit()
    _at(page, f"/comments/{thread['first']}")
    page.locator("summary.delete").click()
    page.locator("details.rules .sheet button").first.click()
    assert _statuses(database)[0] is Status.DELETED


def test_what_failed_is_sent_again(page: Page, database: Database) -> None:
    page.get_by_role("button", name="Freigeben").click()
    with database.session() as session:
        session.execute(update(Delivery).values(failed_at=now(), due_at=None, last_error="The site answered 500."))
        session.commit()
    _at(page, "/deliveries?state=failed")
    page.get_by_role("button", name="Noch einmal senden").click()
    with database.session(read_only=True) as session:
        sent = session.scalars(select(Delivery)).one()
        assert (sent.failed_at, sent.due_at is None) == (None, False)


def test_a_house_rule_is_previewed_saved_and_taken_back(page: Page, database: Database, site: Site) -> None:
    _at(page, f"/rules?site={site.slug}")
    page.locator(".rulebook h2 a").first.click()
    bound = page.locator("input[name=when_at_most], input[name=when_at_least]").first
    before = bound.input_value()
    bound.fill("0,07")
    page.get_by_role("button", name="Vorschau").click()
    expect(page.locator("#preview")).to_contain_text("Was das bewirkt hätte")
    page.get_by_role("button", name="Speichern").click()
    if page.locator("#preview .notice").count():
        page.get_by_role("button", name="Speichern").click()
    expect(page.locator("#main")).to_contain_text("Fassung 2")
    page.get_by_role("link", name="Fassung 1").click()
    page.get_by_role("button", name="Zu dieser Fassung zurückkehren").click()
    expect(page.locator("#main")).to_contain_text("Fassung 3")
    page.locator(".rulebook h2 a").first.click()
    assert bound.input_value() == before


def test_an_objection_is_granted(page: Page, database: Database, thread: dict[str, int]) -> None:
    with database.session() as session:
        cut = decisions.decide(session, thread["second"], Outcome.DELETE, moderator=None, seen=Seen(1))
        appeals.object_to(session, cut.id, text="Das war ein Zitat.", email="otto@example.org", language="de")
        session.commit()
    _at(page, "/objections")
    page.locator("textarea[name=answer]").fill("Sie haben recht.")
    page.get_by_role("button", name="Stattgeben").click()
    assert _statuses(database)[1] is Status.APPROVED
    with database.session(read_only=True) as session:
        assert session.scalars(select(Appeal.answer)).one() == "Sie haben recht."


def test_the_desk_is_set_up_and_left(page: Page, database: Database, site: Site) -> None:
    _at(page, "/own")
    page.locator("input[name=theme][value=dark]").check()
    page.get_by_role("button", name="Speichern", exact=True).click()
    expect(page.locator("html")).to_have_attribute("data-theme", "dark")
    page.locator("input[name=approve]").fill("x")
    page.get_by_role("button", name="Tasten speichern").click()
    expect(page.locator("input[name=approve]")).to_have_value("x")

    _at(page, f"/sites/{site.slug}")
    page.locator("input[name=undo_seconds]").fill("30")
    page.get_by_role("button", name="Speichern").click()
    expect(page.locator("#main")).to_contain_text("Gespeichert.")
    _at(page, "/moderators")
    page.locator("section input[name=name]").fill("kai")
    page.get_by_role("button", name="Hinzufügen").click()
    expect(page.locator("#main .notice.good")).to_contain_text("kai")
    with database.session(read_only=True) as session:
        assert session.get_one(Site, site.id).undo_seconds == 30
        assert set(session.scalars(select(Moderator.name))) == {"mona", "kai"}

    page.locator("details.menu summary").click()
    expect(page.get_by_role("link", name="Heute")).to_be_visible()
    page.get_by_role("button", name="Abmelden").click()
    expect(page.locator("input[name=password]")).to_be_visible()
