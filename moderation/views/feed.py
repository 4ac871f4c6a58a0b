"""Rings for open desks when something happened: one look at the database a second, however many listen.

A ring says nothing; whoever hears it asks. So a ring may be lost, doubled or late without harm.
"""

import threading
import time
from collections.abc import Callable, Iterator

import structlog
from sqlalchemy.exc import SQLAlchemyError

from moderation.db import Database
from moderation.queue import news

LOOK_EVERY = 1.0
HEARTBEAT = 5.0
"""Seconds between two signs of life, by which we notice that nobody listens any more."""
LASTS = 60.0
"""Seconds after which a stream ends and the browser opens another: no thread is lost for ever."""

log = structlog.get_logger(__name__)


class Feed:
    """The streams of one process, ``most`` of them at once: each has a thread of the web server to itself."""

    def __init__(self, database: Database, *, most: int) -> None:
        self._database = database
        self.most = most
        self._changed = threading.Condition()
        self._streams = 0
        self._rings = 0
        self._watcher: threading.Thread | None = None
        self.ends: Callable[[], bool] = lambda: False
        """Whether the process is asked to stop."""
        self._closed = False

    def enter(self) -> bool:
        """Take a place among the streams; False where there is none free. Who entered must leave."""
        with self._changed:
            if self._streams >= self.most or self._closed:
                return False
            self._streams += 1
            if self._watcher is None:
                self._watcher = threading.Thread(target=self._watch, name="feed", daemon=True)
                self._watcher.start()
            return True

    def leave(self) -> None:
        """Give the place back."""
        with self._changed:
            self._streams -= 1

    def rings(self) -> Iterator[str]:
        """Yield server-sent events: one at the start, one for each change, and comments in between."""
        heard, ends_at = -1, time.monotonic() + LASTS
        while not self._is_over() and time.monotonic() < ends_at:
            rings = self._wait(heard)
            yield "data:\n\n" if rings != heard else ":\n\n"
            heard = rings

    def _wait(self, heard: int) -> int:
        with self._changed:
            self._changed.wait_for(lambda: self._rings != heard or self._is_over(), HEARTBEAT)
            return self._rings

    def close(self) -> None:
        """End all streams and wait for the watcher."""
        with self._changed:
            self._closed = True
            self._changed.notify_all()
            watcher = self._watcher
        if watcher is not None:
            watcher.join()

    def _is_over(self) -> bool:
        return self._closed or self.ends()

    def _watch(self) -> None:
        """Look for changes as long as somebody listens."""
        seen = None
        while True:
            with self._changed:
                self._changed.wait_for(self._is_over, LOOK_EVERY)
                if self._is_over() or self._streams == 0:
                    self._watcher = None
                    self._changed.notify_all()
                    return
            try:
                with self._database.session(read_only=True) as session:
                    mark = news.mark(session)
            except SQLAlchemyError as error:  # the database is away: those who ask are told so, we look again
                log.warning("feed_cannot_look", error=type(error).__name__)
                continue
            if mark != seen:
                seen = mark
                with self._changed:
                    self._rings += 1
                    self._changed.notify_all()
