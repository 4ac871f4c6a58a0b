"""A site learns from its moderators: what counts, what is switched on, and the way back."""

import json
import random
from collections.abc import Callable
from datetime import datetime, timedelta

import pytest
from click.testing import CliRunner, Result
from sqlalchemy import select
from sqlalchemy.orm import Session

from moderation import rulebook
from moderation.cli import main
from moderation.config import Settings
from moderation.db import Database, now
from moderation.judge.learned import Bend, SiteModel
from moderation.learning import bursts, decided, honesty, shelf
from moderation.models import (
    AuditEntry,
    Burst,
    Comment,
    Decision,
    LearnedModel,
    Learner,
    Maker,
    ModelState,
    Moderator,
    Outcome,
    Site,
    Status,
    Traits,
)
from moderation.rulebook import StatedRule
from tests.stories import add_comment
from worker import tasks
from worker.app import Workshop

WHAT = ("Die Brücke", "Der Umweg", "Das Rathaus", "Der Plan", "Die Stadt", "Der Verkehr", "Die Baustelle")
DOES = ("kostet uns", "braucht noch", "verdient", "bekommt nun", "versteht man nach", "verliert")
SPAN = ("viel Zeit", "drei Jahre Geduld", "mehr Geld als gedacht", "einen zweiten Blick", "guten Willen")
PARTY = ("Wählt endlich die Hafenpartei!", "Die Hafenpartei hat es immer gesagt.", "Nur die Hafenpartei hilft uns.")

Run = Callable[..., Result]


@pytest.fixture
def run(settings: Settings, database: Database, monkeypatch: pytest.MonkeyPatch) -> Run:
    monkeypatch.setenv("MODERATION_DATABASE_URL", settings.database_url)
    monkeypatch.setenv("MODERATION_HOME", str(settings.home))
    return lambda *arguments: CliRunner().invoke(main, ["learn", *arguments])


def _text(chooser: random.Random, *, party: bool) -> str:
    said = f"{chooser.choice(WHAT)} {chooser.choice(DOES)} {chooser.choice(SPAN)}, Nummer {chooser.randrange(999)}."
    return f"{said} {chooser.choice(PARTY)}" if party else said


def decide(session: Session, comment: Comment, outcome: Outcome, **changes: object) -> Decision:
    comment.status = Status.DELETED if outcome is Outcome.DELETE else Status.APPROVED
    values = {"comment_id": comment.id, "revision": comment.revision, "outcome": outcome, "maker": Maker.SITE}
    decision = Decision(**(values | changes))
    session.add(decision)
    session.flush()
    return decision


def history(database: Database, site: Site, n: int, rule_id: int | None = None) -> None:
    """A team that deletes what praises a party, and nothing else: no general model can know that."""
    chooser = random.Random(4)
    with database.session() as session:
        began = now() - timedelta(days=2)
        for number in range(n):
            party = number % 4 == 0
            comment = add_comment(session, site, text=_text(chooser, party=party), due_at=now())
            outcome = Outcome.DELETE if party else Outcome.APPROVE
            cites = rule_id if party else None
            decide(session, comment, outcome, decided_at=began + timedelta(minutes=number), rule_id=cites)
        session.commit()


def _states(database: Database) -> list[tuple[int, ModelState]]:
    with database.session(read_only=True) as session:
        asked = select(LearnedModel).order_by(LearnedModel.version)
        return [(model.version, model.state) for model in session.scalars(asked)]


def learned_rule(database: Database, site: Site) -> int:
    """Add a house rule that is learned from the decisions that cite it; return its id."""
    with database.session() as session:
        learned = StatedRule.model_validate(
            {
                "key": "parteiwerbung",
                "title": {"de": "Parteiwerbung"},
                "text": {"de": "Keine Werbung für Parteien."},
                "when": {"signal": "learned", "at_least": 0.5},
                "advice": "delete",
            }
        )
        present = rulebook.stated(rulebook.current(session, site.id))
        kept = rulebook.save(session, session.get_one(Site, site.id), [*present, learned])
        session.commit()
        return next(rule.id for rule in rulebook.applied(kept) if rule.title == {"de": "Parteiwerbung"})


def _states_of(database: Database, rule_id: int | None) -> list[ModelState]:
    with database.session(read_only=True) as session:
        asked = select(LearnedModel).where(LearnedModel.rule_id == rule_id).order_by(LearnedModel.version)
        return [model.state for model in session.scalars(asked)]


