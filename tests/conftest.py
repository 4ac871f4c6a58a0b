"""What the tests stand on: a real database made by the migrations, the real application, the real judge.

The suite runs on SQLite, or on the PostgreSQL server that ``TEST_DATABASE_URL`` names.
"""

import os
import shlex
import shutil
import threading
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from functools import cache
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import hypothesis
import pytest
import time_machine
from alembic import command as alembic
from argon2 import PasswordHasher
from click.testing import CliRunner
from flask import Flask
from flask.testing import FlaskClient
from pydantic import SecretStr
from sqlalchemy import Engine, create_engine, event, text

from moderation import auth, create_app, db, sites, web
from moderation.access import passwords
from moderation.cli import main
from moderation.config import Settings
from moderation.db import Base, Database
from moderation.judge import Judge
from moderation.migrations import config
from moderation.models import Moderator, Role, Site
from tests.desks import PASSWORD, Desk, csrf
from tests.senders import Paper
from tests.served import Served
from tests.serving import answering
from worker import tasks
from worker.app import Workshop

SERVER = os.environ.get("TEST_DATABASE_URL")

# What reads a table at its first call takes a second then, and a machine may be busy: that is no failure.
hypothesis.settings.register_profile("unhurried", deadline=None)
hypothesis.settings.load_profile("unhurried")


WHOLE_SERVICES = {"faults", "integration", "browser"}
"""Their tests take longest, and much of that is waiting."""


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Function]) -> None:
    """Where several processes share them, begin with the longest files, so that none ends long before the others.

    On PostgreSQL, leave out what SQLite's turn has seen: what asks for no database, and what a browser does. Each
    page, and what it is asked, is tried without a browser too, and that is repeated here; scripts and styles know
    nothing of databases. In a browser remain what several do at once, and one comment's whole way.
    """
    if hasattr(config, "workerinput"):
        tests = Counter(item.path for item in items)
        items.sort(key=lambda item: (item.path.parent.name not in WHOLE_SERVICES, -tests[item.path]))
    if SERVER is None:
        return
    apart = [item for item in items if not _asks_the_database(item)]
    config.hook.pytest_deselected(items=apart)
    left_out = set(apart)
    items[:] = [item for item in items if item not in left_out]


def _asks_the_database(item: pytest.Function) -> bool:
    if "browser" in item.fixturenames:
        return item.get_closest_marker("live") is not None
    return "migrated" in item.fixturenames or hasattr(item.module, "SERVER")


STRONG = passwords.hasher
"""How passwords are kept outside of tests: each costs a third of a second, on purpose."""


@pytest.fixture(scope="session", autouse=True)
def _cheap_passwords() -> Iterator[None]:
    """Nearly every test signs somebody in; what is tried there is who gets in, not what a guess costs."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(passwords, "hasher", PasswordHasher(time_cost=1, memory_cost=8, parallelism=1))
        yield


@pytest.fixture(scope="session")
def migrated(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """The address of a database with empty tables."""
    if SERVER is None:
        url = f"sqlite:///{tmp_path_factory.mktemp('template') / 'empty.sqlite3'}"
        alembic.upgrade(config(url), "head")
        yield url
        return
    name = f"hausordnung_test_{os.getpid()}"
    admin = create_engine(SERVER, isolation_level="AUTOCOMMIT")
    with admin.connect() as connection:
        connection.execute(text(f"CREATE DATABASE {name}"))
        # What a server's power cut would lose is nothing that these tests look for.
        connection.execute(text(f"ALTER DATABASE {name} SET synchronous_commit TO off"))
    url = admin.url.set(database=name).render_as_string(hide_password=False)
    alembic.upgrade(config(url), "head")
    yield url
    with admin.connect() as connection:
        connection.execute(text(f"DROP DATABASE {name} WITH (FORCE)"))
    admin.dispose()


@pytest.fixture(scope="session", autouse=True)
def _engines_are_kept() -> Iterator[None]:
    """An engine for each address, not each test: it remembers how the statements are put together, which takes long."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(db, "_make_engine", cache(db._make_engine))
        yield


