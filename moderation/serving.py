"""How gunicorn serves the web application: its configuration, for `moderation run` and for containers alike."""

import gc
import importlib
import os
import shutil
import tempfile
from typing import Any

from moderation.config import load_settings

WORKING = 8
"""Threads of a process that answer requests; those of open streams come on top, so that they take none of these."""

threads = WORKING + load_settings().live_streams
worker_class = "moderation.doorman.Doorman"
control_socket_disable = True


IN_MEMORY = "/dev/shm"  # noqa: S108 - only asked for a folder of our own in it
"""Where files are never written to a disk: one that is full would end a process that counts (Linux)."""


def on_starting(_server: Any) -> None:
    """Make the folder in which processes count together what went wrong (`moderation.failures`)."""
    within = IN_MEMORY if os.access(IN_MEMORY, os.W_OK) else None
    os.environ["PROMETHEUS_MULTIPROC_DIR"] = tempfile.mkdtemp(prefix="hausordnung-", dir=within)


def when_ready(_server: Any) -> None:
    """Read what all processes will run, before they part; whoever knocks meanwhile waits at the door.

    So it costs none of them time, and memory only once: one that was killed is replaced in a tenth of a second. Reading
    opens no connection and starts no thread, neither of which can be parted.
    """
    importlib.import_module("moderation.web")
    gc.freeze()


def on_exit(_server: Any) -> None:
    """Leave no such folder behind."""
    shutil.rmtree(os.environ["PROMETHEUS_MULTIPROC_DIR"], ignore_errors=True)


def child_exit(_server: Any, worker: Any) -> None:
    """Let no process wait for one that has ended, and may have had no time to say so."""
    worker.neighbours.leave(worker.age)


def post_worker_init(worker: Any) -> None:
    """Let streams end at once when the process is asked to stop.

    What was loaded by now stays for good: it need not be looked through again and again for what can be thrown away.
    """
    gc.freeze()
    worker.wsgi.extensions["moderation"].feed.ends = lambda: not worker.alive
