"""The doorbell never fails, never makes anybody wait, and rings once for many."""

import secrets
import subprocess
import threading
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
import redis
from kombu.connection import Connection
from kombu.exceptions import OperationalError

from moderation import broker
from moderation.broker import BELLS, ENOUGH_WAITING, Bell, make_celery
from moderation.config import Settings
from tests.integration.ports import free_port
from tests.waiting import until


@pytest.fixture
def embedded(tmp_path: Path) -> Settings:
    return Settings(home=tmp_path)


def _messages(settings: Settings, bell: str) -> int:
    folder = settings.embedded_broker
    assert folder is not None
    return len(list(folder.glob(f"*.{bell}.msg")))


def test_a_ring_reaches_the_broker(embedded: Settings) -> None:
    Bell(embedded).ring("score")
    until(lambda: _messages(embedded, "score") == 1)


def test_many_rings_at_once_become_few(embedded: Settings) -> None:
    bell = Bell(embedded)
    for _ in range(500):
        bell.ring("score")
    bell.ring("deliver", after=0.3)
    until(lambda: _messages(embedded, "deliver") == 1)
    assert 1 <= _messages(embedded, "score") <= 3


def test_where_enough_wait_no_more_are_sent(embedded: Settings) -> None:
    celery = make_celery(embedded)
    with celery.connection_for_write() as connection:
        for _ in range(3 * ENOUGH_WAITING):
            broker.send(celery, connection, "score")
    assert _messages(embedded, "score") == ENOUGH_WAITING


def test_a_ring_for_later_comes_later(embedded: Settings) -> None:
    bell = Bell(embedded)
    began = time.monotonic()
    bell.ring("deliver", after=0.5)
    until(lambda: _messages(embedded, "deliver") == 1)
    assert time.monotonic() - began >= 0.5


def test_without_a_broker_a_ring_returns_at_once_and_the_next_is_heard(
    embedded: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    failures: list[str] = []

    def refuse(_celery: object, _connection: Connection, name: str) -> None:
        failures.append(name)
        raise ConnectionRefusedError

    with monkeypatch.context() as patch:
        patch.setattr(broker, "send", refuse)
        bell = Bell(embedded)
        began = time.monotonic()
        bell.ring("score")
        assert time.monotonic() - began < 0.1
        until(lambda: failures == ["score", "score"])
    bell.ring("score")
    until(lambda: _messages(embedded, "score") == 1)


def test_rings_that_could_not_be_sent_for_long_become_one(embedded: Settings, monkeypatch: pytest.MonkeyPatch) -> None:
    sent: list[str] = []
    away, back = threading.Event(), threading.Event()

    def wait(_celery: object, _connection: Connection, name: str) -> None:
        sent.append(name)
        away.set()
        back.wait()

    monkeypatch.setattr(broker, "send", wait)
    bell = Bell(embedded)
    bell.ring("score")
    away.wait()
    for tenths in range(5):
        bell.ring("score", after=tenths / 10)
    bell.ring("deliver", after=0.4)
    until(lambda: all(at * broker.GRAIN < time.monotonic() for at, _ in bell._due))
    back.set()
    until(lambda: len(sent) >= 3 and not bell._due)
    assert sorted(sent) == ["deliver", "score", "score"]


def test_a_broker_that_is_away_is_looked_for_every_few_seconds_for_as_long_as_it_takes(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The libraries' own waits grow to half a minute, and after a hundred tries a worker would end."""
    celery = make_celery(Settings(home=tmp_path, broker_url=f"amqp://127.0.0.1:{free_port()}//"))
    assert celery.conf.broker_connection_max_retries is None
    monkeypatch.setattr("kombu.utils.functional.sleep", lambda _: None)
    waits: list[float] = []
    with pytest.raises(OperationalError), celery.connection_for_read() as connection:
        connection.ensure_connection(lambda _error, wait: waits.append(wait), max_retries=30)
    assert 0 < max(waits) <= broker.LOOK_AGAIN


def test_every_bell_has_a_queue_of_its_name(embedded: Settings) -> None:
    routes = make_celery(embedded).conf.task_routes
    assert {bell: route["queue"] for bell, route in routes.items()} == {bell: bell for bell in BELLS}


def test_a_message_appears_whole_or_not_at_all(embedded: Settings) -> None:
    """The transport this builds on let a quick reader find an empty file, at which its worker died."""
    celery = make_celery(embedded)
    folder = embedded.embedded_broker
    assert folder is not None
    stop = threading.Event()
    broken: list[str] = []

    def read() -> None:
        while not stop.is_set():
            for file in folder.glob("*.msg"):
                if not file.read_text().endswith("}"):
                    broken.append(file.name)

    reader = threading.Thread(target=read)
    reader.start()
    with celery.connection_for_write() as connection:
        for number in range(300):
            celery.send_task(BELLS[number % 3], connection=connection)
    stop.set()
    reader.join()
    assert broken == []
    assert len(list(folder.glob("*"))) == 300


@pytest.fixture(params=["amqp", "redis"])
def grown_up(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Settings]:
    """Settings for a real broker, with a place of our own there."""
    if request.param == "redis":
        url = "redis://127.0.0.1:6379/13"
        yield Settings(home=tmp_path, broker_url=url)
        redis.Redis.from_url(url).flushdb()
        return
    name = f"hausordnung_{secrets.token_hex(4)}"
    for command in (["add_vhost", name], ["set_permissions", "-p", name, "guest", ".*", ".*", ".*"]):
        subprocess.run(["rabbitmqctl", "--quiet", *command], check=True, capture_output=True)
    yield Settings(home=tmp_path, broker_url=f"amqp://guest:guest@127.0.0.1/{name}")
    subprocess.run(["rabbitmqctl", "--quiet", "delete_vhost", name], check=True, capture_output=True)


@pytest.mark.services
def test_real_brokers_hear_the_bell_and_are_not_flooded(grown_up: Settings) -> None:
    celery = make_celery(grown_up)

    def waiting() -> int:
        with celery.connection_for_write() as connection:
            queue = celery.amqp.queues["score"](connection.default_channel)
            return int(queue.queue_declare().message_count)

    Bell(grown_up).ring("score")
    until(lambda: waiting() == 1)
    with celery.connection_for_write() as connection:
        for _ in range(3 * ENOUGH_WAITING):
            broker.send(celery, connection, "score")
    assert waiting() <= ENOUGH_WAITING + 1


def test_no_thread_reads_from_the_broker_beside_the_consumer(settings: Settings) -> None:
    """As it would to raise the prefetch count again after a lost connection: a storm left a worker deaf for minutes."""
    assert not make_celery(settings).conf.worker_enable_prefetch_count_reduction
