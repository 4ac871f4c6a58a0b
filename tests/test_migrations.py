"""The database's history: one head, the same as the models, up and down with data in it."""

import os
from collections.abc import Iterator
from pathlib import Path

import pytest
from alembic import command
from alembic.script import ScriptDirectory
from sqlalchemy import create_engine, inspect, select, text
from sqlalchemy.engine import make_url

from moderation import sites
from moderation.config import Settings
from moderation.db import Database
from moderation.migrations import config
from moderation.models import Comment
from tests.conftest import SERVER
from tests.stories import add_comment


@pytest.fixture
def empty(tmp_path: Path) -> Iterator[str]:
    """The address of a database without tables."""
    if SERVER is None:
        yield f"sqlite:///{tmp_path / 'fresh.sqlite3'}"
        return
    name = f"hausordnung_migrations_{os.getpid()}"
    admin = create_engine(SERVER, isolation_level="AUTOCOMMIT")
    with admin.connect() as connection:
        connection.execute(text(f"CREATE DATABASE {name}"))
    yield make_url(SERVER).set(database=name).render_as_string(hide_password=False)
    with admin.connect() as connection:
        connection.execute(text(f"DROP DATABASE {name} WITH (FORCE)"))
    admin.dispose()


def test_there_is_one_head(settings: Settings) -> None:
    assert len(ScriptDirectory.from_config(config(settings.database_url)).get_heads()) == 1


def test_the_tables_are_what_the_models_say(empty: str) -> None:
    command.upgrade(config(empty), "head")
    command.check(config(empty))


def test_up_and_down_and_up_again_with_data(empty: str) -> None:
    command.upgrade(config(empty), "head")
    database = Database(empty)
    with database.session() as session:
        add_comment(session, sites.add_site(session, slug="s", name="S"))
        session.commit()
    command.downgrade(config(empty), "base")
    assert set(inspect(database.engine).get_table_names()) <= {"alembic_version"}
    database.dispose()
    command.upgrade(config(empty), "head")
    again = Database(empty)
    with again.session(read_only=True) as session:
        assert session.scalars(select(Comment)).all() == []
    again.dispose()
