"""The database's history: one head, the same as the models, up and down with data in it."""

import json
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


def test_a_new_column_keeps_its_default(settings: Settings) -> None:
    """The version before knows nothing of it and goes on writing rows while the new one is rolled out."""
    scripts = ScriptDirectory.from_config(config(settings.database_url)).walk_revisions("0013", "head")
    taken = [script.revision for script in scripts if "server_default=None" in Path(script.path).read_text()]
    assert taken == [], "leave the server_default of a column that is added"


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


def test_the_rules_of_before_are_the_first_version_and_come_back_on_the_way_down(empty: str) -> None:
    command.upgrade(config(empty), "0003")
    engine = Database(empty).engine
    with engine.begin() as connection:
        connection.execute(text("INSERT INTO site VALUES (1, 's', 'S', 'de', NULL, false, 10, '2026-01-01')"))
        connection.execute(
            text(
                'INSERT INTO house_rule VALUES (4, 1, 1, \'{"de": "T"}\', \'{"de": "W"}\', \'disrespect\','
                " '[\"insult\"]', '[]', 0.4, 'review'), (5, 1, 2, '{}', '{}', 'relevance', '[]', '[]', 0.3, 'delete')"
            )
        )
    command.upgrade(config(empty), "0004")
    with engine.connect() as connection:
        version, rules = connection.execute(text("SELECT version, rules FROM rule_set")).one()
        stated = json.loads(rules) if isinstance(rules, str) else rules
    assert version == 1
    assert [(rule["id"], rule["key"], rule["when"]) for rule in stated] == [
        (4, "rule-4", {"signal": "disrespect", "at_least": 0.4, "kinds": ["insult"]}),
        (5, "rule-5", {"signal": "relevance", "at_most": 0.3}),
    ]
    command.downgrade(config(empty), "0003")
    with engine.connect() as connection:
        assert connection.execute(text("SELECT id, threshold FROM house_rule ORDER BY id")).all() == [
            (4, 0.4),
            (5, 0.3),
        ]
    engine.dispose()
