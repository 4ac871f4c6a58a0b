"""New comments that arrive while others are written: together in one transaction, each with its own outcome."""

from collections.abc import Callable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from datetime import datetime
from typing import Any

import pytest
from sqlalchemy import event, select
from sqlalchemy.exc import StatementError

from moderation import sites
from moderation.contract import CommentCreated, parse_event
from moderation.db import Database
from moderation.errors import NotFound
from moderation.intake import Receipt
from moderation.models import Comment, Site
from moderation.views.arrivals import Arrivals
from tests.senders import comment
from tests.waiting import until

Meet = Callable[..., list[Future[Receipt]]]


def _created(name: str, **changes: Any) -> CommentCreated:
    parsed = parse_event({"type": "comment.created", "data": comment(id=name, **changes)})
    assert isinstance(parsed, CommentCreated)
    return parsed


@pytest.fixture
def commits(database: Database) -> list[int]:
    """Grows with every commit."""
    return []


@pytest.fixture
def meet(database: Database, site: Site, commits: list[int]) -> Iterator[Meet]:
    """Takes in a first comment, and others while its commit is under way; each is (event, webhook id[, site])."""
    arrivals = Arrivals(database, max_characters=1000)
    pool = ThreadPoolExecutor(8)
    expected: list[Any] = []

    def take_its_time(_connection: object) -> None:
        commits.append(arrivals.waiting)
        if len(commits) == 1:
            until(lambda: arrivals.waiting == len(expected))

    def meet_(*others: tuple[Any, ...]) -> list[Future[Receipt]]:
        expected.extend(others)
        first = pool.submit(arrivals.take_in, site, _created("first"), webhook_id="msg_first")
        until(lambda: commits)
        came = [
            pool.submit(arrivals.take_in, *(own or (site,)), said, webhook_id=webhook_id)
            for said, webhook_id, *own in others
        ]
        return [first, *came]

    event.listen(database.engine, "commit", take_its_time)
    yield meet_
    event.remove(database.engine, "commit", take_its_time)
    pool.shutdown()


def _stored(database: Database) -> dict[tuple[int, str], str]:
    with database.session(read_only=True) as session:
        return {(comment.site_id, comment.external_id): comment.text for comment in session.scalars(select(Comment))}


def test_what_arrives_during_a_write_is_written_in_one_transaction(
    meet: Meet, commits: list[int], database: Database
) -> None:
    receipts = [one.result() for one in meet(*((_created(name), f"msg_{name}") for name in "abcde"))]
    assert [receipt.id for receipt in receipts] == ["first", *"abcde"]
    assert {receipt.status for receipt in receipts} == {"pending"}
    assert commits == [0, 0], "one for the first, one for all others"
    with database.session(read_only=True) as session:
        ids = dict(iter(session.execute(select(Comment.external_id, Comment.id))))
    assert {receipt.id: receipt.comment_id for receipt in receipts} == ids


def test_one_that_cannot_be_written_spoils_no_other(meet: Meet, database: Database) -> None:
    good = _created("good")
    without_zone = {"id": "broken", "submitted_at": datetime(2026, 7, 14)}
    broken = good.model_copy(update={"data": good.data.model_copy(update=without_zone)})
    _, one, two = meet((good, "msg_good"), (broken, "msg_broken"))
    assert one.result().status == "pending"
    with pytest.raises(StatementError):
        two.result()
    assert {name for _, name in _stored(database)} == {"first", "good"}


def test_a_webhook_that_is_sent_again_before_it_was_answered_changes_nothing(meet: Meet, database: Database) -> None:
    _, once, again, another = meet((_created("a"), "msg_1"), (_created("a"), "msg_1"), (_created("b"), "msg_1"))
    taken = [one for one in (once, again, another) if one.exception() is None]
    refused = [one.exception() for one in (once, again, another) if one not in taken]
    assert {type(error) for error in refused} <= {NotFound}, "nothing of another comment is known by this webhook"
    assert len({name for _, name in _stored(database)} - {"first"}) == 1


def test_a_comment_that_comes_twice_at_once_is_stored_once(meet: Meet, database: Database) -> None:
    _, one, two = meet((_created("a"), "msg_1"), (_created("a"), "msg_2"))
    assert one.result() == two.result()
    assert set(_stored(database)) == {(1, "first"), (1, "a")}


def test_what_two_sites_send_at_once_stays_apart(meet: Meet, database: Database) -> None:
    with database.session() as session:
        other = sites.add_site(session, slug="other", name="Other")
        session.commit()
        session.refresh(other)
        session.expunge(other)
    _, ours, theirs = meet((_created("a", text="Unser."), "msg_1"), (_created("a", text="Ihrer."), "msg_1", other))
    assert ours.result().comment_id != theirs.result().comment_id
    assert _stored(database).items() >= {((1, "a"), "Unser."), ((other.id, "a"), "Ihrer.")}
