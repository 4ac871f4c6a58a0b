"""A rule decides by itself only when switched on, within its limits, never against a person, and stops in doubt."""

import contextlib
import json
import random
import threading
from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest
import time_machine
from click.testing import CliRunner
from sqlalchemy import func, select
from sqlalchemy.orm import Session

from moderation import alarms, chance, decisions, queue, rulebook
from moderation.automation import acting, switch, watch
from moderation.automation.history import cases, curve, estimate
from moderation.cli import main
from moderation.config import Settings
from moderation.db import Database, now
from moderation.decisions import Seen
from moderation.errors import BadInput, StaleView
from moderation.models import (
    Alarm,
    Assessment,
    AuditEntry,
    Automation,
    Comment,
    Decision,
    Delivery,
    Draw,
    Fate,
    Maker,
    Moderator,
    Notice,
    Outcome,
    Site,
    Status,
)
from moderation.notices import appeals, transparency
from moderation.rulebook import StatedRule
from moderation.rulebook.preview import history
from tests.conftest import Receiver
from tests.stories import add_article, add_comment
from worker import tasks
from worker.app import Workshop

RUDE = {
    "key": "grob",
    "title": {"de": "Nicht grob", "en": "Not rude"},
    "text": {"de": "Seid nicht grob.", "en": "Do not be rude."},
    "when": {"signal": "disrespect", "at_least": 0.5},
    "advice": "delete",
    "automation": {"promise": 0.9, "beyond": 0.8, "per_day": 5, "checked": 0.05},
}
LONG = {
    "key": "lang",
    "title": {"de": "Kurz", "en": "Short"},
    "text": {"de": "Kurz.", "en": "Short."},
    "when": {"signal": "length", "more_than": 500},
    "advice": "review",
}


def _state(session: Session, site: Site, **limits: Any) -> None:
    rude = RUDE | {"automation": {**RUDE["automation"], **limits}}  # type: ignore[dict-item]
    rulebook.save(session, site, [StatedRule.model_validate(rude), StatedRule.model_validate(LONG)])


def judged(session: Session, site: Site, disrespect: float, **changes: Any) -> Comment:
    """A comment that is judged and waits, with the reasons that the rules in force give."""
    rules = {rule.key: rule for rule in rulebook.stated(rulebook.current(session, site.id))}
    comment = add_comment(session, site, **changes)
    comment.due_at = None
    met = [rules["grob"]] if disrespect >= 0.5 else []
    met += [rules["lang"]] if len(comment.text) > 500 else []
    advised = {str(rule.advice) for rule in met}
    session.add(
        Assessment(
            comment_id=comment.id,
            revision=1,
            relevance=0.9,
            disrespect=disrespect,
            kinds={},
            advice=advised.pop() if len(advised) == 1 else "review" if advised else "approve",
            reasons=[
                {
                    "rule_id": rule.id,
                    "title": rule.title,
                    "text": rule.text,
                    "signal": rule.when.signal,
                    "advice": str(rule.advice),
                    "score": disrespect if rule.key == "grob" else len(comment.text),
                }
                for rule in met
            ],
        )
    )
    session.flush()
    return comment


def add_past(session: Session, site: Site, told: list[tuple[float, Status]]) -> None:
    """Comments that people decided, with how disrespectful each is."""
    article = add_article(session, site)
    known = {"site_id": site.id, "article_id": article.id, "text": "Schon lange her", "due_at": None}
    known |= {"submitted_at": now(), "stated_at": now()}
    comments = [Comment(**known, external_id=f"past{at}", status=status) for at, (_, status) in enumerate(told)]
    session.add_all(comments)
    session.flush()
    for comment, (score, _) in zip(comments, told, strict=True):
        scores = {"relevance": 0.9, "disrespect": score, "kinds": {}}
        session.add(Assessment(comment_id=comment.id, revision=1, advice="review", **scores))


@pytest.fixture
def past(database: Database, site: Site) -> None:
    """Rude comments that people deleted, 60 at 0.85 and one at 0.6; nine at 0.6 they approved. All of last month."""
    with database.session() as session:
        _state(session, session.get_one(Site, site.id))
        told = [(0.85, Status.DELETED)] * 60 + [(0.6, Status.DELETED)] + [(0.6, Status.APPROVED)] * 9
        add_past(session, site, told)
        session.commit()


