"""The queue: filters from an address, orders by keyset at any depth, counts that are derived."""

import itertools
from datetime import timedelta
from typing import Any

import pytest
from sqlalchemy import text
from sqlalchemy.orm import Session

from moderation import queue, sites
from moderation.db import Database, now
from moderation.errors import BadInput, NotFound, StaleView
from moderation.models import Assessment, Comment, Deferral, Moderator, Site, Status
from moderation.queue import Filters, Order, deferrals
from moderation.queue.pages import statement as statement_of
from moderation.rules import Advice
from tests.stories import add_article, add_comment


def _judge(session: Session, comment: Comment, **changes: Any) -> None:
    values = {"relevance": 0.5, "disrespect": 0.5, "kinds": {}, "advice": Advice.REVIEW, "language": "de"} | changes
    session.add(Assessment(comment_id=comment.id, revision=comment.revision, **values))


@pytest.fixture
def eleven(database: Database, site: Site, moderator: Moderator) -> None:
    """Comments that differ in one thing each."""
    with database.session() as session:
        sports = add_article(session, site, external_id="derby", title="Derby", section="Sport")
        other = sites.add_site(session, slug="inselbote", name="Inselbote")
        session.flush()
        rule = session.get_one(Site, site.id).house_rules[0]
        changes: dict[str, dict[str, Any]] = {
            "sports": {"article": sports},
            "elsewhere": {"_site": other, "article": add_article(session, other)},
            "old": {"submitted_at": now() - timedelta(hours=3)},
            "answer": {"parent_external_id": "old"},
            "unjudged": {"_judged": None},
            "failed": {"_judged": {"not_scored": "failed", "relevance": None, "disrespect": None, "language": None}},
            "english": {"_judged": {"language": "en-GB"}},
            "rude": {"_judged": {"disrespect": 0.95, "rule_id": rule.id}},
            "astray": {"_judged": {"relevance": 0.05}},
            "deferred": {},
            "approved": {"status": Status.APPROVED},
        }
        for name, values in changes.items():
            judged = values.pop("_judged", {})
            comment = add_comment(session, values.pop("_site", site), external_id=name, **values)
            if judged is not None:
                _judge(session, comment, **judged)
            if name == "deferred":
                session.add(Deferral(comment_id=comment.id, moderator_id=moderator.id, note="Redaktion fragen"))
        session.commit()


def _found(database: Database, **given: str) -> set[str]:
    with database.session(read_only=True) as session:
        filters = Filters.parse(given)
        found = {comment.external_id for comment in queue.page(session, filters).comments}
        assert queue.count(session, filters) == len(found)
        return found


@pytest.mark.usefixtures("eleven")
def test_each_filter_finds_what_it_says(database: Database) -> None:
    everything = _found(database)
    assert len(everything) == 9
    assert _found(database, section="Sport") == {"sports"}
    assert _found(database, article="1") == {"sports"}
    assert _found(database, site="inselbote") == {"elsewhere"}
    assert _found(database, site="foerdeblick") == everything - {"elsewhere"}
    assert _found(database, older="60") == {"old"}
    assert _found(database, younger="60") == everything - {"old"}
    assert _found(database, replies="yes") == {"answer"}
    assert _found(database, replies="no") == everything - {"answer"}
    assert _found(database, scored="no") == {"unjudged", "failed"}
    assert _found(database, scored="yes") == everything - {"unjudged", "failed"}
    assert _found(database, language="en") == {"english"}
    assert _found(database, disrespect_from="0.9") == {"rude"}
    assert _found(database, rule="1") == {"rude"}
    assert _found(database, relevance_to="0,1") == {"astray"}
    assert _found(database, relevance_from="0.1", relevance_to="0.9", disrespect_to="0.9", language="en") == {"english"}
    assert _found(database, deferred="yes") == {"deferred"}
    assert _found(database, site="nowhere") == set()


def test_filters_go_into_an_address_and_come_back() -> None:
    given = {"site": "a", "article": "7", "relevance_from": "0.25", "replies": "no", "scored": "yes"}
    filters = Filters.parse(given)
    assert Filters.parse(filters.address()) == filters
    assert filters.address() == given
    assert filters.without("site", "article").address() == {
        "relevance_from": "0.25",
        "replies": "no",
        "scored": "yes",
    }


