"""Puts together what the parts of tone say of texts they have not seen: stacked heads, one score, its calibration."""

import warnings
from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray
from sklearn.exceptions import ConvergenceWarning
from sklearn.linear_model import LogisticRegression
from sklearn.neural_network import MLPClassifier

from moderation.judge.aim import AIMS
from moderation.judge.aim import features as aim_features
from moderation.judge.encoder import Encoder
from moderation.judge.lexicon import find
from moderation.judge.marks import WORDS, Word, doubt_of, features_of, sureness, words_of
from moderation.judge.tone import HEADS, calibration_features, overall_features
from training.hearing import Learned
from training.tone import PARTS, SOURCES, Array, Data, Held, Linear, Mask, Rows

STACK_STRENGTH = 0.3
OVERALL_STRENGTH = 0.3
CALIBRATION_STRENGTH = 1.0
AIM_STRENGTH = 1.0
HIDDEN = 16
"""Neurons that listen to what speaks for a word. On texts held out, 0.672 of character F1; one line had 0.664."""

WORDS_SURE = 4.0
"""How many times a word must be seen before what is seen counts as much as what is usual."""

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
    share = np.array([shares.get(name, 0.0) for name in SOURCES])[data.source]
    known = rows & ~np.isnan(label) & (share > 0)
    leanings = np.stack([data.source == source for source in range(1, len(SOURCES))], axis=1)
    model = LogisticRegression(C=strength, max_iter=1000)
    model.fit(np.column_stack([features, leanings])[known], label[known].astype(int), sample_weight=share[known])
    return model.coef_[0][: features.shape[1]].astype(np.float32), float(model.intercept_[0])


def _calibrate(data: Data, context: Array, rows: Mask) -> Array:
    """Fit scores to how often they are right, where one comment in six is rude, as in the corpus."""
    known = rows & ~np.isnan(data.labels[:, 0]) & data.of("corpus", "case", "germeval")
    # Every other case is rude by design and every third tweet: they teach what is doubtful, not how often it is so.
    share = np.where(data.of("case", "germeval"), 0.3, 1.0)
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
    hearing = dict(network.weights)
    for name in ("hearing_mark", "hearing_mark_bias"):
        hearing[name] = network.weights[name][..., :1]
    table, hidden, mix = words(data, held, encoder, doubt_of(verdict.context(data, held) @ verdict.calibration))
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
        "words_hidden": hidden,
        "words_mix": mix,
        **{name: values.astype(np.float16) for name, values in hearing.items()},
    }


def _agreement(said: Mask, found: Mask) -> float:
    total = int(said.sum() + found.sum())
    return 2 * int((said & found).sum()) / total if total else 1.0


def words(data: Data, held: Held, encoder: Encoder, doubt: Array) -> tuple[Array, Array, Array]:
    """Return the table of English words, log-odds that each is marked, and the network over it: (9, n) and (n + 1,).

    ``doubt`` (n,) counts against all words of a text.
    """
    rows = np.flatnonzero(data.taught & data.of("civil"))
    found = {row: _words(data, held, row, encoder) for row in rows}
    tables = [_table([word for row in rows if data.part[row] != part for word in found[row]]) for part in range(PARTS)]
    spoken = [row for row in rows if found[row]]
    features = [features_of([word for word, _ in found[row]], tables[data.part[row]]) for row in spoken]
    label = [np.array([marked for _, marked in found[row]]) for row in spoken]
    unheard = _unheard(features, label, data.part[spoken])
    texts = [(said, score - doubt[row]) for row, said, score in zip(spoken, label, unheard, strict=True)]
    tried = np.linspace(-5, 1, 61)
    best = max(tried, key=lambda sure: np.mean([_agreement(said, score >= sure) for said, score in texts]))
    hidden, mix = _network(features, label)
    mix[-1] -= best
    return _table([word for row in rows for word in found[row]]), hidden, mix


def _unheard(features: Sequence[Array], label: Sequence[Mask], part: Rows) -> list[Array]:
    """Return how sure each word of each text is, by networks that never heard the text."""
    scores = [np.zeros(0, dtype=np.float32)] * len(part)
    for own in range(PARTS):
        others = np.flatnonzero(part != own)
        hidden, mix = _network([features[i] for i in others], [label[i] for i in others])
        for i in np.flatnonzero(part == own):
            scores[i] = sureness(features[i], hidden, mix)
    return scores


def _network(features: Sequence[Array], label: Sequence[Mask]) -> tuple[Array, Array]:
    """Learn which words of texts are marked: (features + 1, n) and (n + 1,), the biases last."""
    told = np.concatenate(features)
    centre, spread = told.mean(axis=0), told.std(axis=0) + 1e-6
    model = MLPClassifier((HIDDEN,), alpha=1e-3, batch_size=256, learning_rate_init=2e-3, max_iter=12, random_state=1)
    with warnings.catch_warnings(action="ignore", category=ConvergenceWarning):  # that many rounds are meant
        model.fit((told - centre) / spread, np.concatenate(label))
    (first, second), (bias, last) = model.coefs_, model.intercepts_
    hidden = np.concatenate([first / spread[:, None], [bias - (centre / spread) @ first]])
    return hidden.astype(np.float32), np.append(second[:, 0], last).astype(np.float32)


def _words(data: Data, held: Held, row: int, encoder: Encoder) -> list[tuple[Word, bool]]:
    """Return the words of a text, each with whether most of its letters are marked."""
    text = data.texts[row]
    tokens = slice(data.lesson.starts[row] + 1, data.lesson.starts[row] + data.lesson.lengths[row] - 1)
    places = encoder.places(text)
    letters = {
        i for place, mark in zip(places, data.lesson.marks[tokens, 0], strict=True) if mark == 1 for i in range(*place)
    }
    return [
        (word, 2 * len(letters.intersection(range(word.start, word.end))) > word.end - word.start)
        for word in words_of(text, find(text, "en"), places, held.marks[tokens])
    ]


def _table(told: Sequence[tuple[Word, bool]]) -> Array:
    rows, marked = np.array([word.row for word, _ in told]), np.array([marked for _, marked in told])
    usual = marked.mean()
    seen = np.bincount(rows, minlength=WORDS) + WORDS_SURE
    hit = np.bincount(rows, weights=marked, minlength=WORDS) + WORDS_SURE * usual
    table: Array = np.log(hit / (seen - hit)).astype(np.float32)
    return table
