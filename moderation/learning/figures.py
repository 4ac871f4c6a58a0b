"""How good probabilities of deletion were, once the decisions are known. Pure: numbers only."""

import math
from dataclasses import dataclass
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray
from scipy.stats import rankdata

from moderation import figures

Doubles = NDArray[np.float64]

SEEN = ((0, 100), (100, 300), (300, 1000), (1000, 3000), (3000, 10_000))
"""Decisions that had been seen: an early figure and a late one must not be mixed."""

SURE = 2.33
"""Standard errors that a gain must reach."""


@dataclass(frozen=True, slots=True)
class Figures:
    """``auc`` and ``average_precision`` are None where only one outcome occurs."""

    n: int
    auc: float | None
    auc_by_seen: dict[str, float | None]
    average_precision: float | None
    ece: float | None
    precision_at_half_recall: float | None

    def report(self) -> dict[str, Any]:
        """Return them as `moderation backtest --json` names them."""
        return {
            "auc": self.auc,
            "auc_by_seen": self.auc_by_seen,
            "average_precision": self.average_precision,
            "ece": self.ece,
            "precision_at_recall_0.5": self.precision_at_half_recall,
        }


def measure(probabilities: Doubles, deleted: Doubles, order: Doubles | None = None) -> Figures:
    """Measure what was said, oldest first, against what was decided.

    ``order`` is what comments are sorted by, where that is not the probability itself.
    """
    n = len(deleted)
    both = 0 < deleted.sum() < n
    order = probabilities if order is None else order
    curve = figures.precision_recall(deleted, order) if both else None
    return Figures(
        n=n,
        auc=auc(order, deleted),
        auc_by_seen={f"{a}-{b}": auc(order[a:b], deleted[a:b]) for a, b in SEEN},
        average_precision=figures.average_precision(deleted, order) if both else None,
        ece=calibration_error(probabilities, deleted) if n else None,
        precision_at_half_recall=float(curve.y[np.searchsorted(curve.x, 0.5)]) if curve else None,
    )


def auc(probabilities: Doubles, deleted: Doubles) -> float | None:
    """Return how often a deleted comment got more than an approved one, ties counting half; None without both."""
    found = figures.auc(deleted, probabilities)
    return None if math.isnan(found) else found


def calibration(probabilities: Doubles, deleted: Doubles) -> list[tuple[float, float, int]]:
    """Return for each tenth of probability that occurs: what was said on average, what came true, how many."""
    return figures.calibration(deleted, probabilities, wide=True)


def calibration_error(probabilities: Doubles, deleted: Doubles) -> float:
    """Return the expected calibration error over ten equal bins."""
    return figures.calibration_error(deleted, probabilities, wide=True)


class Gain(NamedTuple):
    """How much larger one area is than another on the same decisions, and its standard error."""

    gain: float
    error: float

    @property
    def sure(self) -> bool:
        """Whether chance alone would show as much in less than one of a hundred cases."""
        return self.gain > SURE * self.error


def gain(new: Doubles, old: Doubles, deleted: Doubles) -> Gain | None:
    """Compare two orders of the same comments by DeLong's test for paired areas; None without both outcomes.

    Source: DeLong, DeLong, Clarke-Pearson 1988; by ranks as in Sun, Xu 2014.
    """
    positive = deleted > 0.5
    ups, downs = int(positive.sum()), int((~positive).sum())
    if ups < 2 or downs < 2:
        return None
    by_up, by_down = [], []
    for scores in (new, old):
        ranks = rankdata(scores)
        by_up.append((ranks[positive] - rankdata(scores[positive])) / downs)
        by_down.append(1 - (ranks[~positive] - rankdata(scores[~positive])) / ups)
    up, down = by_up[0] - by_up[1], by_down[0] - by_down[1]
    return Gain(float(up.mean()), float(np.sqrt(up.var(ddof=1) / ups + down.var(ddof=1) / downs)))
