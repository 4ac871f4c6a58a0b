"""Says how disrespectful a comment is, of which kinds, and where; knows the comment and its parent's name only."""

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np

from moderation.judge import artefacts
from moderation.judge.address import loudness
from moderation.judge.case import Kind
from moderation.judge.clues import LEARNED_KINDS, clues
from moderation.judge.lexicon import Hit, find, thrown_at_reader
from moderation.judge.network import Floats, Reading
from moderation.judge.ngrams import rows_of

FILE = "tone.npz"

HEADS = ("disrespect", *LEARNED_KINDS)
"""What is learned, in the order of the weights' columns."""

THROWN = 0.9
"""Least disrespect of a strong insult thrown at somebody directly ("Du Trottel")."""

_NARROWEST = 0.001
"""No score comes closer to 0 or 1: that much doubt always stays."""


class Tone(NamedTuple):
    """The tone of one text: probabilities, and the word hits that were found on the way."""

    disrespect: float
    kinds: dict[Kind, float]
    hits: list[Hit]


class ToneModel:
    """Linear heads over sentence vector, pooled token features, hashed n-grams and clues."""

    def __init__(self) -> None:
        """Load the weights; raises WeightsError when they are not what was shipped."""
        self.weights = artefacts.load(FILE)
        self._dense: Floats = self.weights["dense"].astype(np.float32)
        self._grams: Floats = self.weights["grams"].astype(np.float32)
        self._overall: Floats = self.weights["overall"]

    def assess(self, texts: Sequence[str], languages: Sequence[str | None], reading: Reading) -> list[Tone]:
        """Return the tone of each text; ``reading`` is what the encoder says of the same texts."""
        hits = [find(text, language) for text, language in zip(texts, languages, strict=True)]
        rows = np.stack([clues(text, hit) for text, hit in zip(texts, hits, strict=True)])
        logits = dense_features(reading) @ self._dense + rows @ self.weights["clues"] + self.weights["bias"]
        logits += self._grams_logits(texts)
        overall = sigmoid(overall_features(logits, rows) @ self._overall[1:] + self._overall[0])
        kinds = sigmoid(logits[:, 1:])
        # The one rule: the corpus, like newspapers, has too few open insults to teach how plain this case is.
        thrown = [i for i, text in enumerate(texts) if thrown_at_reader(text, hits[i])]
        overall[thrown] = np.maximum(overall[thrown], THROWN)
        kinds[thrown, LEARNED_KINDS.index(Kind.INSULT)] = np.maximum(
            kinds[thrown, LEARNED_KINDS.index(Kind.INSULT)], THROWN
        )
        return [Tone(float(overall[i]), self._named(kinds[i], text), hits[i]) for i, text in enumerate(texts)]

    def _grams_logits(self, texts: Sequence[str]) -> Floats:
        """Return what the n-grams of each text add to each head: (n, heads)."""
        rows = rows_of([text[:GRAMS_READ] for text in texts])
        result: Floats = np.add.reduceat(self._grams[rows.bucket] * rows.value[:, None], rows.first, axis=0)
        return result

    @staticmethod
    def _named(row: Floats, text: str) -> dict[Kind, float]:
        named = {kind: float(value) for kind, value in zip(LEARNED_KINDS, row, strict=True)}
        named[Kind.SHOUTING] = float(np.clip(loudness(text), _NARROWEST, 1 - _NARROWEST))
        return named


GRAMS_READ = 3200
"""Code points of a text whose n-grams are looked at."""


def dense_features(reading: Reading) -> Floats:
    """Return vector and pooled features side by side: (n, 3072) float32."""
    return np.concatenate([reading.vectors, reading.pooled], axis=1)


def overall_features(logits: Floats, rows: Floats) -> Floats:
    """Return what the overall score is made of: the heads' logits, bounded, and the clues."""
    return np.concatenate([np.clip(logits, -8, 8), rows], axis=1)


def sigmoid(logits: Floats) -> Floats:
    """Return probabilities that stay away from 0 and 1."""
    result: Floats = np.clip(1 / (1 + np.exp(-np.clip(logits, -30, 30))), _NARROWEST, 1 - _NARROWEST)
    return result
