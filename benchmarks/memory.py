"""Whether memory stays flat: the most that each process holds, at each tenth of very many comments.

    python benchmarks/memory.py --comments 200000 --postgres postgresql://postgres@127.0.0.1/postgres

Comments come 100 a call from very many readers, are judged by one worker meanwhile, and all have texts of their own, so
that no cache answers for them. With ``--intake`` nobody judges: they are only taken in, as fast as they can be.
"""

import argparse
import asyncio
import os
import random
import time
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path

from load import Server, demo_events, house, send, storage

from moderation import queue
from moderation.db import Database

BULK = 100


def megabytes(url: str) -> dict[str, int]:
    """Return what each process over this database has in memory, by name."""
    found: dict[str, int] = {}
    for process in Path("/proc").glob("[0-9]*"):
        try:
            if f"MODERATION_DATABASE_URL={url}\0".encode() not in (process / "environ").read_bytes():
                continue
            line = (process / "cmdline").read_text()
            size = int((process / "statm").read_text().split()[1]) * os.sysconf("SC_PAGE_SIZE") // 1_000_000
        except OSError:
            continue
        name = "worker" if "celery" in line else "web"
        found[name] = max(found.get(name, 0), size)
    return found


def calls(server: Server, number: int, chance: random.Random) -> Iterator[bytes]:
    """Return signed calls; words of the demo's comments, mixed anew."""
    events = demo_events()
    words = " ".join(str(event["data"]["text"]) for event in events).split()
    for _ in range(number // BULK):
        mixed = []
        for event in chance.sample(events, BULK):
            text = " ".join(chance.choices(words, k=chance.randint(3, 40)))
            mixed.append(event | {"data": event["data"] | {"text": text}})
        yield server.request(*mixed)


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--comments", type=int, default=200_000)
    parser.add_argument("--postgres", help="address of a PostgreSQL where databases may be made; else SQLite")
    parser.add_argument("--intake", action="store_true", help="let nobody judge")
    parser.add_argument("--port", type=int, default=8890)
    options = parser.parse_args()
    options.processes, options.threads, options.bulk = 2, None, BULK
    options.scoring = not options.intake
    with ExitStack() as stack:
        url = stack.enter_context(storage(options.postgres))
        server = stack.enter_context(house("", url, options.port, options))
        database = Database(url)
        stack.callback(database.dispose)
        print(f"{'comments':>10}{'s':>8}{'web MB':>9}{'worker MB':>11}")
        began, chance = time.monotonic(), random.Random(7)
        for tenth in range(1, 11):
            asyncio.run(send(server.port, calls(server, options.comments // 10, chance), 2, 3600))
            while options.scoring:
                with database.session(read_only=True) as session:
                    if not queue.waiting_to_be_judged(session):
                        break
                time.sleep(0.5)
            found = megabytes(url)
            taken = tenth * options.comments // 10
            print(
                f"{taken:>10}{time.monotonic() - began:>8.0f}{found['web']:>9}{found.get('worker', 0):>11}", flush=True
            )


if __name__ == "__main__":
    main()
