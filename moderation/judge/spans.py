"""Says which characters of a disrespectful comment carry it: words that stood up in context, else the worst piece."""

import re
from collections.abc import Iterable, Sequence
from dataclasses import replace
from typing import NamedTuple

from moderation.judge.address import shouted
from moderation.judge.case import Kind, SentenceTone, Span
from moderation.judge.lexicon import Hit
from moderation.judge.marks import Place
from moderation.judge.text import sentences

UNDERLINED_FROM = 0.5
"""Disrespect from which a comment gets a span even where no single word carries it."""

PUTS_DOWN_FROM = 0.5
"""Disrespect from which a sentence puts somebody down."""

_WORD_NEEDS = 0.45
"""Strength a word needs, in its context, to be underlined."""

_KIND_NEEDS = 0.25
"""Probability its kind needs in the whole comment."""

_LONG_PIECE = 160
_CLAUSE = re.compile(r"[,;:–—][ \n]+")


class Piece(NamedTuple):
    """A piece of the comment and what the heads say of it alone."""

    start: int
    end: int
    disrespect: float
    kind: Kind


def word_spans(text: str, kinds: dict[Kind, float], hits: Iterable[Hit]) -> list[Span]:
    """Return the words of a comment that stand up in its context, and where it shouts; some may overlap."""
    spans = [
        Span(hit.start, hit.end, hit.kind, round(min(hit.strength, max(kinds[hit.kind], 0.05)), 4))
        for hit in hits
        if hit.strength >= 1 or (hit.strength >= _WORD_NEEDS and kinds[hit.kind] >= _KIND_NEEDS)
    ]
    return spans + [Span(start, end, Kind.SHOUTING, kinds[Kind.SHOUTING]) for start, end in shouted(text)]


def agreed(listed: Sequence[Span], marked: Sequence[Span], read: int, *, rude: bool) -> list[Span]:
    """Return the words of an English comment: those ``marked``, and of the ``listed`` those of which marks say nothing.

    A list knows little of context: it underlined what groups are called wherever something rude was said of any. So it
    only names kinds, but for profanity, which goes against nobody, and for what lies beyond the part that was ``read``.
    Where the comment as a whole is not ``rude``, a coarse word that is marked is profanity and no more.
    """
    near = [span for span in listed if span.start < read]
    spans = [replace(mark, kind=_kind_by(near, mark, rude=rude)) for mark in marked]
    for span in near:
        alone = span.kind is Kind.PROFANITY and not any(_meet(span, mark) for mark in marked)
        if alone or span.kind is Kind.SHOUTING:
            spans.append(span)
    return spans + [span for span in listed if span.start >= read]


def _kind_by(listed: Sequence[Span], mark: Span, *, rude: bool) -> Kind:
    """Return the kind of the strongest listed word in what is marked, if any says it."""
    met = [span for span in listed if span.kind is not Kind.SHOUTING and _meet(span, mark)]
    known = [span for span in met if span.kind is not Kind.PROFANITY] or ([] if rude else met)
    return max(known, key=lambda span: span.score).kind if known else mark.kind


def _meet(one: Span, other: Span) -> bool:
    return one.start < other.end and other.start < one.end


def unexplained(disrespect: float, words: Iterable[Span]) -> bool:
    """Whether a comment is disrespectful and its words alone do not say why: then its pieces are to be judged."""
    return disrespect >= UNDERLINED_FROM and all(span.kind in (Kind.SHOUTING, Kind.PROFANITY) for span in words)


def find_spans(words: Sequence[Span], judged: Sequence[Piece]) -> tuple[Span, ...]:
    """Return the spans of a comment in order, none overlapping another; ``judged`` are the pieces it needed, if any."""
    return _apart([*words, *_worst(judged)])


def put_down_share(sentences_: Sequence[SentenceTone]) -> float:
    """Return the share of characters that stand in sentences which put somebody down, 0 to 1; 0 of no sentence."""
    total = sum(sentence.end - sentence.start for sentence in sentences_)
    rude = sum(s.end - s.start for s in sentences_ if s.disrespect >= PUTS_DOWN_FROM)
    return rude / total if total else 0.0


def pieces(text: str) -> list[Place]:
    """Return where the sentences of a text lie, long ones cut at commas, at most 40 of them."""
    found: list[Place] = []
    for start, end in sentences(text):
        if end - start <= _LONG_PIECE:
            found.append((start, end))
            continue
        first = start
        for mark in _CLAUSE.finditer(text, start, end):
            if mark.start() - first >= 40 and end - mark.end() >= 25:
                found.append((first, mark.start()))
                first = mark.end()
        found.append((first, end))
    return found[:40]


def _worst(judged: Sequence[Piece]) -> list[Span]:
    """Return the worst piece, and those nearly as bad."""
    if not judged:
        return []
    top = max(piece.disrespect for piece in judged)
    return [
        Span(piece.start, piece.end, piece.kind, piece.disrespect)
        for piece in judged
        if piece.disrespect == top or (piece.disrespect >= 0.6 and piece.disrespect >= 0.85 * top)
    ]


def _apart(spans: list[Span]) -> tuple[Span, ...]:
    """Keep the strongest of overlapping spans; on a draw the graver kind, in the order of ``Kind``, then the longer."""
    order = list(Kind)
    kept: list[Span] = []
    ranked = sorted(spans, key=lambda s: (s.kind is Kind.SHOUTING, -s.score, order.index(s.kind), s.start - s.end))
    free = _Free()
    for span in ranked:
        if free.take(span.start, span.end):
            kept.append(span)
    return tuple(sorted(kept, key=lambda span: span.start))


class _Free:
    """Which characters are not yet taken."""

    def __init__(self) -> None:
        self._taken: set[int] = set()

    def take(self, start: int, end: int) -> bool:
        if start >= end or any(place in self._taken for place in range(start, end)):
            return False
        self._taken.update(range(start, end))
        return True
