"""A rule decides by itself only when switched on, within its limits, and never against a person."""

import contextlib
import json
import random
import threading
from collections.abc import Callable
from datetime import timedelta

import pytest
import time_machine
from sqlalchemy import func, select
from sqlalchemy.orm import Session

from moderation import decisions, queue, rulebook
from moderation.automation import acting
from moderation.db import Database, now
from moderation.decisions import Seen
from moderation.errors import StaleView
from moderation.models import (
    Assessment,
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
from tests.automation.stories import RUDE, act, make, state
from tests.conftest import Receiver
from tests.stories import add_comment
from worker import tasks
from worker.app import Workshop


def test_off_by_default_nothing_is_decided(database: Database, site: Site, past: None) -> None:
    assert act(database, *make(database, site, 0.95)) == []


@pytest.mark.usefixtures("never_checked")
def test_it_decides_from_its_own_bound_on_and_says_that_a_rule_did(database: Database, site: Site, on: int) -> None:
    low, exact, high = make(database, site, 0.79, 0.8, 0.95)
    assert act(database, low, exact, high) == [exact, high]
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
    (id_,) = make(database, site, 0.95)
    start = threading.Barrier(4)

    def work() -> None:
        start.wait()
        act(database, id_)

    threads = [threading.Thread(target=work) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    with database.session() as session:
        (decision,) = session.scalars(select(Decision).where(Decision.comment_id == id_))
        decisions.undo(session, decision.id, moderator=session.get_one(Moderator, moderator.id))
        session.commit()
    assert act(database, id_) == [], "what a person took back stays with people"


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
    (id_,) = make(database, site, 0.95)
    with database.session() as session:
        before(session, id_, session.get_one(Moderator, moderator.id))
        session.commit()
    assert act(database, id_) == []


@pytest.mark.usefixtures("never_checked")
def test_where_rules_disagree_a_person_decides(database: Database, site: Site, on: int) -> None:
    assert act(database, *make(database, site, 0.95, text="lang " * 200)) == []


@pytest.mark.usefixtures("never_checked")
def test_a_moderator_who_had_it_open_is_told_that_a_rule_decided(
    database: Database, site: Site, on: int, moderator: Moderator
) -> None:
    (id_,) = make(database, site, 0.95)
    act(database, id_)
    with database.session() as session, pytest.raises(StaleView):
        decisions.decide(
            session, id_, Outcome.APPROVE, moderator=session.get_one(Moderator, moderator.id), seen=Seen(1)
        )


@pytest.mark.usefixtures("never_checked")
def test_the_cap_of_a_day_holds_however_many_workers_there_are(database: Database, site: Site, on: int) -> None:
    ids = make(database, site, *[0.95] * 12)
    start = threading.Barrier(3)
    made: list[int] = []

    def work(part: list[int]) -> None:
        start.wait()
        made.extend(act(database, *part))

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
        assert len(act(database, *make(database, site, 0.95))) == 1
        assert act(database, *ids) == [], "what was over the cap stays with people"


def test_the_lot_is_always_the_same_and_recorded(database: Database, site: Site, on: int) -> None:
    ids = make(database, site, *[0.95] * 60)
    with database.session() as session:
        state(session, session.get_one(Site, site.id), per_day=1000)
        automation = session.scalars(select(Automation)).one()
        automation.terms = rulebook.stated(rulebook.current(session, site.id))[0].terms()
        session.commit()
    act(database, *ids)
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
    ids = make(database, site, *[0.95] * 40)
    start = threading.Barrier(4)

    def work(seed: int) -> None:
        start.wait()
        for part in range(0, 40, 8):
            act(database, *ids[part : part + 8])

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
