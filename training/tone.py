"""Trains the heads of tone: public sets and the corpus in, one set of linear weights and its dev figures out."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.sparse import csr_matrix, vstack
from sklearn.linear_model import LogisticRegression
from sklearn.metrics import average_precision_score, brier_score_loss, roc_auc_score

from moderation.figures import calibration_error
from moderation.judge.clues import LEARNED_KINDS, clues
from moderation.judge.encoder import Encoder
from moderation.judge.lexicon import find
from moderation.judge.network import DIMENSION
from moderation.judge.ngrams import BUCKETS, grams, weights_of
from moderation.judge.tone import GRAMS_READ, HEADS, dense_features, overall_features, sigmoid
from training import cases
from training.cases import Pair
from training.corpus import Rated, Split, Thread, split_of
from training.sources import Example

Array = NDArray[np.float32]

CORPUS_WEIGHT = 5.0
"""How often a comment of the corpus counts beside a tweet: its register is the one the judge will read."""

FOLDS = 5
DENSE_STRENGTH = 0.002
POOLED_SHARE = 0.35
GRAM_STRENGTH = 3.0
CLUES_SHARE = 6.0
STACK_STRENGTH = 0.3

CASE_SHARE = 0.2
"""How much a short case counts in the calibration: every other case is rude by design, as no newspaper's thread is."""


@dataclass
class Data:
    """Texts as numbers: dense features, n-grams and clues, labels by head (NaN: not said), weights.

    ``thread`` numbers what must stay together in a fold (-1: public), ``case`` are short cases, ``test`` teach nothing.
    """

    dense: Array
    grams: csr_matrix
    clues: Array
    labels: Array
    weight: Array
    thread: NDArray[np.int64]
    case: NDArray[np.bool_]
    test: NDArray[np.bool_]

    def take(self, rows: NDArray[np.bool_]) -> "Data":
        """Return some of the rows."""
        return Data(
            self.dense[rows],
            self.grams[rows],
            self.clues[rows],
            self.labels[rows],
            self.weight[rows],
            self.thread[rows],
            self.case[rows],
            self.test[rows],
        )


@dataclass
class Linear:
    """Weights of all heads: dense (3072, heads) with clues (len(NAMES), heads), n-grams (buckets, heads), biases."""

    dense: Array
    clues: Array
    dense_bias: Array
    grams: Array
    grams_bias: Array

    def logits(self, data: Data) -> tuple[Array, Array]:
        """Return what the dense part and the n-grams say: two times (n, heads)."""
        return data.dense @ self.dense + data.clues @ self.clues + self.dense_bias, np.asarray(
            data.grams @ self.grams
        ) + self.grams_bias


def read(texts: Sequence[str], languages: Sequence[str], encoder: Encoder) -> tuple[Array, csr_matrix, Array]:
    """Return dense features, n-grams and clues of texts, exactly as the judge computes them."""
    # Half precision, as the encoder's cache holds it: what is learned must not hang on bits that serving does not keep.
    dense = np.concatenate(
        [dense_features(encoder.read(texts[i : i + 256])).astype(np.float16) for i in range(0, len(texts), 256)]
    ).astype(np.float32)
    gram_rows, clue_rows = [], []
    for text, language in zip(texts, languages, strict=True):
        buckets, values = weights_of(grams(text[:GRAMS_READ]))
        gram_rows.append(csr_matrix((values, buckets, [0, len(buckets)]), shape=(1, BUCKETS)))
        clue_rows.append(clues(text, find(text, language)))
    return dense, vstack(gram_rows, format="csr"), np.stack(clue_rows)


