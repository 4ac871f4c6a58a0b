"""A site brings its history along: line by line, with its decisions and their dates, once however often it is run."""

import csv
import json
from pathlib import Path

import pytest
from click.testing import CliRunner, Result
from sqlalchemy import select

from moderation.cli import main
from moderation.config import Settings
from moderation.db import Database
from moderation.models import Article, Comment, Decision, Maker, Outcome, Site, Status
from tests.senders import comment

LONG_AGO = "2024-03-01T12:00:00+00:00"
ROW = {
    "id": "7",
    "text": "Grüße;\nüber zwei Zeilen 👋",
    "submitted_at": LONG_AGO,
    "article_id": "bruecke",
    "article_url": "https://zeitung.example/bruecke",
    "article_title": "Die Brücke",
    "commenter_name": "Jörg",
    "outcome": "delete",
    "decided_at": LONG_AGO,
}


def _import(settings: Settings, form: str, file: Path, site: str = "foerdeblick") -> Result:
    env = {"MODERATION_DATABASE_URL": settings.database_url, "MODERATION_HOME": str(settings.home)}
    return CliRunner().invoke(main, ["import", form, str(file), "--site", site], env=env)


def _csv(file: Path, *rows: dict[str, str], separator: str = ",") -> Path:
    with file.open("w", newline="", encoding="utf-8") as opened:
        writer = csv.DictWriter(opened, list(rows[0]), delimiter=separator)
        writer.writeheader()
        writer.writerows(rows)
    return file


def test_decisions_of_old_come_with_their_dates(
    settings: Settings, site: Site, database: Database, tmp_path: Path
) -> None:
    decided = comment(id="1", submitted_at=LONG_AGO, outcome="delete", decided_at=LONG_AGO)
    open_ = comment(id="2", submitted_at=LONG_AGO)
    file = tmp_path / "history.jsonl"
    file.write_text("".join(json.dumps(line) + "\n" for line in (decided, open_)), encoding="utf-8")
    for _ in range(2):
        done = _import(settings, "jsonl", file)
        assert (done.exit_code, done.output) == (0, "2 comments taken in.\n")
    with database.session(read_only=True) as session:
        assert [found.status for found in session.scalars(select(Comment).order_by(Comment.id))] == [
            Status.DELETED,
            Status.PENDING,
        ]
        (decision,) = session.scalars(select(Decision)).all()
        assert (decision.maker, decision.outcome) == (Maker.SITE, Outcome.DELETE)
        assert decision.decided_at.isoformat() == LONG_AGO
        assert session.scalars(select(Article)).one().title == decided["article"]["title"]


@pytest.mark.parametrize("separator", [",", ";"])
def test_a_table_from_a_spreadsheet_will_do(
    settings: Settings, site: Site, database: Database, tmp_path: Path, separator: str
) -> None:
    done = _import(settings, "csv", _csv(tmp_path / "a.csv", ROW, separator=separator))
    assert done.exit_code == 0, done.output
    with database.session(read_only=True) as session:
        found = session.scalars(select(Comment)).one()
        assert (found.text, found.commenter_name, found.status) == (ROW["text"], "Jörg", Status.DELETED)


def test_wrong_columns_are_named(settings: Settings, site: Site, tmp_path: Path) -> None:
    done = _import(settings, "csv", _csv(tmp_path / "a.csv", {"id": "1", "text": "x"}))
    assert done.exit_code == 1
    assert "Line 1: columns missing: submitted_at, article_id, article_url, article_title" in done.output
    done = _import(settings, "csv", _csv(tmp_path / "b.csv", ROW | {"mood": "bad"}))
    assert "Line 1: columns unknown: mood" in done.output


def test_a_bad_line_is_named_and_what_was_before_it_is_kept(
    settings: Settings, site: Site, database: Database, tmp_path: Path
) -> None:
    file = _csv(tmp_path / "a.csv", ROW, ROW | {"id": "8", "submitted_at": "gestern"})
    done = _import(settings, "csv", file)
    assert done.exit_code == 1
    assert "1 comments taken in." in done.output
    assert "Line 5: submitted_at" in done.output
    _csv(file, ROW, ROW | {"id": "8"})
    assert _import(settings, "csv", file).exit_code == 0
    with database.session(read_only=True) as session:
        assert list(session.scalars(select(Comment.external_id).order_by(Comment.id))) == ["7", "8"]


@pytest.mark.parametrize(
    ("form", "content", "said"),
    [
        ("jsonl", b"{}\n", "Line 1: id: Field required."),
        ("jsonl", b"\n[1]\n", "Line 2: not a JSON object."),
        ("jsonl", b'{"id": "\xff"}\n', "Line 1: not UTF-8."),
        ("jsonl", b'{"id": ', "Line 1: not JSON"),
        ("jsonl", b"[" * 100_000, "Line 1: not JSON"),
        ("csv", b"", "Line 1: columns missing"),
        ("csv", b"\xff\xfe", "not UTF-8"),
    ],
)
def test_what_is_no_history_is_refused(
    settings: Settings, site: Site, tmp_path: Path, form: str, content: bytes, said: str
) -> None:
    file = tmp_path / "bad"
    file.write_bytes(content)
    done = _import(settings, form, file)
    assert done.exit_code == 1
    assert said in done.output


def test_an_unknown_site_is_named(settings: Settings, site: Site, tmp_path: Path) -> None:
    done = _import(settings, "csv", _csv(tmp_path / "a.csv", ROW), site="nobody")
    assert done.exit_code == 1
    assert "'nobody'" in done.output
