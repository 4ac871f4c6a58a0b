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
from pathlib import Path

import httpx

from moderation.db import Database
from moderation.run import TIED
from tests.faults.servers import Postgres, Server, SmallDisk, make_folder
from tests.integration.ports import free_port
from tests.waiting import until

ROOT = Path(__file__).parents[2]
QUICK = {"MODERATION_SCORE_LEASE": "4", "MODERATION_SWEEP_INTERVAL": "1", "MODERATION_DELIVERY_TIMEOUT": "2"}
ALONE = ["--without-gossip", "--without-mingle", "--without-heartbeat"]
KEY = "a secret key for tests, quite long enough"

Fault = Callable[[], None]


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
        module = [sys.executable, "-m", *self.arguments]
        if self.skew:
            module = [sys.executable, "-m", "tests.faults.skewed", str(self.skew), *self.arguments]
        with self.log.open("ab") as log:
            self.process = subprocess.Popen(
                [*TIED, *module], env=self.env, stdout=log, stderr=log, start_new_session=True, cwd=ROOT
            )

    def kill(self) -> None:
        """Kill it and its children, as a power cut does."""
        if self.process is not None:
            with suppress(ProcessLookupError):
                os.killpg(self.process.pid, signal.SIGKILL)

    def kill_child(self) -> None:
        """Kill one child only, as the kernel does when memory is short."""
        children = self.children()
        if children:
            with suppress(ProcessLookupError):
                os.kill(random.choice(children), signal.SIGKILL)

    def children(self) -> list[int]:
        if self.process is None:
            return []
        listed = subprocess.run(
            ["ps", "-o", "pid=", "--ppid", str(self.process.pid)], capture_output=True, text=True, check=False
        )
        return [int(pid) for pid in listed.stdout.split()]

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
        """Start whatever died again, a moment later, as systemd or Docker do."""
        while not self._over.wait(0.3):
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
            if name in {"service"}:
                for child in ("gunicorn", "score@", "carry@"):
                    found[f"kill {child} of {name}"] = lambda child=child: self._kill_grandchild(child)  # type: ignore[misc]
            if name in {"web2", "score1", "carry", "service"}:
                skew = chance.choice([-20, -7, 7, 20])
                found[f"the clock of {name} is {skew:+d} s off"] = lambda part=part, skew=skew: self._skew(part, skew)  # type: ignore[misc]
        for server in self.servers:
            away = chance.uniform(0.2, 3)
            found[f"{server.name} is away for {away:.1f} s"] = lambda server=server, away=away: self._away(server, away)  # type: ignore[misc]
        if self.disk is not None and self.disk.is_small:
            found["the disk is full for 3 s"] = self._fill
        return found

    def _kill_grandchild(self, word: str) -> None:
        service = self.parts["service"].process
        if service is None:
            return
        listed = subprocess.run(
            ["ps", "-ww", "-o", "pid=,args=", "--ppid", str(service.pid)], capture_output=True, text=True, check=False
        )
        for line in listed.stdout.splitlines():
            pid, _, arguments = line.strip().partition(" ")
            if word in arguments:
                with suppress(ProcessLookupError):
                    os.kill(int(pid), signal.SIGKILL)

    def _skew(self, part: Part, seconds: float) -> None:
        """From its next start on, the part's clock is wrong; it stays so."""
        part.skew = seconds
        part.kill()

    def _away(self, server: Server, seconds: float) -> None:
        server.kill()
        time.sleep(seconds)
        server.start()
        server.await_ready()

    def _fill(self) -> None:
        assert self.disk is not None
        self.disk.fill()
        time.sleep(3)
        self.disk.free()

    def close(self) -> None:
        """Stop all parts; the servers are stopped by whoever started them."""
        self._over.set()
        if self._keeper is not None:
            self._keeper.join()
        for part in self.parts.values():
            part.stop()
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
    carried = "deliver,batch,mail,purge,sweep"
    commands = {
        "web1": [*web, f"127.0.0.1:{ports[0]}"],
        "web2": [*web, f"127.0.0.1:{ports[1]}"],
        "score1": [*worker, "--hostname", "score1@%h", "--queues", "score", "--pool", "solo"],
        "score2": [*worker, "--hostname", "score2@%h", "--queues", "score", "--pool", "prefork", "--concurrency", "1"],
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
