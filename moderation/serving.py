"""How gunicorn serves the web application: its configuration, for `moderation run` and for containers alike."""

import gc
from typing import Any

from moderation.config import load_settings

WORKING = 8
"""Threads of a process that answer requests; those of open streams come on top, so that they take none of these."""

threads = WORKING + load_settings().live_streams
worker_class = "moderation.doorman.Doorman"
control_socket_disable = True


def post_worker_init(worker: Any) -> None:
    """Let streams end at once when the process is asked to stop.

    What was loaded by now stays for good: it need not be looked through again and again for what can be thrown away.
    """
    gc.freeze()
    worker.wsgi.extensions["moderation"].feed.ends = lambda: not worker.alive
