"""Modes: stricter by night, in daylight saving time and out of it, and other bounds while comments flood in."""

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
import time_machine
from sqlalchemy import select

from moderation import rulebook, scoring
from moderation.automation import acting
from moderation.db import Database
from moderation.errors import BadInput
from moderation.judge import Assessment as Judgement
from moderation.judge import Judge
from moderation.judge.case import Kind, Target
from moderation.models import Assessment, Site
from moderation.rulebook import Mode, StatedRule, files, modes
from moderation.rules import Advice
from tests.desks import Desk
from tests.stories import add_comment

NIGHT = {
    "key": "nacht",
    "title": {"de": "Nacht", "en": "Night"},
    "hours": {"start": "22:00", "end": "06:00"},
    "rules": {"niemand-klein": {"at_least": 0.3, "advice": "delete"}, "thema": {"off": True}},
}
FLOOD = {
    "key": "ansturm",
    "title": {"de": "Ansturm", "en": "Flood"},
    "surge": {"comments": 4, "minutes": 10},
    "rules": {"ton": {"at_least": 0.9}},
}


def _keep(database: Database, site: Site, *stated: dict[str, Any]) -> None:
    with database.session() as session:
        kept = session.get_one(Site, site.id)
        rules = rulebook.stated(rulebook.current(session, site.id))
        rulebook.save(session, kept, rules, modes=[Mode.model_validate(one) for one in stated])
        session.commit()


def _on(database: Database, site: Site, moment: datetime) -> str | None:
    with database.session(read_only=True) as session:
        known = modes.stated(rulebook.current(session, site.id))
        state = modes.on(session, session.get_one(Site, site.id), known, moment)
    return state.mode.key if state else None


@pytest.mark.parametrize(
    ("utc", "on"),
    [
        ("2026-01-15T20:59", None),  # 21:59 in winter
        ("2026-01-15T21:00", "nacht"),
        ("2026-07-15T20:00", "nacht"),  # 22:00 in summer
        ("2026-07-15T19:59", None),
        ("2026-03-29T00:59", "nacht"),  # 01:59, and the clock is put forward
        ("2026-03-29T03:59", "nacht"),  # 05:59
        ("2026-03-29T04:00", None),  # 06:00, an hour earlier by the sun
        ("2026-10-25T04:59", "nacht"),  # 05:59, after the hour that came twice
        ("2026-10-25T05:00", None),
    ],
)
def test_the_night_is_meant_by_the_sites_clock(database: Database, site: Site, utc: str, on: str | None) -> None:
    _keep(database, site, NIGHT)
    assert _on(database, site, datetime.fromisoformat(utc).replace(tzinfo=UTC)) == on


def test_a_flood_turns_a_mode_on_and_only_calm_turns_it_off(database: Database, site: Site, moment: datetime) -> None:
    _keep(database, site, FLOOD)
    with database.session() as session:
        for at in range(4):
            add_comment(session, site).received_at = moment + timedelta(minutes=2 * at)
        session.commit()
    at = {minutes: _on(database, site, moment + timedelta(minutes=minutes)) for minutes in (5, 6, 12, 19, 20)}
    assert at == {5: None, 6: "ansturm", 12: "ansturm", 19: "ansturm", 20: None}


def test_a_mode_may_change_the_advice_alone(database: Database, site: Site) -> None:
    with database.session(read_only=True) as session:
        rules = rulebook.stated(rulebook.current(session, site.id))
    strict = Mode.model_validate(NIGHT | {"rules": {"ton": {"advice": "delete"}}})
    before, after = ({rule.key: rule for rule in held}["ton"] for held in (rules, modes.apply(rules, strict)))
    assert (after.advice, after.when) == (Advice.DELETE, before.when)


def test_of_several_modes_the_first_that_is_on_holds(database: Database, site: Site, moment: datetime) -> None:
    always = NIGHT | {"hours": {"start": "00:00", "end": "24:00"}}
    with database.session() as session:
        for _ in range(4):
            add_comment(session, site).received_at = moment
        session.commit()
    _keep(database, site, FLOOD, always)
    assert _on(database, site, moment) == "ansturm"
    _keep(database, site, always, FLOOD)
    assert _on(database, site, moment) == "nacht"


class Stern:
    """A judge that says the same of everything."""

    def __init__(self, judge: Judge) -> None:
        self.judge = judge

    def study(self, cases: Any) -> Any:
        said = Judgement("de", 0.1, None, 0.4, kinds={Kind.INSULT: 0.4}, target=Target.READER, engine="stern")
        judgements = [said for _ in cases]
        return judgements, self.judge.features(cases, judgements)


def test_a_comment_is_judged_by_the_mode_that_is_on_and_its_assessment_says_so(
    database: Database, site: Site, judge: Judge
) -> None:
    _keep(database, site, NIGHT)
    judged = {}
    for hour in (12, 23):
        with time_machine.travel(datetime(2026, 1, 15, hour, tzinfo=UTC), tick=False), database.session() as session:
            comment = add_comment(session, site)
            scoring.record(session, scoring.judge_all(Stern(judge), scoring.jobs(session, [comment.id])))
            session.commit()
            judged[hour] = session.scalars(select(Assessment).where(Assessment.comment_id == comment.id)).one()
            session.expunge_all()
    day, night = judged[12], judged[23]
    assert (day.mode, [reason["signal"] for reason in day.reasons]) == (None, ["relevance"])
    assert (night.mode, [reason["signal"] for reason in night.reasons]) == ("nacht", ["disrespect"])
    assert night.advice is Advice.DELETE
    assert night.reasons[0]["mode"] == NIGHT["title"]
    assert night.reasons[0]["threshold"] == 0.3
    with database.session(read_only=True) as session:
        first = rulebook.stated(rulebook.current(session, site.id))[1]
    assert acting._speaker(night, {first.id or 0: None}) is None  # type: ignore[dict-item] - it is not even looked at