def test_what_a_team_minds_is_learned_and_said_on_the_next_comment(
    database: Database, site: Site, workshop: Workshop, run: Run
) -> None:
    rule_id = learned_rule(database, site)
    history(database, site, 200, rule_id)
    with database.session() as session:
        waits = add_comment(session, site, text=f"Der Plan verliert viel Zeit. {PARTY[0]}", due_at=now()).id
        fine = add_comment(session, site, text="Das Rathaus braucht noch einen zweiten Blick.", due_at=now()).id
        session.commit()
    tasks.score()
    tasks.learn()
    assert _states(database) == [(1, ModelState.ACTIVE), (2, ModelState.ACTIVE)]
    tasks.score()  # what waits is judged anew
    with database.session(read_only=True) as session:
        party, other = (session.get_one(Comment, id_).assessment for id_ in (waits, fine))
        assert party is not None
        assert other is not None
        assert party.deletion is not None
        assert other.deletion is not None
        assert party.deletion > 0.6
        assert other.deletion < 0.5
        assert [reason["title"] for reason in party.reasons] == [{"de": "Parteiwerbung"}]
        open_ = 4 * other.deletion * (1 - other.deletion)
        assert session.get_one(Comment, fine).uncertainty == pytest.approx(open_)
        entry = session.scalars(select(AuditEntry).where(AuditEntry.deed == "model_switched")).first()
        assert entry is not None
        assert entry.detail["why"] == "surely_better"
        report = session.scalars(select(Learner)).one().report
        assert report is not None
        assert report["auc"] > report["general"]["auc"] + 0.2
        assert report["n"] == 200
    told = run("status").output
    assert "version 1 active" in told
    assert "rule parteiwerbung" in told


def test_a_sites_own_history_is_replayed(database: Database, site: Site, workshop: Workshop, run: Run) -> None:
    history(database, site, 200)
    tasks.score()
    told = CliRunner().invoke(main, ["backtest", "--site", site.slug, "--json"])
    report = json.loads(told.stdout)
    assert report["n"] == 200
    assert report["auc"] > report["general"]["auc"]
    assert len(report["marked"]) == len(report["thresholds"])
    assert "marks right" in CliRunner().invoke(main, ["backtest", "--site", site.slug]).stdout
    assert "either --jsonl or --site" in CliRunner().invoke(main, ["backtest"]).output


def test_a_version_that_is_kept_is_tried_on_what_was_decided_since(
    database: Database, site: Site, workshop: Workshop, run: Run
) -> None:
    history(database, site, 200)
    tasks.score()
    run("run")
    assert "Nothing was decided since version 1" in run("trial", "1").output
    with database.session() as session:
        for number in range(40):
            comment = add_comment(session, site, text=_text(random.Random(number), party=number % 4 == 0), due_at=now())
            decide(session, comment, Outcome.APPROVE if number % 4 else Outcome.DELETE, decided_at=now())
        session.commit()
    tasks.score()
    told = json.loads(run("trial", "1", "--json").stdout)
    assert (told["n"], told["counted"], told["deleted"]) == (40, 40, 10)
    assert told["auc"] > told["general"]["auc"] + 0.2
    assert "marks right" in run("trial", "1").stdout
    assert "keeps no model of version 7" in run("trial", "7").output
    with database.session() as session:
        session.scalars(select(LearnedModel).where(LearnedModel.version == 1)).one().content = b"cut off"
        session.commit()
    damaged = run("trial", "1")
    assert damaged.exit_code == 1
    assert f"Version 1 of {site.slug} is damaged" in damaged.output
    assert "`moderation learn run` teaches a new one" in damaged.output


def test_the_way_back_is_one_command_and_is_not_undone_by_the_next_lesson(
    database: Database, site: Site, workshop: Workshop, run: Run
) -> None:
    assert "nothing to go back to" in run("rollback").output
    history(database, site, 200)
    tasks.score()
    assert run("run").exit_code == 0
    assert _states(database) == [(1, ModelState.ACTIVE)]
    assert "The general model is in force" in run("rollback").output
    run("run")
    assert _states(database) == [(1, ModelState.RETIRED), (2, ModelState.CANDIDATE)]
    run("shadow", "on")
    assert _states(database)[1] == (2, ModelState.SHADOW)
    with database.session() as session:
        silent = add_comment(session, site, text="Nur die Hafenpartei hilft uns.", due_at=now()).id
        session.commit()
    tasks.score()
    with database.session(read_only=True) as session:
        judged = session.get_one(Comment, silent).assessment
        assert judged is not None
        assert judged.deletion is None
        assert judged.learned is not None
        assert judged.learned["shadow"][0] == 2
    run("resume")
    run("run")
    assert (3, ModelState.ACTIVE) in _states(database)


