"""A long storm, as ``make chaos`` runs it: ``python -m tests.faults --minutes 3 --seed 7 --house rabbit``."""

import argparse
import random
import sys
import time
from pathlib import Path

from tests.faults import houses, servers, storm

HOUSES = ("rabbit", "redis", "embedded")


def main() -> int:
    """Run storms over the houses that are asked for; 1 where any ledger disagrees."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--minutes", type=float, default=2, help="how long each house is broken")
    parser.add_argument("--seed", type=int, default=random.SystemRandom().randrange(10**6))
    parser.add_argument("--comments", type=int, default=3000, help="how many are sent meanwhile")
    parser.add_argument("--logs", type=Path, help="folder that the logs of all processes are copied into")
    parser.add_argument("--house", choices=HOUSES, action="append", help="which; all where none is named")
    options = parser.parse_args()
    failed = False
    for name in options.house or HOUSES:
        failed |= bool(_run(name, options).wrong)
    return int(failed)


def _run(name: str, options: argparse.Namespace) -> storm.Outcome:
    opened: list[servers.Server | servers.SmallDisk] = []
    try:
        if name == "embedded":
            disk = servers.SmallDisk(64)
            opened.append(disk)
            house = houses.embedded(disk, settings={})
        else:
            postgres = servers.Postgres()
            broker: servers.Server = servers.Rabbit() if name == "rabbit" else servers.Redis()
            opened += [postgres, broker]
            for server in (postgres, broker):
                server.start()
            for server in (postgres, broker):
                server.await_ready()
            house = houses.grown_up(postgres, broker, settings={})
        outcome = storm.rage(
            house,
            seed=options.seed,
            seconds=60 * options.minutes,
            comments=options.comments,
            show=True,
            keep_logs=options.logs and options.logs / f"{name}-{options.seed}",
        )
    finally:
        for server in opened:
            server.close()
    print(
        f"{house.name}, seed {options.seed}: {outcome.faults} faults; {outcome.promised} comments promised, "
        f"{outcome.decided} decisions, {outcome.repeats} repeats; healed after {outcome.healed_after:.0f} s"
    )
    print("  there was, after the storm: " + ", ".join(f"{name} {s:.0f} s" for name, s in outcome.healing.items()))
    for line in outcome.wrong[:40]:
        print(f"  WRONG  {line}")
    print(time.strftime("%H:%M:%S"), "all ledgers agree" if not outcome.wrong else f"{len(outcome.wrong)} disagree")
    return outcome


if __name__ == "__main__":
    sys.exit(main())
