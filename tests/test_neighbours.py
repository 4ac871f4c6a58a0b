"""Connections that stay open are shared out among the web processes, and nobody waits for one that is stuck."""

import os
import signal
from collections.abc import Iterator
from contextlib import ExitStack, suppress
from pathlib import Path
from unittest.mock import Mock

import pytest

from moderation import serving
from moderation.config import Settings
from moderation.models import Site
from moderation.neighbours import PROCESSES, Neighbours
from tests.served import Served
from tests.waiting import until

ASKED = b"GET /healthz HTTP/1.1\r\nHost: x\r\n\r\n"


@pytest.fixture
def pair(settings: Settings, site: Site) -> Iterator[Served]:
    """The application, served by two processes that both wait for visitors."""
    made = Served(settings, site, workers=2)
    try:
        until(lambda: [_is_at_the_door(pid) for pid in made.at_work("pid")] == [True, True], within=180)
        yield made
    finally:
        made.close()


def _files(pid: int) -> dict[str, str]:
    """What a process has open, by number (Linux)."""
    found = {}
    for file in Path(f"/proc/{pid}/fd").iterdir():
        with suppress(FileNotFoundError):  # closed a moment ago
            found[file.name] = os.readlink(file)
    return found


def _is_at_the_door(pid: int) -> bool:
    """Whether a process waits for visitors by now, as it does for its own threads (Linux)."""
    polls = [number for number, what in _files(pid).items() if what.endswith("[eventpoll]")]
    with suppress(FileNotFoundError):
        return any(Path(f"/proc/{pid}/fdinfo/{number}").read_text().count("tfd:") > 1 for number in polls)
    return False


def _sockets(pid: int) -> int:
    return sum(what.startswith("socket:") for what in _files(pid).values())


def test_few_connections_that_stay_open_are_shared_by_all_processes(pair: Served) -> None:
    first, second = pair.at_work("pid")
    with ExitStack() as stack:
        visitors = [stack.enter_context(pair.connect()) for _ in range(16)]
        for visitor in visitors:
            visitor.sendall(ASKED)
            assert visitor.recv(2000).startswith(b"HTTP/1.1 200")
        have = sorted((_sockets(first), _sockets(second)))
    assert have[1] - have[0] <= 4


def test_where_a_process_is_stuck_another_lets_everybody_in(pair: Served) -> None:
    stuck, _ = pair.at_work("pid")
    os.kill(stuck, signal.SIGSTOP)
    try:
        with ExitStack() as stack:
            for _ in range(16):
                visitor = stack.enter_context(pair.connect(ASKED))
                assert visitor.recv(2000).startswith(b"HTTP/1.1 200")
    finally:
        os.kill(stuck, signal.SIGCONT)


def test_whoever_is_alone_has_room_for_as_many_as_it_takes_at_a_time() -> None:
    neighbours = Neighbours()
    assert neighbours.room(1, 500, 64) == 64
    neighbours.say(1, 500)
    assert neighbours.room(1, 500, 64) == 64


def test_whoever_has_more_than_the_emptiest_waits_for_it() -> None:
    neighbours = Neighbours()
    neighbours.say(1, 0)
    neighbours.say(2, 1)
    assert (neighbours.room(1, 0, 64), neighbours.room(2, 1, 64)) == (2, 0)


def test_nobody_waits_for_a_process_that_has_ended() -> None:
    neighbours = Neighbours()
    neighbours.say(1, 0)
    serving.child_exit(None, Mock(age=1, neighbours=neighbours))
    assert neighbours.room(2, 1, 64) == 64


def test_of_many_a_few_more_or_less_make_nobody_wait() -> None:
    neighbours = Neighbours()
    neighbours.say(1, 1000)
    neighbours.say(2, 1100)
    assert neighbours.room(2, 1100, 64) == 64


def test_numbers_of_processes_start_again_where_there_are_no_more_places() -> None:
    neighbours = Neighbours()
    neighbours.say(PROCESSES + 3, 7)
    neighbours.say(4, 9)
    assert neighbours.room(4, 9, 64) == 0
    neighbours.leave(3)
    assert neighbours.room(4, 9, 64) == 64
