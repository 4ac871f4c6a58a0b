"""The pages of the house rules: what a change would have done is seen before it holds, and every version comes back."""

import json
import re
from pathlib import Path
from typing import Any

import pytest
import yaml
from click.testing import CliRunner
from flask.testing import FlaskClient
from sqlalchemy import select

from moderation import decisions, rulebook
from moderation.cli import main
from moderation.config import Settings
from moderation.db import Database
from moderation.decisions import Seen
from moderation.judge.case import Target
from moderation.models import Article, Assessment, HouseRule, Moderator, Outcome, RuleSet, Site
from moderation.rulebook import StatedRule
from moderation.rulebook import preview as previews
from moderation.rules import Advice
from tests.conftest import PASSWORD
from tests.desks import Desk
from tests.stories import add_comment


@pytest.fixture
def past(database: Database, site: Site, moderator: Moderator) -> None:
    """Ten comments, ever ruder: 0.05, 0.15 … 0.95; people deleted the last three, approved six, and one is open."""
    with database.session() as session:
        for at in range(10):
            comment = add_comment(session, site, text=f"Kommentar Nummer {at} zur Brücke", commenter_id="c1")
            session.add(
                Assessment(
                    comment_id=comment.id,
                    revision=1,
                    relevance=0.9,
                    disrespect=at / 10 + 0.05,
                    kinds={"insult": at / 10 + 0.05},
                    target=Target.READER,
                    put_down_share=0.0,
                    advice=Advice.REVIEW,
                )
            )
            if at:
                outcome = Outcome.DELETE if at >= 7 else Outcome.APPROVE
                decisions.decide(session, comment.id, outcome, moderator=moderator, seen=Seen(1))
        session.commit()


RUDE = {
    "signal": "disrespect",
    "title_en": "Be kind",
    "text_en": "Please be kind.",
    "when_at_least": "0,65",
    "advice": "delete",
    "seen": "1",
}


def _rules(database: Database, site: Site) -> list[StatedRule]:
    with database.session(read_only=True) as session:
        return rulebook.stated(rulebook.current(session, site.id))


@pytest.mark.usefixtures("past")
def test_what_a_new_rule_would_have_done_is_shown_before_it_holds(desk: Desk, database: Database, site: Site) -> None:
    page = desk.post("/rules/foerdeblick/new", do="preview", **RUDE).text
    assert "4 comments; of these 1 were approved, 3 deleted" in page
    assert "75 %" in page
    assert "<td>0%</td><td>60%</td>" in page  # no breach is missed, six of ten are not marked
    assert "Kommentar Nummer 9" in page
    assert "data-chart" in page
    assert len(_rules(database, site)) == 3

    assert desk.post("/rules/foerdeblick/new", do="save", **RUDE).status_code == 303
    saved = _rules(database, site)[-1]
    assert (saved.key, saved.when.model_dump()["at_least"]) == ("be-kind", 0.65)
    with database.session(read_only=True) as session:
        newest = rulebook.current(session, site.id)
        assert newest is not None
        assert newest.moderator_id is not None


@pytest.mark.usefixtures("past")
def test_a_changed_bound_is_compared_with_the_present_one(database: Database, site: Site) -> None:
    with database.session(read_only=True) as session:
        site = session.get_one(Site, site.id)
        present = rulebook.stated(rulebook.current(session, site.id))
        when = {"signal": "disrespect", "at_least": 0.85, "kinds": ["insult"]}
        changed = [
            StatedRule.model_validate(rule.as_json() | {"when": when}) if rule.key == "niemand-klein" else rule
            for rule in present
        ]
        shown = previews.preview(session, site, changed, present=present)
        assert (shown.before.rules["niemand-klein"].marked, shown.after.rules["niemand-klein"].marked) == (5, 2)
        assert shown.after.rules["niemand-klein"].precision == 1.0
        assert shown.newly == []
        assert len(shown.no_longer) == 3
        bars = previews.histogram(shown.history.comments, changed[1])
        assert bars is not None
        assert (sum(bars.approved), sum(bars.deleted), sum(bars.undecided), bars.bound) == (6, 3, 1, 0.85)