def prepare(examples: Sequence[Example], threads: Sequence[Thread], pairs: Sequence[Pair], encoder: Encoder) -> Data:
    """Return the public examples followed by the corpus: its threads, then its short cases."""
    own = [*_comments(threads), *_cases(threads, pairs)]
    texts = [e.text for e in examples] + [rated.text for rated, *_ in own]
    languages = [e.language for e in examples] + [language for _, language, _, _ in own]
    labels = np.full((len(texts), len(HEADS)), np.nan, dtype=np.float32)
    for row, example in enumerate(examples):
        for column, head in enumerate(HEADS):
            labels[row, column] = example.labels.get(str(head), np.nan)
    for row, (rated, *_) in enumerate(own, start=len(examples)):
        labels[row] = [rated.disrespectful, *(kind in rated.kinds for kind in LEARNED_KINDS)]
    weight = np.array([e.weight for e in examples] + [CORPUS_WEIGHT] * len(own), dtype=np.float32)
    public = [-1] * len(examples)
    return Data(
        *read(texts, languages, encoder),
        labels,
        weight,
        np.array(public + [group for _, _, group, _ in own]),
        np.arange(len(texts)) >= len(examples) + sum(len(thread.comments) for thread in threads),
        np.array([False] * len(examples) + [split is Split.TEST for *_, split in own]),
    )


def _comments(threads: Sequence[Thread]) -> Iterator[tuple[Rated, str, int, Split]]:
    for number, thread in enumerate(threads):
        for comment in thread.comments:
            yield comment, str(thread.article.language), number, split_of(thread.id)


def _cases(threads: Sequence[Thread], pairs: Sequence[Pair]) -> Iterator[tuple[Rated, str, int, Split]]:
    """Give each short case with the number of its article's thread, or one of its pair's own."""
    numbers = {thread.id: number for number, thread in enumerate(threads)}
    for own, pair in enumerate(pairs, start=len(threads)):
        for case in pair.cases:
            yield case, pair.language, numbers.get(pair.article or "", own), cases.split_of(pair)


def train(data: Data) -> tuple[dict[str, NDArray[np.generic]], dict[str, float]]:
    """Return the weights and their figures: folds of what taught (each judged by the others), and the test split."""
    taught = data.take(~data.test)
    centre, scale = taught.dense.mean(axis=0), taught.dense.std(axis=0) + 1e-6
    scale[DIMENSION:] /= POOLED_SHARE
    corpus = taught.take(taught.thread >= 0)
    held_dense = np.zeros((len(corpus.labels), len(HEADS)), dtype=np.float32)
    held_grams = np.zeros_like(held_dense)
    folds = corpus.thread % FOLDS
    for fold in range(FOLDS):
        part = _fit(taught.take((taught.thread < 0) | (taught.thread % FOLDS != fold)), centre, scale)
        held_dense[folds == fold], held_grams[folds == fold] = part.logits(corpus.take(folds == fold))
    mixed = [_mix(held_dense[:, i], held_grams[:, i], corpus.clues, corpus.labels[:, i]) for i in range(len(HEADS))]
    stack, bias = np.stack([m[1:] for m in mixed], axis=1), np.array([m[0] for m in mixed], dtype=np.float32)
    held = held_dense * stack[0] + held_grams * stack[1] + corpus.clues @ stack[2:] + bias
    share = np.where(corpus.case, CASE_SHARE, 1.0)
    overall = _calibrate(overall_features(held, corpus.clues), corpus.labels[:, 0], share)

    whole = _fit(taught, centre, scale)
    test = data.take(data.test)
    dense, grams_ = whole.logits(test)
    figures = _fold_figures(held, corpus, folds, share)
    figures |= _figures("test", dense * stack[0] + grams_ * stack[1] + test.clues @ stack[2:] + bias, test, overall)
    weights = {
        "dense": (whole.dense * stack[0]).astype(np.float16),
        "grams": (whole.grams * stack[1]).astype(np.float16),
        "clues": (stack[2:] + whole.clues * stack[0]).astype(np.float32),
        "bias": (bias + whole.dense_bias * stack[0] + whole.grams_bias * stack[1]).astype(np.float32),
        "overall": overall,
    }
    return weights, figures


