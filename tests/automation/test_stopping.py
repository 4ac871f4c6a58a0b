"""A rule that decides by itself stops when people disagree, when it is changed, and when told to."""

from datetime import timedelta

import pytest
from click.testing import CliRunner
from sqlalchemy import select

from moderation import alarms, decisions, rulebook
from moderation.automation import acting, watch
from moderation.cli import main
from moderation.config import Settings
from moderation.db import Database, now
from moderation.decisions import Seen
from moderation.models import Alarm, AuditEntry, Automation, Decision, Maker, Moderator, Outcome, Site
from moderation.notices import appeals, transparency
from tests.automation.stories import act, make, state


def _switched_off(database: Database) -> str | None:
    with database.session(read_only=True) as session:
        return session.scalars(select(Automation.why_off)).one()


def test_it_stops_when_people_disagree_with_its_checks(
    database: Database, site: Site, on: int, moderator: Moderator, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(acting, "lot", lambda comment, rule_id: 0.01)
    ids = make(database, site, *[0.95] * 4)
    assert act(database, *ids) == []
    for number, id_ in enumerate(ids, start=1):
        with database.session() as session:
            mona = session.get_one(Moderator, moderator.id)
            decisions.decide(session, id_, Outcome.APPROVE, moderator=mona, seen=Seen(1))
            stopped = watch.stop_the_doubtful(session)
            session.commit()
        assert bool(stopped) == (number == 2), "one may be chance, two of two are not; then it is off"
    assert _switched_off(database) == "checks"
    with database.session(read_only=True) as session:
        report = transparency.report(
            session, session.get_one(Site, site.id), since=now() - timedelta(days=1), until=now() + timedelta(days=1)
        )
        assert (report.automated, report.checked, report.agreed) == (0, 4, 0)
        (alarm,) = alarms.open_ones(session)
        assert (alarm.kind, alarm.detail["checked"], alarm.detail["right"]) == ("automation_off", 2, 0)
        deeds = session.scalars(
            select(AuditEntry.deed).where(AuditEntry.deed.startswith("automation")).order_by(AuditEntry.id)
        ).all()
        assert deeds == ["automation_on", "automation_off"]
    monkeypatch.setattr(acting, "lot", lambda comment, rule_id: 0.99)
    assert act(database, *make(database, site, 0.95)) == []


@pytest.mark.usefixtures("never_checked")
def test_it_stops_when_people_take_back_what_it_decided_before_it_decides_more(
    database: Database, site: Site, on: int, moderator: Moderator
) -> None:
    ids = make(database, site, *[0.95] * 3)
    act(database, *ids)
    with database.session() as session:
        mona = session.get_one(Moderator, moderator.id)
        made = session.scalars(select(Decision).where(Decision.maker == Maker.RULE)).all()
        decisions.undo(session, made[0].id, moderator=mona)
        appeal = appeals.object_to(session, made[1].id, text="Das war sachlich.", email=None, language="de")
        session.flush()
        appeals.close(session, appeal.id, Outcome.APPROVE, answer="", moderator=mona)
        session.commit()
    assert act(database, *make(database, site, 0.95)) == []
    assert _switched_off(database) == "reversals"
    with database.session(read_only=True) as session:
        report = transparency.report(
            session, session.get_one(Site, site.id), since=now() - timedelta(days=1), until=now() + timedelta(days=1)
        )
        assert (report.automated, report.overturned) == (2, 1)


@pytest.mark.usefixtures("never_checked")
def test_it_stops_when_the_rule_is_changed_but_not_when_only_its_words_are(
    database: Database, site: Site, on: int
) -> None:
    with database.session() as session:
        kept = session.get_one(Site, site.id)
        rules = rulebook.stated(rulebook.current(session, site.id))
        rulebook.save(session, kept, [rules[0].model_copy(update={"title": {"de": "Anders"}}), rules[1]])
        session.commit()
    assert len(act(database, *make(database, site, 0.95))) == 1
    with database.session() as session:
        state(session, session.get_one(Site, site.id), beyond=0.7)
        session.commit()
    assert act(database, *make(database, site, 0.95)) == []
    assert _switched_off(database) == "rule_changed"


def test_many_good_checks_let_it_go_on(database: Database) -> None:
    assert not watch.is_broken(0, 0, 0.95)
    assert not watch.is_broken(0, 1, 0.95)
    assert watch.is_broken(0, 2, 0.95)
    assert not watch.is_broken(9, 10, 0.95)
    assert not watch.is_broken(19, 20, 0.95)
    assert watch.is_broken(18, 20, 0.95)
    assert watch.is_broken(189, 200, 0.95)


def test_an_alarm_is_noticed_once_and_only_where_it_waits_for_that(
    database: Database, site: Site, moderator: Moderator
) -> None:
    with database.session() as session:
        made = alarms.sound(session, site.id, "automation_off", "rule 1", why="rule_changed", title={}, key="k")
        assert made is not None
        assert alarms.sound(session, site.id, "automation_off", "rule 1") is None
        alarms.notice(session, made.id, moderator=session.get_one(Moderator, moderator.id))
        session.commit()
        assert alarms.open_ones(session) == []
        assert session.scalars(select(Alarm.over_at)).one() is not None


@pytest.mark.usefixtures("never_checked")
def test_one_command_stops_all_and_says_what_was_on(
    database: Database, site: Site, on: int, settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("MODERATION_HOME", str(settings.home))
    monkeypatch.setenv("MODERATION_DATABASE_URL", settings.database_url)
    act(database, *make(database, site, 0.95))
    said = CliRunner().invoke(main, ["automation", "status"]).output
    assert said.startswith(f"{site.slug}: grob (delete), promised 90.0%; people agreed with 0 of 0 checks, ")
    assert said.endswith("kept 1 of 1 decisions; 1 today\n")
    stopped = CliRunner().invoke(main, ["automation", "stop", "--site", site.slug]).output
    assert stopped == f"{site.slug}: grob is off.\n"
    for word in ("stop", "status"):
        assert CliRunner().invoke(main, ["automation", word]).output == "No rule decides by itself.\n"
    assert _switched_off(database) == "command"
    with database.session(read_only=True) as session:
        assert alarms.open_ones(session) == [], "who stops it knows of it"
