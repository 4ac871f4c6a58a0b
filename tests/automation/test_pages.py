"""The page on which a rule is let decide by itself, and the alarm on every page when it had to be stopped."""

import re
from datetime import timedelta
from typing import Any

import pytest
from sqlalchemy import select

from moderation import alarms, rulebook
from moderation.automation import acting, switch, watch
from moderation.db import Database, now
from moderation.models import Automation, Comment, Delivery, Moderator, Site, Status
from moderation.rulebook import StatedRule, files
from tests.automation.stories import LONG, RUDE, add_past, judged
from tests.desks import Desk

ADDRESS = "/rules/foerdeblick/rule/grob/automation"
LIMITS = {"promise": "90", "beyond": "0,8", "per_day": "5", "checked": "10", "seen": "2"}


@pytest.fixture
def past(database: Database, site: Site, moderator: Moderator) -> None:
    """Sixty rude comments that people deleted, and ten less rude ones that they approved."""
    with database.session() as session:
        kept = session.get_one(Site, site.id)
        rude = {name: value for name, value in RUDE.items() if name != "automation"}
        rulebook.save(session, kept, [StatedRule.model_validate(rude), StatedRule.model_validate(LONG)])
        add_past(session, kept, [(0.85, Status.DELETED)] * 60 + [(0.6, Status.APPROVED)] * 10)
        session.commit()


@pytest.fixture
def desk(past: None, desk: Desk) -> Desk:
    return desk


def _on(database: Database) -> list[Any]:
    with database.session(read_only=True) as session:
        return list(session.scalars(select(Automation.why_off)))


def test_what_history_proves_is_seen_before_it_can_be_switched_on(desk: Desk, database: Database) -> None:
    page = desk.client.get(ADDRESS).text
    assert "It is off: this rule recommends, and people decide." in page
    assert "70 comments of the last twelve months" in page
    assert "That is not enough for the promise of 95%" in page
    assert "data-chart" in page
    page = desk.post(ADDRESS, do="check", **LIMITS).text
    assert "60 comments of the last twelve months" in page
    assert "<strong>95.1%</strong>" in page, "never rounded up"
    assert "That is enough for the promise." in page
    refused = desk.post(ADDRESS, do="on", **LIMITS | {"promise": "97"})
    assert refused.status_code == 422
    assert "it cannot be switched on" in refused.text
    assert _on(database) == []


def test_an_admin_switches_it_on_everybody_off(desk: Desk, database: Database, site: Site) -> None:
    assert desk.post(ADDRESS, do="on", **LIMITS).status_code == 303
    page = desk.client.get(ADDRESS).text
    assert "This rule decides by itself" in page
    assert "decides by itself" in desk.client.get("/rules").text
    with database.session(read_only=True) as session:
        (rule, _) = rulebook.stated(rulebook.current(session, site.id))
        assert rule.automation is not None
        assert (rule.automation.promise, rule.automation.beyond, rule.automation.checked) == (0.9, 0.8, 0.1)
        assert files.read(files.write([rule])).rules[0].automation == rule.automation
    desk.post("/sign-out")
    desk.sign_in("mona")
    assert desk.post(ADDRESS, do="on", **LIMITS).status_code == 403
    assert desk.post(ADDRESS, do="off").status_code == 303
    assert _on(database) == ["moderator"]
    assert "Somebody switched it off." in desk.client.get(ADDRESS).text


def test_each_rule_is_switched_on_and_off_by_itself(
    desk: Desk, database: Database, site: Site, moderator: Moderator
) -> None:
    crude = RUDE | {"key": "derb", "when": {"signal": "disrespect", "at_least": 0.6}}
    with database.session() as session:
        kept, mona = session.get_one(Site, site.id), session.get_one(Moderator, moderator.id)
        rulebook.save(session, kept, [StatedRule.model_validate(rule) for rule in (RUDE, crude)])
        for key in ("grob", "derb"):
            switch.switch_on(session, kept, key, moderator=mona)
        session.commit()
    assert _on(database) == [None, None]
    desk.post(ADDRESS.replace("grob", "derb"), do="off")
    assert sorted(_on(database), key=str) == [None, "moderator"]
    assert "This rule decides by itself" in desk.client.get(ADDRESS).text


def test_a_rule_that_is_gone_or_that_nobody_looked_at_is_not_switched_on(desk: Desk, database: Database) -> None:
    assert desk.client.get(ADDRESS.replace("grob", "fort")).status_code == 404
    for seen in ("1", "", "²", "9" * 10):
        assert desk.post(ADDRESS, do="on", **LIMITS | {"seen": seen}).status_code == 409
    assert _on(database) == []


