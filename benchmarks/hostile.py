"""How honest senders fare while somebody attacks: ten thousand silent connections, slow bodies, floods, uploads.

    python benchmarks/hostile.py --postgres postgresql://postgres@127.0.0.1/postgres

The application is served as containers serve it, by two processes. Four honest senders send one comment after another,
each over a connection of its own, as most sites do; attackers come from other addresses of loopback and return a
moment after they were let go. Needs `ulimit -n` above the number of connections.
"""

import argparse
import asyncio
import json
import multiprocessing
import random
import resource
import socket
import statistics
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, suppress
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from load import NUMBERS, Server, house, storage

from moderation import demo

HEAD = b"POST /webhooks/bench/comments HTTP/1.1\r\nHost: x\r\n"
RETURNS_AFTER = 5.0
"""Seconds after which an attacker whose connection was ended opens another."""

HONEST = 4
WAITS = 30.0
"""Seconds for which an honest sender waits for an answer."""

Attack = Callable[[asyncio.StreamReader, asyncio.StreamWriter, int], Any]


async def silent(reader: asyncio.StreamReader, _writer: asyncio.StreamWriter, _number: int) -> None:
    """Say nothing at all."""
    await reader.read()


async def slow_head(reader: asyncio.StreamReader, writer: asyncio.StreamWriter, _number: int) -> None:
    """Say a byte of the head every two seconds."""
    writer.write(HEAD)
    while not writer.is_closing() and not reader.at_eof():
        await asyncio.sleep(2)
        writer.write(b"x")
        await writer.drain()


async def slow_body(reader: asyncio.StreamReader, writer: asyncio.StreamWriter, _number: int) -> None:
    """Promise almost a megabyte, send most of it, then a byte every two seconds."""
    writer.write(HEAD + b"Content-Length: 990000\r\n\r\n" + b"{" + b" " * 500_000)
    while not writer.is_closing() and not reader.at_eof():
        await asyncio.sleep(2)
        writer.write(b" ")
        await writer.drain()


async def upload(reader: asyncio.StreamReader, writer: asyncio.StreamWriter, _number: int) -> None:
    """Send a gigabyte, whatever is answered."""
    writer.write(HEAD + b"Content-Length: 1000000000\r\n\r\n")
    for _ in range(16_000):
        writer.write(bytes(65_536))
        await writer.drain()
    await reader.read()


async def deaf(reader: asyncio.StreamReader, _writer: asyncio.StreamWriter, _number: int) -> None:
    """Ask for something large, and fetch next to nothing of it."""
    transport = reader._transport  # type: ignore[attr-defined]
    transport.get_extra_info("socket").setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
    transport.pause_reading()
    transport.write(b"GET /static/vendor/echarts.min.js HTTP/1.1\r\nHost: x\r\n\r\n")
    await asyncio.sleep(3600)


ATTACKS: dict[str, tuple[int, Attack]] = {
    "10,000 silent connections": (10_000, silent),
    "10,000 heads, a byte every 2 s": (10_000, slow_head),
    "1,000 bodies, half a MB, then a byte every 2 s": (1_000, slow_body),
    "50 uploads of 1 GB at once": (50, upload),
    "50 that fetch no answer": (50, deaf),
}


def attack(name: str, port: int) -> None:
    """Attack until the process is ended."""
    number, way = ATTACKS[name]

    async def one(index: int) -> None:
        await asyncio.sleep(random.uniform(0, RETURNS_AFTER))
        source = (f"127.1.{index % 200}.{1 + index % 250}", 0)
        while True:
            with suppress(OSError, asyncio.IncompleteReadError):
                reader, writer = await asyncio.open_connection("127.0.0.1", port, local_addr=source, limit=2**16)
                with suppress(OSError):
                    await way(reader, writer, index)
                writer.close()
            await asyncio.sleep(random.uniform(0.5, 1.5) * RETURNS_AFTER)

    async def all_of_them() -> None:
        await asyncio.gather(*(one(index) for index in range(number)))

    asyncio.run(all_of_them())


def flood(port: int, requests: list[bytes]) -> None:
    """Send 50,000 signed comments of one reader, eight at a time."""

    async def work(mine: Iterator[bytes]) -> None:
        reader, writer = await asyncio.open_connection("127.0.0.1", port)
        for request in mine:
            writer.write(request)
            head = (await reader.readuntil(b"\r\n\r\n")).lower()
            await reader.readexactly(int(head.partition(b"content-length:")[2].partition(b"\r\n")[0]))
        writer.close()

    async def all_of_it() -> None:
        ready = iter(requests)
        await asyncio.gather(*(work(ready) for _ in range(8)))

    asyncio.run(all_of_it())


