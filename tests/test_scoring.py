"""Comments are claimed once, judged together, and never stuck: what cannot be judged goes to people."""

import threading
from collections.abc import Sequence
from datetime import timedelta
from typing import Any, cast

import pytest
import time_machine
from sqlalchemy import func, select, update
from sqlalchemy.orm import Session

from moderation import queue, repeats, rulebook, scoring
from moderation.db import Database, now
from moderation.judge import Assessment as Judgement
from moderation.judge import Case, Judge, OtherArticle
from moderation.judge.case import MOST_ANSWERED
from moderation.judge.learned import Features
from moderation.models import Assessment, Comment, Decision, Maker, Outcome, RuleSet, Site, Status
from moderation.rulebook import StatedRule
from moderation.rules import Advice
from tests.stories import add_article, add_comment
from worker import tasks
from worker.app import Workshop

LEASE = timedelta(seconds=30)


class Moody:
    """A judge that fails whenever it reads one of some texts."""

    def __init__(self, judge: Judge, *hated: str) -> None:
        self.judge = judge
        self.hated = hated
        self.batches: list[int] = []

    def assess(self, cases: Sequence[Case]) -> list[Judgement]:
        self.batches.append(len(cases))
        if any(case.text in self.hated for case in cases):
            raise RuntimeError("cannot read this")
        return self.judge.assess(cases)

    def features(self, cases: Sequence[Case], judgements: Sequence[Judgement]) -> Features:
        return self.judge.features(cases, judgements)

    def study(self, cases: Sequence[Case]) -> tuple[list[Judgement], Features]:
        judgements = self.assess(cases)
        return judgements, self.features(cases, judgements)


def _add(database: Database, site: Site, *texts: str, **changes: Any) -> list[int]:
    with database.session() as session:
        made = [add_comment(session, site, text=text, **changes).id for text in texts]
        session.commit()
    return made


def _assessments(database: Database) -> dict[str, Assessment | None]:
    with database.session(read_only=True) as session:
        return {
            comment.text: queue.find(session, comment.id).assessment for comment in session.scalars(select(Comment))
        }


