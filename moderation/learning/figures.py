"""How good probabilities of deletion were, once the decisions are known. Pure: numbers only."""

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

Doubles = NDArray[np.float64]

SEEN = ((0, 100), (100, 300), (300, 1000), (1000, 3000), (3000, 10_000))
"""Decisions that had been seen: an early figure and a late one must not be mixed."""

_BINS = 10
_DRAWS = 400


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


def measure(probabilities: Doubles, deleted: Doubles) -> Figures:
    """Measure what was said, oldest first, against what was decided."""
    n = len(deleted)
    precision, recall = _curve(probabilities, deleted)
    both = 0 < deleted.sum() < n
    steps = np.diff(recall, prepend=0.0) if both else recall
    return Figures(
        n=n,
        auc=auc(probabilities, deleted),
        auc_by_seen={f"{a}-{b}": auc(probabilities[a:b], deleted[a:b]) for a, b in SEEN},
        average_precision=float(steps @ precision) if both else None,
        ece=calibration_error(probabilities, deleted) if n else None,
        precision_at_half_recall=float(precision[np.searchsorted(recall, 0.5)]) if both else None,
    )


def auc(probabilities: Doubles, deleted: Doubles) -> float | None:
    """Return how often a deleted comment got more than an approved one, ties counting half; None without both."""
    positives = int(deleted.sum())
    negatives = len(deleted) - positives
    if not positives or not negatives:
        return None
    values, places, counts = np.unique(probabilities, return_inverse=True, return_counts=True)
    ranks = np.cumsum(counts) - (counts - 1) / 2
    total = float(ranks[places] @ deleted) if len(values) else 0.0
    return (total - positives * (positives + 1) / 2) / (positives * negatives)


def calibration(probabilities: Doubles, deleted: Doubles) -> list[tuple[float, float, int]]:
    """Return for each tenth of probability that occurs: what was said on average, what came true, how many."""
    bins = np.minimum((probabilities * _BINS).astype(np.int64), _BINS - 1)
    return [
        (float(probabilities[bins == b].mean()), float(deleted[bins == b].mean()), int((bins == b).sum()))
        for b in range(_BINS)
        if (bins == b).any()
    ]


def calibration_error(probabilities: Doubles, deleted: Doubles) -> float:
    """Return the expected calibration error over ten equal bins."""
    rows = calibration(probabilities, deleted)
    return sum(abs(said - true) * count for said, true, count in rows) / len(deleted)


def sure_gain(new: Doubles, old: Doubles, deleted: Doubles, *, seed: int = 1) -> float | None:
    """Return the gain in AUC that all but one of forty paired redraws of the decisions reach; None without both."""
    positive, negative = np.flatnonzero(deleted > 0.5), np.flatnonzero(deleted < 0.5)
    if not len(positive) or not len(negative):
        return None
    generator = np.random.default_rng(seed)
    gains = np.empty(_DRAWS)
    for draw in range(_DRAWS):
        rows = np.concatenate(
            [generator.choice(positive, min(len(positive), 2000)), generator.choice(negative, min(len(negative), 2000))]
        )
        truth = deleted[rows]
        gains[draw] = (auc(new[rows], truth) or 0.0) - (auc(old[rows], truth) or 0.0)
    return float(np.quantile(gains, 0.025))


def threshold_curve(probabilities: Doubles, deleted: Doubles, points: int = 19) -> list[tuple[float, float, float]]:
    """Return rows of (threshold, share of marks that are right, share of breaches missed), where anything is marked."""
    rows = []
    for threshold in np.linspace(0.05, 0.95, points):
        marked = probabilities >= threshold
        if marked.any() and deleted.any():
            right = float(deleted[marked].mean())
            rows.append((float(threshold), right, 1 - float(deleted[marked].sum() / deleted.sum())))
    return rows


def _curve(probabilities: Doubles, deleted: Doubles) -> tuple[Doubles, Doubles]:
    """Return precision and recall where each distinct probability ends, from the highest down."""
    order: NDArray[np.int64] = np.argsort(-probabilities, kind="stable")
    ends = np.append(np.flatnonzero(np.diff(probabilities[order])), len(order) - 1) if len(order) else order
    hits = np.cumsum(deleted[order])[ends]
    return hits / (ends + 1), hits / max(1.0, float(deleted.sum()))
