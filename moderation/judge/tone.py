"""Says how disrespectful a comment is, of which kinds, and where; knows the comment and its parent's name only."""

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np

from moderation.judge import artefacts
from moderation.judge.address import loudness
from moderation.judge.case import Kind
from moderation.judge.clues import LEARNED_KINDS, NAMES, clues
from moderation.judge.hearing import Hearing
from moderation.judge.lexicon import Hit, find, thrown
from moderation.judge.network import Floats, Reading
from moderation.judge.ngrams import Rows

FILE = "tone.npz"

HEADS = ("disrespect", *LEARNED_KINDS)
"""What is learned, in the order of the weights' columns."""

THROWN = 0.9
"""Least disrespect of what is thrown at somebody directly: a strong insult ("Du Trottel"), a coarse "Verpiss dich"."""

SWORN = 0.25
"""Most disrespect of a short text that only swears, at nobody and of no other kind ("So ein Scheißwetter")."""

_NARROWEST = 0.001
"""No score comes closer to 0 or 1: that much doubt always stays."""


class Tone(NamedTuple):
    """The tone of one text: probabilities, the word hits found on the way, what was heard of whom it goes against.

    ``aims`` (3,) are logits of reader, author and third party; ``marks`` (tokens, 2) those that a token carries
    a put-down, as ``hearing.MARKS`` says.
    """

    disrespect: float
    kinds: dict[Kind, float]
    hits: list[Hit]
    aims: Floats
    marks: Floats


class ToneModel:
    """Linear heads over sentence vector, pooled token features, what is heard in the tokens, n-grams and clues."""

    def __init__(self) -> None:
        """Load the weights; raises WeightsError when they are not what was shipped."""
        self.weights = artefacts.load(FILE)
        self.hearing = Hearing(self.weights)
        self._dense: Floats = self.weights["dense"].astype(np.float32)
        self._grams: Floats = self.weights["grams"].astype(np.float32)
        self._overall: Floats = self.weights["overall"]
        self._calibration: Floats = self.weights["calibration"]

    def assess(
        self, texts: Sequence[str], languages: Sequence[str | None], reading: Reading, grams: Rows
    ) -> list[Tone]:
        """Return the tone of each text; ``reading`` is what the encoder says of the same texts, ``grams`` theirs."""
        hits = [find(text, language) for text, language in zip(texts, languages, strict=True)]
        rows = np.stack([clues(text, hit) for text, hit in zip(texts, hits, strict=True)])
        logits = dense_features(reading) @ self._dense + reading.heard @ self.weights["heard"]
        logits += rows @ self.weights["clues"] + self.weights["bias"] + grams.sums(self._grams)
        total = overall_features(logits, rows) @ self._overall[1:] + self._overall[0]
        context = calibration_features(total, [len(text) for text in texts], languages)
        overall = sigmoid(context @ self._calibration)
        kinds = sigmoid(logits[:, 1:])
        sworn = [i for i, text in enumerate(texts) if only_swears(text, hits[i], rows[i], kinds[i])]
        overall[sworn] = np.minimum(overall[sworn], SWORN)
        # The other rule: the corpus, like newspapers, has too few open insults to teach how plain this case is.
        for i, text in enumerate(texts):
            if kind := thrown(text, hits[i]):
                column = LEARNED_KINDS.index(kind)
                overall[i], kinds[i, column] = max(overall[i], THROWN), max(kinds[i, column], THROWN)
        aims = reading.heard @ self.weights["aims"] + self.weights["aims_bias"]
        return [
            Tone(float(overall[i]), self._named(kinds[i], text), hits[i], aims[i], reading.marks[i])
            for i, text in enumerate(texts)
        ]

    @staticmethod
    def _named(row: Floats, text: str) -> dict[Kind, float]:
        named = {kind: float(value) for kind, value in zip(LEARNED_KINDS, row, strict=True)}
        named[Kind.SHOUTING] = float(np.clip(loudness(text), _NARROWEST, 1 - _NARROWEST))
        return named


def only_swears(text: str, hits: Sequence[Hit], row: Floats, kinds: Floats) -> bool:
    """Whether a short text swears, speaks to nobody, and is likely of no other kind: then it is rough, no put-down."""
    other = np.delete(kinds, LEARNED_KINDS.index(Kind.PROFANITY))
    spoken_to = row[NAMES.index("you")] or row[NAMES.index("formal")]
    swears = bool(hits) and all(hit.kind is Kind.PROFANITY for hit in hits)
    return swears and len(text) <= SHORT_SWEARING and not spoken_to and bool(other.max() < OTHER_KIND)


OTHER_KIND = 0.4
"""Probability from which another kind is likely. All 39 short cases that only swear and have more put somebody down, of
137 that have less 18 do."""

SHORT_SWEARING = 80
"""Code points up to which a text may only swear: in a longer one there is room for more than the words tell."""


def dense_features(reading: Reading) -> Floats:
    """Return vector and pooled features side by side: (n, 3072) float32."""
    return np.concatenate([reading.vectors, reading.pooled], axis=1)


def overall_features(logits: Floats, rows: Floats) -> Floats:
    """Return what the overall score is made of: the heads' logits, bounded, the highest of the kinds, and the clues.

    One bad thing is bad enough, and a sum of logits does not know that. Profanity by itself goes against nobody.
    """
    bounded = np.clip(logits, -8, 8)
    against = np.delete(bounded, [0, HEADS.index(Kind.PROFANITY)], axis=1)
    return np.concatenate([bounded, against.max(axis=1, keepdims=True), rows], axis=1)


SHORT = 60
"""Code points up to which a text is short."""


def calibration_features(total: Floats, lengths: Sequence[int], languages: Sequence[str | None]) -> Floats:
    """Return what turns the overall logit into a probability: itself and 1, by length and language: (n, 6)."""
    one = np.ones(len(total), dtype=np.float32)
    short = np.array([length <= SHORT for length in lengths], dtype=np.float32)
    english = np.array([language == "en" for language in languages], dtype=np.float32)
    return np.stack([one, total, short, short * total, english, english * total], axis=1, dtype=np.float32)


def sigmoid(logits: Floats) -> Floats:
    """Return probabilities that stay away from 0 and 1."""
    result: Floats = np.clip(1 / (1 + np.exp(-np.clip(logits, -30, 30))), _NARROWEST, 1 - _NARROWEST)
    return result
