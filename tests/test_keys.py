"""Keys are changed calmly: for a while old and new both fit, then only the new."""

import itertools

import pytest
from click.testing import CliRunner
from sqlalchemy import select

from moderation.cli import main
from moderation.config import Settings
from moderation.db import Database
from moderation.models import AuditEntry
from tests.senders import Paper, comment
from tests.waiting import until

_numbers = itertools.count()


def _send(paper: Paper, secret: str) -> int:
    paper.secret = secret
    return paper.send("comment.created", comment(id=f"k{next(_numbers)}")).status_code


def test_a_secret_is_changed_without_a_gap(
    settings: Settings, database: Database, paper: Paper, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("MODERATION_DATABASE_URL", settings.database_url)
    old = paper.secret
    assert _send(paper, old) == 202
    new = CliRunner().invoke(main, ["site", "rotate", paper.slug]).output.strip()
    assert new.startswith("whsec_")
    assert (_send(paper, new), _send(paper, old)) == (202, 202)
    done = CliRunner().invoke(main, ["site", "rotate", paper.slug, "--finish"])
    assert done.output == "Old secrets ended: 1.\n"
    until(lambda: _send(paper, old) == 401)
    assert _send(paper, new) == 202
    with database.session(read_only=True) as session:
        deeds = set(session.scalars(select(AuditEntry.deed)))
    assert {"secret_added", "secrets_ended"} <= deeds
