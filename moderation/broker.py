"""The doorbell: tells workers that there is something to do, and nothing else.

The database is the truth. A message carries no data and may be lost, doubled or late without harm: a worker that is
woken looks for what is due. So ``ring`` never fails and never makes a request wait: it leaves a mark, and a thread of
the process sends it. Rings within a moment become one, and where enough of a kind already wait at the broker, because
no worker is awake, no more are sent.

Embedded, the broker is a folder (``moderation.folder``), not ``memory://``: web and workers are processes of
their own even on one machine, because a request must not share its interpreter lock with the judge.
"""

import heapq
import math
import os
import threading
import time
from typing import Any, Final

import structlog
from celery import Celery
from celery.app.amqp import AMQP
from celery.schedules import crontab
from kombu.connection import Connection

import moderation.folder  # noqa: F401 - makes folder:// known
from moderation.config import Settings

BELLS: Final = ("score", "deliver", "batch", "mail", "learn", "notify", "purge", "adapt", "sweep")
"""Every bell is a task and a queue of the same name."""

NIGHTLY: Final = ("purge", "adapt")
"""Bells that ring once a night, in UTC, and not with every sweep."""

GRAIN = 0.05
"""Seconds within which rings of one bell become one."""

ENOUGH_WAITING = 8
"""Messages at the broker beyond which no more are sent: enough to wake every worker."""

LOOK_AGAIN = 3
"""Seconds after which a process that has lost the broker looks for it again."""

log = structlog.get_logger(__name__)


class _Patient(Connection):
    """Looks for a broker that is away every few seconds; by itself, it would come to once in half a minute."""

    def ensure_connection(self, *args: Any, **options: Any) -> Connection:
        """Return when there is a connection."""
        super().ensure_connection(*args, **{"interval_max": LOOK_AGAIN, **options})  # type: ignore[no-untyped-call]
        return self


class _Protocol(AMQP):  # type: ignore[misc]
    Connection = _Patient


def make_celery(settings: Settings) -> Celery:
    """Make the Celery application for the settings' broker; it knows no tasks yet."""
    app = Celery("moderation", set_as_current=False, amqp=_Protocol)
    app.conf.update(
        broker_url=settings.broker_url,
        broker_connection_retry_on_startup=True,
        broker_connection_timeout=3,
        broker_connection_max_retries=None,
        task_ignore_result=True,
        task_routes={bell: {"queue": bell} for bell in BELLS},
        task_create_missing_queues=True,
        worker_prefetch_multiplier=1,
        # It would be given back by whichever thread ends a task, which then reads from the broker beside the consumer:
        # either gets half of what came, and waits for the rest until the broker gives up.
        worker_enable_prefetch_count_reduction=False,
        worker_hijack_root_logger=False,
        worker_send_task_events=False,
        beat_schedule={
            "sweep": {"task": "sweep", "schedule": settings.sweep_interval},
            **{bell: {"task": bell, "schedule": crontab(hour=3, minute=30)} for bell in NIGHTLY},
        },
        timezone="UTC",
    )
    bells = settings.embedded_broker
    if bells is not None:
        bells.mkdir(parents=True, exist_ok=True)
        app.conf.update(
            broker_url="folder://",
            worker_enable_remote_control=False,  # its files would never be cleared away
            broker_transport_options={
                "data_folder_in": str(bells),
                "data_folder_out": str(bells),
                "control_folder": str(bells),
                "polling_interval": 0.05,
            },
        )
    return app


class Bell:
    """Rings the workers' bells, out of the caller's way. Safe to use from any thread, and after a fork."""

    def __init__(self, settings: Settings) -> None:
        self._celery = make_celery(settings)
        self._forget()

    def _forget(self) -> None:
        """Start anew, in this process: a thread does not survive a fork, and a lock may survive it closed."""
        self._pid = os.getpid()
        self._wake = threading.Condition()
        self._marks: set[tuple[int, str]] = set()
        self._due: list[tuple[int, str]] = []
        self._thread: threading.Thread | None = None

    def ring(self, name: str, *, after: float = 0.0) -> None:
        """Wake a worker for ``name`` in ``after`` seconds; call it after the commit. Returns at once, never raises."""
        if self._pid != os.getpid():
            self._forget()
        mark = (math.ceil((time.monotonic() + after) / GRAIN), name)
        with self._wake:
            if mark in self._marks:
                return
            self._marks.add(mark)
            heapq.heappush(self._due, mark)
            if self._thread is None:
                self._thread = threading.Thread(target=self._run, name="bell", daemon=True)
                self._thread.start()
            self._wake.notify()

    def _run(self) -> None:
        connection = self._connect()
        while True:
            for name in self._next():
                if self._sent(connection, name):
                    continue
                connection = self._connect()  # one that was idle for long may have died
                if not self._sent(connection, name):
                    # The work is safe in the database; workers look for it as soon as there is a broker again.
                    log.warning("bell_unheard", bell=name)

    def _connect(self) -> Connection:
        # No heartbeats: between two rings nobody would be there to send them.
        connection: Connection = self._celery.connection_for_write(heartbeat=0)
        return connection

    def _sent(self, connection: Connection, name: str) -> bool:
        try:
            send(self._celery, connection, name)
        except Exception as error:  # whatever it is, this thread must live on
            log.info("bell_failed", bell=name, error=type(error).__name__)
            return False
        return True

    def _next(self) -> set[str]:
        """Wait until a ring is due; return the names of all that are, of which many may be while the broker is away."""
        with self._wake:
            while not self._due or self._due[0][0] * GRAIN > time.monotonic():
                self._wake.wait(self._due[0][0] * GRAIN - time.monotonic() if self._due else None)
            names = set()
            while self._due and self._due[0][0] * GRAIN <= time.monotonic():
                mark = heapq.heappop(self._due)
                self._marks.discard(mark)
                names.add(mark[1])
            return names


def send(celery: Celery, connection: Connection, name: str) -> None:
    """Send one ring over an open connection, unless enough of its kind wait already."""
    queue = celery.amqp.queues[name]
    waiting = queue(connection.default_channel).queue_declare().message_count
    if waiting < ENOUGH_WAITING:
        celery.send_task(name, connection=connection, expires=600, retry=False)
