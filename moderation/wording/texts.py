"""What readers wrote, made fit to be looked at: marked, unmasked, shortened, compared. Never changed."""

import difflib
import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from textwrap import shorten
from typing import Any

from moderation.judge.case import STANDS_OUT_FROM, Kind

MOST_COMPARED = 3000
"""Words of two texts together up to which they are compared word by word."""

_GHOSTS = re.compile(
    "[\x00-\x08\x0b\x0c\x0e-\x1f\x7f-\x9f\u00ad\u061c\u180e\u200b\u200e\u200f\u202a-\u202e\u2060-\u206f\ufeff"
    "\ufff9-\ufffb\U000e0000-\U000e0fff]+|(?<=[A-Za-z\u00c0-\u024f])[\u200c\u200d]+"
)
"""Characters that are not seen but change what is: of no width, of no meaning, or turning the text around."""


@dataclass(frozen=True, slots=True)
class Segment:
    """A piece of a comment's text.

    ``kind`` names the disrespect it carries, None where it carries none. ``ghost`` is what to show instead of
    characters that cannot be seen.
    """

    text: str
    kind: Kind | None = None
    ghost: str | None = None


def segments(text: str, spans: Iterable[Mapping[str, Any]]) -> list[Segment]:
    """Cut the text where spans (code-point offsets) begin and end, and around what cannot be seen.

    A span that overlaps or overhangs is left out.
    """
    return [part for segment in _cut(text, spans) for part in _unmask(segment)]


def _cut(text: str, spans: Iterable[Mapping[str, Any]]) -> Iterator[Segment]:
    at = 0
    for span in sorted(spans, key=lambda span: (span["start"], -span["end"])):
        start, end = span["start"], span["end"]
        if not at <= start < end <= len(text):
            continue
        if start > at:
            yield Segment(text[at:start])
        yield Segment(text[start:end], Kind(span["kind"]))
        at = end
    if at < len(text):
        yield Segment(text[at:])


def _unmask(segment: Segment) -> Iterator[Segment]:
    at = 0
    if segment.kind is not None:  # a marked word stays one; what is hidden in it is shown after it
        yield Segment(segment.text, segment.kind)
        return
    for found in _GHOSTS.finditer(segment.text):
        if found.start() > at:
            yield Segment(segment.text[at : found.start()])
        yield Segment(found[0], ghost=_name(found[0]))
        at = found.end()
    if at < len(segment.text):
        yield Segment(segment.text[at:])


def _name(ghosts: str) -> str:
    first = f"U+{ord(ghosts[0]):04X}"
    return first if len(ghosts) == 1 else f"{first} … ×{len(ghosts)}"


def plain(text: str) -> str:
    """Return the text without what cannot be seen, for names, titles and lines."""
    return _GHOSTS.sub("", text)


def glimpse(text: str, length: int) -> str:
    """Return the beginning of a text on one line: whole words, unless the line is too short for one of them."""
    line = " ".join(plain(text[: 4 * length]).split())
    whole = shorten(line, length, placeholder=" …")
    return whole if 2 * len(whole) >= min(len(line), length) else line[: length - 1] + "…"


def stands_out(similarity: float) -> bool:
    """Whether the closest passage is near enough to be evidence of anything."""
    return similarity >= STANDS_OUT_FROM


def passage_in_place(body: str, passage: str) -> tuple[str, str, str] | None:
    """Return what stands before the closest passage, the passage, and what stands after; None where it is not found."""
    at = body.find(passage)
    if at < 0:
        return None
    before, after = body[:at].rstrip(), body[at + len(passage) :].lstrip()
    return (
        "… " + before[-160:].partition(" ")[2] if len(before) > 160 else before,
        passage,
        after[:160].rpartition(" ")[0] + " …" if len(after) > 160 else after,
    )


@dataclass(frozen=True, slots=True)
class Change:
    """A piece of two texts: ``was`` stood in the old one, ``is_now`` stands in the new one; alike where nothing did."""

    was: str
    is_now: str

    @property
    def is_change(self) -> bool:
        """Whether the two differ."""
        return self.was != self.is_now


def changes(old: str, new: str) -> list[Change]:
    """Compare two texts word by word; as a whole where they are very long."""
    before, after = _words(plain(old)), _words(plain(new))
    if len(before) + len(after) > MOST_COMPARED:
        return [Change(plain(old), plain(new))]
    matcher = difflib.SequenceMatcher(a=before, b=after, autojunk=False)
    return [
        Change("".join(before[a_from:a_to]), "".join(after[b_from:b_to]))
        for _, a_from, a_to, b_from, b_to in matcher.get_opcodes()
    ]


def _words(text: str) -> list[str]:
    return re.findall(r"\s+|[^\s]+", text)
