"""Requests that are answered side by side in one thread, so that what they have to write is written together.

Each runs in a greenlet of its own until it is about to write, and steps aside there. When all have come as far, the
first goes on and writes for all. Threads would do the same, but that one waits for another costs more, each time, than
to read a comment (docs/scaling.md).
"""

from collections.abc import Callable, Iterable

from greenlet import getcurrent, greenlet


def side_by_side(tasks: Iterable[Callable[[], object]]) -> None:
    """Run each task until it steps aside or ends; then, in the same order, what is left of them. They raise nothing."""
    company = [greenlet(task) for task in tasks]
    while company:
        for each in company:
            each.switch()
        company = [each for each in company if not each.dead]


def step_aside() -> None:
    """Let those who are answered beside come as far; whoever is alone goes on at once."""
    beside = getcurrent().parent
    if beside is not None:
        beside.switch()