def test_modes_are_kept_in_versions_and_files(database: Database, site: Site) -> None:
    _keep(database, site, NIGHT, FLOOD)
    with database.session(read_only=True) as session:
        current = rulebook.current(session, site.id)
        assert current is not None
        assert current.version == 2
        rules, kept = rulebook.stated(current), modes.stated(current)
    read = files.read(files.write(rules, kept))
    assert (read.rules, read.modes) == ([rule.model_copy(update={"id": None}) for rule in rules], kept)
    _keep(database, site, NIGHT, FLOOD)
    with database.session(read_only=True) as session:
        assert rulebook.version(session, site.id) == 2, "nothing changed"


def test_a_mode_must_fit_the_rules(database: Database, site: Site) -> None:
    with pytest.raises(BadInput, match="names a rule that there is not: 'gibts-nicht'"):
        _keep(database, site, NIGHT | {"rules": {"gibts-nicht": {"off": True}}})
    with pytest.raises(ValueError, match="say what is different"):
        Mode.model_validate(NIGHT | {"rules": {"ton": {}}})
    with pytest.raises(ValueError, match="either hours or surge"):
        Mode.model_validate(NIGHT | {"surge": FLOOD["surge"]})
    links = {"key": "links", "title": {"de": "L"}, "text": {"de": "L"}, "when": {"signal": "links"}}
    with pytest.raises(ValueError, match="cannot change rule 'links' so"):
        modes.apply(
            [StatedRule.model_validate(links)], Mode.model_validate(NIGHT | {"rules": {"links": {"at_most": 0.5}}})
        )


def test_what_a_mode_makes_of_rules_is_checked_like_the_rules_themselves(
    desk: Desk, database: Database, site: Site
) -> None:
    always, never = (NIGHT | {"rules": {"niemand-klein": {"at_least": bound}}} for bound in (0, 1))
    _keep(database, site, always)
    page = desk.client.get("/rules/foerdeblick/modes").text
    assert "<strong>niemand-klein</strong>: Every comment meets it" in page
    with database.session(read_only=True) as session:
        rules = rulebook.stated(rulebook.current(session, site.id))
    (note,) = modes.notes(rules, Mode.model_validate(never))
    assert "No comment can ever meet it" in str(note)
    assert not modes.notes(rules, Mode.model_validate(NIGHT))
    untouched = next(rule for rule in rules if rule.key == "ton")
    twice = [*rules, untouched.model_copy(update={"key": "noch-einmal"})]
    assert not modes.notes(twice, Mode.model_validate(NIGHT)), "what is to be said anyway is not said again"


def test_a_rule_that_a_mode_names_is_not_archived_unawares(database: Database, site: Site) -> None:
    _keep(database, site, NIGHT)
    with database.session() as session:
        rules = rulebook.stated(rulebook.current(session, site.id))
        kept = session.get_one(Site, site.id)
        with pytest.raises(BadInput, match="mode 'nacht'"):
            rulebook.save(session, kept, rules[1:])


def test_a_mode_is_made_changed_and_taken_away_at_the_desk(desk: Desk, database: Database, site: Site) -> None:
    form = {
        "title": "Wochenende",
        "when": "hours",
        "start": "00:00",
        "end": "24:00",
        "days": ["sat", "sun"],
        "bound-niemand-klein": "0,4",
        "advice-thema": "off",
        "seen": "1",
    }
    assert desk.post("/rules/foerdeblick/modes", do="save", **form).status_code == 303
    with database.session(read_only=True) as session:
        (mode,) = modes.stated(rulebook.current(session, site.id))
    assert (mode.key, mode.rules["niemand-klein"].at_least, mode.rules["thema"].off) == ("wochenende", 0.4, True)
    with time_machine.travel(datetime(2026, 1, 17, 12, tzinfo=UTC)):
        desk.sign_in("ada")
        for page in ("/rules", "/rules/foerdeblick/modes", "/queue"):
            assert "“Wochenende” is on" in desk.client.get(page).text
    desk.sign_in("ada")
    wrong = desk.post(
        "/rules/foerdeblick/modes", do="save", **form | {"key": "wochenende", "start": "25:00", "seen": "2"}
    )
    assert wrong.status_code == 422
    assert "From (time): Write times like 22:00." in wrong.text
    assert 'value="25:00"' in wrong.text, "what was typed is still there"
    mistaken = {"title": "Nacht", "when": "surge", "comments": "1", "advice-thema": "off", "seen": "2"}
    again = desk.post("/rules/foerdeblick/modes", do="save", **mistaken).text
    assert 'name="title" value="Nacht"' in again
    assert 'name="when" value="surge" checked' in again
    assert desk.post("/rules/foerdeblick/modes", do="save", **form | {"seen": "²"}).status_code == 422
    flood = {"key": "wochenende", "when": "surge", "comments": "100", "minutes": "10", "seen": "2"}
    assert desk.post("/rules/foerdeblick/modes", do="save", **form | flood).status_code == 303
    with database.session(read_only=True) as session:
        (mode,) = modes.stated(rulebook.current(session, site.id))
    assert mode.surge is not None
    assert mode.surge.comments == 100
    assert desk.post("/rules/foerdeblick/modes", do="remove", key="wochenende", seen="3").status_code == 303
    assert desk.post("/rules/foerdeblick/versions/3", seen="4").status_code == 303
    with database.session(read_only=True) as session:
        assert len(modes.stated(rulebook.current(session, site.id))) == 1, "an earlier version brings its modes back"
