"""On SQLite there is one writer at a time: who waits has the lock as soon as it is free, and is told if it never is."""

import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
from sqlalchemy import text
from sqlalchemy.exc import OperationalError

from moderation import db
from moderation.db import Database


@pytest.fixture
def house(tmp_path: Path) -> Iterator[Database]:
    house = Database(f"sqlite:///{tmp_path}/house.sqlite3")
    with house.session() as session:
        session.execute(text("CREATE TABLE told (who INTEGER)"))
        session.commit()
    yield house
    house.dispose()


def _tell(house: Database, who: int) -> None:
    with house.session() as session:
        session.execute(text("INSERT INTO told VALUES (:who)"), {"who": who})
        session.commit()


def test_many_writers_all_have_their_turn(house: Database) -> None:
    with ThreadPoolExecutor(8) as pool:
        list(pool.map(lambda who: _tell(house, who), range(80)))
    with house.session(read_only=True) as session:
        assert session.scalars(text("SELECT who FROM told ORDER BY who")).all() == list(range(80))


def test_who_waits_in_vain_is_told_so(house: Database, monkeypatch: pytest.MonkeyPatch) -> None:
    with house.session() as first:
        first.execute(text("INSERT INTO told VALUES (1)"))
        monkeypatch.setattr(db, "LONGEST_WAIT", 0.05)
        with pytest.raises(OperationalError, match="database is locked"):
            _tell(house, 2)
        first.commit()
    _tell(house, 3)


@pytest.mark.usefixtures("house")
def test_what_is_wrong_otherwise_is_not_waited_for(tmp_path: Path) -> None:
    readable = Database(f"sqlite:///file:{tmp_path}/house.sqlite3?mode=ro&uri=true")
    began = time.monotonic()
    with pytest.raises(OperationalError, match="readonly"):
        _tell(readable, 1)
    assert time.monotonic() - began < db.LONGEST_WAIT
    readable.dispose()
