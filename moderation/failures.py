"""Answers that refused or failed, counted by door, status and code: all web processes of a machine count together.

Only what goes wrong is counted, so that what goes well costs nothing. Processes write to small files in memory, in a
folder that `moderation.serving` makes; without one, as in tests, a process counts for itself.
"""

import os
from contextlib import suppress

from prometheus_client import CollectorRegistry, Counter
from prometheus_client.multiprocess import MultiProcessCollector

FOLDER = "PROMETHEUS_MULTIPROC_DIR"
"""Where the library looks for the folder."""

_counted = Counter(
    "hausordnung_errors",
    "Answers that refused or failed, by the door that was asked, the status of HTTP and the code of the problem.",
    labelnames=("door", "status", "code"),
    registry=None,
)


def count(door: str, status: int, code: str) -> None:
    """Count an answer. All three are words of ours, ``code`` also as HTTP puts it: none is taken from what was sent."""
    with suppress(OSError):  # no folder any more, or no room: an answer matters more than its number
        _counted.labels(door, str(int(status)), code.lower().replace(" ", "_")).inc()


def register(registry: CollectorRegistry) -> None:
    """Let a registry tell what all processes have counted."""
    folder = os.environ.get(FOLDER)
    if folder is None:
        registry.register(_counted)
    elif os.path.isdir(folder):
        MultiProcessCollector(registry)  # type: ignore[no-untyped-call]
