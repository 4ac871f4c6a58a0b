"""Finds texts that are nearly the same."""

from collections.abc import Sequence

import numpy as np
from sklearn.feature_extraction.text import CountVectorizer

GRAM = 5
AT_ONCE = 256
"""Texts that are held against all others at a time: what they share must fit into memory."""


def alike(texts: Sequence[str], least: float = 0.6) -> list[tuple[int, int]]:
    """Return the rows of all texts whose character 5-grams overlap (Jaccard) by ``least`` or more."""
    plain = [" ".join(text.casefold().split()).ljust(GRAM, "\0") for text in texts]
    grams = CountVectorizer(analyzer="char", ngram_range=(GRAM, GRAM), binary=True, dtype=np.int32).fit_transform(plain)
    number = np.diff(grams.indptr)
    found: list[tuple[int, int]] = []
    for start in range(0, len(texts), AT_ONCE):
        shared = (grams[start : start + AT_ONCE] @ grams[start:].T).tocoo()
        one, other = shared.row + start, shared.col + start
        both = (shared.data >= least * (number[one] + number[other] - shared.data)) & (one < other)
        found += zip(one[both].tolist(), other[both].tolist(), strict=True)
    return sorted(found)
