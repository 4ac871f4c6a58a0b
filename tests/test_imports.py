"""A site brings its history along: line by line, with its decisions and their dates, once however often it is run."""

import csv
import json
import os
import subprocess
import sys
from datetime import timedelta
from pathlib import Path

import pytest
from click.testing import CliRunner, Result
from sqlalchemy import func, select
from sqlalchemy.orm import Session

from moderation import bulk, closings, decisions, history, intake, sites
from moderation.cli import main
from moderation.config import Settings
from moderation.contract import ArticleData, CommentData, CommentDeleted, CommentRef, DecidedCommentData
from moderation.db import Base, Database, now
from moderation.models import (
    Article,
    Comment,
    Decision,
    Delivery,
    Door,
    HouseRule,
    Maker,
    Moderator,
    Outcome,
    Site,
    Status,
)
from tests.senders import comment
from tests.waiting import until

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
    for new in (2, 0):
        done = _import(settings, "jsonl", file)
        assert (done.exit_code, done.output) == (0, f"2 comments and articles read, {new} of them new.\n")
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
    file = _csv(tmp_path / "a.csv", ROW, ROW | {"id": "8", "commenter_name": ""}, separator=separator)
    file.write_bytes(file.read_bytes() + b"\r\n")
    done = _import(settings, "csv", file)
    assert (done.exit_code, done.output) == (0, "2 comments and articles read, 2 of them new.\n")
    with database.session(read_only=True) as session:
        found, nameless = session.scalars(select(Comment).order_by(Comment.id))
        assert (found.text, found.commenter_name, found.status) == (ROW["text"], "Jörg", Status.DELETED)
        assert nameless.commenter_name is None


def test_what_a_later_file_says_of_a_comment_holds(
    settings: Settings, site: Site, database: Database, tmp_path: Path
) -> None:
    file = tmp_path / "history.jsonl"
    for submitted_at, text in ((LONG_AGO, "Erst so."), ("2024-03-02T12:00:00+00:00", "Dann so.")):
        file.write_text(json.dumps(comment(text=text, submitted_at=submitted_at)), encoding="utf-8")
        assert _import(settings, "jsonl", file).exit_code == 0
    with database.session(read_only=True) as session:
        found = session.scalars(select(Comment)).one()
        assert (found.text, found.revision, found.status) == ("Dann so.", 2, Status.PENDING)


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
    assert "1 comments and articles read, 1 of them new." in done.output
    assert "Line 5: submitted_at" in done.output
    _csv(file, ROW, ROW | {"id": "8"})
    done = _import(settings, "csv", file)
    assert (done.exit_code, done.output.splitlines()[1:]) == (0, ["1 comments and articles read, 1 of them new."])
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


def test_an_import_that_is_killed_goes_on_where_it_was(
    settings: Settings, site: Site, database: Database, tmp_path: Path
) -> None:
    file, total = tmp_path / "history.jsonl", 3000
    decided = {"submitted_at": LONG_AGO, "decided_at": LONG_AGO, "outcome": "approve"}
    file.write_text("".join(json.dumps(comment(id=str(n), **decided)) + "\n" for n in range(total)), encoding="utf-8")
    env = os.environ | {"MODERATION_DATABASE_URL": settings.database_url, "MODERATION_HOME": str(settings.home)}
    program = [sys.executable, "-m", "moderation", "import", "jsonl", str(file), "--site", site.slug]
    with subprocess.Popen(program, env=env, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL) as running:
        until(lambda: _count(database, Comment) > 0)
        running.kill()
    before = _count(database, Comment)
    assert 0 < before < total
    done = _import(settings, "jsonl", file)
    assert done.exit_code == 0, done.output
    left = total - before
    assert done.output.splitlines()[1] == f"{left} comments and articles read, {left} of them new.", (
        "none is read twice"
    )
    assert _count(database, Comment) == _count(database, Decision) == total
    said = _import(settings, "jsonl", file).output
    assert said == f"{total} comments and articles read, 0 of them new.\n", "it was through"
    assert _count(database, Comment) == _count(database, Decision) == total


