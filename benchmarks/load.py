"""How much a house takes in: signed comments a second, beside Isso taking the same comments in the same run.

    python benchmarks/load.py --isso /path/to/venv/bin/python --postgres postgresql://postgres@127.0.0.1/postgres

Each server runs with two processes on this machine, and so does whoever sends. Requests are signed and put together
beforehand, so that sending costs little; servers take turns, round by round. Processor time is told apart: web
processes, PostgreSQL's, and whoever sends. ``--bulk`` measures comments that come many a call, from as many readers
under all the demo's articles; ``--scoring`` with a worker that judges running beside.
"""

import argparse
import asyncio
import json
import os
import secrets
import signal
import statistics
import subprocess
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime
from itertools import count, cycle, islice
from pathlib import Path
from typing import Any

import psycopg
from alembic import command as alembic
from standardwebhooks.webhooks import Webhook

from moderation import auth, demo, sites
from moderation.config import Settings
from moderation.db import Database
from moderation.migrations import config

CONNECTIONS = (1, 16, 64)
MOST_A_SECOND = {True: 28_000, False: 4_000}
"""Comments for which requests are made, for each second of sending: many a call, or one."""

NUMBERS = count(1)
READERS = 50_000

Event = dict[str, Any]


@dataclass
class Server:
    """One that takes comments: where it listens, and how a request to it looks."""

    name: str
    port: int
    secret: str = ""
    bulk: int = 1
    works: str = ""
    """What the command line of its database's processes holds."""
    session: int = 0
    cpu: dict[int, Counter[str]] = field(default_factory=dict)
    took: dict[int, list[float]] = field(default_factory=dict)
    rates: dict[int, list[float]] = field(default_factory=dict)

    def request(self, *events: Event) -> bytes:
        """Return the bytes of one request: with one event, or as many as go into a call."""
        if not self.secret:
            told_isso = {"text": events[0]["data"]["text"], "author": "Radlerin", "email": "r@example.org"}
            return _post("/new?uri=%2Fbruecke", json.dumps(told_isso | {"title": "Die Brücke"}).encode(), {})
        renamed = [self._renamed(event) for event in events]
        body = json.dumps({"events": renamed} if self.bulk > 1 else renamed[0], ensure_ascii=False)
        name, moment = f"load_{next(NUMBERS)}", datetime.now(UTC)
        headers = {
            "webhook-id": name,
            "webhook-timestamp": str(int(moment.timestamp())),
            "webhook-signature": Webhook(self.secret).sign(name, moment, body),
        }
        return _post(f"/webhooks/bench/{'bulk' if self.bulk > 1 else 'comments'}", body.encode(), headers)

    def processor_time(self) -> Counter[str]:
        """Seconds of processor time that the server, its database and this process have used so far."""
        used = Counter(sender=time.process_time())
        for process in Path("/proc").glob("[0-9]*"):
            try:
                fields = (process / "stat").read_text().rpartition(")")[2].split()
                line = (process / "cmdline").read_text()
            except OSError:
                continue
            seconds = (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")
            if int(fields[3]) == self.session:
                used["web"] += seconds
            elif self.works and self.works in line and "postgres" in line:
                used["database"] += seconds
        return used

    @staticmethod
    def _renamed(event: Event) -> Event:
        """The event as news of another comment, by a reader who writes no more than is allowed."""
        number = next(NUMBERS)
        who = number % READERS
        reader = {
            "id": f"u{who}",
            "name": f"Leser {who}",
            "email": f"u{who}@example.org",
            "ip": f"2001:db8:0:{who:x}::1",
        }
        renamed = {"commenter": reader} | event["data"] | {"id": f"b{number}", "parent_id": None}
        return event | {"data": renamed}


def _post(path: str, body: bytes, headers: dict[str, str]) -> bytes:
    lines = [f"POST {path} HTTP/1.1", "host: 127.0.0.1", "content-type: application/json", "origin: http://127.0.0.1"]
    lines += [f"{name}: {value}" for name, value in headers.items()]
    return "\r\n".join([*lines, f"content-length: {len(body)}", "", ""]).encode() + body


async def send(port: int, requests: Iterator[bytes], connections: int, seconds: float) -> tuple[float, list[float]]:
    """Send over so many connections for so long; return answers a second, and the seconds each took."""
    took: list[float] = []
    end = time.perf_counter() + seconds

    async def work() -> None:
        reader = writer = None
        for request in requests:
            began = time.perf_counter()
            if began >= end:
                break
            if writer is None or reader is None:
                reader, writer = await asyncio.open_connection("127.0.0.1", port)
            writer.write(request)
            head = (await reader.readuntil(b"\r\n\r\n")).lower()
            length = int(head.partition(b"content-length:")[2].partition(b"\r\n")[0] or 0)
            await reader.readexactly(length)
            if not head.startswith((b"http/1.1 20", b"http/1.0 20")):
                raise SystemExit(f"refused: {head.decode()}")
            took.append(time.perf_counter() - began)
            if b"connection: close" in head or head.startswith(b"http/1.0"):
                writer.close()
                reader = writer = None
        if writer is not None:
            writer.close()

    began = time.perf_counter()
    await asyncio.gather(*(work() for _ in range(connections)))
    return len(took) / (time.perf_counter() - began), took


def measure(servers: list[Server], *, connections: tuple[int, ...], seconds: float, rounds: int) -> None:
    """Let the servers take turns; keep what was measured with each."""
    events = cycle(demo_events())
    for server in servers:  # until it has loaded what it loads with the first requests
        first = iter([server.request(*islice(events, server.bulk)) for _ in range(60)])
        asyncio.run(send(server.port, islice(first, 10), 1, 60))
        asyncio.run(send(server.port, first, 8, 60))
    for number in connections:
        for _ in range(rounds):
            for server in servers:
                calls = int(MOST_A_SECOND[server.bulk > 1] * seconds) // server.bulk
                ready = [server.request(*islice(events, server.bulk)) for _ in range(calls)]
                before = server.processor_time()
                rate, took = asyncio.run(send(server.port, iter(ready), number, seconds))
                if len(took) == calls:
                    print(f"{server.name} took all {calls} calls before the time was over: more are needed")
                server.cpu.setdefault(number, Counter()).update(server.processor_time() - before)
                server.rates.setdefault(number, []).append(rate * server.bulk)
                server.took.setdefault(number, []).extend(took)


def demo_events() -> list[Event]:
    """Return the demo's events, without who wrote them."""
    events = [json.loads(message.body) for message in demo.messages(datetime.now(UTC))]
    for event in events:
        del event["data"]["commenter"]
    return events


def show(servers: list[Server], connections: tuple[int, ...]) -> None:
    """Print a table: medians of the rounds, and times over all of them."""
    print(f"{'':<27}{'connections':>12}{'comments/s':>12}{'p50 ms':>9}{'p99 ms':>9}", end="")
    print(f"{'web':>9}{'database':>10}{'sender':>8} CPU ms each{'times the last':>16}")
    for number in connections:
        base = statistics.median(servers[-1].rates[number])
        for server in servers:
            cuts = statistics.quantiles(server.took[number], n=100)
            rate = statistics.median(server.rates[number])
            comments = len(server.took[number]) * server.bulk
            web, database, sender = (
                1000 * server.cpu[number][part] / comments for part in ("web", "database", "sender")
            )
            print(f"{server.name:<27}{number:>12}{rate:>12.0f}{1000 * cuts[49]:>9.1f}{1000 * cuts[98]:>9.1f}", end="")
            print(f"{web:>9.3f}{database:>10.3f}{sender:>8.3f}{rate / base:>28.1f}")


@contextmanager
def running(command: list[str], port: int, env: dict[str, str]) -> Iterator[int]:
    """Run a server while something is measured."""
    process = subprocess.Popen(command, env=os.environ | env, stderr=subprocess.DEVNULL, start_new_session=True)
    try:
        deadline = time.monotonic() + 60
        while port and not _listens(port):
            if time.monotonic() > deadline or process.poll() is not None:
                raise SystemExit(f"did not start: {command}")
            time.sleep(0.1)
        yield process.pid
    finally:
        os.killpg(process.pid, signal.SIGTERM)
        process.wait(30)


def _listens(port: int) -> bool:
    try:
        asyncio.run(asyncio.open_connection("127.0.0.1", port))
    except OSError:
        return False
    return True


@contextmanager
def house(name: str, url: str, port: int, options: argparse.Namespace) -> Iterator[Server]:
    """Run web processes, and those that judge if asked for, over a database with one site."""
    alembic.upgrade(config(url), "head")
    database = Database(url)
    with database.session() as session:
        secret = auth.signing_secrets(sites.add_site(session, slug="bench", name="Bench"))[0]
        session.commit()
    database.dispose()
    with tempfile.TemporaryDirectory() as home, ExitStack() as stack:
        env = {
            "MODERATION_HOME": home,
            "MODERATION_DATABASE_URL": url,
            "MODERATION_SECRET_KEY": secrets.token_hex(32),
            "MODERATION_LOG_LEVEL": "WARNING",
        }
        web = [
            "gunicorn",
            "moderation:create_app()",
            "--workers",
            str(options.processes),
            "--config",
            "python:moderation.serving",
        ]
        web += ["--threads", str(options.threads)] if options.threads else []
        pid = stack.enter_context(running([sys.executable, "-m", *web, "--bind", f"127.0.0.1:{port}"], port, env))
        if options.scoring:
            worker = ["celery", "--app", "worker", "--quiet", "worker", "--queues", "score", "--pool", "solo"]
            stack.enter_context(running([sys.executable, "-m", *worker], 0, env))
        works = url.rpartition("/")[2] if url.startswith("postgresql") else ""
        yield Server(name, port, secret, bulk=options.bulk, works=works, session=pid)


@contextmanager
def storage(admin: str | None) -> Iterator[str]:
    """Make a database on a PostgreSQL, without one in a folder, for the time of the measurement."""
    with ExitStack() as stack:
        if admin:
            yield stack.enter_context(postgres(admin))
        else:
            yield f"sqlite:///{stack.enter_context(tempfile.TemporaryDirectory())}/house.sqlite3"


@contextmanager
def postgres(admin: str) -> Iterator[str]:
    """Make a database for the time of the measurement; its commits are as durable as the server is set."""
    name = f"load_{secrets.token_hex(4)}"
    with psycopg.connect(admin, autocommit=True) as connection:
        connection.execute(f"CREATE DATABASE {name}")
    try:
        yield f"{admin.rpartition('/')[0]}/{name}"
    finally:
        with psycopg.connect(admin, autocommit=True) as connection:
            connection.execute(f"DROP DATABASE {name} WITH (FORCE)")


@contextmanager
def isso(python: str, port: int) -> Iterator[Server]:
    """Run Isso as its makers advise: moderation on, no notification, its guard off, two processes."""
    with tempfile.TemporaryDirectory() as folder:
        settings = Path(folder) / "isso.cfg"
        settings.write_text(
            f"[general]\ndbpath = {folder}/comments.db\nhost = http://127.0.0.1/\nlog-file = {folder}/log\n"
            "[moderation]\nenabled = true\n[guard]\nenabled = false\n"
        )
        command = [python, "-m", "gunicorn", "isso.run", "--workers", "2", "--bind", f"127.0.0.1:{port}"]
        with running(command, port, {"ISSO_SETTINGS": str(settings)}) as pid:
            yield Server("Isso, SQLite", port, session=pid)


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--isso", help="a Python interpreter that has Isso and gunicorn")
    parser.add_argument("--postgres", help="address of a PostgreSQL where databases may be made")
    parser.add_argument("--seconds", type=float, default=3)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--processes", type=int, default=2, help="web processes")
    parser.add_argument("--threads", type=int, help="threads of each web process, if not as many as it has by itself")
    parser.add_argument("--bulk", type=int, default=1, help="comments a call")
    parser.add_argument("--scoring", action="store_true", help="judge meanwhile")
    parser.add_argument("--connections", type=int, nargs="+", default=CONNECTIONS)
    parser.add_argument("--port", type=int, default=8870)
    options = parser.parse_args()
    with ExitStack() as stack:
        servers = []
        if options.postgres:
            url = stack.enter_context(postgres(options.postgres))
            servers.append(stack.enter_context(house("Hausordnung, PostgreSQL", url, options.port, options)))
        if options.isso or not options.postgres:
            url = stack.enter_context(storage(None))
            servers.append(stack.enter_context(house("Hausordnung, SQLite", url, options.port + 1, options)))
        if options.isso:
            servers.append(stack.enter_context(isso(options.isso, options.port + 2)))
        connections = tuple(options.connections)
        measure(servers, connections=connections, seconds=options.seconds, rounds=options.rounds)
        show(servers, connections)
    print(f"\n{Settings().score_batch} comments a batch; {os.cpu_count()} cores; sender and servers on one machine")


if __name__ == "__main__":
    main()
