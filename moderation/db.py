"""The database: base class, engine, sessions, the time, and the one way to claim work. Knows no table by name."""

import sqlite3
import time
from collections.abc import Callable, Sequence
from datetime import UTC, datetime, timedelta
from functools import cache
from typing import Any, TypeVar

from pydantic_core import to_json
from sqlalchemy import (
    JSON,
    BigInteger,
    Connection,
    DateTime,
    Dialect,
    Engine,
    Integer,
    MetaData,
    TableClause,
    Text,
    TypeDecorator,
    and_,
    bindparam,
    cast,
    column,
    create_engine,
    event,
    func,
    literal,
    or_,
    select,
    true,
    update,
)
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.engine.interfaces import DBAPIConnection
from sqlalchemy.exc import DisconnectionError
from sqlalchemy.orm import DeclarativeBase, InstrumentedAttribute, Mapped, Session, mapped_column, sessionmaker
from sqlalchemy.pool import ConnectionPoolEntry
from sqlalchemy.sql.dml import ReturningInsert
from sqlalchemy.sql.elements import ColumnElement


def now() -> datetime:
    """The time, aware, in UTC."""
    return datetime.now(UTC)


class UtcDateTime(TypeDecorator[datetime]):
    """An aware time in UTC. SQLite keeps no zone, so it is taken off on the way in and put back on the way out."""

    impl = DateTime(timezone=True)
    cache_ok = True

    def process_bind_param(self, value: datetime | None, dialect: Dialect) -> datetime | None:
        """Refuse naive times; store UTC."""
        if value is None:
            return None
        if value.tzinfo is None:
            raise ValueError("a time without a zone cannot be stored")
        value = value.astimezone(UTC)
        return value.replace(tzinfo=None) if dialect.name == "sqlite" else value

    def process_result_value(self, value: datetime | None, dialect: Dialect) -> datetime | None:  # noqa: ARG002
        """Return an aware time in UTC."""
        if value is None:
            return None
        return value.replace(tzinfo=UTC) if value.tzinfo is None else value.astimezone(UTC)


class Base(DeclarativeBase):
    """Base of all models. The naming convention lets migrations alter constraints by name later."""

    metadata = MetaData(
        naming_convention={
            "ix": "ix_%(table_name)s_%(column_0_N_name)s",
            "uq": "uq_%(table_name)s_%(column_0_N_name)s",
            "ck": "ck_%(table_name)s_%(constraint_name)s",
            "fk": "fk_%(table_name)s_%(column_0_name)s_%(referred_table_name)s",
            "pk": "pk_%(table_name)s",
        }
    )
    type_annotation_map = {  # noqa: RUF012
        datetime: UtcDateTime,
        int: BigInteger().with_variant(Integer, "sqlite"),  # two thousand million comments come sooner than one thinks
    }


class Work(Base):
    """A row with something to be done to it: since when, and how often that was tried. None: nothing to do."""

    __abstract__ = True

    id: Mapped[int] = mapped_column(primary_key=True)
    due_at: Mapped[datetime | None] = mapped_column(default=now)
    attempts: Mapped[int] = mapped_column(default=0)


Row = TypeVar("Row", bound=Base)


IDLE = 5.0
"""Seconds after which a connection is asked whether it still lives before it is used again."""


LONGEST_WAIT = 30.0
"""Seconds for which a statement waits for SQLite's write lock."""

LOOKS_EVERY = 0.001
"""Seconds after which whoever waits for it looks again whether it is free."""


UNCONFINED = {"unconfined": True}
"""Execution options of a statement as text: whoever sends it answers for which rows it reaches."""


class Database:
    """An engine and its sessions.

    ``session()`` may write; on SQLite it takes the write lock at once, because a transaction that begins by reading and
    then writes fails when another wrote in between, whatever the time-out. ``session(read_only=True)`` never waits.
    Errors do not quote what was to be written: it may be a reader's text.
    """

    def __init__(self, url: str) -> None:
        self.engine = _make_engine(url)
        self._writing = sessionmaker(self.engine)
        self._reading = sessionmaker(self.engine.execution_options(read_only=True))
        self.when_opened: Callable[[Session], None] = lambda _session: None
        """Told of each session before anything is asked of it."""

    def session(self, *, read_only: bool = False) -> Session:
        """Open a session; use it as a context manager. Nothing is committed by itself."""
        made = self._reading() if read_only else self._writing()
        self.when_opened(made)
        return made

    def dispose(self) -> None:
        """Close all connections."""
        self.engine.dispose()