@pytest.fixture(scope="session", autouse=True)
def _the_database_travels_along() -> Iterator[None]:
    """Whoever travels in time takes PostgreSQL's clock, which has no such means, along; else it is its own."""

    def travel(_connection: Any, _cursor: Any, statement: str, values: Any, *_: Any) -> tuple[str, Any]:
        if time_machine.escape_hatch.is_travelling():
            statement = statement.replace("statement_timestamp()", f"'{db.now().isoformat()}'::timestamptz")
        return statement, values

    event.listen(Engine, "before_cursor_execute", travel, retval=True)
    yield
    event.remove(Engine, "before_cursor_execute", travel)


@pytest.fixture
def settings(migrated: str, tmp_path: Path) -> Settings:
    url = migrated
    if SERVER is None:
        here = Path(migrated.removeprefix("sqlite:///")).with_name("moderation.sqlite3")
        for left in here.parent.glob(f"{here.name}*"):
            left.unlink()
        shutil.copy(here.with_name("empty.sqlite3"), here)
        url = f"sqlite:///{here}"
    return Settings(home=tmp_path, database_url=url, secret_key=SecretStr("a secret key for tests, quite long enough"))


@pytest.fixture
def database(settings: Settings) -> Iterator[Database]:
    opened = Database(settings.database_url)
    yield opened
    if SERVER is not None:
        _empty(opened)
    opened.dispose()


def _empty(opened: Database) -> None:
    """As the migrations left it. TRUNCATE makes every table's files anew, which took longer than most tests."""
    deletes = "; ".join(f"DELETE FROM {table.name}" for table in reversed(Base.metadata.sorted_tables))
    numbers = "SELECT setval(sequencename::regclass, 1, false) FROM pg_sequences WHERE last_value IS NOT NULL"
    with opened.session() as session:
        session.connection().exec_driver_sql(deletes)
        session.execute(text(numbers))
        session.commit()


@pytest.fixture(scope="session")
def applications() -> dict[str, Flask]:
    """Those of earlier tests, by their settings: to read all routes and templates takes longer than most tests."""
    return {}


@pytest.fixture
def app(settings: Settings, database: Database, applications: dict[str, Flask]) -> Iterator[Flask]:
    """The application; whatever it keeps in memory is new with each test."""
    alike = repr(settings.model_dump(exclude={"home", "database_url", "broker_url"}))
    if alike not in applications:
        applications[alike] = create_app(settings)
        applications[alike].testing = True
    made = applications[alike]
    made.extensions["moderation"] = services = web.open_services(settings)
    yield made
    services.feed.close()
    services.database.dispose()


@pytest.fixture
def site(database: Database) -> Site:
    """A site that fetches its decisions."""
    with database.session() as session:
        made = sites.add_site(session, slug="foerdeblick", name="Fördeblick")
        session.commit()
        session.refresh(made)
        assert made.keys
        session.expunge_all()
    return made


@pytest.fixture
def served(settings: Settings, site: Site) -> Iterator[Served]:
    """The application, served as containers serve it."""
    made = Served(settings, site)
    yield made
    made.close()


@pytest.fixture
def narrow(settings: Settings, site: Site) -> Iterator[Served]:
    """One that may have 300 files open, and so lets in 76 at a time."""
    made = Served(settings, site, files=300)
    yield made
    made.close()


@pytest.fixture
def token(database: Database, site: Site) -> str:
    """The site's API token."""
    with database.session() as session:
        made = auth.new_token(session.get_one(Site, site.id))
        session.commit()
    return made


def add_moderator(database: Database, name: str, role: Role = Role.MODERATOR) -> Moderator:
    """Add somebody who can sign in with `PASSWORD`; return them apart from any session."""
    with database.session() as session:
        made = sites.add_moderator(session, name=name, password=PASSWORD, role=role)
        session.commit()
        session.refresh(made)
        session.expunge(made)
    return made


