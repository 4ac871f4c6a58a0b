"""Finds texts that are nearly the same, without holding each against each."""

import math
from collections import Counter, defaultdict
from collections.abc import Sequence

GRAM = 5


def alike(texts: Sequence[str], least: float = 0.6) -> list[tuple[int, int]]:
    """Return the rows of all texts whose character 5-grams overlap (Jaccard) by ``least`` or more.

    Two sets that overlap so much must share one of their rarest few grams: only texts that do are compared.
    """
    grams = [_grams(text) for text in texts]
    often = Counter(gram for found in grams for gram in found)
    holders: dict[str, list[int]] = defaultdict(list)
    found = []
    for row, mine in enumerate(grams):
        rarest = sorted(mine, key=lambda gram: (often[gram], gram))
        prefix = rarest[: len(mine) - math.ceil(least * len(mine)) + 1]
        others = {other for gram in prefix for other in holders[gram]}
        found += [(other, row) for other in sorted(others) if _jaccard(mine, grams[other]) >= least]
        for gram in prefix:
            holders[gram].append(row)
    return found


def _grams(text: str) -> frozenset[str]:
    plain = " ".join(text.casefold().split())
    return frozenset(plain[at : at + GRAM] for at in range(max(1, len(plain) - GRAM + 1)))


def _jaccard(one: frozenset[str], other: frozenset[str]) -> float:
    shared = len(one & other)
    return shared / (len(one) + len(other) - shared)
