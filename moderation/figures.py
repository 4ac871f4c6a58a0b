"""Says how good scores are against what is true: curves, areas, calibration and intervals. Knows numbers only.

Everywhere ``truth`` is (n,) of zeros and ones (or booleans) and ``score`` (n,) of numbers, higher meaning likelier.
Figures that need both a positive and a negative return NaN where one is missing.
"""

from collections.abc import Callable
from typing import NamedTuple

import numpy as np
from numpy.typing import ArrayLike, NDArray

Numbers = NDArray[np.float64]

SEED = 20260101
RESAMPLES = 500


class Curve(NamedTuple):
    """Points of a curve in the order of falling thresholds: (k,) each."""

    x: Numbers
    y: Numbers
    threshold: Numbers


class Interval(NamedTuple):
    """Bounds between which a figure lies in 95 of 100 samples like this one; NaN where that cannot be said."""

    low: float
    high: float


class AtThreshold(NamedTuple):
    """What happens when everything from a threshold on is called positive; a share of nothing is NaN."""

    threshold: float
    precision: float
    recall: float
    f1: float
    false_positive_rate: float
    share: float


def auc(truth: ArrayLike, score: ArrayLike) -> float:
    """Return the chance that a positive scores above a negative, ties counting half."""
    labels, scores = _pair(truth, score)
    positives = int(labels.sum())
    negatives = len(labels) - positives
    if not positives or not negatives:
        return float("nan")
    _, place, count = np.unique(scores, return_inverse=True, return_counts=True)
    rank = (np.cumsum(count) - (count - 1) / 2)[place]
    return float((rank[labels].sum() - positives * (positives + 1) / 2) / (positives * negatives))


def average_precision(truth: ArrayLike, score: ArrayLike) -> float:
    """Return precision averaged over the steps of recall."""
    labels, _ = _pair(truth, score)
    if not labels.any() or labels.all():
        return float("nan")
    curve = precision_recall(truth, score)
    return float(np.sum(np.diff(curve.x, prepend=0.0) * curve.y))


def roc(truth: ArrayLike, score: ArrayLike) -> Curve:
    """Return the curve of false positive rate (x) and recall (y); it begins at (0, 0)."""
    hits, misses, threshold = _counts(truth, score)
    positives, negatives = max(hits[-1], 1.0), max(misses[-1], 1.0)
    return Curve(
        np.concatenate([[0.0], misses / negatives]),
        np.concatenate([[0.0], hits / positives]),
        np.concatenate([[np.inf], threshold]),
    )


def precision_recall(truth: ArrayLike, score: ArrayLike) -> Curve:
    """Return the curve of recall (x) and precision (y)."""
    hits, misses, threshold = _counts(truth, score)
    return Curve(hits / max(hits[-1], 1.0), hits / (hits + misses), threshold)


def calibration(
    truth: ArrayLike, score: ArrayLike, bins: int = 10, *, wide: bool = False
) -> list[tuple[float, float, int]]:
    """Return, over bins, the mean score, the share of positives and the size of each.

    Bins are equally filled, or else equally ``wide``, of scores from 0 to 1, as far as anything falls into them.
    """
    labels, scores = _pair(truth, score)
    if wide:
        place = np.minimum((scores * bins).astype(np.int64), bins - 1)
        parts = [np.flatnonzero(place == each) for each in range(bins)]
    else:
        parts = np.array_split(np.argsort(scores, kind="stable"), bins)
    return [(float(scores[part].mean()), float(labels[part].mean()), len(part)) for part in parts if len(part)]


def calibration_error(truth: ArrayLike, score: ArrayLike, bins: int = 10, *, wide: bool = False) -> float:
    """Return the mean distance between score and share of positives, over such bins; NaN of nothing."""
    found = calibration(truth, score, bins, wide=wide)
    total = sum(size for _, _, size in found)
    return sum(size * abs(mean - share) for mean, share, size in found) / total if total else float("nan")


def brier(truth: ArrayLike, score: ArrayLike) -> float:
    """Return the mean squared distance between score and truth; NaN of nothing."""
    labels, scores = _pair(truth, score)
    return float(np.mean((scores - labels) ** 2)) if len(labels) else float("nan")


def at_threshold(truth: ArrayLike, score: ArrayLike, threshold: float) -> AtThreshold:
    """Return what calling everything from ``threshold`` on positive gets right and wrong."""
    labels, scores = _pair(truth, score)
    named = scores >= threshold
    right, called, positives = int((named & labels).sum()), int(named.sum()), int(labels.sum())
    return AtThreshold(
        threshold,
        _share(right, called),
        _share(right, positives),
        _share(2 * right, called + positives),
        _share(called - right, len(labels) - positives),
        _share(called, len(labels)),
    )


def interval(
    figure: Callable[[Numbers, Numbers], float], truth: ArrayLike, score: ArrayLike, *, resamples: int = RESAMPLES
) -> Interval:
    """Return the 95 per cent bootstrap interval of a figure; the same numbers give the same interval."""
    labels, scores = _pair(truth, score)
    if len(labels) < 2:
        return Interval(float("nan"), float("nan"))
    chooser = np.random.default_rng(SEED)
    values = []
    for _ in range(resamples):
        rows = chooser.integers(0, len(labels), len(labels))
        values.append(figure(labels[rows].astype(np.float64), scores[rows]))
    found = np.array([value for value in values if np.isfinite(value)])
    if len(found) < resamples / 2:
        return Interval(float("nan"), float("nan"))
    low, high = np.quantile(found, [0.025, 0.975])
    return Interval(float(low), float(high))


def _counts(truth: ArrayLike, score: ArrayLike) -> tuple[Numbers, Numbers, Numbers]:
    """Positives and negatives at or above each distinct score, from the highest down, and those scores."""
    labels, scores = _pair(truth, score)
    if not len(labels):
        return np.zeros(1), np.ones(1), np.zeros(1)
    order = np.argsort(-scores, kind="stable")
    ordered = scores[order]
    last = np.append(np.nonzero(np.diff(ordered))[0], len(ordered) - 1)
    hits = np.cumsum(labels[order])[last].astype(np.float64)
    return hits, last + 1 - hits, ordered[last]


def _pair(truth: ArrayLike, score: ArrayLike) -> tuple[NDArray[np.bool_], Numbers]:
    labels, scores = np.asarray(truth).astype(bool), np.asarray(score, dtype=np.float64)
    if labels.shape != scores.shape or labels.ndim != 1:
        raise ValueError(f"truth {labels.shape} and score {scores.shape} must be of one length")
    return labels, scores


def _share(part: int, whole: int) -> float:
    return part / whole if whole else float("nan")
