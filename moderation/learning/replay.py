"""Replays decisions in their order, judging each by what had been learned before it. Pure: numbers only."""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from moderation.judge.learned import STRAIGHT, Bend, general
from moderation.learning.curve import Curve
from moderation.learning.figures import Doubles
from moderation.learning.fit import Fitted, Material, calibrate_general, enough, fit, recency
from moderation.learning.risk import Risk

WARM_UP = 50
GROWTH = 1.35
"""A model is fitted anew when the decisions have grown by this factor."""

NUDGE = 0.01
"""How far one decision moves the bias while a model is compared with the general one: the share drifts faster."""

PATIENCE = 3.0
"""Log loss that a model may fall behind before it is fitted anew, and a long memory before a short one takes over."""

LONGEST_DOUBT = 1000
"""Decisions after which a change that could not be shown is none."""


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
    """What was said of each comment before its decision was known: (n,) each.

    ``learned`` and ``general`` are probabilities of deletion, those learned with a `Curve` laid over them, whose last
    ``bend`` is kept. ``order`` sorts as the site's model did, as far as that
    could be afforded (`Risk`), on the general model's scale: free of the share of deletions, which moves with time, so
    that comments of different days compare.
    ``since`` is the first decision that still taught at the end; those before it were forgotten, as tastes had changed.
    """

    learned: Doubles
    general: Doubles
    order: Doubles
    since: int
    bend: Bend = STRAIGHT


def replay(
    material: Material, schedule: Schedule | None = None, progress: Callable[[int], None] = lambda _: None
) -> Replayed:
    """Judge each comment with only what was learned from those before it."""
    schedule = schedule or Schedule()
    n = len(material.deleted)
    base = np.asarray(general(material.features.signals), dtype=np.float64)
    learned, order, seen = np.empty(n), base.copy(), 0
    memory, risk, curve, fell_behind = Memory(), Risk(), Curve(), False
    while seen < n:
        block = material.rows(slice(seen, min(n, schedule.next(seen))))
        fitted = memory.fit(material, seen) if schedule.learning and seen >= schedule.warm_up else None
        past = slice(memory.since, seen)
        bias, slope = calibrate_general(base[past], material.deleted[past], recency(material.counts[past]))
        until, own = seen + len(block.deleted), base[seen : seen + len(block.deleted)]
        if fitted is not None:
            plain = _nudged(bias + slope * own, block.deleted)
            bias, slope = fitted.bias, fitted.slope
            if fitted.weight > 0:
                logits = block.logits(fitted.model)
                until = memory.watch(seen, _nudged(logits, block.deleted), plain, block.deleted)
                own = (logits - bias) / slope
        now = slice(seen, until)
        order[now] = risk.ordered(own[: until - seen], base[now], material.deleted[now])
        curve.renew(fell_behind=fell_behind)
        learned[now] = curve.follow(bias + slope * order[now], material.deleted[now], material.counts[now])
        fell_behind = until < seen + len(block.deleted)
        seen = until
        progress(seen)
    return Replayed(learned, _sigmoid(base), order, memory.since, curve.bend)


@dataclass(slots=True)
class Memory:
    """From which decision on there is something to learn: a team that changes its mind is better learned anew.

    ``change`` is where that may have happened: a model fell behind the general one from there on.
    """

    since: int = 0
    change: int | None = None

    def fit(self, material: Material, seen: int) -> Fitted | None:
        """Fit a model to what is remembered of the first ``seen`` decisions; None where that is not enough."""
        past = material.rows(slice(self.since, seen))
        if not enough(past.deleted):
            return None
        whole = fit(past)
        if self.change is None or not enough(material.deleted[self.change : seen]):
            return whole
        short = fit(material.rows(slice(self.change, seen)))
        new = whole.held_out[self.change - self.since :]
        both = ~(np.isnan(new) | np.isnan(short.held_out))
        decided = material.deleted[self.change : seen][both]
        gain = losses(_sigmoid(new[both]), decided) - losses(_sigmoid(short.held_out[both]), decided)
        if gain.sum() > PATIENCE:
            self.since, self.change = self.change, None
            return short
        if seen - self.change > LONGEST_DOUBT:
            self.change = None
        return whole

    def watch(self, seen: int, said: Doubles, plain: Doubles, happened: Doubles) -> int:
        """Return until where a model was good enough: when it falls behind the general one, it is fitted anew early."""
        behind = np.cumsum(losses(said, happened) - losses(plain, happened))
        # Behind what it had won at best: a change late in a block counts as much as one at its beginning.
        best = np.minimum(np.minimum.accumulate(behind), 0)
        found = np.flatnonzero(behind - best > PATIENCE)
        if not len(found):
            return seen + len(happened)
        end = int(found[0]) + 1
        if self.change is None:
            self.change = seen + (int(behind[:end].argmin()) + 1 if best[end - 1] < 0 else 0)
        return seen + end


def losses(probabilities: Doubles, deleted: Doubles) -> Doubles:
    """Return the log loss of each probability."""
    bounded = np.clip(probabilities, 1e-6, 1 - 1e-6)
    return np.asarray(-np.log(np.where(deleted > 0.5, bounded, 1 - bounded)), dtype=np.float64)


def _nudged(logits: Doubles, deleted: Doubles) -> Doubles:
    """Return probabilities, the bias following the share of deletions step by step."""
    result, shift = np.empty(len(logits)), 0.0
    for row, value in enumerate(logits):
        result[row] = 1 / (1 + np.exp(-(value + shift)))
        shift += NUDGE * (deleted[row] - result[row])
    return result


def _sigmoid(logits: Doubles) -> Doubles:
    return np.asarray(1 / (1 + np.exp(-np.clip(logits, -30, 30))), dtype=np.float64)