def _make_engine(url: str) -> Engine:
    if url.startswith("postgresql://"):
        url = url.replace("postgresql://", "postgresql+psycopg://", 1)
    if not url.startswith("sqlite"):
        engine = create_engine(url, pool_size=8, max_overflow=8, hide_parameters=True)
        _ask_the_idle(engine)
        return engine
    engine = create_engine(url, connect_args={"timeout": LONGEST_WAIT}, hide_parameters=True)

    @event.listens_for(engine, "connect")
    def _prepare(connection: DBAPIConnection, _record: object) -> None:
        # The driver's own transaction control is switched off, so that BEGIN IMMEDIATE below is the only one.
        connection.isolation_level = None
        cursor = connection.cursor()
        # FULL: a 202 has promised that the comment is on disk; NORMAL may lose the last commits with the power.
        for pragma in ("journal_mode=WAL", "synchronous=FULL", "foreign_keys=ON", "cache_size=-32000"):
            cursor.execute(f"PRAGMA {pragma}")
        cursor.close()

    @event.listens_for(engine, "begin")
    def _begin(connection: Connection) -> None:
        if connection.get_execution_options().get("read_only", False):
            connection.exec_driver_sql("BEGIN")
        else:
            _begin_writing(connection)

    return engine


def _begin_writing(connection: Connection) -> None:
    """Take SQLite's write lock as soon as it is free.

    SQLite itself would look for it at ever longer intervals, a tenth of a second in the end: where many write, whoever
    has waited longest would then get it last.
    """
    raw: Any = connection.connection.dbapi_connection
    deadline = time.monotonic() + LONGEST_WAIT
    raw.execute("PRAGMA busy_timeout=0")
    try:
        while time.monotonic() < deadline:
            try:
                raw.execute("BEGIN IMMEDIATE")
            except sqlite3.OperationalError as error:
                if error.sqlite_errorcode & 0xFF != sqlite3.SQLITE_BUSY:
                    break
                time.sleep(LOOKS_EVERY)
            else:
                return
        connection.exec_driver_sql("BEGIN IMMEDIATE")  # says what is wrong, as SQLAlchemy says it
    finally:
        raw.execute(f"PRAGMA busy_timeout={1000 * LONGEST_WAIT:.0f}")


def _ask_the_idle(engine: Engine) -> None:
    """Replace connections that died while nobody used them; what is in use all the time need not be asked."""

    @event.listens_for(engine, "checkin")
    def _put_back(_connection: DBAPIConnection, record: ConnectionPoolEntry) -> None:
        record.info["used_at"] = time.monotonic()

    @event.listens_for(engine, "checkout")
    def _take(connection: DBAPIConnection, record: ConnectionPoolEntry, _proxy: object) -> None:
        if time.monotonic() - record.info.get("used_at", float("inf")) > IDLE:
            try:
                alive = engine.dialect.do_ping(connection)
            except engine.dialect.loaded_dbapi.Error:
                alive = False
            if not alive:
                raise DisconnectionError


def insert_into(session: Session, model: type[Base]) -> postgresql.Insert | sqlite.Insert:
    """Return an insert that may say what is to happen on conflict, in the dialect of the session's database."""
    return _insert(model, session.get_bind().dialect.name)


def _insert(into: type[Base] | TableClause, dialect: str) -> postgresql.Insert | sqlite.Insert:
    return postgresql.insert(into) if dialect == "postgresql" else sqlite.insert(into)


def insert_once(session: Session, model: type[Row], **values: Any) -> Row | None:
    """Insert a row unless a unique constraint forbids it; return the row, or None where it was there already."""
    returning = insert_into(session, model).values(**values).on_conflict_do_nothing().returning(model)
    return session.scalars(returning, execution_options={"populate_existing": True}).one_or_none()


def add_new(
    session: Session, columns: tuple[InstrumentedAttribute[Any], ...], rows: Sequence[dict[str, Any]]
) -> Sequence[Any]:
    """Insert rows of one table unless a unique constraint forbids it; return what those that were new have in columns.

    Much faster than ``insert_once``: many rows are one statement, and no objects are made.
    """
    if not rows:
        return []
    dialect = session.get_bind().dialect
    if len(rows) > 1:
        statement, as_kept = _add_document(columns, tuple(rows[0]), dialect)
        document = [row | {name: kept(row[name]) for name, kept in as_kept} for row in rows]
        return session.execute(statement, {"rows": to_json(document).decode()}).all()
    return session.execute(_add_new(columns, dialect.name), rows[0]).all()


