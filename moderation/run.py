"""Everything on one machine: web and workers as children of one process, started, restarted and stopped together."""

import os
import secrets
import shutil
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from types import FrameType

import httpx
import structlog

from moderation.config import Settings
from moderation.errors import SettingsError

STOP_WITHIN = 10.0
"""Seconds the children have to finish what they are doing."""

TIED = ("setpriv", "--pdeathsig", "TERM") if shutil.which("setpriv") else ()
"""What is put before a child's command: the kernel ends it, even when we are killed outright (util-linux)."""

STEADY = 20.0
"""Seconds after which a child that dies is not one that keeps dying: longer than anybody waits for its next start."""

log = structlog.get_logger(__name__)


def keep_secret_key(home: Path) -> str:
    """Return the secret key kept in the home folder; make one, readable by its owner only, where there is none."""
    file = home / "secret_key"
    if not file.exists() or not file.read_text().strip():
        home.mkdir(parents=True, exist_ok=True)
        # It appears whole or not at all: half of one, left by whoever was killed here, would hinder every next start.
        unfinished = home / "secret_key.unfinished"
        with os.fdopen(os.open(unfinished, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600), "w") as opened:
            opened.write(secrets.token_urlsafe(48))
            opened.flush()
            os.fsync(opened.fileno())
        os.replace(unfinished, file)
    return file.read_text().strip()


def require_free(host: str, port: int) -> None:
    """SettingsError that names another way where the port is taken."""
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((host, port))
        except OSError as error:
            raise SettingsError(
                f"Cannot listen on {host}:{port} ({error.strerror}). Is it running already? "
                f"Otherwise choose another port: PORT={port + 1} make run"
            ) from None


@dataclass
class Child:
    """A command that is to be running; when it dies it is started again, ever more slowly if it keeps dying."""

    name: str
    command: list[str]
    log_file: Path
    env: dict[str, str]
    process: subprocess.Popen[bytes] | None = field(default=None, init=False)
    starts: int = field(default=0, init=False)
    start_at: float = field(default=0.0, init=False)

    def tend(self) -> None:
        """Start the command if it is not running and it is time to."""
        if self.process is not None and self.process.poll() is not None:
            log.warning("child_died", child=self.name, exit=self.process.returncode, log=str(self.log_file))
            self.process = None
            if time.monotonic() - self.start_at >= STEADY:
                self.starts = 1
            self._wait()
        if self.process is None and time.monotonic() >= self.start_at:
            self.starts += 1
            try:
                with self.log_file.open("ab") as output:
                    self.process = subprocess.Popen(self.command, stdout=output, stderr=output, env=self.env)
                self.start_at = time.monotonic()
            except OSError as error:  # neither a full disk nor memory that is short ends the others
                log.warning("child_not_started", child=self.name, error=type(error).__name__)
                self._wait()

    def _wait(self) -> None:
        self.start_at = time.monotonic() + 2 ** min(self.starts, 5) / 2

    def signal(self, number: int) -> None:
        """Send a signal, if there is somebody to hear it."""
        if self.process is not None and self.process.poll() is None:
            self.process.send_signal(number)


def children(settings: Settings, *, host: str, port: int) -> list[Child]:
    """Return the children that make up the service.

    Scoring has a worker of its own, so that no slow site can keep a comment from being judged; the other one carries
    decisions, and the clock that sweeps.
    """
    home = settings.home.absolute()
    logs = home / "log"
    logs.mkdir(parents=True, exist_ok=True)
    env = os.environ | {
        "MODERATION_HOME": str(home),
        "MODERATION_SECRET_KEY": settings.require_secret_key(),
        "MODERATION_PUBLIC_URL": settings.public_url,
    }
    web = ["gunicorn", "moderation:create_app()", "--bind", f"{host}:{port}", "--workers", "1"]
    web += ["--config", "python:moderation.serving"]
    alone = ["--without-gossip", "--without-mingle", "--without-heartbeat"]
    worker = ["celery", "--app", "worker", "--quiet", "worker", *alone]
    score = [*worker, "--hostname", "score@%h", "--queues", "score,adapt", "--pool", "solo"]
    carry = [
        *worker,
        "--hostname",
        "carry@%h",
        "--queues",
        "deliver,batch,mail,learn,notify,purge,sweep",
        "--pool",
        "threads",
        "--concurrency",
        "4",
    ]
    beat = ["--beat", "--schedule", str(home / "beat")]
    commands = {"web": web, "score": score, "carry": [*carry, *beat]}
    return [
        Child(name, [*TIED, sys.executable, "-m", *command], logs / f"{name}.log", env)
        for name, command in commands.items()
    ]


def supervise(family: list[Child], *, when_ready: Callable[[], None], ready_url: str) -> None:
    """Keep the children running until SIGINT or SIGTERM; call ``when_ready`` once the web answers.

    Returns when all have stopped, which takes them ``STOP_WITHIN`` seconds at most.
    """
    stopping = False

    def stop(_number: int, _frame: FrameType | None) -> None:
        nonlocal stopping
        stopping = True

    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, stop)
    ready = False
    try:
        while not stopping:
            for child in family:
                child.tend()
            if not ready and _answers(ready_url):
                ready = True
                when_ready()
            time.sleep(0.2)
    finally:
        _stop(family)


def _answers(url: str) -> bool:
    try:
        return httpx.get(url, trust_env=False, timeout=1).is_success
    except httpx.HTTPError:
        return False


def _stop(family: list[Child]) -> None:
    """Ask all to finish, and end those that do not."""
    deadline = time.monotonic() + STOP_WITHIN
    for child in family:
        child.signal(signal.SIGTERM)
    for child in family:
        if child.process is None:
            continue
        try:
            child.process.wait(max(0.1, deadline - time.monotonic()))
        except subprocess.TimeoutExpired:
            child.process.kill()
            child.process.wait()
