"""Every page there is, found in the map of routes: nobody is shut out, nothing overflows, nothing is asked of others.

Once in German, light, on a desk, and once in English, dark, on a phone: contrast does not depend on the language, nor
names and roles on the colours.
"""

import gzip
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from flask import Flask, url_for
from flask.testing import FlaskClient
from playwright.sync_api import Page, Response
from sqlalchemy import select
from werkzeug.routing import Rule

from moderation import auth, batches, decisions, queue
from moderation.alarms import sound
from moderation.config import Settings
from moderation.db import Database, now
from moderation.decisions import Seen
from moderation.models import (
    Authenticator,
    Comment,
    Moderator,
    Outcome,
    Role,
    ShiftLink,
    Site,
)
from moderation.notices import appeals, illegal
from moderation.shifts import GOOD_FOR
from moderation.sites import add_moderator
from tests.browser.conftest import Visit, sign_in
from tests.conftest import PASSWORD, csrf
from tests.stories import add_assessment, add_comment

pytestmark = pytest.mark.browser

AXE = Path(__file__).with_name("axe.min.js").read_text(encoding="utf-8")
NO_PAGES = {
    "static",
    "desk.home",
    "desk.card",
    "desk.listed",
    "desk.thread",
    "live.bell",
    "live.since",
    "commenters.kept",
    "account.openid_begin",
    "account.openid_back",
    "account.openid_finish",
}
"""They answer with a part of a page or a file, or lead somewhere else at once."""

WAYS: dict[str, dict[str, Any]] = {
    "German, light, a desk": {
        "locale": "de-DE",
        "color_scheme": "light",
        "viewport": {"width": 1440, "height": 900},
    },
    "English, dark, a phone": {
        "locale": "en-GB",
        "color_scheme": "dark",
        "viewport": {"width": 390, "height": 844},
        "has_touch": True,
    },
}
LIGHT = 150_000
"""Bytes, compressed, of the first page of the queue with all that it needs."""
LASTING = {"document", "stylesheet", "script", "image", "font"}

RUDE = "Du Vollidiot, die Brücke ist doch längst bezahlt. Steht alles im Artikel."


@dataclass
class Full:
    """A desk with something on each page: values for what addresses name, and tokens by endpoint."""

    values: dict[str, Any]
    tokens: dict[str, str]


@pytest.fixture
def full(database: Database, site: Site, moderator: Moderator, settings: Settings) -> Full:
    with database.session() as session:
        mona = session.get_one(Moderator, moderator.id)
        mona.role = Role.ADMIN
        kai = add_moderator(session, name="kai", password=PASSWORD, role=Role.MODERATOR)
        kept = session.get_one(Site, site.id)
        rule = kept.house_rules[0]
        who = {"commenter_id": "otto", "commenter_name": "Otto", "commenter_email": "otto@example.org"}
        first = add_comment(session, kept, text="Wer zahlt das denn alles?", **who)
        rude, deleted, later, *many = (
            add_comment(session, kept, text=f"{RUDE} {number}", parent_external_id=first.external_id, **who)
            for number in range(8)
        )
        for comment in (first, rude, deleted, later, *many):
            add_assessment(session, comment, rule)
        decisions.decide(session, first.id, Outcome.APPROVE, moderator=mona, seen=Seen(1))
        cut = decisions.decide(session, deleted.id, Outcome.DELETE, moderator=mona, seen=Seen(1), rule_id=rule.id)
        cut.delivery.last_error = "The site answered 500."  # type: ignore[union-attr]
        appeals.object_to(session, cut.id, text="Das war ein Zitat.", email="otto@example.org", language="de")
        claim = illegal.Claim(first.external_id, "Das ist strafbar.", "Ina", "ina@example.org")
        notice = illegal.receive(session, kept, claim, language="de")
        queue.defer(session, later.id, moderator=kai, note="Die Lokalredaktion fragen")
        chosen = select(Comment).where(Comment.id.in_([one.id for one in many[:2]]))
        batch = batches.create(session, chosen, moderator=mona, outcome=Outcome.DELETE, rule_id=rule.id)
        batches.step(session, batch.id)
        heat: dict[str, Any] = {"title": "Derby am Samstag", "why": "rate", "minutes": 30, "recent": 40, "usual": 3.0}
        sound(session, kept.id, "hot", "article 1", article=rude.article_id, **heat)
        session.add(Authenticator(moderator_id=kai.id, secret="not looked at", last_step=0))
        link = ShiftLink(moderator_id=kai.id, expires_at=now() + GOOD_FOR)
        session.add(link)
        session.flush()
        made = Full(
            {
                "comment_id": rude.id,
                "article_id": rude.article_id,
                "batch_id": batch.id,
                "slug": kept.slug,
                "key": rule.key,
                "number": 1,
                "moderator_id": kai.id,
            },
            {
                "reader.statement": settings.links.sign("statement", cut.id),
                "reader.notice": settings.links.sign("notice", notice.id),
                "shifts.show": settings.links.sign("shift", link.id),
            },
        )
        session.commit()
    return made