@pytest.fixture
def on(database: Database, site: Site, moderator: Moderator, past: None) -> int:
    """The rule decides by itself; returns its id."""
    with database.session() as session:
        mona = session.get_one(Moderator, moderator.id)
        made = switch.switch_on(session, session.get_one(Site, site.id), "grob", moderator=mona)
        session.commit()
        return made.rule_id


@pytest.fixture
def never_checked(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(acting, "lot", lambda comment, rule_id: 0.99)


def _act(database: Database, *ids: int) -> list[int]:
    with database.session() as session:
        made = [decision.comment_id for decision in acting.act(session, ids)]
        session.commit()
    return made


def _make(database: Database, site: Site, *scores: float, **changes: Any) -> list[int]:
    with database.session() as session:
        made = [judged(session, site, score, **changes).id for score in scores]
        session.commit()
    return made


# What is proven


@pytest.mark.parametrize(
    ("right", "tries", "proven"), [(59, 59, 0.9505), (50, 50, 0.9418), (95, 100, 0.8977), (0, 10, 0.0), (1, 1, 0.05)]
)
def test_a_share_is_proven_by_clopper_and_pearson(right: int, tries: int, proven: float) -> None:
    assert chance.surely_at_least(right, tries) == pytest.approx(proven, abs=1e-4)


def test_tails_are_those_of_the_binomial_and_poisson_distributions() -> None:
    from scipy import stats

    for hits, tries, share in [(3, 10, 0.2), (0, 5, 0.5), (5, 5, 0.5), (180, 200, 0.95), (19_500, 20_000, 0.97)]:
        assert chance.at_least(hits, tries, share) == pytest.approx(stats.binom.sf(hits - 1, tries, share), rel=1e-6)
        assert chance.at_most(hits, tries, share) == pytest.approx(stats.binom.cdf(hits, tries, share), rel=1e-6)
    for number, expected in [(12, 2.0), (1, 0.1), (3, 5.0), (40, 4.0)]:
        assert chance.poisson_at_least(number, expected) == pytest.approx(
            stats.poisson.sf(number - 1, expected), rel=1e-6
        )


def test_history_says_how_well_the_rule_would_have_decided(database: Database, site: Site, past: None) -> None:
    with database.session(read_only=True) as session:
        rules = rulebook.stated(rulebook.current(session, site.id))
        found = cases(history(session, site, [rule.applied() for rule in rules]), rules, "grob")
    strict = estimate(found, rules[0], 0.8)
    assert (strict.tries, strict.right) == (60, 60)
    assert strict.proven == pytest.approx(0.951, abs=0.001)
    own = curve(found, rules[0])[0]
    assert (own.bound, own.tries, own.right) == (0.5, 70, 61)


def test_comments_on_which_another_rule_objects_do_not_count(
    database: Database, site: Site, moderator: Moderator, past: None
) -> None:
    with database.session() as session:
        comment = judged(session, site, 0.9, text="lang " * 200)
        mona = session.get_one(Moderator, moderator.id)
        decisions.decide(session, comment.id, Outcome.APPROVE, moderator=mona, seen=Seen(1))
        rules = rulebook.stated(rulebook.current(session, site.id))
        found = cases(history(session, site, [rule.applied() for rule in rules]), rules, "grob")
    assert estimate(found, rules[0], 0.8).tries == 60


def test_a_learned_rule_is_proven_by_what_it_said_before_people_decided(database: Database, site: Site) -> None:
    learned = {**RUDE, "key": "gelernt", "when": {"signal": "learned", "at_least": 0.5}}
    with database.session() as session:
        site = session.get_one(Site, site.id)
        rulebook.save(session, site, [StatedRule.model_validate(learned), StatedRule.model_validate(LONG)])
        rules = rulebook.stated(rulebook.current(session, site.id))
        add_past(
            session, site, [(0.1, Status.DELETED)] * 12 + [(0.1, Status.APPROVED)] * 3 + [(0.1, Status.DELETED)] * 5
        )
        kept = session.scalars(select(Assessment).order_by(Assessment.id)).all()
        for assessment in kept[:15]:
            assessment.learned = {"rules": {str(rules[0].id): 0.9}}
        session.flush()
        found = cases(history(session, site, [rule.applied() for rule in rules]), rules, "gelernt")
        assert (estimate(found, rules[0], 0.8).tries, estimate(found, rules[0], 0.8).right) == (15, 12)
        rulebook.save(session, site, [StatedRule.model_validate(learned), StatedRule.model_validate(RUDE)])
        rules = rulebook.stated(rulebook.current(session, site.id))
        for assessment in kept:
            assessment.disrespect = 0.9
        session.flush()
        found = cases(history(session, site, [rule.applied() for rule in rules]), rules, "grob")
        assert estimate(found, rules[1], 0.8).tries == 20, "where nothing had been learned yet, it holds nobody up"


def test_nothing_is_switched_on_that_history_does_not_prove(
    database: Database, site: Site, moderator: Moderator, past: None
) -> None:
    with database.session() as session:
        kept = session.get_one(Site, site.id)
        _state(session, kept, beyond=0.5)
        mona = session.get_one(Moderator, moderator.id)
        with pytest.raises(BadInput, match="61 of 70"):
            switch.switch_on(session, kept, "grob", moderator=mona)
        _state(session, kept, promise=0.96)
        with pytest.raises(BadInput, match="proves"):
            switch.switch_on(session, kept, "grob", moderator=mona)


# What it does and what it never does


def test_off_by_default_nothing_is_decided(database: Database, site: Site, past: None) -> None:
    assert _act(database, *_make(database, site, 0.95)) == []


@pytest.mark.usefixtures("never_checked")
def test_it_decides_from_its_own_bound_on_and_says_that_a_rule_did(database: Database, site: Site, on: int) -> None:
    low, exact, high = _make(database, site, 0.79, 0.8, 0.95)
    assert _act(database, low, exact, high) == [exact, high]
    with database.session(read_only=True) as session:
        decision = session.scalars(select(Decision).where(Decision.comment_id == high)).one()
        assert (decision.maker, decision.moderator_id, decision.rule_id) == (Maker.RULE, None, on)
        assert decision.rule_title == RUDE["title"]
        assert session.get_one(Comment, low).status is Status.PENDING
        assert appeals.statement(session, decision.id).automated
        sent = session.scalars(select(Delivery).where(Delivery.decision_id == decision.id)).one()
        assert sent.not_before - decision.decided_at == timedelta(seconds=10), "the undo window applies"
        report = transparency.report(
            session, session.get_one(Site, site.id), since=now() - timedelta(days=1), until=now() + timedelta(days=1)
        )
        assert report.automated == 2
        assert [(rule.title, rule.automated) for rule in report.rules if rule.automated] == [(RUDE["title"], 2)]


@pytest.mark.usefixtures("never_checked")
def test_it_never_decides_twice(database: Database, site: Site, on: int, moderator: Moderator) -> None:
    (id_,) = _make(database, site, 0.95)
    start = threading.Barrier(4)

    def work() -> None:
        start.wait()
        _act(database, id_)

    threads = [threading.Thread(target=work) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    with database.session() as session:
        (decision,) = session.scalars(select(Decision).where(Decision.comment_id == id_))
        decisions.undo(session, decision.id, moderator=session.get_one(Moderator, moderator.id))
        session.commit()
    assert _act(database, id_) == [], "what a person took back stays with people"


def _approve(session: Session, id_: int, mona: Moderator) -> None:
    decisions.decide(session, id_, Outcome.APPROVE, moderator=mona, seen=Seen(1))


def _approve_and_undo(session: Session, id_: int, mona: Moderator) -> None:
    made = decisions.decide(session, id_, Outcome.APPROVE, moderator=mona, seen=Seen(1))
    session.flush()
    decisions.undo(session, made.id, moderator=mona)


def _defer(session: Session, id_: int, mona: Moderator) -> None:
    queue.defer(session, id_, moderator=mona, note="frag Ada")


def _open(session: Session, id_: int, mona: Moderator) -> None:
    queue.claim(session, id_, moderator=mona)


def _report(session: Session, id_: int, mona: Moderator) -> None:
    comment = session.get_one(Comment, id_)
    session.add(Notice(site_id=comment.site_id, comment_id=id_, address="https://x.example", text="!", language="de"))


def _unscored(session: Session, id_: int, mona: Moderator) -> None:
    session.scalars(select(Assessment).where(Assessment.comment_id == id_)).one().not_scored = "failed"


def _judge_again(session: Session, id_: int, mona: Moderator) -> None:
    session.get_one(Comment, id_).due_at = now()


def _withdraw(session: Session, id_: int, mona: Moderator) -> None:
    session.get_one(Comment, id_).status = Status.WITHDRAWN


def _edit(session: Session, id_: int, mona: Moderator) -> None:
    session.get_one(Comment, id_).revision = 2


def _doubt(session: Session, id_: int, mona: Moderator) -> None:
    assessment = session.scalars(select(Assessment).where(Assessment.comment_id == id_)).one()
    assessment.advice = "review"  # type: ignore[assignment] - as where a rule cannot be judged


@pytest.mark.usefixtures("never_checked")
@pytest.mark.parametrize(
    "before",
    [_approve, _approve_and_undo, _defer, _open, _report, _unscored, _judge_again, _withdraw, _edit, _doubt],
)
def test_it_never_decides_what_is_a_persons(
    database: Database, site: Site, on: int, moderator: Moderator, before: Callable[[Session, int, Moderator], None]
) -> None:
    (id_,) = _make(database, site, 0.95)
    with database.session() as session:
        before(session, id_, session.get_one(Moderator, moderator.id))
        session.commit()
    assert _act(database, id_) == []


@pytest.mark.usefixtures("never_checked")
def test_where_rules_disagree_a_person_decides(database: Database, site: Site, on: int) -> None:
    assert _act(database, *_make(database, site, 0.95, text="lang " * 200)) == []


@pytest.mark.usefixtures("never_checked")
def test_a_moderator_who_had_it_open_is_told_that_a_rule_decided(
    database: Database, site: Site, on: int, moderator: Moderator
) -> None:
    (id_,) = _make(database, site, 0.95)
    _act(database, id_)
    with database.session() as session, pytest.raises(StaleView):
        decisions.decide(
            session, id_, Outcome.APPROVE, moderator=session.get_one(Moderator, moderator.id), seen=Seen(1)
        )


@pytest.mark.usefixtures("never_checked")
def test_the_cap_of_a_day_holds_however_many_workers_there_are(database: Database, site: Site, on: int) -> None:
    ids = _make(database, site, *[0.95] * 12)
    start = threading.Barrier(3)
    made: list[int] = []

    def work(part: list[int]) -> None:
        start.wait()
        made.extend(_act(database, *part))

    threads = [threading.Thread(target=work, args=(ids[at::3],)) for at in range(3)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(made) == 5
    with database.session(read_only=True) as session:
        over = select(func.count()).select_from(Draw).where(Draw.fate == Fate.OVER)
        assert session.scalar(over) == 7
    with time_machine.travel(now() + timedelta(days=1), tick=False):
        assert len(_act(database, *_make(database, site, 0.95))) == 1
        assert _act(database, *ids) == [], "what was over the cap stays with people"


def test_the_lot_is_always_the_same_and_recorded(database: Database, site: Site, on: int) -> None:
    ids = _make(database, site, *[0.95] * 60)
    with database.session() as session:
        _state(session, session.get_one(Site, site.id), per_day=1000)
        automation = session.scalars(select(Automation)).one()
        automation.terms = rulebook.stated(rulebook.current(session, site.id))[0].terms()
        session.commit()
    _act(database, *ids)
    with database.session(read_only=True) as session:
        draws = session.scalars(select(Draw)).all()
        assert len(draws) == 60
        for draw in draws:
            comment = session.get_one(Comment, draw.comment_id)
            assert draw.lot == acting.lot(comment, on)
            assert draw.fate is (Fate.CHECKED if draw.lot < 0.05 else Fate.DECIDED)
            assert (comment.status is Status.PENDING) == (draw.fate is Fate.CHECKED)
        assert len({draw.lot for draw in draws}) == 60


@pytest.mark.usefixtures("never_checked")
def test_a_comment_that_is_judged_is_decided_at_once_and_the_site_hears_that_a_machine_did(
    database: Database, pushed: Site, on: int, workshop: Workshop, receiver: Receiver
) -> None:
    with database.session() as session:
        rude = add_comment(session, pushed, text="Du widerlicher Idiot, halt dein dummes Maul, du Trottel!")
        kind = add_comment(session, pushed, text="Die Brücke wird gesperrt, also fahre ich über den Nordring.")
        ids = (rude.id, kind.id)
        session.commit()
    tasks.score()
    tasks.deliver()
    with database.session(read_only=True) as session:
        comments = [session.get_one(Comment, id_) for id_ in ids]
        assert [comment.status for comment in comments] == [Status.DELETED, Status.PENDING]
        assert comments[0].decisions[0].maker is Maker.RULE
    ((_, body),) = receiver.got
    assert json.loads(body)["data"]["automated"] is True


def test_while_people_and_workers_act_at_once_no_bound_is_crossed(
    database: Database, site: Site, on: int, moderator: Moderator
) -> None:
    """Two workers draw the same comments while two moderators decide, undo and decide anew, in a random order."""
    ids = _make(database, site, *[0.95] * 40)
    start = threading.Barrier(4)

    def work(seed: int) -> None:
        start.wait()
        for part in range(0, 40, 8):
            _act(database, *ids[part : part + 8])

    def decide(seed: int) -> None:
        chooser = random.Random(seed)
        start.wait()
        for id_ in chooser.sample(ids, 25):
            with database.session() as session, contextlib.suppress(StaleView):
                mona = session.get_one(Moderator, moderator.id)
                outcome = chooser.choice([Outcome.APPROVE, Outcome.DELETE])
                made = decisions.decide(session, id_, outcome, moderator=mona, seen=Seen(1))
                session.commit()
                if chooser.random() < 0.5:
                    decisions.undo(session, made.id, moderator=mona)
                    session.commit()

    threads = [threading.Thread(target=what, args=(at,)) for at, what in enumerate((work, work, decide, decide))]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    with database.session(read_only=True) as session:
        draws = session.scalars(select(Draw)).all()
        decided = {draw.comment_id: draw.decision_id for draw in draws if draw.fate is Fate.DECIDED}
        by_rule = session.scalars(select(Decision).where(Decision.maker == Maker.RULE)).all()
        assert {made.comment_id: made.id for made in by_rule} == decided, "once each, and each of them recorded"
        assert len(by_rule) == len(decided) <= RUDE["automation"]["per_day"]  # type: ignore[index]
        for made in by_rule:
            earlier = select(func.count()).where(Decision.comment_id == made.comment_id, Decision.id < made.id)
            assert session.scalar(earlier) == 0, "never on what a person had decided"


# When it stops


def _switched_off(database: Database) -> str | None:
    with database.session(read_only=True) as session:
        return session.scalars(select(Automation.why_off)).one()


def test_it_stops_when_people_disagree_with_its_checks(
    database: Database, site: Site, on: int, moderator: Moderator, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(acting, "lot", lambda comment, rule_id: 0.01)
    ids = _make(database, site, *[0.95] * 4)
    assert _act(database, *ids) == []
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
    assert _act(database, *_make(database, site, 0.95)) == []


@pytest.mark.usefixtures("never_checked")
def test_it_stops_when_people_take_back_what_it_decided_before_it_decides_more(
    database: Database, site: Site, on: int, moderator: Moderator
) -> None:
    ids = _make(database, site, *[0.95] * 3)
    _act(database, *ids)
    with database.session() as session:
        mona = session.get_one(Moderator, moderator.id)
        made = session.scalars(select(Decision).where(Decision.maker == Maker.RULE)).all()
        decisions.undo(session, made[0].id, moderator=mona)
        appeal = appeals.object_to(session, made[1].id, text="Das war sachlich.", email=None, language="de")
        session.flush()
        appeals.close(session, appeal.id, Outcome.APPROVE, answer="", moderator=mona)
        session.commit()
    assert _act(database, *_make(database, site, 0.95)) == []
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
    assert len(_act(database, *_make(database, site, 0.95))) == 1
    with database.session() as session:
        _state(session, session.get_one(Site, site.id), beyond=0.7)
        session.commit()
    assert _act(database, *_make(database, site, 0.95)) == []
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
    _act(database, *_make(database, site, 0.95))
    said = CliRunner().invoke(main, ["automation", "status"]).output
    assert said.startswith(f"{site.slug}: grob (delete), promised 90.0%; people agreed with 0 of 0 checks, ")
    assert said.endswith("kept 1 of 1 decisions; 1 today\n")
    stopped = CliRunner().invoke(main, ["automation", "stop", "--site", site.slug]).output
    assert stopped == f"{site.slug}: grob is off.\n"
    assert CliRunner().invoke(main, ["automation", "stop"]).output == "No rule decides by itself.\n"
    assert _switched_off(database) == "command"
    with database.session(read_only=True) as session:
        assert alarms.open_ones(session) == [], "who stops it knows of it"
