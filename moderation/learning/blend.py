"""Fits the weights of a blend of the embedded judge and Detoxify, by language. Pure: numbers only.

A language that has few labelled comments keeps the weights of all, and all those of an even blend; weights that are
fitted serve only where they did better than that on comments they were not fitted on.
"""

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
from scipy.optimize import minimize

from moderation.judge.blending import EVEN, OTHERS, Weights, log_odds
from moderation.learning.figures import Doubles

FEWEST = 60
"""Labelled comments, of a language or of all, below which nothing is fitted."""

FEWEST_OF_EACH = 15
"""Comments that are disrespectful, and that are not, that there must be among them."""

FOLDS = 5

_HELD = np.array([0.1, 4.0, 4.0])
"""How firmly bias and weights are held to where they begin: the precision of a normal prior."""


class Opinion(NamedTuple):
    """What both say of a comment, as probabilities, and what is true."""

    language: str | None
    embedded: float
    detoxify: float
    disrespectful: bool


class Fitted(NamedTuple):
    """The weights of one language, and the loss (mean logarithmic) with and without them on comments held out."""

    weights: Weights
    comments: int
    before: float
    after: float

    @property
    def helps(self) -> bool:
        """Whether the weights did better than what there was before."""
        return self.after < self.before


def fit(opinions: Sequence[Opinion]) -> dict[str, Fitted]:
    """Return what was fitted for each language that has enough comments, and under ``OTHERS`` for all together."""
    everything = _fitted(opinions, EVEN)
    if everything is None:
        return {}
    found = {OTHERS: everything}
    begin = everything.weights if everything.helps else EVEN
    for language in sorted({opinion.language for opinion in opinions if opinion.language}):
        one = _fitted([opinion for opinion in opinions if opinion.language == language], begin)
        if one is not None:
            found[language] = one
    return found


def chosen(found: dict[str, Fitted]) -> dict[str, Weights]:
    """Return the weights that help, with an even blend for all others where nothing does."""
    return {OTHERS: EVEN} | {language: one.weights for language, one in found.items() if one.helps}


def _fitted(opinions: Sequence[Opinion], begin: Weights) -> Fitted | None:
    true = np.array([opinion.disrespectful for opinion in opinions], dtype=np.float64)
    if len(true) < FEWEST or min(true.sum(), len(true) - true.sum()) < FEWEST_OF_EACH:
        return None
    said = np.array([[1, log_odds(opinion.embedded), log_odds(opinion.detoxify)] for opinion in opinions])
    held_out = np.empty(len(true))
    # Every fifth comment, not blocks: labelled files often have all of one kind in a row.
    for fold in range(FOLDS):
        held = np.arange(len(true)) % FOLDS == fold
        held_out[held] = said[held] @ _weights(said[~held], true[~held], begin)
    before = _loss(said @ np.array(begin), true)
    return Fitted(
        Weights(*map(float, _weights(said, true, begin))), len(true), float(before), float(_loss(held_out, true))
    )


def _weights(said: Doubles, true: Doubles, begin: Weights) -> Doubles:
    start = np.array(begin)

    def loss(point: Doubles) -> tuple[float, Doubles]:
        logits = said @ point
        slope = said.T @ (1 / (1 + np.exp(-logits)) - true) + _HELD * (point - start)
        return float(_loss(logits, true) * len(true) + (_HELD * (point - start) ** 2).sum() / 2), slope

    found = minimize(loss, start, jac=True, method="L-BFGS-B", bounds=[(None, None), (0.0, None), (0.0, None)])
    return np.asarray(found.x, dtype=np.float64)


def _loss(logits: Doubles, true: Doubles) -> float:
    return float(np.mean(np.logaddexp(0, logits) - true * logits))