@cache
def _add_new(columns: tuple[InstrumentedAttribute[Any], ...], dialect: str) -> ReturningInsert[Any]:
    """Made once for each table: to put it together costs as much as to run it."""
    insert = _insert(columns[0].class_.__table__, dialect)
    return insert.on_conflict_do_nothing().returning(*(column.expression for column in columns))


@cache
def _add_document(
    columns: tuple[InstrumentedAttribute[Any], ...], names: tuple[str, ...], dialect: Dialect
) -> tuple[ReturningInsert[Any], list[tuple[str, Callable[[Any], Any]]]]:
    """All rows in one JSON document: a statement as short for two as for two hundred, read and prepared only once.

    With it, what makes the values of some columns into those that are kept.
    """
    table = columns[0].class_.__table__
    found = [(name, table.c[name].type) for name in names]
    document = bindparam("rows", type_=Text)
    if dialect.name == "postgresql":
        rows = func.json_to_recordset(cast(document, postgresql.JSON))
        table_of_rows = rows.table_valued(*(column(name, kind) for name, kind in found)).render_derived(with_types=True)
        told = select(*table_of_rows.c)
    else:
        row = func.json_each(document).table_valued("value").c.value
        values = (func.json_extract(row, f"$.{name}") for name in names)
        told = select(*values).where(true())  # without it, ON would begin a join
    insert = _insert(table, dialect.name).from_select(names, told)
    returning = insert.on_conflict_do_nothing().returning(*(wanted.expression for wanted in columns))
    return returning, [
        (name, kept) for name, kind in found if not isinstance(kind, JSON) and (kept := kind.bind_processor(dialect))
    ]


def shared_now(session: Session, after: timedelta = timedelta()) -> ColumnElement[datetime]:
    """The time, or so long ``after`` it, by the one clock that all who work on the same rows have: the database's.

    For SQLite's file that is this machine's. A value for statements, not one that can be reckoned with here.
    """
    if session.get_bind().dialect.name == "postgresql":
        theirs = func.statement_timestamp(type_=DateTime(timezone=True))
        return theirs + after if after else theirs
    return literal(now() + after, UtcDateTime)


def _is_due(session: Session, model: type[Work]) -> ColumnElement[bool]:
    """Whether nobody has a row that is to be done.

    A lease counts by the shared clock. Since when a row waits that nobody took yet was written by the clock of whoever
    made it: where that is ahead by a blink, whoever is rung for it must not find nothing and let it lie.
    """
    shared = shared_now(session)
    if session.get_bind().dialect.name != "postgresql":
        return model.due_at <= shared
    latest = func.greatest(literal(now(), UtcDateTime), shared)  # alone, as it is what the index is read up to
    return and_(model.due_at <= latest, or_(model.attempts == 0, model.due_at <= shared))


def claim(
    session: Session,
    model: type[Work],
    *,
    limit: int,
    lease: timedelta,
    where: Sequence[ColumnElement[bool]] = (),
) -> list[int]:
    """Take up to ``limit`` rows that are due and put their due time off by ``lease``; return their ids in order.

    One statement, so that no row is ever taken twice: on PostgreSQL rows that another worker holds are skipped, on
    SQLite there is one writer at a time. Whoever dies keeps the rows only until the lease is over. Commit at once.
    Whoever is slower than the lease loses the row to another, so that what is done with it must be recorded by
    compare-and-set.
    """
    is_due = _is_due(session, model)
    due = (
        select(model.id)
        .where(is_due, *where)
        .order_by(model.due_at, model.id)
        .limit(limit)
        .with_for_update(skip_locked=True)
        .cte("due")
    )
    taken = session.execute(
        update(model)
        .where(model.id.in_(select(due.c.id)), is_due)
        .values(due_at=shared_now(session, lease), attempts=model.attempts + 1)
        .returning(model.id)
        .execution_options(synchronize_session=False)
    )
    return sorted(taken.scalars())


def next_try(session: Session, model: type[Work]) -> float | None:
    """In how many seconds the first row is due again that was tried before: its try failed, or whoever took it died."""
    return seconds_until(session, model.due_at, model.attempts > 0)


def seconds_until(
    session: Session, moments: InstrumentedAttribute[datetime | None], *where: ColumnElement[bool]
) -> float | None:
    """In how many seconds the first of these moments comes, by the shared clock; None where none is to come."""
    shared = shared_now(session)
    first, here = session.execute(select(func.min(moments), shared).where(moments > shared, *where)).one()
    return None if first is None else float((first - here).total_seconds())
