"""A scripted moderator clears a queue of 200 of our comments: many at once on the map, then one by one with keys.

The moderator knows how each comment is labelled and decides so; a key that reached the wrong card is found out.
"""

import json
import statistics
from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any

import pytest
from playwright.sync_api import Locator, Page, expect
from sqlalchemy import delete, func, select, update

from moderation import demo
from moderation.db import Database
from moderation.models import Comment, Decision, Delivery, Outcome, Status
from tests.browser.conftest import Visit
from tests.browser.test_map import drag
from tests.senders import Paper
from tests.waiting import until
from worker import tasks
from worker.app import Workshop

pytestmark = pytest.mark.browser

NUMBER = 200
KEYSTROKES = 1.2
"""At most so many for a comment. A key held together with Shift is one stroke."""
ACTIONS = 25
"""At most so many with the map, where some are left that cannot be placed on it."""
MILLISECONDS = 100
"""Within so many the next card is there."""

TOPIC, PERSON, TONE = "Bleiben Sie beim Thema", "Niemand wird kleingemacht", "Reden Sie, als stünde man sich gegenüber"
PUT_DOWN = {"insult", "identity_attack"}
LEFT_STANDING = {"on_topic", "loose"}

WATCH = """
let pressed = null;
addEventListener("keydown", (event) => {
  if (event.key !== "Shift") pressed = [performance.now(), document.querySelector("#main")?.dataset.comment];
}, true);
new MutationObserver(() => {
  const open = document.querySelector("#main")?.dataset.comment;
  if (!pressed || !open || open === pressed[1]) return;
  const times = JSON.parse(sessionStorage.times ?? "[]");
  sessionStorage.times = JSON.stringify([...times, performance.now() - pressed[0]]);
  pressed = null;
}).observe(document, { childList: true, subtree: true });
"""
"""Writes down how long after a key the next card was there."""


@pytest.fixture
def rules(paper: Paper, workshop: Workshop, database: Database) -> dict[str, str | None]:
    """The demo's first 200 comments wait, judged; by id the rule each is to be deleted for, None where it may stand."""
    sent = [json.loads(message.body) for message in demo.messages(datetime.now(UTC))[:NUMBER]]
    for event in sent:
        paper.send(event["type"], event["data"], timestamp=event["timestamp"])
    while _count(database, Comment.due_at.is_not(None)):
        tasks.score()
    labelled = {
        f"{thread['id']}-{comment['id']}": comment for thread in demo.threads() for comment in thread["comments"]
    }
    with database.session(read_only=True) as session:
        return {str(one.id): _broken_rule(labelled[one.external_id]) for one in session.scalars(select(Comment))}


def _broken_rule(comment: dict[str, Any]) -> str | None:
    kinds = {place["kind"] for place in comment.get("disrespect", ())}
    if kinds:
        return PERSON if kinds & PUT_DOWN else TONE
    return None if comment["relevance"] in LEFT_STANDING else TOPIC


def _count(database: Database, condition: Any) -> int:
    with database.session(read_only=True) as session:
        return session.scalar(select(func.count()).select_from(Comment).where(condition)) or 0


def _waiting(database: Database) -> int:
    return _count(database, Comment.status == Status.PENDING)


def _standing(database: Database) -> dict[str, str | None]:
    """For each comment the rule it was deleted for; None where it was approved."""
    with database.session(read_only=True) as session:
        last = select(Decision).where(Decision.outcome != Outcome.UNDO).order_by(Decision.id)
        return {
            str(decision.comment_id): decision.rule_title["de"] if decision.rule_title else None
            for decision in session.scalars(last)
        }


def _open_again(database: Database) -> None:
    """Have all of them wait once more, as if nobody had decided."""
    with database.session() as session:
        session.execute(delete(Delivery))
        session.execute(delete(Decision))
        session.execute(update(Comment).values(status=Status.PENDING))
        session.commit()


CARD = """() => {
  const id = document.querySelector("#main").dataset.comment;
  const rules = [...document.querySelectorAll("[data-key=delete] button[name=rule]")];
  const words = (button) => button?.textContent ?? "";
  return id && { id, recommended: words(document.querySelector("button.recommended")), rules: rules.map(words) };
}"""
GONE = "id => ![undefined, id].includes(document.querySelector('#main')?.dataset.comment)"


def _stroke(card: dict[str, Any], rule: str | None) -> str:
    """The one stroke that decides on a card."""
    if rule is None:
        return "f"
    if rule in card["recommended"]:
        return "Shift+l"
    return f"Shift+Digit{next(at for at, words in enumerate(card['rules'], start=1) if rule in words)}"


class Hand:
    """The moderator's hand, which counts what it does: keys, clicks and drags alike."""

    def __init__(self, page: Page) -> None:
        self.page = page
        self.actions = 0

    def press(self, key: str) -> None:
        self.page.keyboard.press(key)
        self.actions += 1

    def click(self, what: Locator) -> None:
        what.click()
        self.actions += 1

    def decide_all(self, rules: dict[str, str | None]) -> None:
        """Decide on each card that comes with one stroke, until there is none."""
        while card := self.page.evaluate(CARD):
            self.press(_stroke(card, rules[card["id"]]))
            self.page.wait_for_function(GONE, arg=card["id"])
        expect(self.page.locator(".waiting strong")).to_have_text("0")

    def sweep(self, across: tuple[float, float], up: tuple[float, float], button: str) -> None:
        """Draw a box on the map and decide on all of it; the rule is the one that most of it may break."""
        self.press("m")
        expect(self.page.locator("[data-map] canvas").first).to_be_visible()
        drag(self.page, across, up)
        self.actions += 1
        self.click(self.page.get_by_role("button", name=button))
        self.page.wait_for_url("**/batches/*")
        tasks.batch()


def test_two_hundred_one_by_one_and_again_with_the_map(
    visit: Callable[..., Visit], database: Database, rules: dict[str, str | None]
) -> None:
    page = visit(viewport={"width": 1440, "height": 900}).page
    page.add_init_script(WATCH)
    page.reload()
    hand = Hand(page)
    hand.decide_all(rules)
    until(lambda: _waiting(database) == 0)
    assert _standing(database) == rules
    assert hand.actions <= KEYSTROKES * NUMBER
    times = page.evaluate("JSON.parse(sessionStorage.times)")
    assert len(times) >= NUMBER - 1
    assert statistics.median(times) < MILLISECONDS

    _open_again(database)
    page.goto(page.url)
    hand = Hand(page)
    hand.sweep((0.1, 1.0), (0.5, 1.0), "Alle löschen")  # the lower half: more disrespectful than not
    hand.sweep((0.1, 1.0), (0.9, 0.0), "Alle freigeben")  # the rest of what is on the map
    page.goto(page.url.partition("/batches")[0] + "/map")
    hand.click(page.get_by_role("link", name="lassen sich nicht einordnen"))
    expect(page.locator("#main.card")).to_be_visible()
    hand.decide_all(rules)
    until(lambda: _waiting(database) == 0)
    assert hand.actions <= ACTIONS
