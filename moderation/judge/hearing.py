"""What tone hears in the tokens of a text: a small network over the encoder's token features, within its one pass.

It knows numpy only. For each text it gives a row that heads are learned on, and for each token how much that token
carries a put-down. ``training/hearing.py`` makes its weights.
"""

from collections.abc import Mapping
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

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
        self._w = {name: np.ascontiguousarray(weights[f"hearing_{name}"], dtype=np.float32) for name in NAMES}

    def hear(self, features: Floats, lengths: Ints) -> Heard:
        """Hear texts given as the features of their tokens, one after the other: (tokens, 1280); none is empty."""
        w = self._w
        starts = np.cumsum(lengths) - lengths
        values = np.maximum(features @ w["first"] + w["first_bias"], 0)
        left, right = np.zeros_like(values), np.zeros_like(values)
        left[1:], right[:-1] = values[:-1], values[1:]
        # No token hears those of the neighbouring text.
        left[starts] = 0
        right[starts + lengths - 1] = 0
        near = left @ w["near"][:WIDTH] + values @ w["near"][WIDTH : 2 * WIDTH] + right @ w["near"][2 * WIDTH :]
        values += np.maximum(near + w["near_bias"], 0)

        attention = values @ w["attention"] + w["attention_bias"]
        rows = np.empty((len(lengths), HEARD), dtype=np.float32)
        # Text by text: `reduceat` over all of them takes several times as long.
        for row, (first, length) in enumerate(zip(starts, lengths, strict=True)):
            own, weight = values[first : first + length], attention[first : first + length]
            weight = np.exp(weight - weight.max(axis=0))
            weight /= weight.sum(axis=0)
            shares = own.reshape(length, LISTENERS, WIDTH // LISTENERS)
            np.einsum("tl,tlw->lw", weight, shares, out=rows[row, :WIDTH].reshape(LISTENERS, -1))
            np.add.reduce(own, axis=0, out=rows[row, WIDTH : 2 * WIDTH])
            np.maximum.reduce(own, axis=0, out=rows[row, 2 * WIDTH :])
        rows[:, WIDTH : 2 * WIDTH] /= lengths[:, None]
        marks: Floats = values @ w["mark"] + w["mark_bias"]
        return Heard(rows, marks)
