"""The service as processes: each part can be killed, or only its child, and is started again by itself."""

import os
import random
import shutil
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path

import httpx

from moderation.db import Database
from moderation.run import TIED
from tests.faults.servers import Postgres, Server, SmallDisk, make_folder
from tests.integration.ports import free_port
from tests.waiting import until

ROOT = Path(__file__).parents[2]
CLOCK = Path(__file__).parent / "clock"
QUICK = {"MODERATION_SCORE_LEASE": "4", "MODERATION_SWEEP_INTERVAL": "1", "MODERATION_DELIVERY_TIMEOUT": "2"}
ALONE = ["--without-gossip", "--without-mingle", "--without-heartbeat"]
KEY = "a secret key for tests, quite long enough"

Fault = Callable[[], bool]
"""Breaks something; False where there was nothing to break, because it was broken already."""


@dataclass
class Part:
    """One process and its children; ``skew`` is by how many seconds its clock is ahead."""

    name: str
    arguments: list[str]
    env: dict[str, str]
    log: Path
    skew: float = 0
    process: subprocess.Popen[bytes] | None = None

    def start(self) -> None:
        env = self.env
        if self.skew:  # for its children, too
            env = env | {"FAULTS_SKEW": str(self.skew), "PYTHONPATH": f"{CLOCK}{os.pathsep}{ROOT}"}
        with self.log.open("ab") as log:
            self.process = subprocess.Popen(
                [*TIED, sys.executable, "-m", *self.arguments],
                env=env, stdout=log, stderr=log, start_new_session=True, cwd=ROOT,
            )  # fmt: skip

    def kill(self) -> bool:
        """Kill it and its children, as a power cut does."""
        if self.process is None or self.process.poll() is not None:
            return False
        with suppress(ProcessLookupError):
            os.killpg(self.process.pid, signal.SIGKILL)
        return True

    def kill_alone(self) -> bool:
        """Kill it and none of its children, as somebody does who knows one process id only."""
        if self.process is None or self.process.poll() is not None:
            return False
        self.process.kill()
        return True

    def kill_child(self, word: str = "") -> bool:
        """Kill one child only, as the kernel does when memory is short; one whose command has this word in it."""
        if self.process is None:
            return False
        listed = subprocess.run(
            ["ps", "-ww", "-o", "pid=,args=", "--ppid", str(self.process.pid)],
            capture_output=True, text=True, check=False,
        )  # fmt: skip
        children = [int(line.split()[0]) for line in listed.stdout.splitlines() if word in line]
        if not children:
            return False
        with suppress(ProcessLookupError):
            os.kill(random.choice(children), signal.SIGKILL)
        return True

    def stop(self) -> None:
        if self.process is not None:
            self.process.terminate()
            try:
                self.process.wait(15)
            except subprocess.TimeoutExpired:
                self.kill()
                self.process.wait()


