"""While a new version is rolled out, the one before works on the tables of the new: no pause is needed."""

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from moderation.config import Settings
from moderation.db import Database

ROOT = Path(__file__).parents[2]
VERSIONS = "moderation/migrations/versions"

STORY = """
import json, sys
from datetime import UTC, datetime
from standardwebhooks.webhooks import Webhook
from moderation import auth, create_app, decisions, sites
from moderation.db import Database
from moderation.decisions import Seen
from moderation.models import Comment, Moderator, Outcome, Role
from worker import tasks

app = create_app()
database = app.extensions["moderation"].database
with database.session() as session:
    site = sites.add_site(session, slug="alt", name="Alt")
    mona = sites.add_moderator(session, name="mona", password="nur-fuer-tests-7", role=Role.MODERATOR)
    secret = auth.signing_secrets(site)[0]
    session.commit()
article = {"id": "a", "url": "https://zeitung.example/a", "title": "Die Hafenbrücke wird gesperrt"}
moment = datetime.now(UTC)
data = {"id": "c", "text": "Und wer zahlt das?", "submitted_at": moment.isoformat(), "article": article}
body = json.dumps({"type": "comment.created", "data": data})
headers = {"webhook-id": "m", "webhook-timestamp": str(int(moment.timestamp()))}
headers["webhook-signature"] = Webhook(secret).sign("m", moment, body)
answer = app.test_client().post("/webhooks/alt/comments", data=body, headers=headers)
assert answer.status_code == 202, answer.text
tasks.score()
with database.session() as session:
    (comment,) = session.query(Comment).all()
    assert comment.assessment is not None
    mona = session.query(Moderator).filter_by(name="mona").one()
    decisions.decide(session, comment.id, Outcome.APPROVE, moderator=mona, seen=Seen(1))
    session.commit()
    assert comment.status == "approved"
print("told")
"""


def _git(*arguments: str) -> str:
    return subprocess.run(["git", *arguments], cwd=ROOT, capture_output=True, text=True, check=True).stdout.strip()


@pytest.fixture
def before(tmp_path: Path) -> Path:
    """The code as it was before the newest migration."""
    newest = sorted((ROOT / VERSIONS).glob("[0-9]*.py"))[-1]
    try:
        added = _git("log", "--diff-filter=A", "--format=%H", "-1", "--", f"{VERSIONS}/{newest.name}")
        archive = subprocess.run(["git", "archive", f"{added}^"], cwd=ROOT, capture_output=True, check=True).stdout
    except (OSError, subprocess.CalledProcessError):
        pytest.skip("the history is not here")
    subprocess.run(["tar", "-x", "-C", str(tmp_path)], input=archive, check=True)
    assert not (tmp_path / VERSIONS / newest.name).exists()
    return tmp_path


def test_the_code_of_before_works_on_the_tables_of_now(
    settings: Settings, database: Database, before: Path, tmp_path_factory: pytest.TempPathFactory
) -> None:
    compiled = tmp_path_factory.mktemp("translations")
    env = os.environ | {
        "PYTHONPATH": str(before),
        "MODERATION_HOME": str(compiled),
        "MODERATION_DATABASE_URL": settings.database_url,
        "MODERATION_SECRET_KEY": settings.require_secret_key(),
        "MODERATION_BROKER_URL": f"folder://{compiled / 'bell'}",
    }
    done = subprocess.run(
        [sys.executable, "-c", STORY], env=env, cwd=before, capture_output=True, text=True, check=False
    )
    shutil.rmtree(before / "moderation", ignore_errors=True)
    assert done.stdout.strip().endswith("told"), done.stderr[-3000:]
