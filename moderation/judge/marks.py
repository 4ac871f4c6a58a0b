"""Says which English words of a comment carry a put-down: what is heard in their tokens, words learned, word hits."""

import re
import zlib
from collections.abc import Iterator, Mapping, Sequence
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from moderation.judge.case import Kind, Span
from moderation.judge.hearing import MARKS
from moderation.judge.lexicon import Hit
from moderation.judge.network import Floats
from moderation.judge.tone import Tone

WORDS = 1 << 15
"""Size of the hashed table of words."""

LANGUAGE = "en"
"""The language whose words were learned."""

DOUBT = 0.5
"""How much of a comment's log-odds against being rude counts against each of its words. All of it would be right where
comments are as seldom rude as the tone was fitted to; none of it where people have already called them toxic."""

MARKED_FROM = 0.15
"""Disrespect below which no word of a comment can be sure enough."""

Place = tuple[int, int]
"""Where a part of a comment lies (code points)."""

_HEARD = MARKS.index("word")
_WORD = re.compile(r"[^\W_]+(?:['’*@$\-]{1,8}[^\W_]+)*+\**+")
_BETWEEN = re.compile(r"[\s,]+")


class Word(NamedTuple):
    """A word, where it lies, its row in the table, and what speaks for it but the table: (3,)."""

    start: int
    end: int
    row: int
    signs: tuple[float, float, float]


class MarkModel:
    """A small network over what speaks for a word, and what speaks for the strongest of its comment."""

    def __init__(self, weights: Mapping[str, NDArray[Any]]) -> None:
        """Take ``words`` (32768,), ``words_hidden`` (9, n) and ``words_mix`` (n + 1,), the biases last, from tone's."""
        self._table: Floats = weights["words"].astype(np.float32)
        self._hidden: Floats = weights["words_hidden"].astype(np.float32)
        self._mix: Floats = weights["words_mix"].astype(np.float32)

    def words(self, text: str, tone: Tone, kind: Kind, places: Sequence[Place]) -> list[Span]:
        """Return the words that carry a put-down of an English text whose tokens lie at ``places``.

        Where the text is likelier civil than not, that counts against each of its words: the surer must one be.
        """
        found = list(words_of(text, tone.hits, places, tone.marks[1:-1]))  # without the marks of beginning and end
        if not found or tone.disrespect < MARKED_FROM:
            return []
        doubt = doubt_of(np.log(tone.disrespect / (1 - tone.disrespect)))
        scores = sureness(features_of(found, self._table), self._hidden, self._mix) - doubt
        chosen = [(word.start, word.end, score) for word, score in zip(found, scores, strict=True) if score >= 0]
        return runs(text, kind, chosen, _BETWEEN)


def sureness(features: Floats, hidden: Floats, mix: Floats) -> Floats:
    """Return log-odds that words carry a put-down, (words,), of (words, f), (f + 1, n), (n + 1,), the biases last."""
    heard: Floats = np.maximum(features @ hidden[:-1] + hidden[-1], 0) @ mix[:-1] + mix[-1]
    return heard


def doubt_of(logits: Floats) -> Floats:
    """Return what counts against each word of texts that are likelier civil than not, in log-odds; 0 for the others."""
    return np.maximum(-logits, 0) * np.float32(DOUBT)


def words_of(text: str, hits: Sequence[Hit], places: Sequence[Place], marks: Floats) -> list[Word]:
    """Return the words of the part of a text that has ``places``, in order."""
    strength: dict[int, float] = {}
    for hit in hits:
        for place in range(hit.start, min(hit.end, hit.start + 60)):
            strength[place] = max(strength.get(place, 0.0), hit.strength)
    found: list[Word] = []
    for start, end, tokens in spelled(text, places[: len(marks)]):
        mark = max(-5.0, float(marks[tokens, _HEARD].max()))
        hardest = max((strength.get(place, 0.0) for place in range(start, min(end, start + 60))), default=0.0)
        row = row_of(text[start:end])
        found.append(Word(start, end, row, (mark, float(hardest >= 1), float(hardest >= 0.5))))
    return found


def spelled(text: str, places: Sequence[Place]) -> Iterator[tuple[int, int, slice]]:
    """Return the words of a text and which of the tokens at ``places`` spell each; what no token spells is left out."""
    token, count = 0, len(places)
    for match in _WORD.finditer(text):
        start, end = match.span()
        while token < count and places[token][1] <= start:
            token += 1
        last = token
        while last < count and places[last][0] < end:
            last += 1
        if last > token:
            yield start, end, slice(token, last)


def features_of(words: Sequence[Word], table: Floats) -> Floats:
    """Return what tells of each word of one comment whether it carries a put-down: (words, 8).

    Its weight in the table, its signs, the most of each in the comment but the softer hits, and how many words there
    are: where one word stands out, its neighbours are seldom marked; where none does, the best there is often is.
    """
    own = np.array([[table[word.row], *word.signs] for word in words], dtype=np.float32)
    comment = np.append(own[:, :3].max(axis=0), np.log(len(own)))
    return np.concatenate([own, np.tile(comment.astype(np.float32), (len(own), 1))], axis=1)


def row_of(word: str) -> int:
    """Return a word's row in the table."""
    return zlib.crc32(word.lower().encode("utf-8", "replace")) % WORDS


def runs(text: str, kind: Kind, chosen: Sequence[tuple[int, int, float]], between: re.Pattern[str]) -> list[Span]:
    """Join what only ``between`` parts, of (start, end, log-odds) in order; a span scores as its strongest piece."""
    spans: list[Span] = []
    for start, end, value in chosen:
        score = round(float(1 / (1 + np.exp(-np.clip(value, -30, 30)))), 4)
        if spans and between.fullmatch(text, spans[-1].end, start):
            spans[-1] = Span(spans[-1].start, max(end, spans[-1].end), kind, max(score, spans[-1].score))
        else:
            spans.append(Span(start, end, kind, score))
    return spans
