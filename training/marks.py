"""Learns what is underlined, English words and clauses in any language, by what was heard in texts held out."""

import warnings
from collections.abc import Sequence

import numpy as np
from sklearn.exceptions import ConvergenceWarning
from sklearn.neural_network import MLPClassifier

from moderation.judge import clauses as clauses_
from moderation.judge.encoder import Encoder
from moderation.judge.hearing import MARKS
from moderation.judge.lexicon import find
from moderation.judge.marks import WORDS, Place, Word, features_of, sureness, words_of
from training.tone import PARTS, Array, Data, Held, Mask, Rows

HIDDEN = 16
"""Neurons that listen to what speaks for a word. On texts held out, 0.672 of character F1; one line had 0.664."""

WORDS_SURE = 4.0
"""How many times a word must be seen before what is seen counts as much as what is usual."""


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


def clauses(data: Data, held: Held, encoder: Encoder, logits: Array) -> tuple[Array, Array]:
    """Return the network over what is heard of rude texts of the corpus: (17, n) and (n + 1,), the biases last.

    ``logits`` (n,) say how rude each text was found.
    """
    rows = np.flatnonzero(data.taught & data.of("corpus", "case") & (data.labels[:, 0] == 1))
    features, label = [], []
    for row in rows:
        places, tokens = encoder.places(data.texts[row]), _tokens(data, row)
        heard = clauses_.words_of(data.texts[row], places, held.marks[tokens])
        if heard:
            letters = _letters(data, row, places, "clause")
            label.append(np.array([_marked(word.start, word.end, letters) for word in heard]))
            features.append(clauses_.features_of(heard, float(logits[row])))
    return _network(features, label)


def _agreement(said: Mask, found: Mask) -> float:
    total = int(said.sum() + found.sum())
    return 2 * int((said & found).sum()) / total if total else 1.0


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
    places = encoder.places(text)
    letters = _letters(data, row, places, "word")
    return [
        (word, _marked(word.start, word.end, letters))
        for word in words_of(text, find(text, "en"), places, held.marks[_tokens(data, row)])
    ]


def _tokens(data: Data, row: int) -> slice:
    """Return which tokens are those of a text, without the marks of its beginning and its end."""
    return slice(data.lesson.starts[row] + 1, data.lesson.starts[row] + data.lesson.lengths[row] - 1)


def _letters(data: Data, row: int, places: Sequence[Place], manner: str) -> set[int]:
    """Return which characters of a text are marked, in one of the ``MARKS``."""
    marked = data.lesson.marks[_tokens(data, row), MARKS.index(manner)]
    return {i for place, mark in zip(places, marked, strict=True) if mark == 1 for i in range(*place)}


def _marked(start: int, end: int, letters: set[int]) -> bool:
    return 2 * len(letters.intersection(range(start, end))) > end - start


def _table(told: Sequence[tuple[Word, bool]]) -> Array:
    rows, marked = np.array([word.row for word, _ in told]), np.array([marked for _, marked in told])
    usual = marked.mean()
    seen = np.bincount(rows, minlength=WORDS) + WORDS_SURE
    hit = np.bincount(rows, weights=marked, minlength=WORDS) + WORDS_SURE * usual
    table: Array = np.log(hit / (seen - hit)).astype(np.float32)
    return table
