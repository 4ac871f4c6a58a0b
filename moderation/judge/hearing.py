"""What tone hears in the tokens of a text: a small network over the encoder's token features, within its one pass.

For each text it gives a row that heads are learned on, and for each token how much that token
carries a put-down. ``training/hearing.py`` makes its weights.
"""

from collections.abc import Mapping
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from moderation.judge.graph import Graph
from moderation.judge.network import Floats, Ints

WIDTH = 128
"""Values per token after the first layer."""

LISTENERS = 8
"""Attention heads: each weighs the tokens its own way and reads its own share of the values."""

HEARD = 3 * WIDTH
"""Length of what is heard of a text: attended values, their mean and their maximum."""

NAMES = ("first", "first_bias", "near", "near_bias", "attention", "attention_bias", "mark", "mark_bias")
"""The arrays of the network; in a file of weights each has ``hearing_`` before it."""


class Heard(NamedTuple):
    """What is heard of n texts: ``rows`` (n, 384), and ``marks`` (tokens, 1), logits."""

    rows: Floats
    marks: Floats


class Hearing:
    """The network: one dense layer, one convolution over three tokens, attention, and marks for each token."""

    def __init__(self, weights: Mapping[str, NDArray[Any]]) -> None:
        """Take the arrays named in ``NAMES`` from a file of weights."""
        w = {name: weights[f"hearing_{name}"].astype(np.float32) for name in NAMES}
        self._mark, self._mark_bias = w.pop("mark"), w.pop("mark_bias")
        self._graph = Graph("hearing", w)

    def hear(self, features: Floats, lengths: Ints) -> Heard:
        """Hear texts given as the features of their tokens, one after the other: (tokens, 1280); none is empty."""
        count = len(features)
        starts = np.cumsum(lengths) - lengths
        # No token hears those of the neighbouring text: there it hears one beyond the last, which says nothing.
        neighbours = np.arange(count, dtype=np.int64)[:, None] + np.arange(-1, 2, dtype=np.int64)
        neighbours[starts, 0] = neighbours[starts + lengths - 1, 2] = count
        of = np.zeros((len(lengths), count), dtype=np.float32)
        of[np.repeat(np.arange(len(lengths)), lengths), np.arange(count)] = 1
        values, sums = self._graph.run(["values", "sums"], features=features, neighbours=neighbours, of=of)

        rows = np.empty((len(lengths), HEARD), dtype=np.float32)
        weight = np.repeat(sums[:, 2 * WIDTH :], WIDTH // LISTENERS, axis=1)
        np.divide(sums[:, :WIDTH], weight, out=rows[:, :WIDTH])
        np.divide(sums[:, WIDTH : 2 * WIDTH], lengths[:, None], out=rows[:, WIDTH : 2 * WIDTH])
        for row, (first, length) in enumerate(zip(starts.tolist(), lengths.tolist(), strict=True)):
            np.maximum.reduce(values[first : first + length], axis=0, out=rows[row, 2 * WIDTH :])
        return Heard(rows, values @ self._mark + self._mark_bias)
