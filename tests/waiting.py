"""Wait on conditions, never on durations."""

import socket
import time
from collections.abc import Callable


def until(condition: Callable[[], object], *, within: float = 60) -> None:
    """Return as soon as the condition holds; fail after ``within`` seconds."""
    deadline = time.monotonic() + within
    while not condition():
        assert time.monotonic() < deadline, "it never came to be"
        time.sleep(0.02)


def listening(port: int) -> bool:
    """Whether somebody listens on a port of loopback."""
    with socket.socket() as probe:
        probe.settimeout(1)
        return probe.connect_ex(("127.0.0.1", port)) == 0
