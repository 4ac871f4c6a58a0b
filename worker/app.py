"""The Celery application of the workers: settings, logging, and what its tasks work with, made when first needed."""

import ctypes
import os
import signal
import sys
import threading
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any

import httpx
from celery import Task, bootsteps
from celery.signals import (
    beat_embedded_init,
    setup_logging,
    task_prerun,
    worker_init,
    worker_shutdown,
    worker_shutting_down,
)

from moderation import logs, outbound, telemetry
from moderation.broker import NIGHTLY, Bell, make_celery
from moderation.config import Settings, load_settings
from moderation.db import Database
from moderation.judge import Judge
from moderation.service_judge import ServiceJudge

settings = load_settings()
# One process a core, each with one thread: two threads of a numeric library in one process spin against each other.
for library in ("OPENBLAS", "MKL", "OMP"):
    os.environ.setdefault(f"{library}_NUM_THREADS", str(settings.judge_threads))

app = make_celery(settings)
app.conf.imports = ("worker.tasks",)


@dataclass
class Workshop:
    """What the tasks of this process work with.

    A forked child makes its own: nothing here is made before the fork but the bell, which notices one.
    """

    settings: Settings
    stopping: threading.Event = field(default_factory=threading.Event)
    """Set when the worker is to stop: a task then begins nothing more."""

    @cached_property
    def database(self) -> Database:
        """The database."""
        opened = Database(self.settings.database_url)
        telemetry.watch_database(opened.engine)
        return opened

    @cached_property
    def bell(self) -> Bell:
        """The doorbell."""
        return Bell(self.settings)

    @cached_property
    def judge(self) -> Judge:
        """The embedded judge, with its weights in memory."""
        return Judge.load()

    @cached_property
    def service_judge(self) -> ServiceJudge:
        """The judge that the settings ask for."""
        return ServiceJudge(self.settings, self.judge)

    @cached_property
    def _clients(self) -> dict[bool, httpx.Client]:
        timeout = self.settings.delivery_timeout
        return {private: outbound.client(private=private, timeout=timeout) for private in (True, False)}

    def client(self, *, private: bool) -> httpx.Client:
        """The HTTP client for sites that may, or may not, be at a private address."""
        return self._clients[private]

    def close(self) -> None:
        """Give back what was opened."""
        for client in self.__dict__.get("_clients", {}).values():
            client.close()
        if "service_judge" in self.__dict__:
            self.service_judge.close()
        if "database" in self.__dict__:
            self.database.dispose()


workshop = Workshop(settings)

WORKER = os.getpid()
"""The process that imports this; a fork of it finds its parent here."""

PR_SET_PDEATHSIG = 1
"""What a process asks the kernel by prctl(2): a signal when its parent dies."""


class LookAround(bootsteps.StartStopStep):  # type: ignore[misc]
    """Rings the bells that this worker hears as soon as it has found the broker, for the first time or again.

    What came while it was dead or the broker away need not wait for a sweep.
    """

    requires = ("celery.worker.consumer.tasks:Tasks",)

    def start(self, consumer: Any) -> None:
        """Ring them; those that ring by night are not missed for long."""
        for bell in consumer.app.amqp.queues.consume_from:
            if bell not in NIGHTLY:
                workshop.bell.ring(bell)


app.steps["consumer"].add(LookAround)


@setup_logging.connect  # type: ignore[untyped-decorator]
def _log(**_: object) -> None:
    """Log as the web does; connected to this signal, Celery leaves logging alone."""
    logs.configure(settings)


@worker_init.connect  # type: ignore[untyped-decorator]
def _watch(**_: object) -> None:
    """Begin to send traces and errors, before any fork: the packages know how to live through one."""
    telemetry.begin(settings)
    telemetry.watch_worker()


@beat_embedded_init.connect  # type: ignore[untyped-decorator]
def _end_with_worker(**_: object) -> None:
    """Let the clock that a worker started end with it, even if it is killed: otherwise one more stayed each time."""
    if sys.platform == "linux":
        ctypes.CDLL(None).prctl(PR_SET_PDEATHSIG, signal.SIGTERM)
        if os.getppid() != WORKER:  # killed a moment ago
            raise SystemExit


@task_prerun.connect  # type: ignore[untyped-decorator]
def _number(task_id: str, task: Task, **_: object) -> None:
    logs.begin("task", task_id, bell=task.name)


@worker_shutting_down.connect  # type: ignore[untyped-decorator]
def _hurry(**_: object) -> None:
    """Begin nothing more, and wait for no slow site: what is on its way is tried again later, under the same id."""
    workshop.stopping.set()
    outbound.stopping.set()


@worker_shutdown.connect  # type: ignore[untyped-decorator]
def _close(**_: object) -> None:
    workshop.close()
    telemetry.end()
