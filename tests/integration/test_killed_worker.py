"""The embedded service is killed in the middle of its work, part by part; nothing that was accepted is lost."""

import json
import os
import re
import signal
import socket
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from select import select as readable

import httpx
import pytest
from sqlalchemy import func, select, text

from moderation import auth, demo, queue
from moderation.config import Settings
from moderation.db import Database
from moderation.errors import SettingsError
from moderation.models import Assessment, Comment
from moderation.run import require_free
from tests.integration.ports import free_port
from tests.senders import comment, signed
from tests.waiting import until

QUICK = {"MODERATION_SCORE_LEASE": "3", "MODERATION_SWEEP_INTERVAL": "1", "MODERATION_SCORE_BATCH": "8"}


@pytest.fixture
def port() -> int:
    return free_port()


@pytest.fixture
def service(tmp_path: Path, port: int) -> Iterator[subprocess.Popen[bytes]]:
    command = [str(Path(sys.executable).parent / "moderation"), "run", "--port", str(port)]
    started = subprocess.Popen(command, env=os.environ | QUICK | {"MODERATION_HOME": str(tmp_path)})
    try:
        until(lambda: _ready(port), within=120)
        yield started
    finally:
        started.send_signal(signal.SIGINT)
        started.wait(20)


def _ready(port: int) -> bool:
    try:
        return httpx.get(f"http://127.0.0.1:{port}/readyz", trust_env=False).is_success
    except httpx.HTTPError:
        return False


def _child(service: subprocess.Popen[bytes], word: str) -> int | None:
    """The process id of the child whose command line holds the word."""
    listed = subprocess.run(
        ["ps", "-ww", "-o", "pid=,args=", "--ppid", str(service.pid)], capture_output=True, text=True, check=False
    )
    found = re.search(rf"^\s*(\d+) .*{word}", listed.stdout, re.MULTILINE)
    return int(found[1]) if found else None


def test_comments_outlive_the_workers_that_judge_them(
    service: subprocess.Popen[bytes], tmp_path: Path, port: int
) -> None:
    database = Database(Settings(home=tmp_path).database_url)
    with database.session() as session:
        secret = auth.signing_secrets(demo.find_or_add(session))[0]
        session.commit()

    def judged() -> int:
        with database.session(read_only=True) as session:
            return session.scalar(select(func.count()).select_from(Assessment)) or 0

    accepted = sum(1 for _ in demo.send(f"http://127.0.0.1:{port}", secret, skip=set()))
    for threshold in (1, accepted // 3):
        until(lambda at_least=threshold: judged() >= at_least, within=60)
        until(lambda: _child(service, "score@"))  # after the first time: until it was started again
        os.kill(_child(service, "score@") or 0, signal.SIGKILL)
    until(lambda: judged() == accepted, within=90)

    with database.session(read_only=True) as session:
        assert queue.waiting_to_be_judged(session) == 0
        assert session.scalar(select(func.count()).select_from(Comment)) == accepted
        assert session.scalar(select(func.count()).where(Assessment.not_scored.is_not(None))) == 0
    database.dispose()


@contextmanager
def _slow_comment(database: Database, port: int) -> Iterator[socket.socket]:
    """A comment on its way to the web, which cannot store it before this is over; where its answer comes."""
    with database.session() as session:
        site = demo.find_or_add(session)
        slug, secret = site.slug, auth.signing_secrets(site)[0]
        session.commit()
    body = json.dumps({"type": "comment.created", "data": comment(id="slow")})
    headers = signed(secret, body) | {"host": "127.0.0.1", "content-length": str(len(body.encode()))}
    head = "".join(f"{name}: {value}\r\n" for name, value in headers.items())
    with database.session() as writing, socket.create_connection(("127.0.0.1", port), timeout=60) as opened:
        writing.execute(text("SELECT 1"))  # on SQLite nobody else writes now
        opened.sendall(f"POST /webhooks/{slug}/comments HTTP/1.1\r\n{head}\r\n{body}".encode())
        until(lambda: _is_read(opened))
        yield opened
        assert readable([opened], [], [], 0)[0] == [], "not yet"
        writing.rollback()
        assert opened.recv(4096).startswith(b"HTTP/1.1 202 ")


def _is_read(opened: socket.socket) -> bool:
    """Whether the other side has read all that was sent to it; Linux says for each connection how much it has not."""
    connections = [line.split() for line in Path("/proc/net/tcp").read_text().splitlines()]
    theirs = [line for line in connections if line[2].endswith(f":{opened.getsockname()[1]:04X}")]
    return [line[4].partition(":")[2] for line in theirs] == ["00000000"]


@pytest.mark.skipif(sys.platform != "linux", reason="only there a process can be tied to its parent")
@pytest.mark.parametrize("killed", ["the service", "the master of its web"])
def test_its_port_is_free_at_once_when_it_is_killed_and_what_the_web_has_begun_is_finished(
    service: subprocess.Popen[bytes], tmp_path: Path, port: int, killed: str
) -> None:
    database = Database(Settings(home=tmp_path).database_url)
    with _slow_comment(database, port):
        os.kill(service.pid if killed == "the service" else _child(service, "gunicorn") or 0, signal.SIGKILL)
        until(lambda: _is_free(port), within=8 if killed == "the service" else 60)
    if killed == "the service":
        service.wait()
    else:
        until(lambda: _ready(port), within=120)  # another was started
    with database.session(read_only=True) as session:
        assert session.scalars(select(Comment.external_id)).all() == ["slow"]
    database.dispose()


def _is_free(port: int) -> bool:
    with suppress(SettingsError):
        require_free("127.0.0.1", port)
        return True
    return False


def test_nothing_goes_on_running_when_the_service_is_killed(
    service: subprocess.Popen[bytes], tmp_path: Path, port: int
) -> None:
    until(lambda: _child(service, "carry@"))
    service.kill()
    service.wait()
    until(lambda: not _ready(port))
    until(
        lambda: (
            str(tmp_path)
            not in subprocess.run(["ps", "-ww", "-eo", "args="], capture_output=True, text=True, check=True).stdout
        )
    )
