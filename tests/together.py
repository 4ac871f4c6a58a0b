"""Several who do something at the same moment."""

import threading
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import TypeVar

Done = TypeVar("Done")


def at_once(deeds: Sequence[Callable[[], Done]]) -> list[Done]:
    """Do all of these at the same moment, each in a thread of its own; return what came of them, in order."""
    start = threading.Barrier(len(deeds))

    def do(deed: Callable[[], Done]) -> Done:
        start.wait(30)
        return deed()

    with ThreadPoolExecutor(len(deeds)) as pool:
        return list(pool.map(do, deeds))
