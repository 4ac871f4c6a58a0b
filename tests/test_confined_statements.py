"""A session that is confined to sites reads and changes theirs alone, whatever the statement."""

from collections.abc import Callable
from typing import Any

import pytest
from sqlalchemy import delete, exists, func, literal, select, text, union, update
from sqlalchemy.orm import Session, aliased, contains_eager, joinedload, selectinload

from moderation import confinement, decisions, sites
from moderation.confinement import OF_THE_HOUSE, as_seen_by, confine
from moderation.db import UNCONFINED, Base, Database, insert_into
from moderation.decisions import Seen
from moderation.models import (
    Article,
    AuditEntry,
    Claim,
    Comment,
    Decision,
    Delivery,
    Moderator,
    Outcome,
    Role,
    Site,
    Traits,
)
from tests.conftest import SERVER
from tests.statements import heard
from tests.stories import add_comment


@pytest.fixture(params=[confinement.FEW, 0], ids=["few", "many"])
def _sites_of_any_size(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> None:
    """Rows are looked for in one way where sites have few comments, and in another where they have many."""
    monkeypatch.setattr(confinement, "FEW", request.param)


@pytest.fixture
def two(database: Database, moderator: Moderator) -> tuple[int, int]:
    """The ids of two sites with three comments and two decisions each; the second site's are what is looked for."""
    with database.session() as session:
        made = []
        for slug in ("a", "b"):
            site = sites.add_site(session, slug=slug, name=slug)
            comments = [add_comment(session, site, text=f"{slug} {number}") for number in range(3)]
            for comment in comments[:2]:
                decisions.decide(session, comment.id, Outcome.DELETE, moderator=moderator, seen=Seen(1))
                session.add(Traits(comment_id=comment.id, revision=1, content=b""))
            made.append(site.id)
        session.commit()
    return made[0], made[1]


first, second = aliased(Decision), aliased(Decision)
theirs = aliased(Comment)
READ: dict[str, tuple[Any, int]] = {
    "rows": (select(Comment), 3),
    "a column": (select(Comment.text), 3),
    "a count": (select(func.count()).select_from(select(Comment.id).limit(9).subquery()), 3),
    "a count of what hangs on comments": (select(func.count()).select_from(Decision), 2),
    "a count without columns": (select(func.count()).where(Comment.id > 0), 3),
    "a count in a row": (select(select(func.count(Delivery.id)).scalar_subquery()), 2),
    "an alias": (select(theirs.id), 3),
    "an alias that is joined": (
        select(first.id)
        .join(second, second.comment_id == first.comment_id)
        .join(theirs, theirs.id == first.comment_id),
        2,
    ),
    "a CTE": (select(select(Comment.id).cte("c").c.id), 3),
    "a union": (union(select(Comment.id), select(Article.id + 1000)), 4),
    "what exists": (select(Site.id).where(exists().where(Decision.comment_id == Comment.id)), 1),
    "what is joined at once": (select(Comment).options(joinedload(Comment.site), joinedload(Comment.article)), 3),
    "what is loaded after": (select(Comment).options(selectinload(Comment.decisions)), 3),
    "what was joined by hand": (
        select(Decision).join(Decision.delivery).options(contains_eager(Decision.delivery)),
        2,
    ),
    "what is grouped": (select(Comment.site_id, func.count()).group_by(Comment.site_id), 1),
    "what is locked": (select(Comment.id).with_for_update(), 3),
    "the audit log": (select(AuditEntry), 0),
}
CHANGE: dict[str, tuple[Callable[[Session], Any], int]] = {
    "an update": (lambda _: update(Comment).values(text="x").execution_options(synchronize_session=False), 3),
    "an update of what hangs on comments": (
        lambda _: update(Decision).values(revision=1).execution_options(synchronize_session=False),
        2,
    ),
    "an update by a subquery": (
        lambda _: (
            update(Delivery)
            .where(Delivery.decision_id.in_(select(Decision.id)))
            .values(attempts=1)
            .execution_options(synchronize_session=False)
        ),
        2,
    ),
    "a delete": (lambda _: delete(Traits).execution_options(synchronize_session=False), 2),
    "an insert of what is selected": (
        lambda session: (
            insert_into(session, Claim)
            .from_select(
                [Claim.comment_id, Claim.moderator_id, Claim.expires_at],
                select(Comment.id, literal(1), Comment.submitted_at),
            )
            .returning(Claim.comment_id)
        ),
        3,
    ),
}


@pytest.mark.usefixtures("_sites_of_any_size")
@pytest.mark.parametrize("what", READ)
def test_what_is_read_is_of_these_sites(database: Database, two: tuple[int, int], what: str) -> None:
    statement, expected = READ[what]
    for site_ids, times in (([two[1]], 1), ([], 0), ([*two], 2), ([two[0]], 1)):
        with database.session() as session:
            confine(session, site_ids)
            found = session.execute(statement).unique().all()
        number = found[0][0] if "count" in what else len(found)
        assert number == times * expected


@pytest.mark.usefixtures("_sites_of_any_size")
@pytest.mark.parametrize("what", CHANGE)
def test_what_is_changed_is_of_these_sites(database: Database, two: tuple[int, int], what: str) -> None:
    made, expected = CHANGE[what]
    for site_ids, times in (([two[1]], 1), ([], 0), ([*two], 2)):
        with database.session() as session:
            confine(session, site_ids)
            done: Any = session.execute(made(session))
            number = done.rowcount if hasattr(done, "rowcount") else len(done.all())
            assert number == times * expected


@pytest.mark.skipif(SERVER is not None, reason="PostgreSQL reads small tables whole, and knows when not to")
def test_a_small_site_is_not_looked_for_among_all_others(database: Database, two: tuple[int, int]) -> None:
    """With a million comments at another site that took seconds, for each desk every few seconds."""
    with heard(database.engine) as asked, database.session(read_only=True) as session:
        confine(session, [two[1]])
        for model in (Comment, Decision, Delivery):
            session.scalar(select(func.max(model.id)))
    with database.engine.connect() as connection:
        for statement, values in asked[-3:]:
            plan = connection.exec_driver_sql(f"EXPLAIN QUERY PLAN {statement}", values).all()
            assert not [step for *_, step in plan if step.startswith("SCAN")], plan


def test_what_is_got_by_its_id_is_of_these_sites(database: Database, two: tuple[int, int]) -> None:
    with database.session(read_only=True) as session:
        ids = {
            site_id: session.scalars(select(Comment.id).where(Comment.site_id == site_id)).first() for site_id in two
        }
    with database.session(read_only=True) as session:
        confine(session, [two[1]])
        assert session.get(Comment, ids[two[0]]) is None
        mine = session.get_one(Comment, ids[two[1]])
        assert mine.site.id == two[1]
        assert mine.decisions[0].comment is mine


@pytest.mark.parametrize(
    "statement",
    [
        text("SELECT text FROM comment"),
        select(Comment).from_statement(text("SELECT * FROM comment")),
        select(Comment.__table__.c.text),
        select(Comment.__table__.alias().c.text),
        select(func.count()).select_from(Comment.__table__),
        select(Site.id).where(select(Decision.__table__.c.id).exists()),
        update(Comment.__table__).values(text="x"),
        delete(Traits.__table__),
    ],
    ids=str,
)
def test_what_cannot_be_confined_is_refused(database: Database, two: tuple[int, int], statement: Any) -> None:
    with database.session() as session:
        confine(session, [two[1]])
        with pytest.raises(ValueError, match="confined to sites"):
            session.execute(statement)
        session.execute(text("SELECT 1"), execution_options=UNCONFINED)


def test_whoever_is_not_confined_asks_as_ever(database: Database, moderator: Moderator, two: tuple[int, int]) -> None:
    with database.session() as session:
        with as_seen_by(session, moderator):
            assert not session.dispatch.do_orm_execute
        assert session.scalar(select(func.count(Comment.id))) == 6


def test_for_a_while_a_session_sees_what_somebody_sees(database: Database, two: tuple[int, int]) -> None:
    with database.session() as session:
        mona = session.scalars(select(Moderator)).one()
        sites.confine_moderator(session, mona, {"b": Role.MODERATOR}, by=None)
        session.flush()
        confine(session, two)
        with as_seen_by(session, mona):
            assert session.scalar(select(func.count(Comment.id))) == 3
        assert session.scalar(select(func.count(Comment.id))) == 6


def test_every_table_belongs_to_a_site_or_is_named_as_of_the_house() -> None:
    """Else whoever is confined sees nothing of it: a new table asks to be thought about here."""
    models = {mapper.class_ for mapper in Base.registry.mappers}
    hidden = {model for model in models - OF_THE_HOUSE - {Site} if confinement._site_id(model) is None}
    assert hidden == {AuditEntry}
