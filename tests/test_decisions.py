"""Decisions: by compare-and-set, appended for ever, and taken back only while the site has not heard."""

import threading
from datetime import timedelta

import pytest
import time_machine
from sqlalchemy import select

from moderation import decisions, delivery, sites
from moderation.db import Database, now
from moderation.decisions import Seen
from moderation.errors import BadInput, NotFound, StaleView
from moderation.models import Comment, Decision, Delivery, Moderator, Outcome, Site, Status
from tests.stories import add_comment

FIRST = Seen(revision=1)


@pytest.fixture
def waiting(database: Database, site: Site) -> int:
    """A comment that waits for a decision."""
    with database.session() as session:
        comment = add_comment(session, site)
        session.commit()
        return comment.id


def _decide(database: Database, comment: int, outcome: Outcome, moderator: Moderator, seen: Seen = FIRST) -> int:
    with database.session() as session:
        decision = decisions.decide(session, comment, outcome, moderator=moderator, seen=seen)
        session.commit()
        return decision.id


def _status(database: Database, comment: int) -> Status:
    with database.session(read_only=True) as session:
        return session.get_one(Comment, comment).status


def test_a_decision_waits_out_the_undo_window(database: Database, waiting: int, moderator: Moderator) -> None:
    _decide(database, waiting, Outcome.APPROVE, moderator)
    with database.session(read_only=True) as session:
        sent = session.scalars(select(Delivery)).one()
        assert sent.due_at is not None
        assert sent.due_at == sent.decision.decided_at + timedelta(seconds=10)


def test_the_same_outcome_again_is_no_second_decision(database: Database, waiting: int, moderator: Moderator) -> None:
    first = _decide(database, waiting, Outcome.APPROVE, moderator)
    assert _decide(database, waiting, Outcome.APPROVE, moderator) == first


def test_the_other_outcome_on_a_stale_view_is_refused(database: Database, waiting: int, moderator: Moderator) -> None:
    _decide(database, waiting, Outcome.APPROVE, moderator)
    with pytest.raises(StaleView, match="mona decided otherwise"):
        _decide(database, waiting, Outcome.DELETE, moderator)


def test_what_was_taken_back_meanwhile_is_not_decided_otherwise_unseen(
    database: Database, waiting: int, moderator: Moderator
) -> None:
    made = _decide(database, waiting, Outcome.APPROVE, moderator)
    with database.session() as session:
        decisions.undo(session, made, moderator=moderator)
        session.commit()
    with pytest.raises(StaleView, match="back in the queue"):
        _decide(database, waiting, Outcome.DELETE, moderator, Seen(revision=1, status=Status.APPROVED))
    assert _status(database, waiting) is Status.PENDING


def test_a_changed_text_is_not_decided_on_unseen(database: Database, waiting: int, moderator: Moderator) -> None:
    with database.session() as session:
        session.get_one(Comment, waiting).revision = 2
        session.commit()
    with pytest.raises(StaleView, match="changed the text"):
        _decide(database, waiting, Outcome.APPROVE, moderator)
    assert _status(database, waiting) is Status.PENDING


def test_a_withdrawn_comment_cannot_be_decided(database: Database, waiting: int, moderator: Moderator) -> None:
    with database.session() as session:
        session.get_one(Comment, waiting).status = Status.WITHDRAWN
        session.commit()
    for seen in (FIRST, Seen(revision=1, status=Status.WITHDRAWN)):
        with pytest.raises(StaleView, match="took this comment back"):
            _decide(database, waiting, Outcome.APPROVE, moderator, seen)


def test_an_unknown_comment_is_not_found(database: Database, moderator: Moderator) -> None:
    with pytest.raises(NotFound):
        _decide(database, 4711, Outcome.APPROVE, moderator)


def test_a_rule_of_another_site_cannot_be_cited(database: Database, waiting: int, moderator: Moderator) -> None:
    with database.session() as session:
        other = sites.add_site(session, slug="other", name="Other")
        with pytest.raises(BadInput, match="not one of this site's house rules"):
            decisions.decide(
                session,
                waiting,
                Outcome.DELETE,
                moderator=moderator,
                seen=FIRST,
                rule_id=other.house_rules[0].id,
            )


