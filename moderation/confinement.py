"""Whoever is confined to some sites reads and changes nothing of others, whatever the statement: their session knows.

Deny by default: a table that belongs to no site and is not named here is empty to whoever is confined.
"""

from collections.abc import Callable, Collection, Iterator, Mapping
from contextlib import contextmanager
from typing import Any

from sqlalchemy import (
    Alias,
    BigInteger,
    Boolean,
    Column,
    ColumnElement,
    Table,
    event,
    false,
    func,
    inspect,
    literal,
    select,
    true,
)
from sqlalchemy.ext.compiler import compiles
from sqlalchemy.orm import ORMExecuteState, Session, with_loader_criteria
from sqlalchemy.sql import visitors
from sqlalchemy.sql.functions import FunctionElement

from moderation.db import Base
from moderation.models import (
    Article,
    Authenticator,
    Channel,
    Comment,
    Decision,
    Moderator,
    Passkey,
    Quota,
    RecoveryCode,
    Role,
    Shift,
    ShiftLink,
    SignIn,
    Site,
    SiteRole,
)

OF_THE_HOUSE = frozenset({Authenticator, Moderator, Passkey, Quota, RecoveryCode, Shift, ShiftLink, SignIn})
"""What belongs to no site and yet is not hidden: who is here and how they get in. Pages show one's own of it."""

_HANGS_ON = {"channel_id": Channel, "comment_id": Comment, "decision_id": Decision, "article_id": Article}
"""Whose site a row has that does not name one itself; the first that it has counts."""


def sites_of(session: Session, moderator: Moderator) -> dict[int, Role] | None:
    """Return what a moderator may do at which site; None where they are not confined: all, as their role says."""
    if not moderator.confined:
        return None
    rows = session.execute(select(SiteRole.site_id, SiteRole.role).where(SiteRole.moderator_id == moderator.id))
    return dict(iter(rows))


FEW = 2_000
"""Comments of the sites up to which it costs less to gather all of them than to come upon them among all others."""


def confine(session: Session, site_ids: Collection[int]) -> Callable[[ORMExecuteState], None]:
    """Let a session see and change these sites only, from now on; return what listens to it.

    It reaches every statement with mapped classes: subqueries, CTEs, aliases, counts, updates, deletes, what an insert
    selects, `get`, and what relationships load. What it cannot reach is refused: SQL as text, unless whoever sends it
    says by `db.UNCONFINED` that they answer for it, and tables that are asked for past their classes. New rows are not
    looked at: whoever adds one has found before what it hangs on.
    """
    ids = sorted(site_ids)
    if _are_few(session, ids):
        criteria = with_loader_criteria(Base, lambda row: _gathered(row, ids), include_aliases=True)
    else:
        criteria = with_loader_criteria(Base, lambda row: _come_upon(row, ids), include_aliases=True)

    def restrict(execution: ORMExecuteState) -> None:
        if execution.is_column_load or execution.execution_options.get("unconfined"):
            return  # what is loaded anew was seen before
        if not execution.is_relationship_load:
            _refuse_unreached(execution)
        execution.statement = execution.statement.options(criteria)

    event.listen(session, "do_orm_execute", restrict)
    return restrict


def _are_few(session: Session, site_ids: Collection[int]) -> bool:
    """Whether the sites have but few comments: their index is read, and no further than it matters."""
    some = select(Comment.id).where(Comment.site_id.in_(site_ids)).limit(FEW + 1).subquery()
    return (session.scalar(select(func.count()).select_from(some)) or 0) <= FEW


def _refuse_unreached(execution: ORMExecuteState) -> None:
    """ValueError where a statement is text, or asks for a table past its mapped class: no criteria reach that."""
    known = execution.is_select or execution.is_insert or execution.is_update or execution.is_delete
    if not known or execution.is_from_statement:
        raise ValueError("SQL as text cannot be confined to sites; say db.UNCONFINED if it need not be.")
    statement: Any = execution.statement
    touched: set[str] = set()
    reached: set[str] = set()
    for part in visitors.iterate(statement):
        table: Any = part.table if isinstance(part, Column) else part
        while isinstance(table, Alias):
            table = table.element
        if isinstance(table, Table):
            (reached if "parentmapper" in part._annotations else touched).add(table.name)
    if touched - reached:
        raise ValueError(f"Ask for the mapped classes of {touched - reached}: only they can be confined to sites.")


@contextmanager
def as_seen_by(session: Session, moderator: Moderator) -> Iterator[None]:
    """Let a session see, for a while, what a moderator may see."""
    sites = sites_of(session, moderator)
    if sites is None:
        yield
        return
    listens = confine(session, sites)
    try:
        yield
    finally:
        event.remove(session, "do_orm_execute", listens)


