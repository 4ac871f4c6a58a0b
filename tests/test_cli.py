"""The command line: sites and moderators are set up, and mistakes are told in one line."""

from collections.abc import Callable
from pathlib import Path

import pytest
from click.testing import CliRunner, Result
from flask.testing import FlaskClient
from sqlalchemy import select

from moderation import auth
from moderation.access import passwords
from moderation.cli import main
from moderation.config import Settings
from moderation.db import Database
from moderation.judge import Judge
from moderation.judge.artefacts import WeightsError
from moderation.models import AuditEntry, HouseRule, Moderator, Role, Site
from tests.conftest import PASSWORD

Run = Callable[..., Result]


@pytest.fixture
def run(settings: Settings, database: Database, monkeypatch: pytest.MonkeyPatch) -> Run:
    """Runs the command with the test's database."""
    monkeypatch.setenv("MODERATION_DATABASE_URL", settings.database_url)
    monkeypatch.setenv("MODERATION_HOME", str(settings.home))
    return lambda *arguments, **options: CliRunner().invoke(main, list(arguments), **options)


def _site(database: Database) -> Site:
    with database.session(read_only=True) as session:
        return session.scalars(select(Site)).one()


def test_a_site_is_added_with_rules_and_keys(run: Run, database: Database) -> None:
    result = run("site", "add", "paper", "--name", "The Paper", "--callback-url", "https://paper.example/hook")
    assert result.exit_code == 0
    assert "/webhooks/paper/comments" in result.output
    token = result.output.split("API token:")[1].strip()
    with database.session(read_only=True) as session:
        assert auth.site_by_token(session, f"Bearer {token}").slug == "paper"
        assert auth.signing_secrets(session.scalars(select(Site)).one())[0] in result.output
        assert len(session.scalars(select(HouseRule)).all()) == 3
    assert "paper\tThe Paper\thttps://paper.example/hook" in run("site", "list").output


@pytest.mark.parametrize(
    ("arguments", "complaint"),
    [
        (["site", "add", "Paper!", "--name", "x"], "cannot be a slug"),
        (["site", "add", "p", "--name", "x", "--callback-url", "ftp://x"], "no http or https address"),
        (["site", "show", "nobody"], "There is no site 'nobody' here"),
        (["site", "set", "nobody", "--name", "x"], "There is no site 'nobody' here"),
        (["moderator", "add", "mona", "--password", "kurz"], "at least 10 characters"),
    ],
)
def test_mistakes_are_told_in_one_line(run: Run, arguments: list[str], complaint: str) -> None:
    result = run(*arguments)
    assert result.exit_code == 1
    assert complaint in result.output


@pytest.mark.parametrize("url", ["sqlite:////proc/nothing.sqlite3", "sqlite:///{}/empty.sqlite3"])
def test_a_database_that_is_away_or_empty_is_told_in_one_line(
    run: Run, url: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("MODERATION_DATABASE_URL", url.format(tmp_path))
    result = run("site", "list")
    assert result.exit_code == 1
    assert "run `moderation db upgrade`" in result.output


def test_a_file_that_cannot_be_written_is_told_in_one_line(run: Run, site: Site, tmp_path: Path) -> None:
    result = run("rules", "export", str(tmp_path / "nowhere" / "rules.yaml"))
    assert result.exit_code == 1
    assert result.output.endswith("nowhere/rules.yaml: No such file or directory.\n")


def test_weights_that_are_not_what_was_shipped_are_told_in_one_line(run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    def damaged(cls: type[Judge]) -> Judge:
        raise WeightsError("tone.npz has a wrong checksum.")

    monkeypatch.setattr(Judge, "load", classmethod(damaged))
    result = run("score", "-", input="{}")
    assert (result.exit_code, result.output) == (1, "Error: tone.npz has a wrong checksum.\n")
    assert "Traceback" not in result.output


def test_a_site_cannot_be_added_twice(run: Run) -> None:
    run("site", "add", "paper", "--name", "The Paper")
    assert "already" in run("site", "add", "paper", "--name", "The Paper").output


def test_a_site_is_changed_and_shown(run: Run, database: Database) -> None:
    run("site", "add", "paper", "--name", "The Paper")
    run("site", "set", "paper", "--callback-url", "http://10.0.0.7/hook", "--callback-private", "--undo-seconds", "0")
    changed = _site(database)
    assert (changed.callback_url, changed.callback_private, changed.undo_seconds) == ("http://10.0.0.7/hook", True, 0)
    assert "Undo window:     0 s" in run("site", "show", "paper").output
    run("site", "set", "paper", "--callback-url", "none")
    assert (_site(database).callback_url, _site(database).callback_private) == (None, True)


def test_a_second_token_leaves_the_first_valid(run: Run, database: Database) -> None:
    first = run("site", "add", "paper", "--name", "The Paper").output.split("API token:")[1].strip()
    second = run("token", "create", "paper").output.strip()
    with database.session(read_only=True) as session:
        assert {auth.site_by_token(session, f"Bearer {token}").slug for token in (first, second)} == {"paper"}


def test_a_moderator_is_added_and_gets_a_new_password(run: Run, database: Database) -> None:
    for password in (PASSWORD, "ein-ganz-anderes"):
        assert run("moderator", "add", "mona", "--role", "admin", "--password", password).exit_code == 0
    with database.session(read_only=True) as session:
        assert session.scalars(select(Moderator)).one().role is Role.ADMIN
        assert passwords.check(session, "mona", "ein-ganz-anderes") is not None
        assert passwords.check(session, "mona", PASSWORD) is None
    assert run("moderator", "list").output == "mona\tadmin\n"


def test_wrong_settings_are_told_in_one_line(run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("MODERATION_SCORE_BATCH", "many")
    result = run("site", "list")
    assert result.exit_code == 1
    assert "MODERATION_SCORE_BATCH" in result.output


def test_the_tables_go_up_and_down(run: Run, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("MODERATION_DATABASE_URL", f"sqlite:///{tmp_path / 'fresh.sqlite3'}")
    assert run("db", "upgrade").output == "The database is up to date.\n"
    assert run("db", "downgrade", "base").exit_code == 0


def test_tokens_are_listed_and_one_that_was_revoked_opens_nothing(
    run: Run, database: Database, client: FlaskClient
) -> None:
    run("site", "add", "blog", "--name", "Blog")
    made = run("token", "create", "blog", "--scope", "read", "--name", "Statistik").output.strip()
    ask = {"headers": {"Authorization": f"Bearer {made}"}}
    assert client.get("/api/v1/comments", **ask).status_code == 200
    line = next(one for one in run("token", "list", "blog").output.splitlines() if "Statistik" in one)
    assert line.split("\t")[1:3] == ["blog", "read"]
    number = line.split("\t")[0]
    assert run("token", "revoke", number).output == f"Token {number} is revoked.\n"
    assert client.get("/api/v1/comments", **ask).status_code == 401
    assert "revoked" in run("token", "list").output
    assert run("token", "revoke", number).exit_code != 0
    assert "at most 80" in run("token", "create", "blog", "--name", "x" * 81).output
    with database.session(read_only=True) as session:
        deeds = session.scalars(select(AuditEntry.deed).order_by(AuditEntry.id)).all()
    assert [deed for deed in deeds if deed.startswith("token")] == ["token_created", "token_revoked"]
