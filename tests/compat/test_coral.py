"""Coral asks before it publishes, and tells later what its moderators decided: its exact bytes, signed its way."""

from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest
import time_machine
from flask import Flask
from sqlalchemy import select

from moderation import auth, coral_comments, rulebook
from moderation.db import Database, now
from moderation.errors import BadInput
from moderation.models import Article, Comment, CoralComment, Site, Status
from moderation.rulebook import StatedRule
from moderation.rules import Advice, Signal
from tests.compat.coral import FITTING, RUDE, SECRET, Pages, asking, post_as_coral


@pytest.fixture
def coral(judged: Flask, database: Database, site: Site, pages: Pages) -> Callable[..., Any]:
    """Coral, which sends pretty JSON and signs it with each of its secrets."""
    with database.session() as session:
        changed = session.get_one(Site, site.id)
        changed.callback_private, changed.origins = True, [pages.url]
        auth.add_coral_secret(changed, SECRET)
        session.commit()

    def post(path: str, data: Any, *, secrets: tuple[str, ...] = ("empsec_an_older_secret", SECRET)) -> Any:
        return post_as_coral(judged, f"/compat/coral/{path}", data, secrets=secrets)

    return post


def left(coral_id: str, status: str, kind: str = "COMMENT_LEFT_MODERATION_QUEUE") -> dict[str, Any]:
    data = {"queue": "pending", "commentID": coral_id, "status": status, "storyID": "s1", "siteID": "x"}
    return {"id": "e1", "type": kind, "createdAt": "2026-11-25T10:00:00Z", "tenantID": "t", "data": data}


def test_a_comment_on_the_topic_passes_without_an_opinion(
    coral: Callable[..., Any], pages: Pages, database: Database
) -> None:
    answer = coral("moderate", asking(f"{pages.url}/moved"))
    assert (answer.status_code, answer.data) == (204, b"")
    with database.session(read_only=True) as session:
        (article,) = session.scalars(select(Article))
        assert article.title == "Die alte Hafenbrücke wird gesperrt"
        assert "Pfeiler aus dem Jahr 1928" in article.body
        assert "Sport" not in article.body
        assert article.lead == "Autos müssen außen herum fahren."


def test_the_article_is_fetched_once_and_politely(coral: Callable[..., Any], pages: Pages) -> None:
    for author in ("a1", "a2"):
        coral("moderate", asking(f"{pages.url}/bruecke", author=author))
    assert len(pages.asked) == 1
    assert pages.asked[0].startswith("Hausordnung/")
    assert "+http" in pages.asked[0]


def test_a_comment_that_puts_somebody_down_is_withheld_with_a_flag(coral: Callable[..., Any], pages: Pages) -> None:
    answer = coral("moderate", asking(f"{pages.url}/bruecke", RUDE)).json
    assert answer["status"] == "SYSTEM_WITHHELD"
    assert {"actionType": "FLAG", "reason": "COMMENT_DETECTED_TOXIC"} in answer["actions"]


def test_it_is_rejected_with_a_reason_only_where_the_site_wants_that(
    coral: Callable[..., Any], pages: Pages, database: Database, site: Site
) -> None:
    with database.session() as session:
        changed = session.get_one(Site, site.id)
        changed.coral_rejects = True
        stated = [
            rule.model_copy(update={"advice": Advice.DELETE})
            for rule in rulebook.stated(rulebook.current(session, site.id))
            if rule.applied().signal is Signal.DISRESPECT
        ]
        rulebook.save(session, changed, stated)
        session.commit()
    answer = coral("moderate", asking(f"{pages.url}/bruecke", RUDE)).json
    assert answer["status"] == answer["moderationAction"]["status"] == "REJECTED"
    reason = answer["moderationAction"]["rejectionReason"]
    assert reason["code"] == "HARASSMENT_BULLYING"
    assert reason["detailedExplanation"]


@pytest.mark.parametrize(
    ("when", "body", "code"),
    [
        (
            {"signal": "relevance", "at_most": 0.7},
            "Mein Rezept: zwei Eier, viel Butter und Vanille.",
            "IRRELEVANT_CONTENT",
        ),
        ({"signal": "words", "words": ["Pfeiler"]}, FITTING, "BANNED_WORD"),
        ({"signal": "links"}, f"{FITTING} https://a.example", "SPAM"),
        ({"signal": "length", "more_than": 20}, FITTING, "OTHER"),
    ],
)
def test_a_reason_has_corals_own_name_for_what_the_rule_is_about(
    coral: Callable[..., Any], pages: Pages, database: Database, site: Site, when: Any, body: str, code: str
) -> None:
    said = {"de": "Das nicht.", "en": "Not that."}
    with database.session() as session:
        changed = session.get_one(Site, site.id)
        changed.coral_rejects = True
        strict = {"key": "k", "title": said, "text": said, "when": when, "advice": "delete"}
        rulebook.save(session, changed, [StatedRule.model_validate(strict)])
        session.commit()
    answer = coral("moderate", asking(f"{pages.url}/bruecke", body)).json
    assert answer["moderationAction"]["rejectionReason"] == {"code": code, "detailedExplanation": said["de"]}


