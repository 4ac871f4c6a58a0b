"""New comments that are answered side by side: written in one transaction, each with its own outcome."""

from collections.abc import Callable, Iterator
from datetime import datetime
from functools import partial
from typing import Any

import pytest
from sqlalchemy import event, select
from sqlalchemy.exc import StatementError

from moderation import sites
from moderation.company import side_by_side
from moderation.contract import CommentCreated, parse_event
from moderation.db import Database
from moderation.errors import BadInput, NotFound
from moderation.intake import Receipt
from moderation.models import Comment, Site
from moderation.views.arrivals import Arrivals
from tests.senders import comment

Meet = Callable[..., list[Receipt | Exception]]


def _created(name: str, **changes: Any) -> CommentCreated:
    parsed = parse_event({"type": "comment.created", "data": comment(id=name, **changes)})
    assert isinstance(parsed, CommentCreated)
    return parsed


@pytest.fixture
def commits(database: Database) -> Iterator[list[str]]:
    """Grows with every commit."""
    made: list[str] = []

    def count(_connection: object) -> None:
        made.append("commit")

    event.listen(database.engine, "commit", count)
    yield made
    event.remove(database.engine, "commit", count)


@pytest.fixture
def meet(database: Database, site: Site) -> Meet:
    """Takes in comments side by side; each is (event, webhook id[, site])."""
    arrivals = Arrivals(database, max_characters=1000)

    def take_in(outcomes: dict[int, Receipt | Exception], place: int, said: Any, name: str, own: Site = site) -> None:
        try:
            outcomes[place] = arrivals.take_in(own, said, webhook_id=name)
        except Exception as error:
            outcomes[place] = error

    def meet_(*came: tuple[Any, ...]) -> list[Receipt | Exception]:
        outcomes: dict[int, Receipt | Exception] = {}
        side_by_side(partial(take_in, outcomes, place, *one) for place, one in enumerate(came))
        return [outcomes[place] for place in range(len(came))]

    return meet_


def _stored(database: Database) -> dict[tuple[int, str], str]:
    with database.session(read_only=True) as session:
        return {(comment.site_id, comment.external_id): comment.text for comment in session.scalars(select(Comment))}


def test_what_is_answered_side_by_side_is_written_in_one_transaction(
    meet: Meet, commits: list[str], database: Database
) -> None:
    receipts = meet(*((_created(name), f"msg_{name}") for name in "abcde"))
    assert len(commits) == 1
    with database.session(read_only=True) as session:
        ids = dict(iter(session.execute(select(Comment.external_id, Comment.id))))
    assert receipts == [Receipt(name, "pending", ids[name]) for name in "abcde"]


def test_one_that_is_alone_is_written_at_once(site: Site, database: Database, commits: list[str]) -> None:
    arrivals = Arrivals(database, max_characters=1000)
    assert arrivals.take_in(site, _created("a"), webhook_id="msg_a").status == "pending"
    assert len(commits) == 1


def test_one_that_cannot_be_written_spoils_no_other(meet: Meet, database: Database) -> None:
    good = _created("good")
    without_zone = {"id": "broken", "submitted_at": datetime(2026, 7, 14)}
    broken = good.model_copy(update={"data": good.data.model_copy(update=without_zone)})
    one, two, three = meet((good, "msg_good"), (broken, "msg_broken"), (_created("late"), "msg_late"))
    assert isinstance(one, Receipt)
    assert isinstance(two, StatementError)
    assert isinstance(three, Receipt)
    assert {name for _, name in _stored(database)} == {"good", "late"}


def test_one_that_is_refused_before_it_is_written_spoils_no_other(meet: Meet, database: Database) -> None:
    long, fine = meet((_created("long", text="x" * 1001), "msg_long"), (_created("fine"), "msg_fine"))
    assert isinstance(long, BadInput)
    assert isinstance(fine, Receipt)
    assert {name for _, name in _stored(database)} == {"fine"}


def test_a_webhook_that_is_sent_again_before_it_was_answered_changes_nothing(meet: Meet, database: Database) -> None:
    came = meet((_created("a"), "msg_1"), (_created("a"), "msg_1"), (_created("b"), "msg_1"))
    refused = [one for one in came if isinstance(one, Exception)]
    assert {type(error) for error in refused} <= {NotFound}, "nothing of another comment is known by this webhook"
    assert len(_stored(database)) == 1


def test_a_comment_that_comes_twice_at_once_is_stored_once(meet: Meet, database: Database) -> None:
    one, two = meet((_created("a"), "msg_1"), (_created("a"), "msg_2"))
    assert one == two
    assert set(_stored(database)) == {(1, "a")}


def test_what_two_sites_send_at_once_stays_apart(meet: Meet, database: Database) -> None:
    with database.session() as session:
        other = sites.add_site(session, slug="other", name="Other")
        session.commit()
        session.refresh(other)
        session.expunge(other)
    ours, theirs = meet((_created("a", text="Unser."), "msg_1"), (_created("a", text="Ihrer."), "msg_1", other))
    assert isinstance(ours, Receipt)
    assert isinstance(theirs, Receipt)
    assert ours.comment_id != theirs.comment_id
    assert _stored(database).items() >= {((1, "a"), "Unser."), ((other.id, "a"), "Ihrer.")}
