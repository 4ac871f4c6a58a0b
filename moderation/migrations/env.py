"""How Alembic reaches the database: called by Alembic only."""

from typing import Literal

from alembic import context

from moderation import models  # noqa: F401 - fills the metadata
from moderation.db import Base, Database, UtcDateTime


def _render(kind: str, item: object, _context: object) -> str | Literal[False]:
    """Write our time type as what it is in the database, so that old migrations need none of our code."""
    return "sa.DateTime(timezone=True)" if kind == "type" and isinstance(item, UtcDateTime) else False


def _is_ours(name: str | None, kind: str, _parents: object) -> bool:
    """Leave the tables of words alone: each database has them in its own form, and no model."""
    return kind != "table" or not (name or "").startswith("search_")


database = Database(context.config.attributes["database_url"])
with database.engine.connect() as connection:
    if connection.dialect.name == "sqlite" and (raw := connection.connection.dbapi_connection) is not None:
        # A table that is copied is dropped in between, which whoever refers to it must not notice. This cannot be
        # said within a transaction; the connection is thrown away afterwards.
        raw.cursor().execute("PRAGMA foreign_keys=OFF")
    # Batch mode: SQLite cannot alter a table, so Alembic copies it.
    context.configure(
        connection=connection,
        target_metadata=Base.metadata,
        render_as_batch=True,
        render_item=_render,
        include_name=_is_ours,
        transaction_per_migration=True,
    )
    with context.begin_transaction():
        context.run_migrations()
database.dispose()