def test_advertising_is_withheld_and_flagged_as_such(coral: Callable[..., Any], pages: Pages) -> None:
    answer = coral("moderate", asking(f"{pages.url}/bruecke", "Günstige Kredite ohne Schufa! https://kredit.example"))
    assert answer.json["status"] == "SYSTEM_WITHHELD"
    assert {"actionType": "FLAG", "reason": "COMMENT_DETECTED_SPAM"} in answer.json["actions"]


def test_an_article_that_cannot_be_had_holds_nobody_up(coral: Callable[..., Any]) -> None:
    assert coral("moderate", asking("http://127.0.0.1:9/nobody", RUDE)).json["status"] == "SYSTEM_WITHHELD"


@pytest.mark.parametrize("setting", [{"callback_private": False}, {"origins": ["https://paper.example"]}])
def test_private_addresses_are_not_fetched_but_for_pages_that_may_be_private(
    coral: Callable[..., Any], pages: Pages, database: Database, site: Site, setting: dict[str, Any]
) -> None:
    with database.session() as session:
        for name, value in setting.items():
            setattr(session.get_one(Site, site.id), name, value)
        session.commit()
    for url in (pages.url, "http://2130706433/", "http://[::1]/", "http://169.254.169.254/latest"):
        coral("moderate", asking(url))
    assert pages.asked == []


def test_a_wrong_signature_is_refused(coral: Callable[..., Any]) -> None:
    answer = coral("moderate", asking("https://a.example"), secrets=("empsec_not_this_one",))
    assert answer.status_code == 401
    assert answer.content_type == "application/problem+json"


def test_the_command_tells_us_the_secret_or_whether_coral_rejects(
    command: Callable[[str], str], database: Database, site: Site
) -> None:
    for words, secrets, rejects in (
        (SECRET, [SECRET], False),
        ("--reject", [SECRET], True),
        ("--hold", [SECRET], False),
    ):
        command(f"moderation site coral {site.slug} {words}")
        with database.session(read_only=True) as session:
            changed = session.get_one(Site, site.id)
            assert [key.value for key in changed.keys if key.kind == "coral"] == secrets
            assert changed.coral_rejects is rejects


@pytest.mark.parametrize("secret", ["", "too short", "x" * 201])
def test_a_secret_that_cannot_be_corals_is_refused(site: Site, secret: str) -> None:
    with pytest.raises(BadInput, match="between 16 and 200"):
        auth.add_coral_secret(site, secret)


@pytest.mark.parametrize(
    "change", [{"action": "LOOK"}, {"comment": {}}, {"story": {"id": "s", "url": "file:///etc/passwd"}}]
)
def test_what_is_wrong_is_named(coral: Callable[..., Any], change: Any) -> None:
    answer = coral("moderate", asking("https://a.example") | change)
    assert answer.status_code == 422
    assert answer.json["field"].split(".")[0] in change


def test_a_decision_in_coral_is_kept_to_learn_from(coral: Callable[..., Any], pages: Pages, database: Database) -> None:
    coral("moderate", asking(f"{pages.url}/bruecke", RUDE))
    assert coral("webhook", left("c7", "SYSTEM_WITHHELD", "COMMENT_ENTERED_MODERATION_QUEUE")).status_code == 204
    assert coral("webhook", left("c7", "REJECTED")).status_code == 204
    with database.session(read_only=True) as session:
        (comment,) = session.scalars(select(Comment))
        assert (comment.external_id, comment.status) == ("coral:c7", Status.DELETED)
        assert comment.text == "Du Vollidiot, die Brücke ist doch längst bezahlt & fertig."
        assert comment.article.title == "Die alte Hafenbrücke wird gesperrt"


def test_it_is_kept_although_the_article_could_not_be_had(coral: Callable[..., Any], database: Database) -> None:
    coral("moderate", asking("http://127.0.0.1:9/nobody", RUDE))
    coral("webhook", left("c7", "REJECTED"))
    with database.session(read_only=True) as session:
        (comment,) = session.scalars(select(Comment))
        assert (comment.status, comment.article.external_id, comment.article.title) == (Status.DELETED, "s1", "?")


def test_an_event_that_is_about_no_comment_changes_nothing(
    coral: Callable[..., Any], pages: Pages, database: Database
) -> None:
    coral("moderate", asking(f"{pages.url}/bruecke"))
    assert coral("webhook", {"id": "e1", "type": "STORY_CREATED", "data": {"storyID": "s1"}}).status_code == 204
    with database.session(read_only=True) as session:
        assert session.scalars(select(CoralComment.coral_id)).all() == [None]


def test_of_two_comments_that_came_at_once_neither_is_guessed(
    coral: Callable[..., Any], pages: Pages, database: Database
) -> None:
    coral("moderate", asking(f"{pages.url}/bruecke", RUDE))
    coral("moderate", asking(f"{pages.url}/bruecke", FITTING, author="a2"))
    coral("webhook", left("c7", "REJECTED"))
    with database.session(read_only=True) as session:
        assert session.scalars(select(Comment)).all() == []


def test_texts_without_a_decision_are_forgotten(coral: Callable[..., Any], pages: Pages, database: Database) -> None:
    coral("moderate", asking(f"{pages.url}/bruecke", RUDE))
    with time_machine.travel(now() + timedelta(days=31)), database.session() as session:
        coral_comments.forget(session)
        assert session.scalars(select(CoralComment)).all() == []
