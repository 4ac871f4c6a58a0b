"""What tone hears in the tokens of a text: a small network over the encoder's token features, within its one pass.

For each text it gives a row that heads are learned on, and for each token how much that token
carries a put-down. ``training/hearing.py`` makes its weights.
"""

from collections.abc import Iterable, Mapping
from typing import Any, NamedTuple

import numpy as np
from numpy.lib.stride_tricks import sliding_window_view
from numpy.typing import NDArray

from moderation.judge.encoder import MOST_TOKENS
from moderation.judge.graph import Graph
from moderation.judge.network import Floats, Ints, apart

WIDTH = 128
"""Values per token after the first layer."""

LISTENERS = 8
"""Attention heads that hear a text: each weighs the tokens its own way and reads its own share of the values."""

HEARD = 3 * WIDTH
"""Length of what is heard of a text: attended values, their mean and their maximum."""

SELVES = 4
"""Attention heads by which tokens hear one another."""

MARKS = ("word", "clause")
"""How a token may carry a put-down: as a word that is one by itself, or as part of a clause that is one."""

REACH = 16
"""Tokens to either side whose distance counts; whoever stands further away stands as far as the last of these."""

BETWEEN = 2 * WIDTH
"""Values between the two products by which a token makes something of what it heard."""

ALONE = ("first", "near", "self_norm", "asked")
"""The layers of what a token says and asks for before it hears the others."""

TOGETHER = ("told", "feed_norm", "feed_in", "feed_out", "listen")
"""Those that come after that."""

LAYERS = (*ALONE, *TOGETHER, "mark")
"""All of them, in the order in which they are used."""


def named(layers: Iterable[str]) -> list[str]:
    """Return the names of the arrays of layers; in a file of weights each has ``hearing_`` before it."""
    return [name for layer in layers for name in (layer, f"{layer}_bias")]


class Heard(NamedTuple):
    """What is heard of n texts: ``rows`` (n, 384), and ``marks`` (tokens, 2), logits of ``MARKS``."""

    rows: Floats
    marks: Floats


class Hearing:
    """The network: a dense layer and a convolution over three tokens; a transformer layer, by which each token hears
    the others of its text; attention over the whole text, and marks for each token.

    The transformer layer (Vaswani et al. 2017) is normalised first (Xiong et al. 2020) and has a weight for each
    distance (Raffel et al. 2020).

    So "raus" after "Flüchtlinge" is another word than after "aus dem Gröbsten".
    """

    def __init__(self, weights: Mapping[str, NDArray[Any]]) -> None:
        """Take the arrays of ``LAYERS``, and ``distance``, from a file of weights."""
        w = {name: weights[f"hearing_{name}"].astype(np.float32) for name in (*named(LAYERS), "distance")}
        self._mark, self._mark_bias = w["mark"], w["mark_bias"]
        distances = w["distance"][:, np.arange(1 - MOST_TOKENS, MOST_TOKENS).clip(-REACH, REACH) + REACH]
        # A row for each token, each begins a step further to the left: before the last stand all the others.
        self._distances: Floats = sliding_window_view(distances, MOST_TOKENS, axis=1)[:, ::-1]
        for name in named(["asked"]):  # of what a token asks for, so that the products need not be scaled
            w[name][..., :WIDTH] /= np.sqrt(WIDTH // SELVES)
        self._alone = Graph("hearing_alone", {name: w[name] for name in named(ALONE)})
        self._together = Graph("hearing_together", {name: w[name] for name in named(TOGETHER)})

    def hear(self, features: Floats, lengths: Ints) -> Heard:
        """Hear texts given as the features of their tokens, one after the other: (tokens, 1280); none is empty."""
        count = len(features)
        starts = np.cumsum(lengths) - lengths
        # No token hears those of the neighbouring text: there it hears one beyond the last, which says nothing.
        neighbours = np.arange(count, dtype=np.int64)[:, None] + np.arange(-1, 2, dtype=np.int64)
        neighbours[starts, 0] = neighbours[starts + lengths - 1, 2] = count
        alone, asks = self._alone.run(["values", "asks"], features=features, neighbours=neighbours)
        answered = np.concatenate([self._answer(own) for own in apart(asks, lengths.tolist())])
        of = np.zeros((len(lengths), count), dtype=np.float32)
        of[np.repeat(np.arange(len(lengths)), lengths), np.arange(count)] = 1
        values, heard = self._together.run(["values", "heard"], alone=alone, answered=answered, of=of)

        rows = np.empty((len(lengths), HEARD), dtype=np.float32)
        rows[:, : 2 * WIDTH] = heard
        for row, own in zip(rows[:, 2 * WIDTH :], apart(values, lengths.tolist()), strict=True):
            np.maximum.reduce(own, axis=0, out=row)
        return Heard(rows, values @ self._mark + self._mark_bias)

    def _answer(self, asks: Floats) -> Floats:
        """Return what the tokens of one text are told by one another, (n, 128), by queries, keys and values (n, 384).

        Text by text: to hold all tokens of a batch against one another, most of them for nothing, takes half as long
        again as all else.
        """
        count = len(asks)
        queries, keys, values = asks.reshape(count, 3, SELVES, WIDTH // SELVES).transpose(1, 2, 0, 3)
        weight: Floats = queries @ keys.transpose(0, 2, 1)
        weight += self._distances[:, :count, :count]
        weight -= weight.max(axis=2, keepdims=True)
        np.exp(weight, out=weight)
        weight /= weight.sum(axis=2, keepdims=True)
        answered: Floats = (weight @ values).transpose(1, 0, 2).reshape(count, WIDTH)
        return answered
