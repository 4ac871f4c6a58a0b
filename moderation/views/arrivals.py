"""New comments that arrive together are written together: group commit.

A commit waits for the disk, and a statement costs for ten rows little more than for one. So requests that came while
others were answered are answered side by side (`moderation.company`), and what they bring is written in one
transaction: nobody waits for more than one write that was under way, and the busier it is, the less a comment costs
(DeWitt et al. 1984, "Implementation techniques for main memory database systems").
"""

import threading
from collections.abc import Sequence
from itertools import groupby
from operator import attrgetter
from typing import cast

import structlog

from moderation import bulk, intake
from moderation.bulk import Told
from moderation.company import step_aside
from moderation.contract import CommentCreated
from moderation.db import Database
from moderation.errors import ModerationError
from moderation.intake import Receipt
from moderation.models import Site

log = structlog.get_logger(__name__)


class Arrival:
    """A new comment that is to be written."""

    def __init__(self, site: Site, event: CommentCreated, webhook_id: str) -> None:
        self.site = site
        self.told = Told(webhook_id, event)
        self.place = site.id, event.data.id
        self.outcome: Receipt | ModerationError | None = None


class Arrivals(threading.local):
    """Where requests that bring new comments meet, if a thread answers several of them side by side."""

    def __init__(self, database: Database, *, max_characters: int) -> None:
        self._database = database
        self._longest = max_characters
        self._waiting: list[Arrival] = []

    def take_in(self, site: Site, event: CommentCreated, *, webhook_id: str) -> Receipt:
        """Take in a new comment as ``bulk.accept_one`` does; return when it is committed."""
        intake.require_length(event.data.text, self._longest)
        arrival = Arrival(site, event, webhook_id)
        self._waiting.append(arrival)
        step_aside()
        if arrival in self._waiting:  # nobody has tried to write it yet
            self._write_who_waits()
        if arrival.outcome is None:  # something was wrong with one of them: each by itself
            self._write([arrival])
        if isinstance(arrival.outcome, ModerationError):
            raise arrival.outcome
        return cast(Receipt, arrival.outcome)

    def _write_who_waits(self) -> None:
        together, self._waiting = self._waiting, []
        try:
            self._write(together)
        except Exception as error:
            if len(together) == 1:
                raise
            log.info("arrivals_apart", number=len(together), error=type(error).__name__)

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
