"""Decisions that a site made elsewhere come in as labels: once, in order, and nothing is sent back."""

from datetime import UTC, datetime, timedelta

import pytest
from sqlalchemy import func, select
from sqlalchemy.exc import IntegrityError

from moderation import decisions, history
from moderation.contract import CommentData
from moderation.db import Database
from moderation.decisions import Seen
from moderation.models import Comment, Decision, Delivery, Maker, Moderator, Outcome, Site, Status
from tests.senders import comment as sent

LONG_AGO = datetime(2024, 3, 1, 12, tzinfo=UTC)


def _data(**changes: object) -> CommentData:
    return CommentData.model_validate(sent(submitted_at=LONG_AGO.isoformat(), **changes))


def _record(database: Database, site: Site, outcome: Outcome, at: datetime = LONG_AGO) -> int:
    with database.session() as session:
        comment = history.record(session, session.get_one(Site, site.id), _data(), outcome=outcome, decided_at=at)
        session.commit()
        return comment.id


def test_a_comment_comes_with_its_decision_and_its_date(database: Database, site: Site) -> None:
    comment_id = _record(database, site, Outcome.DELETE)
    with database.session(read_only=True) as session:
        comment = session.get_one(Comment, comment_id)
        assert comment.status is Status.DELETED
        assert comment.due_at is not None, "it is judged, so that a model can learn from it"
        (decision,) = comment.decisions
        assert (decision.maker, decision.moderator, decision.decided_at) == (Maker.SITE, None, LONG_AGO)
        assert session.scalar(select(func.count()).select_from(Delivery)) == 0


def test_the_same_news_twice_is_one_decision(database: Database, site: Site) -> None:
    comment_id = _record(database, site, Outcome.APPROVE)
    assert _record(database, site, Outcome.APPROVE, LONG_AGO + timedelta(days=1)) == comment_id
    with database.session(read_only=True) as session:
        assert len(session.get_one(Comment, comment_id).decisions) == 1


def test_a_change_of_mind_is_the_newer_decision(database: Database, site: Site) -> None:
    _record(database, site, Outcome.APPROVE)
    comment_id = _record(database, site, Outcome.DELETE, LONG_AGO + timedelta(days=1))
    with database.session(read_only=True) as session:
        comment = session.get_one(Comment, comment_id)
        assert comment.status is Status.DELETED
        assert [decision.outcome for decision in comment.decisions] == [Outcome.APPROVE, Outcome.DELETE]


def test_old_news_does_not_overrule_our_moderators(database: Database, site: Site, moderator: Moderator) -> None:
    comment_id = _record(database, site, Outcome.APPROVE)
    with database.session() as session:
        who = session.get_one(Moderator, moderator.id)
        decisions.decide(session, comment_id, Outcome.DELETE, moderator=who, seen=Seen(1, Status.APPROVED))
        session.commit()
    _record(database, site, Outcome.APPROVE, LONG_AGO + timedelta(hours=1))
    with database.session(read_only=True) as session:
        assert session.get_one(Comment, comment_id).status is Status.DELETED


@pytest.mark.parametrize("maker", [Maker.RULE, Maker.SITE])
def test_only_moderators_decide_in_somebodys_name(
    database: Database, site: Site, moderator: Moderator, maker: Maker
) -> None:
    comment_id = _record(database, site, Outcome.APPROVE)
    with database.session() as session:
        named = Decision(
            comment_id=comment_id, revision=1, outcome=Outcome.DELETE, maker=maker, moderator_id=moderator.id
        )
        session.add(named)
        with pytest.raises(IntegrityError):
            session.flush()
