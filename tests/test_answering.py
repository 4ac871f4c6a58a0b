"""The threads that answer requests, and answers that leave in one piece."""

import socket
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from queue import SimpleQueue

import pytest

from moderation.answering import Threads, Together
from moderation.company import side_by_side, step_aside
from moderation.fetching import Line

HEAD = b"HTTP/1.1 202 ACCEPTED\r\nContent-Length: 2\r\n\r\n"


def test_what_comes_is_answered_in_its_order_by_no_more_threads_than_there_are_requests_at_once() -> None:
    answered: SimpleQueue[tuple[int, str]] = SimpleQueue()
    threads: Threads[int] = Threads(8, lambda asked: answered.put((asked, threading.current_thread().name)))
    for asked in range(5):
        threads.hand(asked)
        assert answered.get(timeout=10) == (asked, "answers-1")
        threads.done()
    threads.shutdown()
    assert threads.number == 1


def test_who_comes_while_all_are_busy_has_a_new_thread_or_where_there_may_be_no_more_the_first_free() -> None:
    may_end, begun = threading.Event(), threading.Semaphore(0)
    answered: SimpleQueue[str] = SimpleQueue()

    def answer(asked: str) -> None:
        begun.release()
        may_end.wait(10)
        answered.put(asked)

    threads = Threads(2, answer)
    for asked in ("one", "two", "three"):
        threads.hand(asked)
    assert begun.acquire(timeout=10)
    assert begun.acquire(timeout=10)
    assert threads.number == 2
    assert not begun.acquire(blocking=False)
    may_end.set()
    assert sorted(answered.get(timeout=10) for _ in range(3)) == ["one", "three", "two"]
    threads.shutdown()


def test_all_that_was_handed_over_is_answered_before_the_threads_end() -> None:
    answered: SimpleQueue[int] = SimpleQueue()
    threads = Threads(1, answered.put)
    for asked in range(50):
        threads.hand(asked)
    threads.shutdown()
    assert [answered.get(timeout=10) for _ in range(50)] == list(range(50))


def test_what_comes_while_others_are_answered_is_answered_together_in_its_order() -> None:
    may_go_on: SimpleQueue[None] = SimpleQueue()
    answered: SimpleQueue[list[int]] = SimpleQueue()

    def answer(came: list[int]) -> None:
        answered.put(came)
        may_go_on.get(timeout=10)

    together = Together(answer)
    for asked in range(3):
        together.hand(asked)
    together.go()
    assert answered.get(timeout=10) == [0, 1, 2]
    for asked in range(3, 6):
        together.hand(asked)
        together.go()
    together.go()
    may_go_on.put(None)
    assert answered.get(timeout=10) == [3, 4, 5]
    may_go_on.put(None)


def test_no_more_is_answered_together_than_is_good() -> None:
    answered: SimpleQueue[list[int]] = SimpleQueue()
    together = Together(answered.put)
    for asked in range(2 * Together.MOST + 1):
        together.hand(asked)
    together.go()
    assert [len(answered.get(timeout=10)) for _ in range(3)] == [Together.MOST, Together.MOST, 1]


def test_side_by_side_all_come_as_far_as_they_can_before_the_first_goes_on() -> None:
    did: list[str] = []

    def task(name: str, aside: int) -> None:
        for step in range(aside):
            did.append(f"{name}{step}")
            step_aside()
        did.append(f"{name} ends")

    side_by_side([lambda: task("a", 2), lambda: task("b", 0), lambda: task("c", 1)])
    assert did == ["a0", "b ends", "c0", "a1", "c ends", "a ends"]


def test_each_has_its_own_context_side_by_side() -> None:
    who: ContextVar[str] = ContextVar("who", default="nobody")
    seen: list[str] = []

    def task(name: str) -> None:
        seen.append(who.get())
        who.set(name)
        step_aside()
        seen.append(who.get())

    side_by_side([lambda: task("a"), lambda: task("b")])
    assert seen == ["nobody", "nobody", "a", "b"]


def test_whoever_is_alone_goes_on_at_once() -> None:
    step_aside()


@contextmanager
def _line() -> Iterator[tuple[Line, socket.socket]]:
    ours, theirs = socket.socketpair()
    with theirs, Line(ours) as line:
        theirs.setblocking(False)
        yield line, theirs


def test_the_head_of_an_answer_leaves_with_what_follows_it() -> None:
    with _line() as (line, visitor):
        line.keeps_head = True
        line.sendall(HEAD)
        with pytest.raises(BlockingIOError):
            visitor.recv(100)
        line.sendall(b"{}")
        assert visitor.recv(100) == HEAD + b"{}"
        line.sendall(b"more of a stream")
        assert visitor.recv(100) == b"more of a stream"


def test_a_head_that_nothing_follows_leaves_when_it_is_pushed() -> None:
    with _line() as (line, visitor):
        line.keeps_head = True
        line.sendall(HEAD)
        line.push()
        assert visitor.recv(100) == HEAD


@pytest.mark.parametrize("asks", ["setblocking", "settimeout"])
def test_no_thread_waits_for_a_visitor_whatever_is_asked(asks: str) -> None:
    with _line() as (line, _):
        getattr(line, asks)(True)
        with pytest.raises(BlockingIOError):
            line.recv(1)
