"""How many rare word pieces a comment shares with its article: names and nouns that a sentence vector blurs.

Knows pieces of words and how common each is in comments; no vectors.
"""

import re
from functools import lru_cache
from typing import NamedTuple
from zlib import crc32

import numpy as np
from numpy.typing import NDArray

BUCKETS = 1 << 15
"""Size of the hashed table of how rare a piece is."""

LONGEST_PIECE = 5
_READ = 40000
"""Code points of a text that are looked at: more than any article needs."""

_RARE = 4.0
_WORD = re.compile(r"[^\W\d_]{4,}")

Pieces = frozenset[int]
"""Pieces as checksums of 32 bits; two that happen to have the same one count as one."""

Rarity = NDArray[np.float32]


def pieces(*texts: str) -> Pieces:
    """Return the five-letter pieces of the words of texts; compounds share pieces with their parts."""
    found: set[int] = set()
    for text in texts:
        for word in _WORD.findall(text[:_READ].lower()):
            found.update(_cut(word))
    return frozenset(found)


@lru_cache(maxsize=64)  # an article's comments come one after the other
def article_pieces(*texts: str) -> Pieces:
    """Return `pieces` of what many comments are held against."""
    return pieces(*texts)


@lru_cache(maxsize=1 << 14)  # most words of a comment have been in others
def _cut(word: str) -> tuple[int, ...]:
    padded = f" {word[:40]}".encode("utf-8", "replace").decode("utf-8")
    return tuple(crc32(padded[i : i + LONGEST_PIECE].encode()) for i in range(max(1, len(padded) - LONGEST_PIECE + 1)))


class Weighed(NamedTuple):
    """The pieces of a comment, how rare each is, and the sum of that."""

    pieces: Pieces
    rarity: dict[int, float]
    total: float


def weigh(comment: Pieces, rarity: Rarity) -> Weighed:
    """Look up how rare a comment's pieces are; ``rarity`` is the table by bucket."""
    # Sorted, so that sums come out the same to the last bit whatever order a set has in this process.
    ordered = sorted(comment)
    found = rarity[np.array(ordered, dtype=np.int64) % BUCKETS].tolist()
    return Weighed(comment, dict(zip(ordered, found, strict=True)), sum(found))


def overlap(comment: Weighed, other: Pieces) -> list[float]:
    """Return what a comment shares with its article: the share by rarity, the rarest piece, the sum of the rare.

    All three numbers are 0 to 1.
    """
    common = comment.pieces & other
    if not common:
        return [0.0, 0.0, 0.0]
    shared = [comment.rarity[piece] for piece in sorted(common)]
    rare = sum([rarity - _RARE for rarity in shared if rarity > _RARE])
    return [sum(shared) / (comment.total + 10), min(5.0, max(shared)) / 5, min(1.0, rare / 20)]