def _count(database: Database, model: type[Base]) -> int:
    with database.session(read_only=True) as session:
        return session.scalars(select(func.count()).select_from(model)).one()


def test_another_file_is_read_from_its_beginning(
    settings: Settings, site: Site, database: Database, tmp_path: Path
) -> None:
    for number in "12":
        file = _csv(tmp_path / f"{number}.csv", ROW | {"id": number}, ROW | {"id": f"{number}0", "submitted_at": "?"})
        assert _import(settings, "csv", file).output.splitlines()[1].startswith("Error: Line 5")
    with database.session(read_only=True) as session:
        assert list(session.scalars(select(Comment.external_id).order_by(Comment.id))) == ["1", "2"]


def test_newer_news_in_a_file_is_told_in_its_turn(
    settings: Settings, site: Site, database: Database, tmp_path: Path
) -> None:
    first = ROW | {"outcome": "approve"}
    later = ROW | {"text": "Anders", "decided_at": "2024-03-02T12:00:00+00:00"}
    file = _csv(tmp_path / "a.csv", first, later, ROW | {"id": "8"})
    for _ in range(2):
        assert _import(settings, "csv", file).exit_code == 0
        with database.session(read_only=True) as session:
            changed, other = session.scalars(select(Comment).order_by(Comment.id))
            assert (changed.text, changed.revision, changed.status, other.revision) == ("Anders", 2, Status.DELETED, 1)
            assert [made.outcome for made in changed.decisions] == ["approve", "delete"]


def test_an_unknown_site_is_named(settings: Settings, site: Site, tmp_path: Path) -> None:
    done = _import(settings, "csv", _csv(tmp_path / "a.csv", ROW), site="nobody")
    assert done.exit_code == 1
    assert "'nobody'" in done.output


def _export(settings: Settings, site: str) -> list[str]:
    env = {"MODERATION_DATABASE_URL": settings.database_url, "MODERATION_HOME": str(settings.home)}
    done = CliRunner().invoke(main, ["export", "--site", site], env=env)
    assert done.exit_code == 0, done.output
    return done.stdout.splitlines()


def _lived_through(session: Session, site: Site, moderator: Moderator) -> None:
    """A history with all there is: edits, decisions by all makers, an undo, a withdrawal, a lone article, closings."""
    written = {
        number: intake.write(
            session,
            site,
            CommentData.model_validate(
                comment(
                    id=number,
                    text=f"Grüße\n{number} 👋",
                    submitted_at=LONG_AGO,
                    parent_id="1" if number != "1" else None,
                    commenter={"id": "u", "name": "Jörg", "email": "j@zeitung.example", "ip": "2001:db8::1"},
                )
            ),
            stated_at=now(),
        )
        for number in "12345"
    }
    rule = session.scalars(select(HouseRule).where(HouseRule.site_id == site.id).limit(1)).one()
    seen = decisions.Seen(1)
    made = decisions.decide(session, written["1"].id, Outcome.DELETE, moderator=moderator, seen=seen, rule_id=rule.id)
    decisions.undo(session, made.id, moderator=moderator)
    decisions.decide(session, written["2"].id, Outcome.DELETE, moderator=None, seen=seen, rule_id=rule.id)
    for outcome, text in (("approve", "Erst so"), ("delete", "dann so")):
        data = comment(id="3", text=text, submitted_at=LONG_AGO, outcome=outcome, decided_at=now().isoformat())
        history.record(
            session, site, DecidedCommentData.model_validate(data), outcome=Outcome(outcome), decided_at=now()
        )
    event = CommentDeleted(type="comment.deleted", data=CommentRef(id="4"))
    bulk.accept_one(session, site, event, webhook_id="w", max_characters=1000)
    lone = ArticleData(id="einsam", url="https://zeitung.example/e", title="Einsam", section="Lokales")
    intake.write_article(session, site, lone, now())
    for article in session.scalars(select(Article)):
        closings.decide(session, article.id, Door.CLOSE, moderator=moderator, reason="Es wurde persönlich.")