def test_names_that_mean_nothing_are_remembered_and_empty_values_ask_for_nothing() -> None:
    filters = Filters.parse({"colour": "red", "site": " ", "after": "x"}, beside=frozenset({"after"}))
    assert (filters.unknown, filters.address()) == (("colour",), {})


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("article", "x"),
        ("article", "-1"),
        ("rule", "9" * 30),
        ("older", "1e3"),
        ("relevance_from", "nan"),
        ("relevance_to", "1.1"),
        ("disrespect_from", "high"),
        ("scored", "maybe"),
        ("section", "x" * 201),
        ("site", "\0"),
    ],
)
def test_a_value_that_cannot_be_names_its_filter(name: str, value: str) -> None:
    with pytest.raises(BadInput) as refused:
        Filters.parse({name: value})
    assert refused.value.field == name


@pytest.mark.parametrize("order", Order)
def test_every_order_shows_every_comment_once_whatever_is_decided_meanwhile(
    database: Database, site: Site, order: Order
) -> None:
    with database.session() as session:
        articles = [add_article(session, site, external_id=str(number)) for number in range(3)]
        moment = now()
        for number in range(70):
            add_comment(
                session,
                site,
                article=articles[number % 3],
                concern=number % 5 / 5,
                submitted_at=moment - timedelta(minutes=number % 7),
            )
        session.flush()
        seen: list[int] = []
        after: str | None = None
        for _ in itertools.count():
            page = queue.page(session, order=order, after=after, limit=9)
            seen += [comment.id for comment in page.comments]
            page.comments[-1].status = Status.APPROVED  # the place in the list does not depend on it
            session.flush()
            after = page.next
            if after is None:
                break
    assert sorted(seen) == list(range(1, 71))


@pytest.mark.parametrize("order", Order)
def test_every_order_reads_its_own_index_from_the_cursor_on(database: Database, site: Site, order: Order) -> None:
    """The condition must narrow the index, not only filter what is read from its start."""
    with database.session() as session:
        add_comment(session, site)
        session.flush()
        statement = statement_of(Filters(), order=order, after="0.5:7").limit(31)
        compiled = statement.compile(session.get_bind(), compile_kwargs={"literal_binds": True})
        if session.get_bind().dialect.name == "sqlite":
            plan = " ".join(row[3] for row in session.execute(text(f"EXPLAIN QUERY PLAN {compiled}")))
            column = {
                "worst": "concern<",
                "easiest": "uncertainty>",
                "open": "uncertainty<",
                "oldest": "submitted_at>",
                "article": "article_id>",
            }
            assert "SEARCH comment USING INDEX ix_comment_" in plan
            assert column[order] in plan
        else:
            session.execute(text("SET LOCAL enable_seqscan = off; SET LOCAL enable_sort = off"))
            plan = "\n".join(row[0] for row in session.execute(text(f"EXPLAIN {compiled}")))
            assert "Index Cond: ((" in plan or "Index Cond: (" in plan
        assert "TEMP B-TREE" not in plan


def test_a_count_stops_where_it_is_told(database: Database, site: Site) -> None:
    with database.session() as session:
        for _ in range(7):
            add_comment(session, site)
        assert queue.count(session, at_most=5) == 5
        assert queue.count(session) == 7


def test_what_cannot_be_put_off_is_told_why(database: Database, site: Site, moderator: Moderator) -> None:
    with database.session() as session:
        comment = add_comment(session, site)
        mona = session.get_one(Moderator, moderator.id)
        with pytest.raises(BadInput, match="at most"):
            deferrals.defer(session, comment.id, moderator=mona, note="x" * 501)
        with pytest.raises(NotFound):
            deferrals.defer(session, comment.id + 1, moderator=mona, note="")
        first = deferrals.defer(session, comment.id, moderator=mona, note="Ressort fragen")
        assert deferrals.defer(session, comment.id, moderator=mona, note="anders").note == first.note
        deferrals.take_up(session, comment.id)
        comment.status = Status.APPROVED
        session.flush()
        with pytest.raises(StaleView):
            deferrals.defer(session, comment.id, moderator=mona, note="")
