"""Many comments decided in one step: in pieces, around what changed, and taken back as one thing."""

from collections.abc import Callable
from datetime import timedelta

import pytest
import time_machine
from sqlalchemy import func, select, update

from moderation import batches, decisions, sites
from moderation.db import Database, now
from moderation.decisions import Seen
from moderation.errors import BadInput, Forbidden
from moderation.models import AuditEntry, Batch, Comment, Decision, Delivery, Moderator, Outcome, Role, Site, Status
from moderation.queue import Filters, pending
from tests.statements import heard
from tests.stories import add_comment
from worker import tasks
from worker.app import Workshop

Chosen = Callable[..., int]


@pytest.fixture
def chosen(database: Database, site: Site, moderator: Moderator) -> Chosen:
    """Makes a batch of some comments, and returns its id."""

    def make(number: int, outcome: Outcome = Outcome.APPROVE) -> int:
        with database.session() as session:
            for _ in range(number):
                add_comment(session, site)
            rule = session.get_one(Site, site.id).house_rules[0].id if outcome is Outcome.DELETE else None
            made = batches.create(
                session, pending(Filters()), moderator=moderator, outcome=outcome, rule_id=rule, name="Nachtschicht"
            )
            session.commit()
            return made.id

    return make


def _count(database: Database, status: Status) -> int:
    with database.session(read_only=True) as session:
        return session.scalar(select(func.count()).select_from(Comment).where(Comment.status == status)) or 0


def test_a_batch_decides_piece_by_piece_and_each_decision_names_moderator_rule_and_batch(
    database: Database, workshop: Workshop, chosen: Chosen, moderator: Moderator
) -> None:
    batch_id = chosen(batches.PIECE + 5, Outcome.DELETE)
    tasks.batch()
    assert _count(database, Status.DELETED) == batches.PIECE + 5
    with database.session(read_only=True) as session:
        made = session.scalars(select(Decision)).all()
        assert {(d.moderator_id, d.batch_id, d.rule_id is not None) for d in made} == {(moderator.id, batch_id, True)}
        assert batches.progress(session, [batch_id])[batch_id] == batches.Progress(len(made), len(made), 0, 0)
        assert session.get_one(Batch, batch_id).finished_at is not None


def test_a_batch_whose_worker_died_goes_on_where_it_stopped(
    database: Database, workshop: Workshop, chosen: Chosen
) -> None:
    batch_id = chosen(batches.PIECE + 5)
    with database.session() as session:  # the worker that dies after the first piece
        assert batches.claim(session) == batch_id
        assert batches.step(session, batch_id)
        session.commit()
    tasks.batch()
    assert _count(database, Status.APPROVED) == batches.PIECE  # the lease of the dead one still runs
    with database.session() as session:
        session.execute(update(Batch).values(due_at=now()))
        session.commit()
    tasks.batch()
    assert _count(database, Status.APPROVED) == batches.PIECE + 5
    with database.session(read_only=True) as session:
        assert session.scalar(select(func.count()).select_from(Decision)) == batches.PIECE + 5


def test_comments_that_changed_or_were_decided_meanwhile_are_skipped_and_listed(
    database: Database, workshop: Workshop, chosen: Chosen, moderator: Moderator
) -> None:
    batch_id = chosen(4)
    with database.session() as session:
        first, second, third, _ = session.scalars(select(Comment).order_by(Comment.id)).all()
        first.revision = 2
        decisions.decide(session, second.id, Outcome.DELETE, moderator=moderator, seen=Seen(1))
        decisions.decide(session, third.id, Outcome.APPROVE, moderator=moderator, seen=Seen(1))
        session.commit()
    tasks.batch()
    with database.session(read_only=True) as session:
        assert [item.skipped for item in batches.left_out(session, batch_id)] == ["text_changed", "decided", "decided"]
        assert batches.progress(session, [batch_id])[batch_id].decided == 1
    assert _count(database, Status.PENDING) == 1


def test_a_batch_of_somebody_who_was_shut_out_goes_no_further(
    workshop: Workshop, database: Database, moderator: Moderator, chosen: Chosen
) -> None:
    batch_id = chosen(3)
    with database.session() as session:
        session.get_one(Moderator, moderator.id).disabled_at = now()
        session.commit()
    tasks.batch()
    with database.session(read_only=True) as session:
        assert [item.skipped for item in batches.left_out(session, batch_id)] == ["confined"] * 3
    assert _count(database, Status.PENDING) == 3


def test_one_undo_takes_all_of_it_back_before_the_site_has_heard(
    database: Database, workshop: Workshop, chosen: Chosen, moderator: Moderator
) -> None:
    batch_id = chosen(3)
    tasks.batch()
    with database.session() as session:
        batches.undo(session, batch_id, moderator=moderator)
        session.commit()
    tasks.batch()
    assert _count(database, Status.PENDING) == 3
    with database.session(read_only=True) as session:
        assert batches.progress(session, [batch_id])[batch_id].taken_back == 3
        assert all(delivery.cancelled_at for delivery in session.scalars(select(Delivery)))


def test_an_undo_that_takes_longer_than_the_window_undoes_all_the_same(
    database: Database, workshop: Workshop, chosen: Chosen, moderator: Moderator, site: Site
) -> None:
    """Of 5,000 comments the last are taken back long after the first: they must not be deleted for that."""
    batch_id = chosen(3)
    tasks.batch()
    with database.session() as session:
        batches.undo(session, batch_id, moderator=moderator)
        session.commit()
    with time_machine.travel(now() + timedelta(seconds=site.undo_seconds + 5)):
        tasks.deliver()
        tasks.batch()
    assert _count(database, Status.PENDING) == 3
    with database.session(read_only=True) as session:
        assert session.scalar(select(func.count(Delivery.delivered_at))) == 0


