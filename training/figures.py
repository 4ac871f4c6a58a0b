"""Figures that are not in scikit-learn."""

import numpy as np
from numpy.typing import NDArray


def calibration_error(truth: NDArray[np.floating], score: NDArray[np.floating], bins: int = 10) -> float:
    """Return the mean distance between score and share of positives, over equally filled bins."""
    order = np.argsort(score, kind="stable")
    parts = [part for part in np.array_split(order, bins) if len(part)]
    return float(sum(len(p) * abs(truth[p].mean() - score[p].mean()) for p in parts) / len(truth))