def manages(sites: Mapping[int, Role] | None, role: Role, site_id: int | None) -> bool:
    """Whether somebody with this role in the house, or these at sites, is an admin of a site; of the house for None."""
    if sites is None:
        return role is Role.ADMIN
    return site_id is not None and sites.get(site_id) is Role.ADMIN


def _gathered(row: Any, site_ids: Collection[int]) -> ColumnElement[bool]:
    return _within(row, site_ids, _is_gathered)


def _come_upon(row: Any, site_ids: Collection[int]) -> ColumnElement[bool]:
    return _within(row, site_ids, _is_come_upon)


def _within(
    row: Any, site_ids: Collection[int], look: Callable[[Any, Collection[int]], ColumnElement[bool]]
) -> ColumnElement[bool]:
    """What must be true of the rows of a mapped class, or of an alias of it."""
    known = inspect(row, raiseerr=False)
    if known is None:
        return literal(0).in_(site_ids)  # tried once on what stands for any class, to see which values are bound
    if known.mapper.class_ in OF_THE_HOUSE:
        return true()
    if known.mapper.class_ is Site:
        named: ColumnElement[bool] = row.id.in_(site_ids)
        return named
    return look(row, site_ids)


def _is_gathered(row: Any, site_ids: Collection[int]) -> ColumnElement[bool]:
    """Whether a row is among all that the sites have: indexes lead to it, from the site or from what it hangs on."""
    if hasattr(row, "site_id"):
        named: ColumnElement[bool] = row.site_id.in_(site_ids)
        return _ByDialect(named, _by_its_id(row, site_ids)) if _is_comment(row) else named
    for name, model in _HANGS_ON.items():
        if hasattr(row, name):
            above = model.__table__.alias()
            among: ColumnElement[bool] = getattr(row, name).in_(
                select(above.c.id).where(_is_gathered(above.c, site_ids))
            )
            return among
    return false()


def _is_comment(row: Any) -> bool:
    mapper = inspect(row, raiseerr=False)
    return mapper is not None and mapper.mapper.class_ is Comment


def _by_its_id(row: Any, site_ids: Collection[int]) -> ColumnElement[bool]:
    theirs = Comment.__table__.alias()
    among: ColumnElement[bool] = row.id.in_(select(theirs.c.id).where(theirs.c.site_id.in_(site_ids)))
    return among


class _ByDialect(FunctionElement[bool]):
    """A condition as SQLite is told it, and as PostgreSQL is.

    Asked for a site's newest comment, PostgreSQL goes through all there are from the newest on, sure to meet one soon;
    a site that has been quiet has none there.
    """

    inherit_cache = True
    type = Boolean()


@compiles(_ByDialect, "sqlite")
def _for_sqlite(element: _ByDialect, compiler: Any, **options: Any) -> str:
    return str(compiler.process(element.clauses.clauses[0], **options))


@compiles(_ByDialect, "postgresql")
def _for_postgresql(element: _ByDialect, compiler: Any, **options: Any) -> str:
    return str(compiler.process(element.clauses.clauses[1], **options))


def _is_come_upon(row: Any, site_ids: Collection[int]) -> ColumnElement[bool]:
    """Whether a row that was come upon otherwise is of one of the sites."""
    site_id = _site_id(row)
    return false() if site_id is None else _AsItIs(site_id).in_(site_ids)


class _AsItIs(FunctionElement[int]):
    """A column that SQLite is not to look up in an index.

    It knows no numbers of rows, and would gather and sort all that a site has where the first thirty in an order that
    has an index are asked for. PostgreSQL knows better, and is left to it.
    """

    inherit_cache = True
    type = BigInteger()


@compiles(_AsItIs)
def _as_it_is(element: _AsItIs, compiler: Any, **options: Any) -> str:
    return str(compiler.process(element.clauses.clauses[0], **options))


@compiles(_AsItIs, "sqlite")
def _past_indexes(element: _AsItIs, compiler: Any, **options: Any) -> str:
    return "+" + _as_it_is(element, compiler, **options)


def _site_id(row: Any) -> ColumnElement[int] | None:
    """The site of a row of a mapped class, or of an alias's columns: what it says, else what it hangs on says."""
    if hasattr(row, "site_id"):
        named: ColumnElement[int] = row.site_id
        return named
    for name, model in _HANGS_ON.items():
        if hasattr(row, name):
            above = model.__table__.alias()
            said: Any = _site_id(above.c)
            return select(said).where(above.c.id == getattr(row, name)).scalar_subquery()
    return None
