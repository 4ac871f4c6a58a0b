"""A dump that is restored loses nothing that was in it, and tells no site anything twice under another name."""

import os
import shutil
import sqlite3
import subprocess
from collections.abc import Callable, Iterator
from datetime import timedelta
from pathlib import Path

import pytest
from sqlalchemy import create_engine, func, select, text
from sqlalchemy.engine import make_url

from moderation import decisions, delivery, scoring
from moderation.db import Database, now
from moderation.decisions import Seen
from moderation.models import Assessment, Comment, Delivery, Moderator, Outcome, Site
from tests.conftest import SERVER, Receiver
from tests.senders import Paper, comment
from tests.stories import add_comment
from worker import tasks
from worker.app import Workshop

Dump = Callable[[], None]
Restore = Callable[[], None]


@pytest.fixture
def dumped(database: Database, settings: object, tmp_path: Path) -> Iterator[tuple[Dump, Restore]]:
    """The two commands of docs/operations.md."""
    file = tmp_path / "dump"
    url = database.engine.url
    if SERVER is None:
        place = str(url.database)

        def dump() -> None:
            with sqlite3.connect(place) as connection:
                connection.execute("VACUUM INTO ?", (str(file),))
            connection.close()

        def restore() -> None:
            database.engine.dispose()
            for tail in ("-wal", "-shm"):
                Path(place + tail).unlink(missing_ok=True)
            shutil.copy(file, place)

        yield dump, restore
        return
    if shutil.which("pg_dump") is None:
        pytest.skip("pg_dump is not installed")
    address = url.set(drivername="postgresql").render_as_string(hide_password=False)

    def dump() -> None:
        subprocess.run(["pg_dump", "--format=custom", f"--file={file}", address], check=True)

    def restore() -> None:
        database.engine.dispose()
        admin = create_engine(make_url(SERVER or ""), isolation_level="AUTOCOMMIT")
        with admin.connect() as connection:
            connection.execute(text(f"DROP DATABASE {url.database} WITH (FORCE)"))
            connection.execute(text(f"CREATE DATABASE {url.database}"))
        admin.dispose()
        subprocess.run(["pg_restore", f"--dbname={address}", str(file)], check=True, env=os.environ)

    yield dump, restore


def test_what_was_in_hand_goes_on_and_what_was_heard_is_known_by_its_id(
    database: Database,
    workshop: Workshop,
    pushed: Site,
    moderator: Moderator,
    receiver: Receiver,
    paper: Paper,
    dumped: tuple[Dump, Restore],
) -> None:
    dump, restore = dumped
    for number in range(5):
        paper.send("comment.created", comment(id=f"c{number}"))
    with database.session() as session:
        scoring.claim(session, limit=2, attempts=3, lease=timedelta(seconds=0))
        before, after = (
            decisions.decide(session, add_comment(session, pushed).id, outcome, moderator=moderator, seen=Seen(1))
            for outcome in (Outcome.APPROVE, Outcome.DELETE)
        )
        ids = {when: made.delivery.webhook_id for when, made in (("before", before), ("after", after)) if made.delivery}
        session.flush()
        session.get_one(Delivery, after.delivery.id if after.delivery else 0).due_at = now() + timedelta(hours=1)
        session.commit()
    tasks.deliver()  # the site hears the first
    dump()
    with database.session() as session:
        delivery.try_again(session, 2)
        session.get_one(Delivery, 2).due_at = now()
        session.commit()
    tasks.deliver()  # and the second, which the dump does not know
    workshop.database.dispose()
    paper.client.application.extensions["moderation"].database.dispose()
    restore()

    with database.session() as session:
        session.get_one(Delivery, 2).due_at = now()
        session.commit()
    tasks.deliver()
    tasks.score()
    heard = [headers["webhook-id"] for headers, _ in receiver.got]
    assert heard == [ids["before"], ids["after"], ids["after"]]
    bodies = [body for headers, body in receiver.got if headers["webhook-id"] == ids["after"]]
    assert {b'"outcome": "delete"' in body for body in bodies} == {True}
    with database.session(read_only=True) as session:
        assert session.scalar(select(func.count()).select_from(Comment)) == 7
        assert session.scalar(select(func.count()).select_from(Assessment)) == 7
