"""Puts together what the parts of tone say of texts they have not seen: stacked heads, one score, its calibration."""

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray
from sklearn.linear_model import LogisticRegression

from moderation.judge.aim import AIMS
from moderation.judge.aim import features as aim_features
from moderation.judge.encoder import Encoder
from moderation.judge.lexicon import find
from moderation.judge.marks import doubt_of
from moderation.judge.tone import HEADS, calibration_features, overall_features
from training import marks
from training.hearing import Learned
from training.tone import SOURCES, Array, Data, Held, Linear, Mask, Rows

STACK_STRENGTH = 0.3
OVERALL_STRENGTH = 0.3
CALIBRATION_STRENGTH = 1.0
AIM_STRENGTH = 1.0
STACK_SHARES = {
    "corpus": 1.0,
    "case": 0.7,
    "germeval": 0.5,
    "gahd": 0.3,
    "civil": 0.3,
    "davidson": 0.3,
    "fox_news": 0.5,
}
"""How much a text of each source counts where heads are put together."""

OVERALL_SHARES = {"corpus": 1.0, "case": 1.0, "germeval": 0.35, "gahd": 0.1}
"""The same for the overall score. Of GAHD what attacks a group is disrespect, and the rest is not: in so small a part
that its traps do not teach the others, enough for plain attacks on groups to count as what they are."""

CALIBRATION_SHARES = {"corpus": 1.0, "case": 0.2, "germeval": 0.3}
"""The same where scores are fitted to how often they are right. Nearly every other case is rude by design and every
third tweet: they teach what is doubtful, not how often it is so. With more cases each counts less, or scores rise."""


class Verdict(NamedTuple):
    """``stack`` (3 + clues, heads) and ``bias`` (heads,), ``overall`` and ``calibration``, as the judge has them."""

    stack: Array
    bias: Array
    overall: Array
    calibration: Array

    def logits(self, data: Data, held: Held) -> Array:
        """Return the logits of the heads: (n, heads)."""
        parts = held.dense * self.stack[0] + held.grams * self.stack[1] + held.heard * self.stack[2]
        result: Array = parts + data.clues @ self.stack[3:] + self.bias
        return result

    def total(self, data: Data, held: Held) -> Array:
        """Return the overall logit before calibration: (n,)."""
        result: Array = overall_features(self.logits(data, held), data.clues) @ self.overall[1:] + self.overall[0]
        return result

    def context(self, data: Data, held: Held) -> Array:
        """Return what the calibration looks at."""
        lengths = [len(text) for text in data.texts]
        return calibration_features(self.total(data, held), lengths, list(data.languages))


def reach(data: Data, held: Held, rows: Mask) -> Verdict:
    """Put the parts together, taught on what held-out models said of ``rows``."""
    heads = [_stack(data, held, rows, head) for head in range(len(HEADS))]
    stack, bias = np.stack([weights for weights, _ in heads], axis=1), np.array([b for _, b in heads], np.float32)
    half = Verdict(stack, bias, np.zeros(0, np.float32), np.zeros(0, np.float32))
    features = overall_features(half.logits(data, held), data.clues)
    label = np.where(data.of("gahd"), data.labels[:, HEADS.index("identity_attack")], data.labels[:, 0])
    weights, intercept = _logistic(data, features, label, rows, OVERALL_SHARES, OVERALL_STRENGTH)
    whole = half._replace(overall=np.concatenate([[intercept], weights]).astype(np.float32))
    return whole._replace(calibration=_calibrate(data, whole.context(data, held), rows))


def _stack(data: Data, held: Held, rows: Mask, head: int) -> tuple[Array, float]:
    features = np.column_stack([held.dense[:, head], held.grams[:, head], held.heard[:, head], data.clues])
    return _logistic(data, features, data.labels[:, head], rows, STACK_SHARES, STACK_STRENGTH)


def _logistic(
    data: Data, features: Array, label: Array, rows: Mask, shares: dict[str, float], strength: float
) -> tuple[Array, float]:
    """Fit one logistic model; each source has a leaning of its own, which is left out of what is returned."""
    share = _shares(data, shares)
    known = rows & ~np.isnan(label) & (share > 0)
    leanings = np.stack([data.source == source for source in range(1, len(SOURCES))], axis=1)
    model = LogisticRegression(C=strength, max_iter=1000)
    model.fit(np.column_stack([features, leanings])[known], label[known].astype(int), sample_weight=share[known])
    return model.coef_[0][: features.shape[1]].astype(np.float32), float(model.intercept_[0])


def _shares(data: Data, shares: dict[str, float]) -> NDArray[np.float64]:
    return np.array([shares.get(name, 0.0) for name in SOURCES])[data.source]


def _calibrate(data: Data, context: Array, rows: Mask) -> Array:
    """Fit scores to how often they are right, where one comment in six is rude, as in the corpus."""
    share = _shares(data, CALIBRATION_SHARES)
    known = rows & ~np.isnan(data.labels[:, 0]) & (share > 0)
    model = LogisticRegression(C=CALIBRATION_STRENGTH, max_iter=1000, fit_intercept=False)
    model.fit(context[known], data.labels[known, 0].astype(int), sample_weight=share[known])
    return model.coef_[0].astype(np.float32)


def aim_rows(data: Data, held: Held) -> Array:
    """Return for each text of the corpus what its target is told from; NaN where it is not held out."""
    return np.stack(
        [aim_features(held.aims[row], own.case, find(own.case.text, own.language)) for row, own in enumerate(data.own)]
    )


def aim(features: Array, labels: Rows) -> Array:
    """Return the weights of the target, (features, 3), taught on texts that go against somebody."""
    model = LogisticRegression(C=AIM_STRENGTH, max_iter=1000, fit_intercept=False)
    model.fit(features, labels)
    assert model.coef_.shape[0] == len(AIMS)
    weights: Array = model.coef_.T.astype(np.float32)
    return weights


def weights(
    data: Data, held: Held, aimed: Array, linear: Linear, network: Learned, encoder: Encoder
) -> dict[str, NDArray[np.generic]]:
    """Return the file of weights: models taught on everything, put together as their held-out twins say."""
    verdict = reach(data, held, data.taught)
    stack, heads = verdict.stack, len(HEADS)
    aims = data.lesson.aims[: len(data.own)]
    known = data.taught[: len(data.own)] & (aims >= 0)
    bias = verdict.bias + linear.dense_bias * stack[0] + linear.grams_bias * stack[1]
    bias += network.heads_bias[:heads] * stack[2]
    logits: Array = verdict.context(data, held) @ verdict.calibration
    table, words_hidden, words_mix = marks.words(data, held, encoder, doubt_of(logits))
    clauses_hidden, clauses_mix = marks.clauses(data, held, encoder, logits)
    return {
        "dense": (linear.dense * stack[0]).astype(np.float16),
        "grams": (linear.grams * stack[1]).astype(np.float16),
        "heard": (network.heads[:, :heads] * stack[2]).astype(np.float32),
        "clues": (stack[3:] + linear.clues * stack[0]).astype(np.float32),
        "bias": bias.astype(np.float32),
        "overall": verdict.overall,
        "calibration": verdict.calibration,
        "aims": network.heads[:, heads:].astype(np.float32),
        "aims_bias": network.heads_bias[heads:].astype(np.float32),
        "target": aim(aimed[known], aims[known]),
        "words": table.astype(np.float16),
        "words_hidden": words_hidden,
        "words_mix": words_mix,
        "clauses_hidden": clauses_hidden,
        "clauses_mix": clauses_mix,
        **{name: values.astype(np.float16) for name, values in network.weights.items()},
    }
