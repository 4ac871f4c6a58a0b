"""A short storm over each house: nothing that was promised is lost, nothing is decided or told otherwise than it was.

``make chaos`` runs long ones. A storm that failed here is repeated with the seed it printed: ``FAULTS_SEED=…``.
"""

import os
import random
import shutil
import subprocess
import sys
import time
from itertools import islice
from pathlib import Path

import pytest

from tests.faults import houses, servers, storm
from tests.waiting import until

# Whoever is killed leaves connections open; the receiver's threads end with the tests.
pytestmark = pytest.mark.filterwarnings("ignore::pytest.PytestUnraisableExceptionWarning", "ignore::ResourceWarning")

SEED = int(os.environ.get("FAULTS_SEED", random.SystemRandom().randrange(10**6)))
SECONDS = 6.0
COMMENTS = 200
PATIENCE = 120.0  # where `make chaos` has 60: tests share their machine


def _weather(house: houses.House) -> None:
    outcome = storm.rage(house, seed=SEED, seconds=SECONDS, comments=COMMENTS, patience=PATIENCE)
    assert outcome.wrong == [], f"seed {SEED}"
    assert outcome.promised == COMMENTS + 1
    assert outcome.decided >= COMMENTS // 4, "moderators go on for a while only"


@pytest.mark.services
def test_the_grown_up_house_outlives_a_storm() -> None:
    """With RabbitMQ or with Redis, as the seed has it."""
    postgres = servers.Postgres()
    broker = servers.Rabbit() if SEED % 2 else servers.Redis()
    try:
        for server in (postgres, broker):
            server.start()
        for server in (postgres, broker):
            server.await_ready()
        _weather(houses.grown_up(postgres, broker, settings=houses.QUICK))
    finally:
        broker.close()
        postgres.close()


def test_the_embedded_house_outlives_a_storm() -> None:
    disk = servers.SmallDisk(48)
    try:
        _weather(houses.embedded(disk, settings=houses.QUICK))
    finally:
        disk.close()


def test_a_storm_is_the_same_for_the_same_seed_and_leaves_out_no_fault() -> None:
    disk = servers.SmallDisk(1)
    try:
        house = houses.embedded(disk, settings={})
        kinds = {*house.faults(random.Random(7)), *(f"the receiver is {mood}" for mood in storm.MOODS)}
        first, again, other = (list(islice(storm.plan(house, seed), 3 * len(kinds))) for seed in (7, 7, 8))
        assert first == again != other
        for at in range(0, len(first), len(kinds)):
            assert {step.name for step in first[at : at + len(kinds)]} == kinds
        assert any(step.lull for step in first)
    finally:
        disk.close()


def test_a_wrong_clock_is_wrong_for_children_too(tmp_path: Path) -> None:
    """`moderation run` does nothing by itself: its children do."""
    child = "import subprocess, sys; subprocess.run([sys.executable, '-c', 'import time; print(time.time())'])"
    part = houses.Part("parent", ["timeit", "-n1", "-r1", child], dict(os.environ), tmp_path / "log", skew=600)
    part.start()
    assert part.process is not None
    part.process.wait()
    assert 500 < float(part.log.read_text().split()[0]) - time.time() <= 600


HARNESS = """
import os, pathlib, sys, time
from tests.faults import houses, servers
server = servers.Redis()
part = houses.Part("sleeper", ["http.server", "0"], dict(os.environ), pathlib.Path(os.devnull))
server.start()
part.start()
print(server.process.pid, part.process.pid, flush=True)
time.sleep(600)
"""


@pytest.mark.skipif(shutil.which("setpriv") is None, reason="only Linux ties children to their parent")
def test_whoever_kills_the_harness_leaves_none_of_its_processes() -> None:
    harness = subprocess.Popen([sys.executable, "-c", HARNESS], stdout=subprocess.PIPE, cwd=houses.ROOT)
    assert harness.stdout is not None
    with harness.stdout:
        children = [int(pid) for pid in harness.stdout.readline().split()]
    assert len(children) == 2
    harness.kill()
    harness.wait()
    until(lambda: not any(_lives(pid) for pid in children))


def _lives(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    return True