def _fit(data: Data, centre: Array, scale: Array) -> Linear:
    width = data.dense.shape[1]
    # Clues learn here from the public sets too, where open insults are more frequent than in the corpus.
    features = np.concatenate([(data.dense - centre) / scale, data.clues * CLUES_SHARE], axis=1)
    dense, clues_, dense_bias, grams_, grams_bias = [], [], [], [], []
    for head in range(len(HEADS)):
        known = ~np.isnan(data.labels[:, head])
        label = data.labels[known, head].astype(int)
        weight = data.weight[known].copy()
        model = LogisticRegression(C=DENSE_STRENGTH, max_iter=200, tol=1e-3)
        model.fit(features[known], label, sample_weight=weight)
        coefficients = model.coef_[0]
        dense.append(coefficients[:width] / scale)
        clues_.append(coefficients[width:] * CLUES_SHARE)
        dense_bias.append(float(model.intercept_[0] - coefficients[:width] @ (centre / scale)))
        model = LogisticRegression(C=GRAM_STRENGTH, max_iter=200, tol=1e-3)
        model.fit(data.grams[known], label, sample_weight=weight)
        grams_.append(model.coef_[0])
        grams_bias.append(float(model.intercept_[0]))
    return Linear(
        np.stack(dense, axis=1).astype(np.float32),
        np.stack(clues_, axis=1).astype(np.float32),
        np.array(dense_bias, dtype=np.float32),
        np.stack(grams_, axis=1).astype(np.float32),
        np.array(grams_bias, dtype=np.float32),
    )


def _mix(dense: Array, grams_: Array, rows: Array, label: Array) -> Array:
    """Return bias and weights of a head's parts: dense logit, n-gram logit, clues; fitted on held-out threads."""
    model = LogisticRegression(C=STACK_STRENGTH, max_iter=500)
    model.fit(np.column_stack([dense, grams_, rows]), label.astype(int))
    return np.concatenate([model.intercept_, model.coef_[0]]).astype(np.float32)


def _calibrate(features: Array, label: Array, share: Array) -> Array:
    model = LogisticRegression(C=0.05, max_iter=500)
    model.fit(features, label.astype(int), sample_weight=share)
    return np.concatenate([model.intercept_, model.coef_[0]]).astype(np.float32)


def _fold_figures(held: Array, corpus: Data, folds: NDArray[np.int64], share: Array) -> dict[str, float]:
    """Judge each fold with an overall score that was fitted on the others."""
    score = np.zeros(len(held), dtype=np.float32)
    features = overall_features(held, corpus.clues)
    for fold in range(FOLDS):
        others = folds != fold
        weights = _calibrate(features[others], corpus.labels[others, 0], share[others])
        score[~others] = sigmoid(features[~others] @ weights[1:] + weights[0])
    return _scored("folds", score, held, corpus)


def _figures(name: str, logits: Array, data: Data, overall: Array) -> dict[str, float]:
    return _scored(name, sigmoid(overall_features(logits, data.clues) @ overall[1:] + overall[0]), logits, data)


def _scored(name: str, score: Array, logits: Array, data: Data) -> dict[str, float]:
    figures: dict[str, float] = {}
    for what, rows in (("comments", ~data.case), ("short cases", data.case)):
        truth, given = data.labels[rows, 0], score[rows]
        figures |= {
            f"{name}, {what}": float(rows.sum()),
            f"{name}, {what}: disrespect AUC": roc_auc_score(truth, given),
            f"{name}, {what}: average precision": average_precision_score(truth, given),
            f"{name}, {what}: Brier": brier_score_loss(truth, given),
            f"{name}, {what}: Brier of the base rate": float(truth.mean() * (1 - truth.mean())),
            f"{name}, {what}: calibration error": calibration_error(truth, given),
            f"{name}, {what}: civil ones at 0.5 or more": float((given[truth == 0] >= 0.5).mean()),
            f"{name}, {what}: rude ones at 0.5 or more": float((given[truth == 1] >= 0.5).mean()),
        }
        for column, kind in enumerate(LEARNED_KINDS, start=1):
            label = data.labels[rows, column]
            figures[f"{name}, {what}: {kind} AUC ({int(label.sum())})"] = roc_auc_score(label, logits[rows, column])
    return figures