def test_what_it_decided_is_listed_and_can_be_decided_otherwise(
    desk: Desk, database: Database, site: Site, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(acting, "lot", lambda comment, rule_id: 0.99)
    desk.post(ADDRESS, do="on", **LIMITS)
    with database.session() as session:
        ids = [judged(session, site, 0.9).id for _ in range(2)]
        first, second = acting.act(session, ids)
        session.commit()
        sent = session.scalars(select(Delivery).where(Delivery.decision_id == second.id)).one()
        sent.not_before = now() - timedelta(seconds=1)
        session.commit()
        numbers = (first.id, second.id)
    page = desk.client.get(ADDRESS).text
    assert "2 of at most 5" in page
    assert f'action="/decisions/{numbers[0]}/undo"' in page
    assert f'action="/decisions/{numbers[1]}/reverse"' in page
    assert desk.post(f"/decisions/{numbers[1]}/reverse").status_code == 303
    with database.session(read_only=True) as session:
        assert session.get_one(Comment, ids[1]).status is Status.APPROVED


@pytest.mark.parametrize(
    ("field", "value", "said"),
    [
        ("promise", "50", "At least 80."),
        ("promise", "viel", "This must be a number."),
        ("promise", "", "This must be a number."),
        ("beyond", "0.3", "on the rule’s own bound or further on"),
        ("beyond", "2", "At most 1."),
        ("per_day", "0", "At least 1."),
        ("checked", "1", "At least 5."),
    ],
)
def test_limits_that_make_no_sense_say_which_and_why(
    desk: Desk, database: Database, field: str, value: str, said: str
) -> None:
    answer = desk.post(ADDRESS, do="on", **LIMITS | {field: value})
    assert answer.status_code == 422
    assert re.search(rf'id="{field}-wrong">[^<]*{said}', answer.text)
    assert _on(database) == []


def test_a_rule_that_only_asks_for_a_look_cannot_decide(desk: Desk) -> None:
    assert "This rule only asks for a look." in desk.client.get(ADDRESS.replace("grob", "lang")).text


def test_changing_the_rule_keeps_its_limits_and_refuses_what_they_forbid(
    desk: Desk, database: Database, site: Site
) -> None:
    desk.post(ADDRESS, do="on", **LIMITS)
    form = {"signal": "disrespect", "title_en": "Kind", "text_en": "Be kind.", "when_at_least": "0,5", "seen": "3"}
    refused = desk.post("/rules/foerdeblick/rule/grob", do="save", advice="review", **form)
    assert refused.status_code == 422
    assert "must recommend to approve or to delete" in refused.text
    assert desk.post("/rules/foerdeblick/rule/grob", do="save", advice="delete", **form).status_code == 303
    with database.session(read_only=True) as session:
        (rule, _) = rulebook.stated(rulebook.current(session, site.id))
        assert (rule.title, rule.automation is not None) == ({"de": "Nicht grob", "en": "Kind"}, True)


def test_a_rule_that_was_stopped_is_told_at_the_desk_until_noticed(
    desk: Desk, database: Database, site: Site, moderator: Moderator
) -> None:
    with database.session() as session:
        kept = session.get_one(Site, site.id)
        rules = rulebook.stated(rulebook.current(session, site.id))
        limits = {"automation": {"promise": 0.9, "beyond": 0.8}}
        rulebook.save(session, kept, [StatedRule.model_validate(rules[0].as_json() | limits)])
        made = switch.switch_on(session, kept, "grob", moderator=session.get_one(Moderator, moderator.id))
        watch.switch_off(session, made, "checks")
        (alarm_id,) = [alarm.id for alarm in alarms.open_ones(session)]
        session.commit()
    for page in ("/queue", "/today"):
        assert "1 rule no longer decides by itself" in desk.client.get(page).text
    assert "no longer decides by itself: 90% were promised" in desk.client.get("/alarms").text
    assert desk.post(f"/alarms/{alarm_id}/noticed").status_code == 303
    assert "no longer decides by itself" not in desk.client.get("/queue").text
    assert desk.post(f"/alarms/{alarm_id}/noticed").status_code == 303
    assert desk.post("/alarms/999/noticed").status_code == 404


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ("advice: review", "must advise approve or delete, not review"),
        ("  beyond: 0.2", "beyond must lie on the rule's own bound or further on"),
        ("  promise: 0.5", "greater than or equal to 0.8"),
    ],
)
def test_a_file_with_senseless_limits_is_refused_with_the_rule(change: str, said: str) -> None:
    advice = "advice: delete" if change != "advice: review" else change
    limits = change if change.startswith("  ") else "  per_day: 3"
    text = f"""rules:
- key: grob
  title: {{de: Grob}}
  text: {{de: Nicht grob sein.}}
  when: {{signal: disrespect, at_least: 0.5}}
  {advice}
  automation:
  {limits}
"""
    with pytest.raises(Exception, match=r"rule 1 \(grob\)") as error:
        files.read(text, name="regeln.yaml")
    assert said in str(error.value)