@pytest.mark.usefixtures("past")
def test_a_large_history_is_sampled_and_says_so(
    desk: Desk, database: Database, site: Site, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(previews, "SAMPLE", 5)
    page = desk.post("/rules/foerdeblick/new", do="preview", **RUDE).text
    assert "A sample of 5 of 10 judged comments" in page


@pytest.mark.usefixtures("past")
@pytest.mark.parametrize(
    ("when", "marked"),
    [
        ({"signal": "new_commenter", "fewer_than": 2}, 3),  # open one first, then 1st, 2nd: 0, 0, 1 approved before
        ({"signal": "record", "at_least": 0.2, "minimum": 8}, 1),
        ({"signal": "length", "fewer_than": 5, "unit": "words"}, 0),
        ({"signal": "repeat", "at_least": 1, "similarity": 0.7}, 9),
        ({"signal": "put_down", "at_most": 0}, 10),  # a score of exactly 0 counts
        ({"signal": "learned", "at_least": 0.5}, 0),  # and what is missing is not 0
    ],
)
def test_facts_are_those_of_the_day(database: Database, site: Site, when: dict[str, Any], marked: int) -> None:
    from moderation import repeats
    from moderation.models import Comment

    with database.session() as session:
        for comment in session.query(Comment):
            repeats.remember(session, comment)
        session.commit()
        rule = StatedRule.model_validate({"key": "r", "title": {"de": "r"}, "text": {"de": "r"}, "when": when})
        shown = previews.preview(session, session.get_one(Site, site.id), [rule], present=[])
        assert shown.after.rules["r"].marked == marked
        assert shown.after.rules["r"].untold == (10 if when["signal"] == "learned" else 0)


@pytest.mark.usefixtures("past")
def test_any_rules_are_held_against_history_by_rule_section_and_month(
    settings: Settings, database: Database, site: Site, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setenv("MODERATION_DATABASE_URL", settings.database_url)
    with database.session() as session:
        session.scalars(select(Article)).one().section = "Lokales"
        session.commit()
    file = tmp_path / "rules.yaml"
    when = {"signal": "disrespect", "at_least": 0.8}
    rule = {"key": "ton", "title": {"de": "Ton"}, "text": {"de": "Freundlich."}, "when": when, "advice": "delete"}
    file.write_text(yaml.safe_dump({"rules": [rule]}), encoding="utf-8")
    asked = ["rules", "backtest", str(file), "--site", site.slug]
    told = json.loads(CliRunner().invoke(main, [*asked, "--json"]).stdout)
    assert (told["n"], told["of"], told["disagreed"]) == (10, 10, 0)
    assert told["rules"]["ton"] | {"precision": 1.0, "missed": pytest.approx(1 / 3), "saved": 0.8} == told["total"]
    assert (told["total"]["marked"], told["total"]["deleted"]) == (2, 2)
    assert told["sections"] == {"Lokales": told["total"]}
    assert list(told["months"].values()) == [told["total"]]
    table = CliRunner().invoke(main, asked).stdout
    assert "rule ton" in table
    assert "section Lokales" in table
    with database.session(read_only=True) as session:
        assert rulebook.version(session, site.id) == 1


@pytest.mark.usefixtures("past")
def test_a_changed_rule_that_is_learned_is_previewed_with_what_was_said_of_each_comment(
    desk: Desk, database: Database, site: Site
) -> None:
    mine = RUDE | {"signal": "learned", "title_en": "No slogans", "when_at_least": "0.5"}
    assert desk.post("/rules/foerdeblick/new", do="save", **mine).status_code == 303
    address = "/rules/foerdeblick/rule/no-slogans"
    changed = mine | {"when_at_least": "0.9", "seen": "2"}
    page = desk.post(address, do="preview", **changed).text
    assert "Nothing was learned of this rule yet" in page
    assert "20 decisions that cite it" in page
    with database.session() as session:
        rule = session.scalars(select(HouseRule).where(HouseRule.key == "no-slogans")).one()
        for at, judged in enumerate(session.scalars(select(Assessment).order_by(Assessment.comment_id))):
            judged.learned = {"model": 1, "rules": {str(rule.id): at / 10 + 0.05}} if at >= 4 else None
        session.commit()
    page = desk.post(address, do="preview", **changed).text
    assert "1 comment; of these 0 were approved, 1 deleted" in page
    assert "As it is now it marks 5." in page
    assert "4 comments were judged before anything was learned of this rule" in page


def test_what_can_never_be_met_is_said_and_saved_only_when_read(desk: Desk, database: Database, site: Site) -> None:
    never = RUDE | {"when_at_least": "1"}
    page = desk.post("/rules/foerdeblick/new", do="save", **never).text
    assert "No comment can ever meet it" in page
    assert len(_rules(database, site)) == 3
    read = re.search(r'name="read" value="([^"]+)"', page)
    assert read
    assert desk.post("/rules/foerdeblick/new", do="save", read=read[1], **never).status_code == 303


def test_what_contradicts_another_rule_is_said_before_it_is_saved(desk: Desk, database: Database, site: Site) -> None:
    assert desk.post("/rules/foerdeblick/new", do="save", **RUDE).status_code == 303
    page = desk.post("/rules/foerdeblick/new", do="save", **(RUDE | {"advice": "approve", "seen": "2"}))
    assert "It contradicts “be-kind”: the same comments meet both" in page.text
    assert len(_rules(database, site)) == 4


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({"when_at_least": "viel"}, "This must be a number."),
        ({"when_at_least": "1.5"}, "At most 1."),
        ({"when_at_least": ""}, "Give a number from 0 to 1."),
        ({"title_en": " "}, "Something is missing here."),
        ({"start": "25:00"}, "Write times like 22:00."),
        ({"signal": "pattern", "when_pattern": r"(a)\1"}, "linear time"),
        ({"signal": "pattern", "when_pattern": "((a{99}){99}){99}"}, "linear time"),
        ({"signal": "words", "when_words": "a"}, "nearly every text"),
        ({"signal": "length"}, "Give at least one of the two numbers."),
        ({"advice": "shout"}, "There is no such choice."),
    ],
)
def test_a_wrong_field_says_what_is_wrong_and_keeps_what_was_typed(desk: Desk, changes: Any, said: str) -> None:
    answer = desk.post("/rules/foerdeblick/new", do="save", **(RUDE | changes))
    assert answer.status_code == 422
    assert answer.text.count(" autofocus") == 1, "the first field that is wrong has the focus"
    assert said in answer.text
    assert "Please be kind." in answer.text