def _exported(
    settings: Settings, database: Database, site: Site, moderator: Moderator, folder: Path
) -> tuple[list[str], Path]:
    """Let a site live through everything; return the lines of its export, and the file they lie in."""
    with database.session() as session:
        _lived_through(session, session.get_one(Site, site.id), session.get_one(Moderator, moderator.id))
        session.commit()
    exported = _export(settings, "foerdeblick")
    file = folder / "history.jsonl"
    file.write_text("\n".join(exported), encoding="utf-8")
    return exported, file


def test_what_is_exported_comes_back_whole_in_another_house(
    settings: Settings, site: Site, database: Database, moderator: Moderator, tmp_path: Path
) -> None:
    exported, file = _exported(settings, database, site, moderator, tmp_path)
    assert len(exported) == 6
    with database.session() as session:
        sites.add_site(session, slug="kielwasser", name="Kielwasser")
        session.commit()
    for _ in range(2):
        done = _import(settings, "jsonl", file, site="kielwasser")
        assert done.exit_code == 0, done.output
        assert _export(settings, "kielwasser") == exported
    with database.session(read_only=True) as session:
        assert all(article.closed_at for article in session.scalars(select(Article)))
        news = session.scalars(select(Delivery).where(Delivery.closing_id.is_not(None))).all()
        assert [each.due_at is not None for each in news] == [True, True], "a file that comes back home is no news"
    makers = [decision["maker"] for line in exported for decision in json.loads(line).get("decisions", ())]
    assert sorted(makers) == ["moderator", "moderator", "rule", "site", "site"]
    assert _import(settings, "jsonl", file).exit_code == 0
    assert _export(settings, "foerdeblick") == exported


def test_an_article_that_was_opened_since_stays_open(
    settings: Settings, site: Site, database: Database, moderator: Moderator, tmp_path: Path
) -> None:
    _, file = _exported(settings, database, site, moderator, tmp_path)
    with database.session() as session:
        for article in session.scalars(select(Article)):
            closings.take_over(session, article, Door.OPEN, at=now() + timedelta(minutes=1))
        session.commit()
    assert _import(settings, "jsonl", file).exit_code == 0
    with database.session(read_only=True) as session:
        assert not any(article.closed_at for article in session.scalars(select(Article)))


def test_moderators_and_rules_that_are_unknown_here_do_not_stop_a_history(
    settings: Settings, site: Site, database: Database, tmp_path: Path
) -> None:
    words = {"title": {"de": "Höflich"}, "text": {"de": "Sei höflich."}}
    decided = {"revision": 1, "outcome": "delete", "maker": "moderator", "moderator": "nobody", "decided_at": LONG_AGO}
    kept = comment(submitted_at=LONG_AGO, received_at=LONG_AGO, stated_at=LONG_AGO, status="deleted", revision=1)
    kept["article"] = kept["article"] | {"stated_at": LONG_AGO}
    kept["decisions"] = [decided | {"rule": {"key": "of-another-house", **words}}]
    file = tmp_path / "history.jsonl"
    file.write_text(json.dumps(kept), encoding="utf-8")
    assert _import(settings, "jsonl", file).exit_code == 0
    with database.session(read_only=True) as session:
        decision = session.scalars(select(Decision)).one()
        assert (decision.maker, decision.rule_id, decision.rule_text) == (Maker.SITE, None, words["text"])
    kept["decisions"] = [{"outcome": "delete"}]
    file.write_text("\n" + json.dumps(kept), encoding="utf-8")
    assert "Line 2: decisions.0.revision: Field required." in _import(settings, "jsonl", file).output