@pytest.fixture
def moderator(database: Database) -> Moderator:
    return add_moderator(database, "mona")


@pytest.fixture
def client(app: Flask) -> FlaskClient:
    """Somebody who is not signed in."""
    return app.test_client()


@pytest.fixture
def mona(app: Flask, moderator: Moderator) -> FlaskClient:
    """The moderator, signed in, in German."""
    signed_in = app.test_client()
    signed_in.environ_base["HTTP_ACCEPT_LANGUAGE"] = "de"
    signed_in.post("/sign-in", data={"name": "mona", "password": PASSWORD, "csrf_token": csrf(signed_in)})
    return signed_in


@pytest.fixture
def admin(database: Database) -> Moderator:
    """An admin of the house, ada."""
    return add_moderator(database, "ada", Role.ADMIN)


@pytest.fixture
def desk(client: FlaskClient, admin: Moderator, site: Site) -> Desk:
    """The admin's desk, signed in, in English."""
    made = Desk(client)
    made.sign_in("ada")
    return made


@pytest.fixture
def paper(client: FlaskClient, site: Site) -> Paper:
    """The site, as it sends signed webhooks."""
    return Paper(client, site.slug, auth.signing_secrets(site)[0])


@pytest.fixture(scope="session")
def judge() -> Judge:
    return Judge.load()


@pytest.fixture
def workshop(settings: Settings, judge: Judge, monkeypatch: pytest.MonkeyPatch) -> Iterator[Workshop]:
    """The worker, in this process: call the functions of ``worker.tasks``."""
    made = Workshop(settings)
    made.judge = judge
    monkeypatch.setattr(tasks, "workshop", made)
    yield made
    made.close()


class Receiver:
    """A site's callback on loopback: keeps what it got, and answers as it is told."""

    def __init__(self) -> None:
        self.got: list[tuple[dict[str, str], bytes]] = []
        self.answer: Callable[[], tuple[int, dict[str, str]]] = lambda: (204, {})
        self.arrived = threading.Condition()
        receiver = self

        class Handler(BaseHTTPRequestHandler):
            def do_POST(self) -> None:
                body = self.rfile.read(int(self.headers["content-length"]))
                with receiver.arrived:
                    receiver.got.append(({k.lower(): v for k, v in self.headers.items()}, body))
                    receiver.arrived.notify_all()
                status, headers = receiver.answer()
                self.send_response(status)
                for name, value in headers.items():
                    self.send_header(name, value)
                self.end_headers()

            def log_message(self, *_: Any) -> None:
                pass

        self.server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.url = f"http://127.0.0.1:{self.server.server_port}/hausordnung"

    def wait_for(self, number: int, *, within: float = 60) -> None:
        """Wait until so many messages have arrived."""
        with self.arrived:
            assert self.arrived.wait_for(lambda: len(self.got) >= number, within), f"only {len(self.got)} arrived"


@contextmanager
def receiving() -> Iterator[Receiver]:
    made = Receiver()
    with answering(made.server):
        yield made


@pytest.fixture
def receiver() -> Iterator[Receiver]:
    with receiving() as made:
        yield made


@pytest.fixture
def command(settings: Settings) -> Callable[[str], str]:
    """Run a line as it is typed in a shell; return what it prints."""
    env = {"MODERATION_DATABASE_URL": settings.database_url, "MODERATION_HOME": str(settings.home)}

    def run(line: str) -> str:
        name, *words = shlex.split(line)
        assert name == "moderation"
        done = CliRunner().invoke(main, words, env=env)
        assert done.exit_code == 0, done.output
        return done.output

    return run


@pytest.fixture
def pushed(database: Database, site: Site, receiver: Receiver) -> Site:
    """The site, with a callback on loopback and no time for undo."""
    with database.session() as session:
        changed = session.get_one(Site, site.id)
        changed.callback_url, changed.callback_private, changed.undo_seconds = receiver.url, True, 0
        session.commit()
    return site


@pytest.fixture
def moment() -> datetime:
    return datetime.now(UTC)
