"""Puts together what is underlined in a comment: listed words that stood up in its context, and what was marked."""

from bisect import bisect_right
from collections.abc import Iterable, Sequence
from dataclasses import replace

from moderation.judge.address import shouted
from moderation.judge.case import Kind, SentenceTone, Span
from moderation.judge.lexicon import Hit
from moderation.judge.marks import Place

UNDERLINED_FROM = 0.5
"""Disrespect from which a comment gets a span even where no single word carries it."""

PUTS_DOWN_FROM = 0.5
"""Disrespect from which a sentence puts somebody down."""

_WORD_NEEDS = 0.45
"""Strength a word needs, in its context, to be underlined."""

_KIND_NEEDS = 0.25
"""Probability its kind needs in the whole comment."""


def word_spans(text: str, kinds: dict[Kind, float], hits: Iterable[Hit]) -> list[Span]:
    """Return the words of a comment that stand up in its context, and where it shouts; some may overlap."""
    spans = [
        Span(hit.start, hit.end, hit.kind, round(min(hit.strength, max(kinds[hit.kind], 0.05)), 4))
        for hit in hits
        if hit.strength >= 1 or (hit.strength >= _WORD_NEEDS and kinds[hit.kind] >= _KIND_NEEDS)
    ]
    return spans + [Span(start, end, Kind.SHOUTING, kinds[Kind.SHOUTING]) for start, end in shouted(text)]


def agreed(listed: Sequence[Span], marked: Sequence[Span], places: Sequence[Place], *, rude: bool) -> list[Span]:
    """Return the words of an English comment: those ``marked``, and of the ``listed`` those of which marks say nothing.

    A list knows little of context: it underlined what groups are called wherever something rude was said of any. So it
    only names kinds, but for profanity, which goes against nobody, and for words that were not read: those at none of
    the ``places`` of tokens. Where the comment as a whole is not ``rude``, a coarse word that is marked is profanity
    and no more.
    """
    near = [span for span in listed if _read(span, places)]
    spans = [replace(mark, kind=_kind_by(near, mark, rude=rude)) for mark in marked]
    for span in near:
        alone = span.kind is Kind.PROFANITY and not any(_meet(span, mark) for mark in marked)
        if alone or span.kind is Kind.SHOUTING:
            spans.append(span)
    return spans + [span for span in listed if not _read(span, places)]


def joined(listed: Sequence[Span], clauses: Sequence[Span]) -> list[Span]:
    """Return the ``clauses`` of a rude comment, of the kind that a listed word in each names, and all other words."""
    end = max((clause.end for clause in clauses), default=0)
    near = [word for word in listed if word.start < end]  # of what lies behind all clauses there may be very much
    spans = [replace(clause, kind=_kind_by(near, clause, rude=True)) for clause in clauses]
    met = {word for word in near if word.kind is not Kind.SHOUTING and any(_meet(word, clause) for clause in clauses)}
    return spans + [word for word in listed if word not in met]


def _read(span: Span, places: Sequence[Place]) -> bool:
    following = bisect_right(places, span.start, key=lambda place: place[1])
    return following < len(places) and places[following][0] < span.end


def _kind_by(listed: Sequence[Span], mark: Span, *, rude: bool) -> Kind:
    """Return the kind of the strongest listed word in what is marked, if any says it."""
    met = [span for span in listed if span.kind is not Kind.SHOUTING and _meet(span, mark)]
    known = [span for span in met if span.kind is not Kind.PROFANITY] or ([] if rude else met)
    return max(known, key=lambda span: span.score).kind if known else mark.kind


def _meet(one: Span, other: Span) -> bool:
    return one.start < other.end and other.start < one.end


def explain(words: Iterable[Span]) -> bool:
    """Whether some words say by themselves why a comment is disrespectful."""
    return any(span.kind not in (Kind.SHOUTING, Kind.PROFANITY) for span in words)


def put_down_share(sentences_: Sequence[SentenceTone]) -> float:
    """Return the share of characters that stand in sentences which put somebody down, 0 to 1; 0 of no sentence."""
    total = sum(sentence.end - sentence.start for sentence in sentences_)
    rude = sum(s.end - s.start for s in sentences_ if s.disrespect >= PUTS_DOWN_FROM)
    return rude / total if total else 0.0


def apart(spans: Iterable[Span]) -> tuple[Span, ...]:
    """Return spans in order, of overlapping ones the strongest; on a draw the graver kind, in the order of ``Kind``,
    then the longer.
    """
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
