"""A short storm over each house: nothing that was promised is lost, nothing is decided or told otherwise than it was.

``make chaos`` runs long ones. A storm that failed here is repeated with the seed it printed: ``FAULTS_SEED=…``.
"""

import os
import random

import pytest

from tests.faults import houses, servers, storm

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
    assert outcome.decided >= COMMENTS


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