def _pages(app: Flask, full: Full) -> dict[str, str]:
    """The address of each page by its endpoint; a new page is in it by itself."""
    with app.test_request_context():
        return {
            rule.endpoint: url_for(rule.endpoint, **_values(rule, full))
            for rule in app.url_map.iter_rules()
            if "GET" in (rule.methods or ())
            and not rule.rule.startswith(auth.PROGRAMS)
            and rule.endpoint not in NO_PAGES
        }


def _values(rule: Rule, full: Full) -> dict[str, Any]:
    """What the address names; a KeyError asks whoever made a new page to say what it is to show."""
    asked = rule.arguments - set(rule.defaults or ())
    return {name: full.tokens[rule.endpoint] if name == "token" else full.values[name] for name in asked}


def _faults(page: Page, endpoint: str) -> list[str]:
    """What shuts people out of the page, or sticks out of it."""
    page.evaluate(AXE)
    found = page.evaluate("axe.run({resultTypes: ['violations']})")["violations"]
    faults = [f"{endpoint}: {rule['id']}: {node['html'][:200]}" for rule in found for node in rule["nodes"]]
    wide = page.evaluate("document.documentElement.scrollWidth - innerWidth")
    return [*faults, *([f"{endpoint}: {wide} pixels too wide"] if wide > 0 else [])]


@pytest.mark.parametrize("way", WAYS)
def test_nobody_is_shut_out_of_any_page(app: Flask, visit: Callable[..., Visit], full: Full, way: str) -> None:
    inside, outside = visit(**WAYS[way]).page, visit(signed_in=False, **WAYS[way]).page
    desk = inside.url.removesuffix("/queue")
    sign_in(outside, "kai", to="**/sign-in/code")
    faults = []
    for endpoint, place in _pages(app, full).items():
        page = outside if endpoint in auth.OPEN else inside
        answer = page.goto(desk + place)
        assert answer is not None
        assert (answer.status, page.url) == (200, desk + place)
        faults += _faults(page, endpoint)
    assert faults == []


def test_each_page_is_answered_before_either_database(app: Flask, mona: FlaskClient, full: Full) -> None:
    outside = app.test_client()
    outside.post("/sign-in", data={"name": "kai", "password": PASSWORD, "csrf_token": csrf(outside)})
    answers = {
        endpoint: (outside if endpoint in auth.OPEN else mona).get(place).status
        for endpoint, place in _pages(app, full).items()
    }
    assert len(answers) > 30
    assert set(answers.values()) == {"200 OK"}, answers


@pytest.mark.usefixtures("full")
def test_the_first_page_of_the_queue_is_light(visit: Callable[..., Visit]) -> None:
    page = visit().page
    devtools = page.context.new_cdp_session(page)
    devtools.send("Network.enable")
    devtools.send("Network.setCacheDisabled", {"cacheDisabled": True})
    came: list[Response] = []
    page.on("response", lambda one: came.append(one) if one.request.resource_type in LASTING else None)
    page.goto(page.url)
    weights = {one.url: len(gzip.compress(one.body())) for one in came}
    assert len(weights) > 5
    assert sum(weights.values()) < LIGHT, weights
