"""Lets a site's own order differ from the general model's only as far as it has earned. Pure: numbers only.

What is said of a comment cannot be taken back, and what a team minds may change overnight, so that no evidence on the
past is a promise. What *is* known at any moment is how far the order given so far lies ahead of the general model's, as
an area under the curve, and what the next comment may cost, whichever way it is decided. It is therefore put no further
from its general place than leaves the order at most `ALLOWED` behind: the budget of conservative bandits (Wu, Shariff,
Lattimore, Szepesvári 2016) with pairs of comments for rewards.
"""

import math
from bisect import bisect_left, bisect_right, insort

import numpy as np

from moderation.learning.figures import Doubles, gain

ALLOWED = 0.009
"""How far the area may fall behind the general model's: a little less than the 0.01 that is promised."""

RESERVE = 0.2
"""What is kept back of it, in comments of the rarer outcome: where earlier ones were put may yet cost as much. Half
of it is, while the own order, had it been followed from the beginning, would surely have been the better one."""

EARLY = 0.002
"""What may be risked all the same while there are few of them: who risks nothing never gets ahead."""

HALVINGS = 32
"""How often the way to a place that can be afforded is halved."""


class Places:
    """Where comments were put, by what became of them, and how many pairs of both outcomes are in order."""

    def __init__(self) -> None:
        """Begin with no comment."""
        self.approved: list[float] = []
        self.deleted: list[float] = []
        self.pairs = 0.0

    def with_one(self, place: float, *, deleted: bool) -> float:
        """Return how many pairs would be in order with one comment more, ties counting half."""
        others = self.approved if deleted else self.deleted
        below = (bisect_left(others, place) + bisect_right(others, place)) / 2
        return self.pairs + (below if deleted else len(others) - below)

    def put(self, place: float, *, deleted: bool) -> None:
        """Put one more comment."""
        self.pairs = self.with_one(place, deleted=deleted)
        insort(self.deleted if deleted else self.approved, place)


class Risk:
    """The order as it was given and the general one, side by side. Places are logits on the general model's scale."""

    def __init__(self) -> None:
        """Begin with no comment."""
        self._given, self._general = Places(), Places()
        self._wanted = np.empty((0, 3))
        self._reserve = RESERVE

    def ordered(self, own: Doubles, general: Doubles, deleted: Doubles) -> Doubles:
        """Place comments one after the other, each before it is known what became of it: (n,) each."""
        told = gain(*self._wanted.T) if len(self._wanted) else None
        self._reserve = RESERVE / 2 if told is not None and told.sure else RESERVE
        self._wanted = np.vstack([self._wanted, np.column_stack([own, general, deleted])])
        places = np.empty(len(own))
        for row, outcome in enumerate(deleted > 0.5):
            places[row] = self.bounded(float(own[row]), float(general[row]))
            self.put(places[row], float(general[row]), deleted=bool(outcome))
        return places

    def bounded(self, own: float, general: float) -> float:
        """Return the place nearest to a comment's own that can be afforded, whatever people decide on it."""
        approved, deleted = self._given.approved, self._given.deleted
        rarer = min(len(approved), len(deleted))
        if not rarer:
            return general
        limit = max(EARLY, ALLOWED - self._reserve / rarer)
        if_approved, if_deleted = (self._behind(own, general, deleted=outcome) for outcome in (False, True))
        if max(if_approved, if_deleted) <= limit:
            return own
        # Up, where a deletion would cost too much, until it no longer does, or an approval would cost more; or down.
        up = if_deleted > if_approved
        near, far = own, math.nextafter(approved[-1], math.inf) if up else math.nextafter(deleted[0], -math.inf)
        for _ in range(HALVINGS):
            middle = (near + far) / 2
            cost, other = (self._behind(middle, general, deleted=outcome) for outcome in (up, not up))
            near, far = (near, middle) if cost <= max(limit, other) else (middle, far)
        return far

    def _behind(self, place: float, general: float, *, deleted: bool) -> float:
        """Return how far the area lies behind the general one if a comment is put there and that is decided."""
        missing = self._general.with_one(general, deleted=deleted) - self._given.with_one(place, deleted=deleted)
        return missing / ((len(self._given.approved) + (not deleted)) * (len(self._given.deleted) + deleted))

    def put(self, place: float, general: float, *, deleted: bool) -> None:
        """Note where a comment was put, where the general model would have, and what became of it."""
        self._given.put(place, deleted=deleted)
        self._general.put(general, deleted=deleted)