@dataclass
class House:
    """Parts that are to be running, what they stand on, and all that can go wrong with them."""

    name: str
    home: Path
    env: dict[str, str]
    database_url: str
    web_urls: list[str]
    parts: dict[str, Part] = field(default_factory=dict)
    servers: list[Server] = field(default_factory=list)
    disk: SmallDisk | None = None
    _over: threading.Event = field(default_factory=threading.Event)
    _keeper: threading.Thread | None = None
    _broken: dict[str, tuple[float, Callable[[], None]]] = field(default_factory=dict)
    """What is broken for a while: until when, and how it is mended."""

    def open(self) -> None:
        """Make the tables, start all parts, and wait until the desk answers."""
        command = [sys.executable, "-m", "moderation", "db", "upgrade"]
        subprocess.run(command, env=self.env, check=True, capture_output=True, cwd=ROOT)
        for part in self.parts.values():
            part.start()
        self._keeper = threading.Thread(target=self._keep, daemon=True)
        self._keeper.start()
        until(lambda: all(self.answers(url) for url in self.web_urls), within=90)

    def _keep(self) -> None:
        """Start whatever died again, a moment later, as systemd or Docker do; mend what was broken for long enough."""
        while not self._over.wait(0.3):
            for name, (at, better) in list(self._broken.items()):
                if time.monotonic() >= at:
                    better()
                    del self._broken[name]
            for part in self.parts.values():
                if part.process is not None and part.process.poll() is not None:
                    part.start()

    def answers(self, url: str) -> bool:
        try:
            return httpx.get(f"{url}/readyz", trust_env=False, timeout=2).is_success
        except httpx.HTTPError:
            return False

    def database(self) -> Database:
        return Database(self.database_url)

    def faults(self, chance: random.Random) -> dict[str, Fault]:
        """All that can be broken here, by name; a fault takes its time and leaves the house to mend itself."""
        found: dict[str, Fault] = {}
        for name, part in self.parts.items():
            found[f"kill {name}"] = part.kill
            if name in {"web1", "score2"}:
                found[f"kill a child of {name}"] = part.kill_child
            if name == "service":
                found["kill service without its children"] = part.kill_alone
                for child in ("gunicorn", "score@", "carry@"):
                    found[f"kill {child} of {name}"] = partial(part.kill_child, child)
            if name in {"web2", "score1", "carry", "service"}:
                skew = chance.choice([-20, -7, 7, 20])
                found[f"the clock of {name} goes {skew:+d} s off, or right again"] = partial(self._skew, part, skew)
        for server in self.servers:
            away = chance.uniform(0.2, 3)
            found[f"{server.name} is away for {away:.1f} s"] = partial(self._away, server, away)
        if self.disk is not None and self.disk.is_small:
            found["the disk is full for 3 s"] = self._fill
        return found

    def _skew(self, part: Part, seconds: float) -> bool:
        """From its next start on, the part's clock is wrong, until the same comes again."""
        part.skew = 0 if part.skew else seconds
        part.kill()
        return True

    def _away(self, server: Server, seconds: float) -> bool:
        """Only one that is there can go away: a server that is never up breaks less than one that comes back."""
        return server.is_ready() and self._meanwhile(server.name, server.kill, seconds, server.start)

    def _fill(self) -> bool:
        assert self.disk is not None
        return self._meanwhile("disk", self.disk.fill, 3, self.disk.free)

    def _meanwhile(self, name: str, worse: Callable[[], None], seconds: float, better: Callable[[], None]) -> bool:
        """Break something for a while, and do not hold up the storm by that; False where it is broken already."""
        if name in self._broken:
            return False
        worse()
        self._broken[name] = time.monotonic() + seconds, better
        return True

    def await_peace(self, *, at_most: float) -> None:
        """Wait until nothing is broken on purpose and every desk answers, but not for ever."""
        deadline = time.monotonic() + at_most
        while time.monotonic() < deadline and (self._broken or not all(self.answers(url) for url in self.web_urls)):
            time.sleep(0.2)

    def calm_down(self) -> None:
        """Wait until nothing is broken on purpose any more; from then on the house has to get over it."""
        until(lambda: not self._broken)

    def close(self, keep_logs: Path | None = None) -> None:
        """Stop all parts; the servers are stopped by whoever started them."""
        self._over.set()
        if self._keeper is not None:
            self._keeper.join()
        for part in self.parts.values():
            part.stop()
        if keep_logs is not None:
            for log in self.home.rglob("*.log"):
                keep_logs.mkdir(parents=True, exist_ok=True)
                shutil.copy(log, keep_logs)
        shutil.rmtree(self.home, ignore_errors=True)


def _env(home: Path, **settings: str) -> dict[str, str]:
    return os.environ | {
        "MODERATION_HOME": str(home),
        "MODERATION_SECRET_KEY": KEY,
        "OPENBLAS_NUM_THREADS": "1",
        "PYTHONPATH": str(ROOT),
        "COVERAGE_PROCESS_START": "",
        **settings,
    }


def grown_up(postgres: Postgres, broker: Server, *, settings: dict[str, str]) -> House:
    """Two web processes, two that score (one with a child of its own), one that carries, and the clock that sweeps."""
    home = make_folder("home")
    env = _env(home, MODERATION_DATABASE_URL=postgres.url, MODERATION_BROKER_URL=getattr(broker, "url", ""), **settings)
    ports = [free_port(), free_port()]
    web = ["gunicorn", "moderation:create_app()", "--config", "python:moderation.serving", "--bind"]
    worker = ["celery", "--app", "worker", "--quiet", "worker", *ALONE]
    score = [*worker, "--queues", "score,adapt"]
    carried = "deliver,batch,mail,learn,notify,purge,sweep"
    commands = {
        "web1": [*web, f"127.0.0.1:{ports[0]}"],
        "web2": [*web, f"127.0.0.1:{ports[1]}"],
        "score1": [*score, "--hostname", "score1@%h", "--pool", "solo"],
        "score2": [*score, "--hostname", "score2@%h", "--pool", "prefork", "--concurrency", "1"],
        "carry": [*worker, "--hostname", "carry@%h", "--queues", carried, "--pool", "threads", "--concurrency", "4"],
        "beat": ["celery", "--app", "worker", "--quiet", "beat", "--schedule", str(home / "beat")],
    }
    parts = {name: Part(name, command, env, home / f"{name}.log") for name, command in commands.items()}
    urls = [f"http://127.0.0.1:{port}" for port in ports]
    return House(f"PostgreSQL and {broker.name}", home, env, postgres.url, urls, parts, [postgres, broker])


def embedded(disk: SmallDisk, *, settings: dict[str, str]) -> House:
    """`moderation run`, as it starts without any setting, on a disk that can be filled."""
    port = free_port()
    env = _env(disk.folder, **settings)
    service = Part("service", ["moderation", "run", "--port", str(port)], env, disk.folder / "service.log")
    url = f"sqlite:///{disk.folder / 'moderation.sqlite3'}"
    return House("embedded", disk.folder, env, url, [f"http://127.0.0.1:{port}"], {"service": service}, disk=disk)