def test_no_comment_is_claimed_twice(database: Database, site: Site) -> None:
    expected = _add(database, site, *(f"Kommentar {number}" for number in range(120)))
    start = threading.Barrier(4)
    taken: list[int] = []

    def work() -> None:
        start.wait()
        while True:
            with database.session() as session:
                ids = scoring.claim(session, limit=7, attempts=3, lease=LEASE)
                session.commit()
            if not ids:
                return
            taken.extend(ids)

    threads = [threading.Thread(target=work) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(taken) == expected


def test_claimed_comments_come_back_when_their_worker_died_in_ever_smaller_shares(
    database: Database, site: Site
) -> None:
    """What may have killed a worker is alone in the end; what only was in its hands is not, at once."""
    _add(database, site, *(f"Kommentar {number}" for number in range(64)))
    sizes: list[list[int]] = []
    for _ in range(3):
        with database.session() as session:
            session.execute(update(Comment).values(due_at=now() - timedelta(minutes=1)))
            sizes.append([])
            while taken := scoring.claim(session, limit=64, attempts=3, lease=LEASE):
                sizes[-1].append(len(taken))
            session.commit()
    assert sizes == [[64], [8] * 8, [1] * 64]


def test_the_judge_sees_article_parent_thread_and_background(database: Database, site: Site) -> None:
    with database.session() as session:
        add_comment(session, site, external_id="p", text="Wer zahlt das?", commenter_name="Marlene")
        add_comment(session, site, external_id="x", text="Gelöscht", status=Status.DELETED)
        add_comment(session, site, external_id="s", text="Die Behelfsbrücke reicht mir.")
        other = add_article(session, site, external_id="wal", title="Wal in der Bucht")
        add_comment(session, site, article=other, text="Toller Wal")
        answer = add_comment(session, site, text="Das Land.", parent_external_id="p")
        (job,) = scoring.jobs(session, [answer.id])
    assert job.case.article is not None
    assert job.case.article.authors == ("mab",)
    assert job.case.parent is not None
    assert (job.case.parent.text, job.case.parent.commenter) == ("Wer zahlt das?", "Marlene")
    assert job.case.thread == ("Die Behelfsbrücke reicht mir.",)
    assert job.case.background == ("Wal in der Bucht",)
    assert [rule.signal for rule in job.rules] == ["relevance", "disrespect", "disrespect"]


def _answered(session: Session, comment: Comment) -> list[str]:
    (job,) = scoring.jobs(session, [comment.id])
    return job.case.answered()


def test_the_judge_sees_how_a_quarrel_began(database: Database, site: Site) -> None:
    with database.session() as session:
        add_comment(session, site, external_id="0", text="Wer zahlt das?")
        for number in range(1, MOST_ANSWERED + 3):
            answers = {"text": str(number), "parent_external_id": str(number - 1)}
            last = add_comment(session, site, external_id=str(number), **answers)
        assert _answered(session, last) == ["7", "6", "5", "4", "3", "2"], "as far back as it looks"
        session.scalars(select(Comment).where(Comment.external_id == "4")).one().status = Status.WITHDRAWN
        assert _answered(session, last) == ["7", "6", "5"]


def test_comments_that_answer_each_other_in_a_ring_do_no_harm(database: Database, site: Site) -> None:
    with database.session() as session:
        add_comment(session, site, external_id="a", text="A", parent_external_id="b")
        last = add_comment(session, site, external_id="b", text="B", parent_external_id="a")
        assert _answered(session, last) == ["A", "B"] * (MOST_ANSWERED // 2)


def test_one_bad_comment_holds_up_no_other(database: Database, site: Site, workshop: Workshop, judge: Judge) -> None:
    _add(
        database, site, "Gute Idee mit der Brücke und der Umleitung.", "böse", "Das kostet zu viel Geld für die Stadt."
    )
    workshop.__dict__["judge"] = Moody(judge, "böse")
    tasks.score()
    found = _assessments(database)
    assert found.pop("böse") is None
    assert all(assessment is not None and assessment.engine for assessment in found.values())


def test_whoever_has_judged_much_lets_others_go_on_and_whoever_is_stopping_begins_nothing(
    database: Database, site: Site, workshop: Workshop, monkeypatch: pytest.MonkeyPatch
) -> None:
    _add(database, site, "Erster", "Zweiter", "Dritter")
    rung: list[str] = []
    monkeypatch.setattr(workshop.bell, "ring", rung.append)
    workshop.settings = workshop.settings.model_copy(update={"score_batch": 1})
    monkeypatch.setattr(tasks, "ROUNDS", 2)
    tasks.score()
    assert rung[-1] == "score"
    assert sum(assessment is not None for assessment in _assessments(database).values()) == 2
    workshop.stopping.set()
    tasks.score()
    assert sum(assessment is not None for assessment in _assessments(database).values()) == 2


def test_what_cannot_be_judged_goes_to_people_as_not_scored(
    database: Database, site: Site, workshop: Workshop, judge: Judge
) -> None:
    (id_,) = _add(database, site, "böse")
    workshop.__dict__["judge"] = Moody(judge, "böse")
    for _ in range(workshop.settings.score_attempts):
        tasks.score()
        with database.session() as session:  # its lease runs out
            session.execute(update(Comment).where(Comment.due_at.is_not(None)).values(due_at=now()))
            session.commit()
    tasks.score()
    with database.session(read_only=True) as session:
        comment = queue.find(session, id_)
        assert comment.due_at is None
        assert comment.assessment is not None
        assert (comment.assessment.not_scored, comment.assessment.advice) == ("failed", Advice.REVIEW)
        assert (comment.assessment.relevance, comment.assessment.disrespect) == (None, None)
        assert comment.status is Status.PENDING


def test_a_text_that_changed_meanwhile_is_not_given_the_old_texts_scores(
    database: Database, site: Site, judge: Judge
) -> None:
    ids = _add(database, site, "Erst so, über die Brücke und die Umleitung.")
    with database.session(read_only=True) as session:
        judged = scoring.judge_all(judge, scoring.jobs(session, ids))
    with database.session() as session:
        session.execute(update(Comment).values(revision=2))
        assert scoring.record(session, judged) == 0
        session.commit()
    with database.session(read_only=True) as session:
        assert session.scalar(select(func.count()).select_from(Assessment)) == 0


def test_the_other_article_that_a_comment_is_closer_to_is_kept(database: Database, site: Site) -> None:
    ids = _add(database, site, "Handball am Samstag!", "Gute Brücke.")
    others = (OtherArticle("Handball: Derby am Samstag", 0.5), None)
    with database.session() as session:
        jobs = scoring.jobs(session, ids)
        said = [Judgement("de", 0.4, None, 0.1, other_article=other) for other in others]
        scoring.record(session, zip(jobs, said, strict=True))
        session.commit()
    off, on = _assessments(database).values()
    assert off is not None
    assert off.other_article == {"title": "Handball: Derby am Samstag", "similarity": 0.5}
    assert on is not None
    assert on.other_article is None


def test_the_second_of_two_workers_records_nothing(database: Database, site: Site, judge: Judge) -> None:
    ids = _add(database, site, "Über die Brücke und die Umleitung.")
    with database.session(read_only=True) as session:
        judged = scoring.judge_all(judge, scoring.jobs(session, ids))
    written = []
    for _ in range(2):
        with database.session() as session:
            written.append(scoring.record(session, judged))
            session.commit()
    assert written == [1, 0]


@pytest.mark.parametrize(("minutes", "again"), [(-2, True), (2, False)])
def test_a_worker_whose_clock_is_off_has_its_comments_judged_twice_or_holds_them_longer_and_records_them_once(
    database: Database, site: Site, judge: Judge, minutes: int, *, again: bool
) -> None:
    ids = _add(database, site, "Über die Brücke und die Umleitung.", due_at=now() - timedelta(minutes=5))
    taken = []
    for off in (minutes, 0):
        with time_machine.travel(now() + timedelta(minutes=off)), database.session() as session:
            taken.append(scoring.claim(session, limit=1, attempts=3, lease=LEASE))
            session.commit()
    assert taken == [ids, ids if again else []]
    with database.session() as session:
        judged = scoring.judge_all(judge, scoring.jobs(session, ids))
        assert [scoring.record(session, judged) for _ in taken] == [1, 0]


def test_an_assessment_made_anew_replaces_the_old_one(database: Database, site: Site, workshop: Workshop) -> None:
    _add(database, site, "Über die Brücke und die Umleitung.")
    for _ in range(2):
        tasks.score()
        with database.session() as session:
            session.execute(update(Comment).values(due_at=now()))
            session.commit()
    with database.session(read_only=True) as session:
        assert session.scalar(select(func.count()).select_from(Assessment)) == 1


def test_a_worker_with_much_to_do_rings_for_itself(
    database: Database, site: Site, workshop: Workshop, judge: Judge, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(tasks, "ROUNDS", 2)
    rung: list[str] = []
    monkeypatch.setattr(workshop.bell, "ring", lambda name, **_: rung.append(name))
    workshop.settings = workshop.settings.model_copy(update={"score_batch": 2})
    moody = Moody(judge)
    workshop.__dict__["judge"] = cast(Any, moody)
    _add(database, site, *(f"Kommentar {number} zur Brücke" for number in range(5)))
    tasks.score()
    assert (moody.batches, rung) == ([2, 2], ["score"])


@pytest.mark.parametrize(("lease", "rings"), [(9, True), (30, False)])
def test_what_a_dead_worker_held_is_taken_when_its_lease_ends_unless_a_sweep_comes_before(
    database: Database, site: Site, workshop: Workshop, monkeypatch: pytest.MonkeyPatch, lease: int, *, rings: bool
) -> None:
    rung: list[tuple[str, float]] = []
    monkeypatch.setattr(workshop.bell, "ring", lambda name, *, after=0.0: rung.append((name, after)))
    _add(database, site, "Über die Brücke und die Umleitung.")
    with database.session() as session:
        scoring.claim(session, limit=1, attempts=3, lease=timedelta(seconds=lease))
        session.commit()
    tasks.score()
    assert [name for name, _ in rung] == ["score"] * rings
    assert all(lease - 5 < after <= lease for _, after in rung)


def test_an_assessment_says_which_version_of_the_rules_judged_it(
    database: Database, site: Site, workshop: Workshop
) -> None:
    (first,) = _add(database, site, "Über die Brücke und die Umleitung: https://a.example/1")
    tasks.score()
    links = {
        "key": "links",
        "title": {"de": "Keine Links"},
        "text": {"de": "Bitte ohne Links."},
        "when": {"signal": "links"},
    }
    with database.session() as session:
        kept = rulebook.stated(rulebook.current(session, site.id))
        rulebook.save(session, session.get_one(Site, site.id), [*kept, StatedRule.model_validate(links)], seen=1)
        session.commit()
    (second,) = _add(database, site, "Über die Brücke und die Umleitung: https://a.example/2")
    tasks.score()
    with database.session(read_only=True) as session:
        old, new = (queue.find(session, id_).assessment for id_ in (first, second))
        assert old is not None
        assert new is not None
        assert session.get_one(RuleSet, old.rule_set_id).version == 1
        assert session.get_one(RuleSet, new.rule_set_id).version == 2
        assert "links" not in {reason["signal"] for reason in old.reasons}
        (reason,) = [reason for reason in new.reasons if reason["signal"] == "links"]
        assert (reason["score"], reason["evidence"], reason["text"]) == (
            1,
            {"domains": ["a.example"]},
            {"de": "Bitte ohne Links."},
        )


def test_rules_look_at_the_commenters_record_and_at_repeats(database: Database, site: Site) -> None:
    signals = [{"signal": "repeat"}, {"signal": "record", "at_least": 0.5}, {"signal": "new_commenter"}]
    text = "Immer derselbe Satz über die Brücke, die keiner braucht."
    by = {"commenter_email": "m@example.org"}
    with database.session() as session:
        rulebook.save(
            session,
            session.get_one(Site, site.id),
            [
                StatedRule.model_validate({"key": f"r{n}", "title": {"de": "…"}, "text": {"de": "…"}, "when": when})
                for n, when in enumerate(signals)
            ],
        )
        repeats.remember(session, add_comment(session, site, text=text))
        for status in (Status.APPROVED, Status.DELETED, Status.DELETED, Status.PENDING):
            add_comment(session, site, status=status, **by)
        by_rule = add_comment(session, site, status=Status.DELETED, **by)
        session.add(Decision(comment_id=by_rule.id, revision=1, outcome=Outcome.DELETE, maker=Maker.RULE))
        comment = add_comment(session, site, text=text, **by)
        (job,) = scoring.jobs(session, [comment.id])
        assert (job.facts.approved, job.facts.deleted) == (1, 2), "what a rule deleted does not count against anybody"
        assert job.facts.repeats is not None
        assert [one.similarity for one in job.facts.repeats] == [1.0]
        (unknown,) = scoring.jobs(session, [add_comment(session, site).id])
        assert unknown.facts.approved is None
        session.rollback()
