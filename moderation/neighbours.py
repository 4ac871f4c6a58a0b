"""How many visitors each web process has, so that a new one goes to a process that has few.

All of them listen at one door, and whoever is awake hears a knock first: without this, a handful of connections that
stay open often end up with one process, and the others have nothing to do.
"""

import mmap

PROCESSES = 64
"""Processes that are told apart; of more, some share a place, and visitors are shared out less evenly."""

MORE = 1.25
"""How many times as many visitors as the emptiest a process may have: nobody waits for the sake of one in ten."""


class Neighbours:
    """Counts in memory that is shared by all processes forked after it was made; each writes its own."""

    def __init__(self) -> None:
        self._counts = memoryview(mmap.mmap(-1, 4 * PROCESSES)).cast("I")

    def say(self, process: int, visitors: int) -> None:
        """Let the others know how many visitors a process has, and that it takes more."""
        self._counts[process % PROCESSES] = visitors + 1

    def leave(self, process: int) -> None:
        """Let the others know that a process takes no more visitors; whoever ends one says so for it."""
        self._counts[process % PROCESSES] = 0

    def room(self, process: int, visitors: int, most: int) -> int:
        """Return how many more, of so many at most, a process may take before another one should; 0 for none."""
        own = process % PROCESSES
        others = [count - 1 for place, count in enumerate(self._counts) if count and place != own]
        return max(0, min(most, int(MORE * min(others)) + 1 - visitors)) if others else most