async def honest(port: int, requests: Iterator[bytes], seconds: float) -> tuple[list[float], list[str]]:
    """Send one comment after another; return the seconds each took, and what went wrong with others."""
    took: list[float] = []
    wrong: list[str] = []
    end = time.perf_counter() + seconds

    async def ask(request: bytes) -> bytes:
        reader, writer = await asyncio.open_connection("127.0.0.1", port)
        try:
            writer.write(request)
            return await reader.readuntil(b"\r\n")
        finally:
            writer.close()

    async def work() -> None:
        while (began := time.perf_counter()) < end:
            try:
                line = await asyncio.wait_for(ask(next(requests)), WAITS)
            except (OSError, TimeoutError, asyncio.IncompleteReadError) as error:
                wrong.append(type(error).__name__)
                continue
            took.append(time.perf_counter() - began)
            if b" 202 " not in line:
                wrong.append(line.decode().strip())

    await asyncio.gather(*(work() for _ in range(HONEST)))
    return took, wrong


class Looker:
    """Looks at what the processes of a server use: megabytes in memory, open files; remembers the most."""

    def __init__(self, session: int) -> None:
        self._session = session
        self.megabytes = self.files = 0

    async def look(self) -> None:
        """Look twice a second, until cancelled."""
        while True:
            found = [process for process in Path("/proc").glob("[0-9]*") if self._is_ours(process)]
            with suppress(OSError):
                sizes = [int((one / "statm").read_text().split()[1]) * 4096 for one in found]
                self.megabytes = max(self.megabytes, sum(sizes) // 1_000_000)
                self.files = max(self.files, *(len(list((one / "fd").iterdir())) for one in found))
            await asyncio.sleep(0.5)

    def _is_ours(self, process: Path) -> bool:
        try:
            return int((process / "stat").read_text().rpartition(")")[2].split()[3]) == self._session
        except OSError:
            return False


def requests(server: Server, events: list[dict[str, Any]], number: int, *, ip: str | None = None) -> list[bytes]:
    """Return signed requests: of one reader where ``ip`` says which, else of many."""
    made = []
    for at in range(number):
        event = events[at % len(events)]
        reader = {"name": "Jemand", "ip": ip or f"2001:db8:{next(NUMBERS) & 0xFFFF:x}::1"}
        made.append(server.request(event | {"data": event["data"] | {"commenter": reader}}))
    return made


def measure(name: str, server: Server, events: list[dict[str, Any]], seconds: float) -> None:
    """Attack, measure the honest meanwhile, and print a line."""
    looker = Looker(server.session)
    attackers: list[multiprocessing.Process] = []
    if name in ATTACKS:
        attackers.append(multiprocessing.Process(target=attack, args=(name, server.port), daemon=True))
    elif name != "nobody":
        ready = requests(server, events, 50_000, ip="192.0.2.66")
        attackers.append(multiprocessing.Process(target=flood, args=(server.port, ready), daemon=True))
    sent = iter(requests(server, events, int(1_000 * seconds)))
    for one in attackers:
        one.start()

    async def run() -> tuple[list[float], list[str]]:
        looking = asyncio.create_task(looker.look())
        await asyncio.sleep(RETURNS_AFTER + 1 if name in ATTACKS else 0)  # until all of them are there
        try:
            return await honest(server.port, sent, seconds)
        finally:
            looking.cancel()

    took, wrong = asyncio.run(run())
    for one in attackers:
        one.kill()
        one.join()
    cuts = [1000 * cut for cut in statistics.quantiles(took, n=100)] if len(took) > 1 else [float("nan")] * 99
    numbers = (len(took) / seconds, cuts[49], cuts[98], 1000 * max(took, default=0), len(wrong))
    columns = "".join(f"{number:>9.0f}" for number in (*numbers, looker.megabytes, looker.files))
    print(f"{name:<48}{columns}   {', '.join(sorted(set(wrong)))}", flush=True)


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--postgres", help="address of a PostgreSQL where databases may be made; else SQLite")
    parser.add_argument("--seconds", type=float, default=20)
    parser.add_argument("--only", help="a word of the attack that is wanted")
    parser.add_argument("--port", type=int, default=8880)
    options = parser.parse_args()
    options.processes, options.threads, options.scoring, options.bulk = 2, None, False, 1
    most = resource.getrlimit(resource.RLIMIT_NOFILE)[1]
    resource.setrlimit(resource.RLIMIT_NOFILE, (most, most))
    with ExitStack() as stack:
        url = stack.enter_context(storage(options.postgres))
        server = stack.enter_context(house("", url, options.port, options))
        events = [json.loads(message.body) for message in demo.messages(datetime.now(UTC))]
        asyncio.run(honest(server.port, iter(requests(server, events, 400)), 2))  # until it has loaded
        columns = ("honest/s", "p50 ms", "p99 ms", "worst", "wrong", "MB", "files")
        print(f"{'who attacks':<48}" + "".join(f"{column:>9}" for column in columns))
        for name in ("nobody", *ATTACKS, "50,000 comments of one reader"):
            if not options.only or options.only in name:
                measure(name, server, events, options.seconds)


if __name__ == "__main__":
    main()
