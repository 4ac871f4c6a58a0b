"""Wait on conditions, never on durations."""

import time
from collections.abc import Callable


def until(condition: Callable[[], object], *, within: float = 30) -> None:
    """Return as soon as the condition holds; fail after ``within`` seconds."""
    deadline = time.monotonic() + within
    while not condition():
        assert time.monotonic() < deadline, "it never came to be"
        time.sleep(0.02)
