"""A worker that is to ask Detoxify as well: the model is away, then comes, and comments are judged all the while."""

import hashlib
import os
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from sqlalchemy import select

from benchmarks.stock import Size, make_checkpoint
from moderation.config import Settings
from moderation.db import Database
from moderation.models import Assessment, Comment
from tests.integration.ports import free_port
from tests.mirror import serving
from tests.senders import Paper, comment
from tests.waiting import until

NAMES_ITS_FILE = """
from moderation.checkpoints import RELEASED, Released
RELEASED["multilingual"] = Released("multilingual", "v0/multilingual-{digits}.ckpt", "somebody/xlm-roberta-base")
"""
"""What the processes read before all else: the makers' checksum is not that of weights made here."""


@contextmanager
def _worker(settings: Settings, **more: str) -> Iterator[Path]:
    """The scoring worker as a process of its own, swept every second; its log."""
    env = os.environ | {
        "MODERATION_HOME": str(settings.home),
        "MODERATION_DATABASE_URL": settings.database_url,
        "MODERATION_SWEEP_INTERVAL": "1",
        **more,
    }
    log = settings.home / "worker.log"
    command = [sys.executable, "-m", "celery", "--app", "worker", "worker", "--pool", "solo", "--queues", "score,sweep"]
    command += ["--beat", "--schedule", str(settings.home / "beat"), "--without-gossip", "--without-mingle"]
    with log.open("wb") as output, subprocess.Popen(command, env=env, stdout=output, stderr=output) as process:
        try:
            yield log
        finally:
            process.terminate()
            process.wait(20)


def _engine(database: Database, external_id: str) -> str:
    """What judged a comment; "" for one that waits."""
    with database.session(read_only=True) as session:
        told = select(Assessment.engine).join(Comment, Comment.id == Assessment.comment_id)
        return session.scalar(told.where(Comment.external_id == external_id)) or ""


def test_comments_are_judged_while_the_model_is_away_and_by_both_once_it_is_here(
    paper: Paper, settings: Settings, database: Database, tmp_path: Path
) -> None:
    made = make_checkpoint(tmp_path / "made", Size(layers=1, hidden=32, heads=2), most_pieces=500)
    digits = hashlib.sha256(made.read_bytes()).hexdigest()[:8]
    files = {
        f"xlm-roberta-base/{file.name}": file.read_bytes() for file in (tmp_path / "made/xlm-roberta-base").iterdir()
    }
    files[f"multilingual-{digits}.ckpt"] = made.read_bytes()
    (tmp_path / "first").mkdir()
    (tmp_path / "first" / "sitecustomize.py").write_text(NAMES_ITS_FILE.format(digits=digits))
    port = free_port()
    given = {
        "MODERATION_TONE": "blend",
        "MODERATION_TONE_RETRY": "1",
        "MODERATION_MODELS_MIRROR": f"http://127.0.0.1:{port}",
        "PYTHONPATH": os.pathsep.join([str(tmp_path / "first"), os.environ.get("PYTHONPATH", "")]),
    }
    with _worker(settings, **given) as log:
        # Nobody answers at the mirror's address: the comment is judged, and the log says what to do.
        paper.send("comment.created", comment(id="before"))
        until(lambda: _engine(database, "before"), within=180)
        assert " + " not in _engine(database, "before")
        until(lambda: "detoxify_is_not_here" in log.read_text(), within=180)
        assert f"put it at {tmp_path / 'models' / 'xlm-roberta-base' / 'config.json'}" in log.read_text()
        assert "the embedded judge judges alone" in log.read_text()

        # The mirror is there: the model comes, its runtime is built, and both judge, by name.
        with serving(files, port=port):
            until(lambda: "detoxify_is_here" in log.read_text(), within=120)
        paper.send("comment.created", comment(id="after"))
        until(lambda: _engine(database, "after"), within=180)
    engine = _engine(database, "after")
    assert engine.startswith("embedded ")
    assert f" + detoxify multilingual-{digits} {digits}, onnxruntime " in engine
    assert engine.endswith(" int8, even")
