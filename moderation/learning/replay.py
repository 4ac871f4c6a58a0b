"""Replays decisions in their order, judging each by what had been learned before it. Pure: numbers only."""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from moderation.judge.learned import general
from moderation.learning.figures import Doubles
from moderation.learning.fit import Material, calibrate_general, enough, fit

WARM_UP = 50
GROWTH = 1.35
"""A model is fitted anew when the decisions have grown by this factor."""

NUDGE = 0.01
"""How far one decision moves the bias, until the next fit: the share of deletions drifts faster than tastes."""


@dataclass(frozen=True, slots=True)
class Schedule:
    """When to learn: from how many decisions on, and after how many more; None: in growing steps."""

    warm_up: int = WARM_UP
    refit_every: int | None = None
    learning: bool = True

    def next(self, seen: int) -> int:
        """Return at how many decisions to learn again."""
        if seen < self.warm_up:
            return self.warm_up
        return seen + (self.refit_every or max(15, int(seen * (GROWTH - 1))))


@dataclass(frozen=True, slots=True)
class Replayed:
    """Probabilities of deletion, each said before its decision was known: by the site's model and by the general."""

    learned: Doubles
    general: Doubles


def replay(
    material: Material, schedule: Schedule | None = None, progress: Callable[[int], None] = lambda _: None
) -> Replayed:
    """Judge each comment with only what was learned from those before it."""
    schedule = schedule or Schedule()
    n = len(material.deleted)
    base = np.asarray(general(material.features.signals), dtype=np.float64)
    learned, seen = np.empty(n), 0
    while seen < n:
        until = min(n, schedule.next(seen))
        past, block = material.rows(slice(0, seen)), material.rows(slice(seen, until))
        fitted = None
        if schedule.learning and seen >= schedule.warm_up and enough(past.deleted):
            fitted = fit(past)
        if fitted is not None and fitted.helps:
            model = fitted.model
            logits = (
                model.bias
                + model.trust * base[seen:until]
                + block.features.signals @ model.signals
                + block.features.vectors @ model.vectors
                + block.features.sketches @ model.sketches
                + block.grams @ model.grams
            )
            learned[seen:until] = _nudged(np.asarray(logits, dtype=np.float64), block.deleted)
        else:
            bias, slope = calibrate_general(base[:seen], past.deleted)
            learned[seen:until] = _sigmoid(bias + slope * base[seen:until])
        seen = until
        progress(seen)
    return Replayed(learned, _sigmoid(base))


def _nudged(logits: Doubles, deleted: Doubles) -> Doubles:
    """Return probabilities, the bias following the share of deletions step by step."""
    result, shift = np.empty(len(logits)), 0.0
    for row, value in enumerate(logits):
        result[row] = 1 / (1 + np.exp(-(value + shift)))
        shift += NUDGE * (deleted[row] - result[row])
    return result


def _sigmoid(logits: Doubles) -> Doubles:
    return np.asarray(1 / (1 + np.exp(-np.clip(logits, -30, 30))), dtype=np.float64)
