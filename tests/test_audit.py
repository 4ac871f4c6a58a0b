"""The audit log cannot be changed unnoticed: its entries are a chain."""

import ast
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from click.testing import CliRunner
from flask import Flask
from sqlalchemy import delete, insert, select, update
from sqlalchemy.orm import Session

from moderation import audit, closings, sites
from moderation.cli import main
from moderation.config import Settings
from moderation.db import Database, now
from moderation.models import AuditEntry, Moderator, Outcome, Role
from moderation.wording import deeds
from tests.conftest import PASSWORD
from tests.desks import Person
from tests.test_desk import _text
from worker import tasks
from worker.app import Workshop


@pytest.fixture
def chain(database: Database, moderator: Moderator, workshop: Workshop) -> str:
    """That somebody was let in and five deeds of theirs, sealed by two sweeps; its end as somebody wrote it down."""
    for sweep, deeds_ in enumerate((2, 3)):
        with database.session() as session:
            for number in range(deeds_):
                audit.note(session, "approve", moderator=moderator, subject=f"comment {number}", sweep=sweep)
            session.commit()
        tasks.sweep()
    with database.session(read_only=True) as session:
        found = audit.verify(session)
        assert (found.sealed, found.waiting, found.problem) == (6, 0, "")
        return found.head


def test_every_deed_has_words(app: Flask) -> None:
    def calls() -> Iterator[ast.expr]:
        for file in (Path(audit.__file__).parent).rglob("*.py"):
            for node in ast.walk(ast.parse(file.read_text(encoding="utf-8"))):
                if isinstance(node, ast.Call) and ast.unparse(node.func) == "audit.note":
                    yield node.args[1]

    named = {one.value for said in calls() for one in ast.walk(said) if isinstance(one, ast.Constant)} - {"batch_"}
    named |= {str(one) for one in Outcome} | set(closings.DEED.values())
    named |= {f"batch_{one}" for one in (Outcome.APPROVE, Outcome.DELETE)}
    with app.test_request_context(headers={"Accept-Language": "de"}):
        assert {name for name in named if deeds.deed(name) == name} == set()
        assert deeds.deed("of_another_time") == "of_another_time"


def test_the_log_is_in_words_and_leads_there(app: Flask, database: Database) -> None:
    with database.session() as session:
        ada = sites.add_moderator(session, name="ada", password=PASSWORD, role=Role.ADMIN)
        audit.note(session, "delete", moderator=ada, subject="comment 7")
        audit.note(session, "site_changed", moderator=None, subject="site foerdeblick", fields=["name"])
        session.commit()
    desk = Person(app, "ada")
    desk.client.environ_base["HTTP_ACCEPT_LANGUAGE"] = "de"
    desk.sign_in()
    page = desk.client.get("/audit").text
    assert "ada gelöscht Kommentar 7" in _text(page)
    assert "Einstellungen geändert Website foerdeblick" in _text(page)
    assert "Moderation ada" in _text(page)
    assert 'href="/comments/7"' in page
    assert 'href="/sites/foerdeblick"' in page


def _verify(database: Database, known: str | None = None) -> audit.Chain:
    with database.session(read_only=True) as session:
        return audit.verify(session, known=known)


def test_what_came_after_does_not_break_the_chain(database: Database, chain: str, moderator: Moderator) -> None:
    with database.session() as session:
        audit.note(session, "delete", moderator=moderator, subject="comment 9")
        session.commit()
    assert (_verify(database, chain).problem, _verify(database, chain).waiting) == ("", 1)


def _change(session: Session) -> None:
    session.execute(update(AuditEntry).where(AuditEntry.id == 2).values(subject="comment 99"))


def _take_out(session: Session) -> None:
    session.execute(delete(AuditEntry).where(AuditEntry.id == 3))


def _cut_off(session: Session) -> None:
    session.execute(delete(AuditEntry).where(AuditEntry.id >= 5))


def _put_in(session: Session) -> None:
    session.execute(insert(AuditEntry).values(at=now(), deed="approve", seal_number=7, seal="0" * 64))


def _seal_anew(session: Session) -> None:
    """Somebody who may write to the database changes an entry and makes the whole chain fit."""
    _change(session)
    session.execute(update(AuditEntry).values(seal_number=None, seal=None))
    session.expire_all()
    audit.seal(session)


@pytest.mark.parametrize(
    ("tamper", "told"),
    [
        (_change, "Entry 2 (number 2) is not as it was written."),
        (_take_out, "Entry number 3 of the chain was taken out."),
        (_put_in, "(number 7) is not as it was written."),
        (_cut_off, "The chain of 4 entries does not hold the seal"),
        (_seal_anew, "The chain of 6 entries does not hold the seal"),
    ],
)
def test_whoever_tampers_is_found_out(
    database: Database, chain: str, tamper: Callable[[Session], None], told: str
) -> None:
    with database.session() as session:
        tamper(session)
        session.commit()
    assert told in _verify(database, chain).problem


def test_the_command_ends_with_1_where_the_chain_is_broken(
    settings: Settings, database: Database, chain: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("MODERATION_DATABASE_URL", settings.database_url)
    well = CliRunner().invoke(main, ["audit", "verify", "--known", chain])
    assert (well.exit_code, chain in well.output) == (0, True)
    with database.session() as session:
        _change(session)
        session.commit()
    ill = CliRunner().invoke(main, ["audit", "verify"])
    assert (ill.exit_code, "Entry 2" in ill.output) == (1, True)


def test_an_empty_log_has_no_seal_to_keep(command: Callable[[str], str]) -> None:
    assert command("moderation audit verify") == (
        "0 entries are as they were written; 0 wait for the next sweep to be sealed.\n"
    )


def test_a_sweep_rings_the_bells_even_if_something_else_fails(
    database: Database, workshop: Workshop, monkeypatch: pytest.MonkeyPatch
) -> None:
    rung: list[str] = []
    monkeypatch.setattr(workshop.bell, "ring", lambda name, **_: rung.append(name))

    def fail(_session: Session) -> int:
        raise RuntimeError

    monkeypatch.setattr(audit, "seal", fail)
    with pytest.raises(RuntimeError):
        tasks.sweep()
    assert {"score", "deliver"} <= set(rung)
    with database.session(read_only=True) as session:
        assert session.scalars(select(AuditEntry)).all() == []