def test_all_of_a_long_batch_can_be_undone_once_it_is_through(
    database: Database, workshop: Workshop, chosen: Chosen, site: Site
) -> None:
    """What was decided first is held until the last is decided, and then as long as the last."""
    batch_id = chosen(2 * batches.PIECE + 5)
    begun = now()
    for piece in range(3):
        with time_machine.travel(begun + piece * batches.HELD * 0.6), database.session() as session:
            heard = select(func.count()).select_from(Delivery).where(Delivery.not_before <= now())
            assert session.scalar(heard) == 0
            assert batches.step(session, batch_id) is (piece < 2)
            session.commit()
    with database.session(read_only=True) as session:
        ends = session.scalars(select(Delivery.not_before).distinct()).all()
        assert len(ends) == 1
        assert ends[0] - begun - 1.2 * batches.HELD == pytest.approx(
            timedelta(seconds=site.undo_seconds), abs=timedelta(seconds=5)
        )


def test_many_decisions_are_few_statements(
    database: Database, workshop: Workshop, chosen: Chosen, moderator: Moderator
) -> None:
    """A batch of 5,000 and its undo took minutes when each comment was asked for, and held back, by itself."""
    batch_id = chosen(50)
    with heard(database.engine) as asked, database.session() as session:
        batches.step(session, batch_id)
        batches.undo(session, batch_id, moderator=moderator)
        batches.step(session, batch_id)
        session.commit()
    assert len([one for one in asked if not one.statement.startswith("INSERT")]) < 45
    assert _count(database, Status.PENDING) == 50


def test_an_undo_after_the_site_has_heard_sends_the_opposite_decision(
    database: Database, workshop: Workshop, chosen: Chosen, moderator: Moderator
) -> None:
    batch_id = chosen(2, Outcome.DELETE)
    tasks.batch()
    with database.session() as session:
        session.execute(update(Delivery).values(not_before=now(), due_at=None, delivered_at=now(), attempts=1))
        batches.undo(session, batch_id, moderator=moderator)
        session.commit()
    tasks.batch()
    assert _count(database, Status.APPROVED) == 2
    with database.session(read_only=True) as session:
        waiting = session.scalars(select(Delivery).where(Delivery.delivered_at.is_(None))).all()
        assert [delivery.decision.outcome for delivery in waiting] == [Outcome.APPROVE] * 2


def test_an_undo_leaves_alone_what_somebody_decided_since(
    database: Database, workshop: Workshop, chosen: Chosen, moderator: Moderator
) -> None:
    batch_id = chosen(1)
    tasks.batch()
    with database.session() as session:
        comment = session.scalars(select(Comment)).one()
        decisions.decide(session, comment.id, Outcome.DELETE, moderator=moderator, seen=Seen(1, Status.APPROVED))
        batches.undo(session, batch_id, moderator=moderator)
        session.commit()
    tasks.batch()
    assert _count(database, Status.DELETED) == 1
    with database.session(read_only=True) as session:
        assert [item.taken_back for item in batches.left_out(session, batch_id)] == ["decided"]


def test_only_its_maker_or_an_admin_takes_a_batch_back(
    database: Database, chosen: Chosen, moderator: Moderator
) -> None:
    batch_id = chosen(1)
    with database.session() as session:
        other = Moderator(name="else", password_hash="-", role=Role.MODERATOR)
        session.add(other)
        session.flush()
        with pytest.raises(Forbidden):
            batches.undo(session, batch_id, moderator=other)


@pytest.mark.parametrize("has_heard", [False, True])
def test_what_an_admin_takes_back_of_somebody_elses_batch_bears_the_admins_name(
    database: Database, workshop: Workshop, chosen: Chosen, moderator: Moderator, admin: Moderator, *, has_heard: bool
) -> None:
    batch_id = chosen(1)
    tasks.batch()
    with database.session() as session:
        if has_heard:
            session.execute(update(Delivery).values(not_before=now(), due_at=None, delivered_at=now(), attempts=1))
        batches.undo(session, batch_id, moderator=admin)
        session.get_one(Moderator, moderator.id).disabled_at = now()  # whose batch it was is no matter any more
        session.commit()
    tasks.batch()
    with database.session(read_only=True) as session:
        made = session.scalars(select(Decision).order_by(Decision.id)).all()
        back = Outcome.DELETE if has_heard else Outcome.UNDO
        assert [(one.moderator_id, one.outcome) for one in made] == [(moderator.id, "approve"), (admin.id, back)]
        noted = session.scalars(select(AuditEntry).where(AuditEntry.deed.in_([back, "batch_undo"])))
        assert {entry.moderator_id for entry in noted} == {admin.id}


def test_a_rule_of_another_site_is_no_reason(database: Database, chosen: Chosen, moderator: Moderator) -> None:
    chosen(1)
    with database.session() as session:
        rule = sites.add_site(session, slug="nachbarblatt", name="Nachbarblatt").house_rules[0]
        made_up = (rule.id, "not one of this site's"), (4711, "no rule 4711")
        for rule_id, problem in made_up:
            with pytest.raises(BadInput, match=problem):
                batches.create(
                    session, pending(Filters()), moderator=moderator, outcome=Outcome.DELETE, rule_id=rule_id
                )


def test_nothing_chosen_is_no_batch(database: Database, chosen: Chosen) -> None:
    with pytest.raises(BadInput):
        chosen(0)
