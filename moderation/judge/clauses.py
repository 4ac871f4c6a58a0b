"""Says which stretch of a rude comment carries the put-down, in any language: what is heard in its tokens, in context.

The words of English are told better by ``marks.py``, where single words carry it.
"""

import re
from bisect import bisect_right
from collections.abc import Mapping, Sequence
from itertools import compress, pairwise
from statistics import fmean
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from moderation.judge.case import Kind, SentenceTone, Span
from moderation.judge.hearing import MARKS
from moderation.judge.marks import Place, spelled, sureness
from moderation.judge.network import Floats
from moderation.judge.tone import Tone

REACH = 2
"""Words to either side that count for a word by themselves."""

_SILENT = -4.0
"""What stands for a word or a clause where there is none: as sure not to put anybody down as they come."""

NEARLY = 1.5
"""Log-odds by which a word may be less sure than the surest of its comment and be underlined with it. On comments held
out that were found rude, 0.58 of character F1; with the surest word alone and what is likelier than not, 0.48."""

INNOCENT_BELOW = 0.3
"""Disrespect of a sentence by itself below which nothing in it is underlined, unless it is the worst of its comment."""

_GAP = 2
"""Words that may lie between two that carry a put-down and be underlined with them."""

_HEARD = MARKS.index("clause")
_ALONE = 0.5
"""Log-odds that a word must have more than others to be underlined all by itself. On texts held out that leaves one of
five such scraps, and costs nothing."""

_CLAUSE_END = re.compile(r"[,;:–—.!?…\n\"„“”»«()]+(?:\s+|$)")
_SENTENCE_END = re.compile(r"[.!?…\n]")


class Word(NamedTuple):
    """A word: where it lies, in which clause of the text (0, 1, …), the most and the mean its tokens carry."""

    start: int
    end: int
    clause: int
    most: float
    mean: float


class ClauseModel:
    """A small network over what is heard in a word, beside it, in its clause and in the whole comment."""

    def __init__(self, weights: Mapping[str, NDArray[Any]]) -> None:
        """Take ``clauses_hidden`` (17, n) and ``clauses_mix`` (n + 1,), the biases last, from tone's weights."""
        self._hidden: Floats = weights["clauses_hidden"].astype(np.float32)
        self._mix: Floats = weights["clauses_mix"].astype(np.float32)

    def spans(
        self,
        text: str,
        tone: Tone,
        kind: Kind,
        places: Sequence[Place],
        sentences: Sequence[SentenceTone],
        *,
        explained: bool,
    ) -> list[Span]:
        """Return where a rude text, whose tokens lie at ``places``, puts somebody down.

        That is what likelier does so than not, and unless it is ``explained`` already, what is nearly as sure as the
        surest; both in sentences that are not innocent.
        """
        words = words_of(text, places, tone.marks[1:-1])  # without the marks of beginning and end
        if not words:
            return []
        features = features_of(words, float(np.log(tone.disrespect / (1 - tone.disrespect))))
        scores = sureness(features, self._hidden, self._mix)
        scores[_innocent(words, sentences)] = -np.inf
        enough = 0.0 if explained else min(0.0, float(scores.max()) - NEARLY)
        return [
            Span(words[first].start, words[last].end, kind, _probability(scores[first : last + 1].max()))
            for first, last in stretches(text, words, scores, enough)
        ]


def words_of(text: str, places: Sequence[Place], marks: Floats) -> list[Word]:
    """Return the words of the part of a text that has ``places``, in order."""
    ends = [mark.end() for mark in _CLAUSE_END.finditer(text)]
    heard: list[float] = marks[:, _HEARD].tolist()  # a word has few tokens: numbers of Python's own are quicker there
    return [
        Word(start, end, bisect_right(ends, start), max(heard[tokens]), fmean(heard[tokens]))
        for start, end, tokens in spelled(text, places[: len(marks)])
    ]


def features_of(words: Sequence[Word], logit: float) -> Floats:
    """Return what tells of each word of one comment, at least one, whether it is part of a put-down: (words, 16).

    The most its tokens carry; the mean of its own and of those beside it; of its clause the mean, the most and the
    length, and the mean of the clauses before and after; of the comment the most, the mean, the ``logit`` of its being
    rude and the length; and where in it the word stands.
    """
    count = len(words)
    most, mean = (np.array(values, dtype=np.float32) for values in ([w.most for w in words], [w.mean for w in words]))
    _, firsts, clause, sizes = np.unique(
        [word.clause for word in words], return_index=True, return_inverse=True, return_counts=True
    )
    said = np.pad(np.add.reduceat(mean, firsts) / sizes, 1, constant_values=_SILENT)
    beside = np.pad(mean, REACH, constant_values=_SILENT)
    comment = np.array([most.max(), mean.mean(), logit, np.log(count)], dtype=np.float32)
    features: Floats = np.column_stack(
        [
            most,
            np.lib.stride_tricks.sliding_window_view(beside, 2 * REACH + 1),
            said[1:-1][clause],
            np.maximum.reduceat(most, firsts)[clause],
            np.log(sizes)[clause],
            said[:-2][clause],
            said[2:][clause],
            np.tile(comment, (count, 1)),
            np.arange(1, count + 1) / count,
        ]
    ).astype(np.float32)
    return features


def _innocent(words: Sequence[Word], sentences: Sequence[SentenceTone]) -> NDArray[np.bool_]:
    """Return which words stand in no sentence that puts somebody down by itself, or is the worst there is."""
    least = min(INNOCENT_BELOW, max(sentence.disrespect for sentence in sentences))
    guilty = [sentence for sentence in sentences if sentence.disrespect >= least]
    return np.array([not any(s.start <= word.start < s.end for s in guilty) for word in words])


def stretches(text: str, words: Sequence[Word], scores: Floats, enough: float) -> list[tuple[int, int]]:
    """Return the first and the last word of each stretch whose words are sure ``enough``.

    What lies between two of them within a sentence is underlined as well where it is short. A word all by itself must
    be the surer, or the surest there is.
    """
    chosen: list[int] = np.flatnonzero(scores >= enough).tolist()
    apart = [
        other - one - 1 > _GAP or bool(_SENTENCE_END.search(text[words[one].end : words[other].start]))
        for one, other in pairwise(chosen)
    ]
    firsts, lasts = [*chosen[:1], *compress(chosen[1:], apart)], [*compress(chosen, apart), *chosen[-1:]]
    alone = min(enough + _ALONE, float(scores.max()))
    return [(first, last) for first, last in zip(firsts, lasts, strict=True) if first < last or scores[first] >= alone]


def _probability(score: float) -> float:
    return round(float(1 / (1 + np.exp(-np.clip(score, -30, 30)))), 4)
