"""The threads of a web process that answer requests."""

import threading
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from queue import Empty, SimpleQueue
from typing import Generic, TypeVar

Asked = TypeVar("Asked")


@dataclass(frozen=True, slots=True)
class Answered:
    """What came of a request, as gunicorn asks a future for it."""

    may_ask_again: bool

    def result(self) -> bool:
        """Whether another request may follow on the connection."""
        return self.may_ask_again

    def cancelled(self) -> bool:
        """Never: what was begun is ended."""
        return False


class Threads(Generic[Asked]):
    """Answers what it is handed, each with ``answer``, in the order in which it came.

    Handed over and counted by one thread alone, which so needs no lock. A `ThreadPoolExecutor` takes three for each
    request and makes a future with a fourth, and whoever waits for a lock lets another thread go first
    (docs/scaling.md). ``answer`` raises nothing.
    """

    def __init__(self, most: int, answer: Callable[[Asked], None]) -> None:
        self._most = most
        self._answer = answer
        self._asked: SimpleQueue[Asked | None] = SimpleQueue()
        self._busy = self.number = 0

    def hand(self, asked: Asked) -> None:
        """Have something answered; where all threads are busy, by a new one, or by the first that is free again."""
        self._busy += 1
        if self._busy > self.number < self._most:
            self.number += 1
            threading.Thread(target=self._work, name=f"answers-{self.number}", daemon=True).start()
        self._asked.put(asked)

    def done(self) -> None:
        """Count that something was answered."""
        self._busy -= 1

    def shutdown(self, wait: bool = True) -> None:  # noqa: ARG002 - as gunicorn calls it, and it never waits
        """End the threads when all that was handed over is answered."""
        for _ in range(self.number):
            self._asked.put(None)

    def _work(self) -> None:
        while (asked := self._asked.get()) is not None:
            self._answer(asked)


class Together(Generic[Asked]):
    """Answers what it is handed in one thread, at each time all that came meanwhile, with ``answer``.

    Handed over by one thread alone, which says when that is all for the moment: the first would else be answered by
    itself. ``answer`` raises nothing.
    """

    MOST = 200
    """How much is answered at a time."""

    def __init__(self, answer: Callable[[list[Asked]], None]) -> None:
        self._answer = answer
        self._handed: list[Asked] = []
        self._asked: SimpleQueue[list[Asked]] = SimpleQueue()
        self._works = False

    def hand(self, asked: Asked) -> None:
        """Have something answered from the next `go` on."""
        self._handed.append(asked)

    def go(self) -> None:
        """Have answered what was handed over."""
        if not self._handed:
            return
        if not self._works:
            self._works = True
            threading.Thread(target=self._work, name="answers-together", daemon=True).start()
        self._asked.put(self._handed)
        self._handed = []

    def _work(self) -> None:
        while True:
            came = self._asked.get()
            with suppress(Empty):
                while len(came) < self.MOST:
                    came += self._asked.get_nowait()
            for first in range(0, len(came), self.MOST):
                self._answer(came[first : first + self.MOST])