def test_every_kind_of_rule_has_a_form_that_reads_what_it_wrote(desk: Desk, database: Database, site: Site) -> None:
    from moderation.views.rule_form import KINDS

    wanted = {
        "when_at_least": "1",
        "when_at_most": "0.2",
        "when_fewer_than": "3",
        "when_pattern": "a+",
        "when_words": "Idiot",
    }
    for number, signal in enumerate(sorted(KINDS), start=1):
        form = desk.client.get(f"/rules/foerdeblick/new?signal={signal}")
        assert form.status_code == 200
        shown = dict(re.findall(r'name="(when_\w+)"[^>]*value="([^"]*)"', form.text))
        data = RUDE | {"when_at_least": "", "signal": signal, "title_en": signal, "seen": str(number)} | shown
        data |= {name: value for name, value in wanted.items() if not data.get(name)}
        read = desk.post("/rules/foerdeblick/new", do="preview", **data)
        assert read.status_code == 200, (signal, re.findall(r'class="notice"[^>]*>([^<]+)', read.text))


def test_rules_move_leave_and_come_back_with_their_version(desk: Desk, database: Database, site: Site) -> None:
    assert desk.post("/rules/foerdeblick/rule/ton/move", to="up", seen="1").status_code == 303
    assert [rule.key for rule in _rules(database, site)] == ["thema", "ton", "niemand-klein"]
    assert desk.post("/rules/foerdeblick/rule/thema/archive", seen="2").status_code == 303
    assert len(_rules(database, site)) == 2
    page = desk.client.get("/rules/foerdeblick/versions/1").text
    assert "Go back to this version" in page
    assert desk.post("/rules/foerdeblick/versions/1", seen="3").status_code == 303
    assert [rule.key for rule in _rules(database, site)] == ["thema", "niemand-klein", "ton"]
    with database.session(read_only=True) as session:
        assert session.query(RuleSet).filter_by(site_id=site.id).count() == 4
    assert "ada" in desk.client.get("/rules").text


def test_nobody_saves_over_what_they_did_not_see(desk: Desk) -> None:
    assert desk.post("/rules/foerdeblick/rule/ton/move", to="up", seen="1").status_code == 303
    assert desk.post("/rules/foerdeblick/rule/ton/move", to="up", seen="1").status_code == 409
    assert desk.post("/rules/foerdeblick/rule/ton/move", to="up", seen="x").status_code == 422
    assert desk.post("/rules/foerdeblick/rule/gone/move", to="up", seen="2").status_code == 404


def test_moderators_look_and_admins_save(client: FlaskClient, moderator: Moderator, site: Site) -> None:
    desk = Desk(client)
    client.post("/sign-in", data={"name": "mona", "password": PASSWORD, "csrf_token": desk.token("/sign-in")})
    page = client.get("/rules/foerdeblick/rule/ton").text
    assert 'value="save"' not in page
    token = desk.token("/rules")
    for address in ("new", "rule/ton", "rule/ton/move", "rule/ton/archive", "versions/1"):
        answer = client.post(f"/rules/foerdeblick/{address}", data=RUDE | {"csrf_token": token})
        assert answer.status_code == 403, address


def test_numbers_stand_in_the_form_as_the_page_s_language_writes_them(desk: Desk) -> None:
    place = "/rules/foerdeblick/rule/niemand-klein"
    for language, number in (("de", "0,5"), ("en", "0.5")):
        desk.post("/language", language=language)
        page = desk.client.get(place).text
        assert f'name="when_at_least" type="text" value="{number}"' in page
