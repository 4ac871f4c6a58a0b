"""New comments that arrive together are written together: group commit.

A commit waits for the disk, and a statement costs for ten rows little more than for one. So whoever finds nobody
writing writes at once, and what arrives meanwhile is written in one transaction when that is done: nobody waits for
more than one write that was under way, and the busier it is, the less a comment costs (DeWitt et al. 1984,
"Implementation techniques for main memory database systems").
"""

import threading
from collections.abc import Sequence
from itertools import groupby
from operator import attrgetter
from typing import cast

import structlog

from moderation import bulk, intake
from moderation.bulk import Told
from moderation.contract import CommentCreated
from moderation.db import Database
from moderation.errors import ModerationError
from moderation.intake import Receipt
from moderation.models import Site

log = structlog.get_logger(__name__)


class Arrival:
    """A new comment, and the thread that waits until it is written."""

    def __init__(self, site: Site, event: CommentCreated, webhook_id: str) -> None:
        self.site = site
        self.told = Told(webhook_id, event)
        self.place = site.id, event.data.id
        self.outcome: Receipt | ModerationError | None = None
        self.was_tried = False
        self.is_due = threading.Lock()
        """Held by whoever waits; let go when the comment was tried to be written, or its thread is to write."""
        self.is_due.acquire()


class Arrivals:
    """Where the requests of a process that bring new comments meet. Safe to use from any thread."""

    def __init__(self, database: Database, *, max_characters: int) -> None:
        self._database = database
        self._longest = max_characters
        self._meeting = threading.Lock()
        self._waiting: list[Arrival] = []
        self._is_writing = False

    def take_in(self, site: Site, event: CommentCreated, *, webhook_id: str) -> Receipt:
        """Take in a new comment as ``bulk.accept_one`` does; return when it is committed."""
        intake.require_length(event.data.text, self._longest)
        arrival = Arrival(site, event, webhook_id)
        with self._meeting:
            self._waiting.append(arrival)
            must_wait = self._is_writing
            self._is_writing = True
        if must_wait:
            arrival.is_due.acquire()
        if not arrival.was_tried:
            self._write_who_waits()
        if arrival.outcome is None:  # something was wrong with one of them: each by itself
            self._write([arrival])
        if isinstance(arrival.outcome, ModerationError):
            raise arrival.outcome
        return cast(Receipt, arrival.outcome)

    @property
    def waiting(self) -> int:
        """How many comments wait for a write that is under way."""
        return len(self._waiting)

    def _write_who_waits(self) -> None:
        """Write all that have arrived, then let their threads go, and the first of those that came meanwhile write."""
        with self._meeting:
            together, self._waiting = self._waiting, []
        try:
            self._write(together)
        except Exception as error:
            if len(together) == 1:
                raise
            log.info("arrivals_apart", number=len(together), error=type(error).__name__)
        finally:
            with self._meeting:
                following = self._waiting[:1]
                self._is_writing = bool(following)
            for arrival in together:
                arrival.was_tried = True
            for arrival in [*together, *following]:
                arrival.is_due.release()

    def _write(self, arrivals: Sequence[Arrival]) -> None:
        """Write them in one transaction; of those with one webhook's id only the first, as the others repeat it.

        In the order of their ids: of two processes that write the same, neither then holds what the other waits for.
        """
        firsts = {(arrival.site.id, arrival.told.webhook_id): arrival for arrival in reversed(arrivals)}
        ordered = sorted(firsts.values(), key=attrgetter("place"))
        outcomes: list[Receipt | ModerationError] = []
        with self._database.session() as session:
            for _, group in groupby(ordered, key=lambda arrival: arrival.site.id):
                of_site = list(group)
                told = [arrival.told for arrival in of_site]
                outcomes += bulk.accept(session, of_site[0].site, told, max_characters=self._longest)
            session.commit()
        for arrival, outcome in zip(ordered, outcomes, strict=True):
            arrival.outcome = outcome
