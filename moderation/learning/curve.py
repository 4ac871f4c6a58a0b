"""Keeps what is said of deletions true, decision by decision. Pure: numbers only.

A model is calibrated on the past; teams change, and whatever misleads a model makes it surer at one end of the scale
than at the other. So a curve is laid over its logits: beta calibration (Kull, Silva Filho, Flach 2017), which bends
both ends by themselves, its three numbers followed from decision to decision by an extended Kalman filter, so that
what is newer counts more. It never changes the order of comments that one model judged.
"""

import numpy as np

from moderation.judge.learned import STRAIGHT, Bend, ends
from moderation.learning.figures import Doubles

DOUBT = np.diag([0.1, 0.05, 0.05])
"""How far from straight the curve may turn out to be: variances of shift and slopes before the first decision."""

RENEWED = np.diag([0.01, 0.005, 0.005])
"""What comes to it with a newly fitted model, whose faults may be others."""

FELL_BEHIND = 3
"""How many times that comes to it where the model before it fell behind: then the team changed its mind."""

DRIFT = np.diag([2e-4, 2e-5, 2e-5])
"""What comes to it with each decision: the share of deletions drifts faster than tastes."""

LEAST_SLOPE = 0.05


class Curve:
    """The curve as it is known after the decisions so far."""

    def __init__(self, begin: Bend = STRAIGHT) -> None:
        """Begin straight, or where an earlier one had come to."""
        self._at = np.array(begin)
        self._doubt = DOUBT.copy()

    @property
    def bend(self) -> Bend:
        """What would be laid over the next comment's logit."""
        return Bend(*map(float, self._at))

    def renew(self, *, fell_behind: bool = False) -> None:
        """Be less sure: what follows is said by another model, perhaps because the one before it fell behind."""
        self._doubt = self._doubt + RENEWED * (FELL_BEHIND if fell_behind else 1)

    def follow(self, logits: Doubles, deleted: Doubles, counts: Doubles) -> Doubles:
        """Return the probability of each comment's deletion, said before it is known what became of it: (n,)."""
        rows = zip(logits.tolist(), deleted.tolist(), counts.tolist(), strict=True)
        return np.array([self._step(*row) for row in rows], dtype=np.float64)

    def _step(self, logit: float, deleted: float, count: float) -> float:
        said = self.bend.probability(logit)
        seen = np.array([1.0, *ends(logit)])
        sure = count * max(said * (1 - said), 1e-4)
        moved = self._doubt @ seen
        share = 1 + sure * float(seen @ moved)
        self._at = self._at + moved * (count * (deleted - said) / share)
        self._at[1:] = np.maximum(self._at[1:], LEAST_SLOPE)
        self._doubt = self._doubt - np.outer(moved, moved) * (sure / share) + DRIFT
        return said
