"""Hashed character n-grams of a text: which buckets of a linear model it touches. Knows numpy only."""

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

BUCKETS = 1 << 17
"""Size of the hashed space."""

SHORTEST = 2
LONGEST = 5
"""Lengths of the n-grams, in characters of the lower-cased, space-padded text."""

READ = 3200
"""Code points of a text whose n-grams are looked at."""

_MULTIPLIER = np.uint32(0x01000193)
_SALT = np.uint32(0x9E3779B1)


class Grams(NamedTuple):
    """The n-grams of one text: the ``bucket`` of each and the place ``start``-``end`` (code points) it was cut from."""

    bucket: NDArray[np.int64]
    start: NDArray[np.int64]
    end: NDArray[np.int64]


def grams(text: str) -> Grams:
    """Return all n-grams of a text, from two to five characters; each occurrence counts."""
    codes = np.array([ord(char) for char in f" {text[:READ]} "], dtype=np.uint32)
    letters = _lowered(codes)
    buckets: list[NDArray[np.uint32]] = []
    starts: list[NDArray[np.int64]] = []
    ends: list[NDArray[np.int64]] = []
    with np.errstate(over="ignore"):
        state = np.full(len(letters), _SALT, dtype=np.uint32)
        for length in range(1, min(LONGEST, len(letters)) + 1):
            # One more character for every n-gram that still has one: FNV-1a over code points, all places at once.
            state = (state[: len(letters) - length + 1] ^ letters[length - 1 :]) * _MULTIPLIER
            if length < SHORTEST:
                continue
            mixed = (state ^ (state >> np.uint32(15))) * _SALT
            buckets.append(mixed >> np.uint32(32 - 17))
            first = np.arange(len(state), dtype=np.int64) - 1
            starts.append(np.maximum(first, 0))
            ends.append(np.minimum(first + length, len(text)))
    return Grams(
        np.concatenate(buckets).astype(np.int64) if buckets else np.zeros(0, np.int64),
        np.concatenate(starts) if starts else np.zeros(0, np.int64),
        np.concatenate(ends) if ends else np.zeros(0, np.int64),
    )


def weights_of(grams_: Grams) -> tuple[NDArray[np.int64], NDArray[np.float32]]:
    """Return the distinct buckets and their values: logarithmic counts, scaled to length one."""
    buckets, counts = np.unique(grams_.bucket, return_counts=True)
    values = 1 + np.log(counts.astype(np.float32))
    norm = float(np.sqrt((values * values).sum())) or 1.0
    return buckets, (values / norm).astype(np.float32)


class Rows(NamedTuple):
    """The n-grams of several texts, one after the other: text ``i`` has those from ``first[i]`` to the next."""

    bucket: NDArray[np.int64]
    value: NDArray[np.float32]
    first: NDArray[np.int64]

    def sums(self, weights: NDArray[np.float32]) -> NDArray[np.float32]:
        """Return what the n-grams of each text weigh in all: (n,) for (buckets,), (n, k) for (buckets, k)."""
        value = self.value if weights.ndim == 1 else self.value[:, None]
        result: NDArray[np.float32] = np.add.reduceat(weights[self.bucket] * value, self.first, axis=0)
        return result


def rows_of(texts: Sequence[str]) -> Rows:
    """Return what ``weights_of(grams(text))`` gives for each text, all texts at once: many times as fast."""
    padded = [f" {text[:READ]} " for text in texts]
    lengths = np.array([len(text) for text in padded], dtype=np.int64)
    letters = _lowered(np.frombuffer("".join(padded).encode("utf-32-le", "surrogatepass"), dtype="<u4"))
    owner = np.repeat(np.arange(len(texts), dtype=np.int64), lengths)
    left = np.repeat(np.cumsum(lengths), lengths) - np.arange(len(letters), dtype=np.int64)
    keys: list[NDArray[np.int64]] = []
    with np.errstate(over="ignore"):
        state = np.full(len(letters), _SALT, dtype=np.uint32)
        for length in range(1, LONGEST + 1):
            size = len(letters) - length + 1
            if size <= 0:
                break
            state = (state[:size] ^ letters[length - 1 :]) * _MULTIPLIER
            if length < SHORTEST:
                continue
            within = left[:size] >= length
            buckets = ((state ^ (state >> np.uint32(15))) * _SALT) >> np.uint32(32 - 17)
            keys.append((owner[:size] * BUCKETS + buckets)[within])
    # One sort for all texts; every text has an n-gram, for even an empty one is padded with two spaces.
    distinct, counts = np.unique(np.concatenate(keys), return_counts=True)
    values = 1 + np.log(counts.astype(np.float32))
    first = np.searchsorted(distinct, np.arange(len(texts), dtype=np.int64) * BUCKETS)
    norms = np.sqrt(np.add.reduceat(values * values, first))
    values /= np.repeat(norms, np.diff(np.append(first, len(distinct))))
    return Rows(distinct % BUCKETS, values, first)


def _lowered(codes: NDArray[np.uint32]) -> NDArray[np.uint32]:
    """Lower the capitals of Latin script (one code point for one, so that places stay true); blanks become spaces."""
    capital = ((codes >= 65) & (codes <= 90)) | ((codes >= 0xC0) & (codes <= 0xDE) & (codes != 0xD7))
    lowered = np.where(capital, codes + np.uint32(32), codes)
    lowered[(codes == 10) | (codes == 13) | (codes == 9) | (codes == 0xA0)] = 32
    # Digits carry no tone: one sign for all of them.
    lowered[(codes >= 48) & (codes <= 57)] = 48
    return lowered