def test_the_probabilities_of_the_model_in_force_follow_where_no_other_takes_over(
    database: Database, site: Site, workshop: Workshop, run: Run
) -> None:
    history(database, site, 160)
    tasks.score()
    run("run")
    before = _bend(database)
    with database.session() as session:
        shelf.learner(session, site.id).paused = True
        for number in range(60):  # from now on the party may be praised
            text = f"Nummer {number}: {PARTY[number % 3]}"
            decide(session, add_comment(session, site, text=text, due_at=now()), Outcome.APPROVE)
        session.commit()
    tasks.score()
    run("run")
    after = _bend(database)
    assert after.probability(2.0) < before.probability(2.0) - 0.1
    run("run")
    assert _bend(database) == after, "what it followed once teaches it nothing a second time"


def _bend(database: Database) -> Bend:
    with database.session(read_only=True) as session:
        active = session.scalars(select(LearnedModel).where(LearnedModel.state == ModelState.ACTIVE)).one()
        return SiteModel.from_bytes(active.content).bend


def test_a_rules_model_has_a_way_back_and_a_silent_trial_of_its_own(
    database: Database, site: Site, workshop: Workshop, run: Run
) -> None:
    rule_id = learned_rule(database, site)
    assert "No model of this rule is in force" in run("rollback", "--rule", "parteiwerbung").output
    assert "no house rule 'gone'" in run("rollback", "--rule", "gone").output
    history(database, site, 200, rule_id)
    tasks.score()
    run("run")
    assert _states_of(database, rule_id) == _states_of(database, None) == [ModelState.ACTIVE]
    assert "Nothing learned speaks of rule parteiwerbung" in run("rollback", "--rule", "parteiwerbung").output
    run("run")
    assert _states_of(database, rule_id) == [ModelState.RETIRED, ModelState.CANDIDATE]
    assert _states_of(database, None) == [ModelState.ACTIVE, ModelState.CANDIDATE]
    run("shadow", "on")
    assert _states_of(database, rule_id)[1] is _states_of(database, None)[1] is ModelState.SHADOW
    with database.session() as session:
        silent = add_comment(session, site, text=f"Der Plan verliert viel Zeit. {PARTY[0]}", due_at=now()).id
        session.commit()
    tasks.score()
    with database.session(read_only=True) as session:
        judged = session.get_one(Comment, silent).assessment
        assert judged is not None
        assert judged.learned is not None
        assert "rules" not in judged.learned  # a silent model marks nothing
        assert not judged.reasons
        told = judged.learned["shadow_rules"][str(rule_id)]
        assert told[1] > 0.5
        (difference,) = [one for one in honesty.differences(session, site.id) if one.rule is not None]
        assert (difference.comment.id, difference.said, difference.shadow) == (silent, None, told[1])
    run("shadow", "off")
    assert _states_of(database, rule_id)[1] is ModelState.CANDIDATE
    run("resume")
    run("run")
    assert _states_of(database, rule_id)[-1] is ModelState.ACTIVE
    with database.session(read_only=True) as session:
        switches = session.scalars(select(AuditEntry).where(AuditEntry.deed == "model_switched")).all()
        assert [entry.detail["why"] for entry in switches if entry.detail["rule"] == rule_id] == [
            "surely_better",
            "rolled_back",
            "surely_better",
        ]


def test_a_rule_cited_at_random_is_never_switched_on(
    database: Database, site: Site, workshop: Workshop, run: Run
) -> None:
    rule_id, chooser = learned_rule(database, site), random.Random(5)
    with database.session() as session:
        began = now() - timedelta(days=2)
        for number in range(200):
            comment = add_comment(session, site, text=_text(chooser, party=chooser.random() < 0.5), due_at=now())
            outcome = Outcome.DELETE if chooser.random() < 0.3 else Outcome.APPROVE
            cites = rule_id if outcome is Outcome.DELETE else None
            decide(session, comment, outcome, decided_at=began + timedelta(minutes=number), rule_id=cites)
        session.commit()
    tasks.score()
    run("run")
    assert _states_of(database, rule_id) == [ModelState.CANDIDATE]