def test_undo_puts_the_comment_back_and_nothing_is_sent(database: Database, waiting: int, moderator: Moderator) -> None:
    decision = _decide(database, waiting, Outcome.DELETE, moderator)
    with database.session() as session:
        decisions.undo(session, decision, moderator=moderator)
        session.commit()
    assert _status(database, waiting) is Status.PENDING
    with database.session(read_only=True) as session:
        assert session.scalars(select(Delivery.due_at)).one() is None
        assert session.scalars(select(Decision.outcome).order_by(Decision.id)).all() == [Outcome.DELETE, Outcome.UNDO]


def test_undo_twice_is_refused(database: Database, waiting: int, moderator: Moderator) -> None:
    decision = _decide(database, waiting, Outcome.DELETE, moderator)
    with database.session() as session:
        decisions.undo(session, decision, moderator=moderator)
        with pytest.raises(StaleView):
            decisions.undo(session, decision, moderator=moderator)


def test_undo_is_too_late_once_the_delivery_was_claimed(
    database: Database, pushed: Site, waiting: int, moderator: Moderator
) -> None:
    decision = _decide(database, waiting, Outcome.DELETE, moderator)
    with database.session() as session:
        assert delivery.claim(session, limit=10, lease=timedelta(seconds=30))
        session.commit()
    with database.session() as session, pytest.raises(StaleView, match="too late"):
        decisions.undo(session, decision, moderator=moderator)
    assert _status(database, waiting) is Status.DELETED


def test_a_decided_comment_can_be_decided_the_other_way(database: Database, waiting: int, moderator: Moderator) -> None:
    _decide(database, waiting, Outcome.APPROVE, moderator)
    _decide(database, waiting, Outcome.DELETE, moderator, Seen(revision=1, status=Status.APPROVED))
    assert _status(database, waiting) is Status.DELETED
    with database.session(read_only=True) as session:
        waiting_deliveries = session.scalars(select(Delivery).where(Delivery.due_at.is_not(None))).all()
        assert [one.decision.outcome for one in waiting_deliveries] == [Outcome.DELETE]


def test_of_many_moderators_at_once_one_decides(database: Database, waiting: int, moderator: Moderator) -> None:
    start = threading.Barrier(6)
    refused: list[StaleView] = []

    def decide(outcome: Outcome) -> None:
        start.wait()
        try:
            _decide(database, waiting, outcome, moderator)
        except StaleView as error:
            refused.append(error)

    threads = [threading.Thread(target=decide, args=(outcome,)) for outcome in [Outcome.APPROVE, Outcome.DELETE] * 3]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(refused) == 3
    with database.session(read_only=True) as session:
        assert len(session.scalars(select(Decision)).all()) == 1
        assert len(session.scalars(select(Delivery)).all()) == 1


def test_the_last_decision_that_can_be_undone_is_offered(
    database: Database, waiting: int, moderator: Moderator
) -> None:
    decision = _decide(database, waiting, Outcome.APPROVE, moderator)
    with database.session() as session:
        offered = decisions.undoable(session, moderator=moderator)
        assert offered is not None
        assert offered.id == decision
        session.scalars(select(Delivery)).one().not_before = now()
        session.flush()
        assert decisions.undoable(session, moderator=moderator) is None


def test_a_later_decision_bears_a_later_time_even_where_clocks_differ(
    database: Database, site: Site, moderator: Moderator
) -> None:
    """The site goes by the time: one web process's clock was ahead, the other's is right."""
    with database.session() as session:
        comment = add_comment(session, site)
        with time_machine.travel(now() + timedelta(seconds=20)):
            first = decisions.decide(session, comment.id, Outcome.APPROVE, moderator=moderator, seen=Seen(1))
        second = decisions.reverse(session, first.id, moderator=moderator)
        assert second.decided_at > first.decided_at
