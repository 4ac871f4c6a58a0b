"""Says which clauses of a rude comment carry the put-down, in any language: what is heard in their tokens, in context.

The words of English are told better by ``marks.py``, where single words carry it.
"""

import re
from bisect import bisect_right
from collections.abc import Mapping, Sequence
from statistics import fmean
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from moderation.judge.case import Kind, SentenceTone, Span
from moderation.judge.hearing import MARKS
from moderation.judge.marks import Place, runs, spelled, sureness
from moderation.judge.network import Floats, Ints
from moderation.judge.tone import Tone

REACH = 2
"""Words to either side that count for a word by themselves."""

_SILENT = -4.0
"""What stands for a word or a clause where there is none: as sure not to put anybody down as they come."""

NEARLY = 1.25
"""Log-odds by which a clause may be less sure than the surest of its comment and be underlined with it. On German
comments held out that were found rude, 0.585 of character F1 at a precision of 0.51; with 0.5 less 0.57 and 0.54. Words
instead of whole clauses, which read worse, have 0.586 and 0.50 at best."""

INNOCENT_BELOW = 0.3
"""Disrespect of a sentence by itself below which nothing in it is underlined, unless it is the worst of its comment."""

_HEARD = MARKS.index("clause")
_MARKS = r"[,;:–—.!?…\"„“”»«()]"
# The look-behind lets a row of marks begin once only: else a million of them would take a million million steps.
_CLAUSE_END = re.compile(rf"(?<!{_MARKS}){_MARKS}++(?:\s+|$)|(?<!\n)\n+")
_BETWEEN = re.compile(r"[^\w.!?…\n]+")


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
        """Return the clauses by which a rude text, whose tokens lie at ``places``, puts somebody down.

        That is what likelier does so than not, and unless it is ``explained`` already, what is nearly as sure as the
        surest; both in sentences that are not innocent.
        """
        words = words_of(text, places, tone.marks[1:-1])  # without the marks of beginning and end
        if not words:
            return []
        features = features_of(words, float(np.log(tone.disrespect / (1 - tone.disrespect))))
        _, firsts, sizes = clauses_of(words)
        scores = np.add.reduceat(sureness(features, self._hidden, self._mix), firsts) / sizes
        lasts, guilty = firsts + sizes - 1, _guilty(sentences)
        clauses = [
            (words[first].start, words[last].end, score)
            for first, last, score in zip(firsts, lasts, scores.tolist(), strict=True)
            if any(sentence.start <= words[first].start < sentence.end for sentence in guilty)
        ]
        surest = max((score for *_, score in clauses), default=0.0)
        enough = 0.0 if explained else min(0.0, surest - NEARLY)
        return runs(text, kind, [clause for clause in clauses if clause[-1] >= enough], _BETWEEN)


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
    clause, firsts, sizes = clauses_of(words)
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


def clauses_of(words: Sequence[Word]) -> tuple[Ints, Ints, Ints]:
    """Return the row of each word's clause, (words,), and of each clause its first word and how many it has."""
    _, firsts, rows, sizes = np.unique(
        [word.clause for word in words], return_index=True, return_inverse=True, return_counts=True
    )
    return rows, firsts, sizes


def _guilty(sentences: Sequence[SentenceTone]) -> list[SentenceTone]:
    """Return the sentences, at least one, that are not innocent by themselves, or are the worst there is."""
    least = min(INNOCENT_BELOW, max(sentence.disrespect for sentence in sentences))
    return [sentence for sentence in sentences if sentence.disrespect >= least]