def test_what_was_undone_or_decided_by_a_rule_teaches_nothing(database: Database, site: Site) -> None:
    with database.session() as session:
        made = [add_comment(session, site, text=f"Kommentar Nummer {number}") for number in range(4)]
        for comment in made:
            decide(session, comment, Outcome.DELETE)
        decide(session, made[1], Outcome.DELETE, maker=Maker.RULE)
        decide(session, made[2], Outcome.APPROVE)
        made[3].text, made[3].revision = "Ein neuer Text", 2
        session.flush()
        found = decided.standing(session, site, days=365)
        assert [(one.comment_id, one.deleted) for one in found] == [(made[0].id, True), (made[2].id, False)]


def test_a_burst_teaches_nothing_until_an_admin_confirms_it(
    database: Database, site: Site, moderator: Moderator, run: Run
) -> None:
    with database.session() as session:
        began = now() - timedelta(hours=1)
        for number in range(90):
            comment = add_comment(session, site, text=f"Kommentar {number}")
            changes = {"maker": Maker.MODERATOR, "moderator_id": moderator.id}
            pace = timedelta(seconds=number * (0.3 if number < 70 else 60))
            decide(session, comment, Outcome.DELETE, decided_at=began + pace, **changes)
        session.commit()
    run("run")
    with database.session(read_only=True) as session:
        burst = session.scalars(select(Burst)).one()
        assert burst.decisions == 70
        kept, new = decided.trusted(session, site, decided.standing(session, site, days=365))
        assert len(kept) == 20
        assert not new
    assert "burst 1: 70 decisions by mona" in run("status").output
    assert run("rule", "1", "--counts").exit_code == 0
    with database.session(read_only=True) as session:
        assert len(decided.trusted(session, site, decided.standing(session, site, days=365))[0]) == 90
        assert not bursts.waiting(session, site.id)
    assert "otherwise" in run("rule", "1", "--left-out").output


def test_a_poisoned_burst_does_not_move_the_model_before_it_is_confirmed(
    database: Database, site: Site, moderator: Moderator, workshop: Workshop, run: Run
) -> None:
    history(database, site, 120)
    with database.session() as session:
        for number in range(70):
            comment = add_comment(session, site, text=f"Das Rathaus verdient guten Willen, sagt Nummer {number}.")
            changes = {"maker": Maker.MODERATOR, "moderator_id": moderator.id}
            decide(session, comment, Outcome.DELETE, decided_at=now() + timedelta(seconds=number / 2), **changes)
            comment.due_at = now()
        session.commit()
    tasks.score()

    def learned_from() -> tuple[int, int]:
        run("run")
        with database.session(read_only=True) as session:
            newest = session.scalars(select(LearnedModel).order_by(LearnedModel.version.desc())).first()
            assert newest is not None
            return newest.decisions, newest.positives

    assert learned_from() == (120, 30)
    run("rule", "1", "--counts")
    assert learned_from() == (190, 100)


def test_calm_work_is_no_burst(moment: datetime) -> None:
    calm = [bursts.Deed(number, 1, moment + timedelta(seconds=2 * number)) for number in range(300)]
    assert bursts.find(calm) == []
    two = [bursts.Deed(number, number % 2, moment + timedelta(seconds=0.8 * number)) for number in range(70)]
    assert bursts.find(two) == []


def test_old_approvals_are_thinned_and_stand_for_others(monkeypatch: pytest.MonkeyPatch, moment: datetime) -> None:
    monkeypatch.setattr(decided, "KEPT", 300)
    monkeypatch.setattr(decided, "NEWEST", 100)
    found = [decided.Standing(number, number, number % 10 == 0, None, None, moment, None) for number in range(2000)]
    kept = decided.thinned(found)
    assert len(kept) == pytest.approx(300, abs=2)
    assert [one.stands_for for one in kept[-100:]] == [1.0] * 100
    assert sum(one.stands_for for one in kept) == pytest.approx(2000, rel=0.03)
    assert sum(one.stands_for for one in kept if one.deleted) == pytest.approx(200, rel=0.05)


def test_comments_decided_before_are_read_when_there_is_nothing_else_to_do(
    database: Database, site: Site, workshop: Workshop
) -> None:
    with database.session() as session:
        for number in range(60):
            decide(session, add_comment(session, site, text=f"Kommentar {number}", due_at=None), Outcome.APPROVE)
        session.commit()
    tasks.learn()
    tasks.score()
    with database.session(read_only=True) as session:
        assert len(session.scalars(select(Traits.comment_id)).all()) == 60
        learner = shelf.learner(session, site.id)
        assert learner.lacking == 0
        assert learner.due_at is not None
