"""What text is made of: HTML to plain text, sentences, words, and a spelling folded for matching only.

Everything here takes time in proportion to the text, whatever the text. Offsets are code points.
"""

import re
import unicodedata
from html import unescape
from typing import NamedTuple

from selectolax.lexbor import LexborHTMLParser, LexborNode

_BLOCKS = re.compile(
    "address|article|aside|blockquote|dd|div|dl|dt|figcaption|figure|footer|h[1-6]|header|li|main|nav|ol|p|pre|section|"
    "table|td|th|tr|ul"
)
_HIDDEN = re.compile("script|style|template|noscript|head|title")

_MOST_TAGS = 5000
_TAG = re.compile(r"<[^<>]*>")
_UNREADABLE = re.compile("[\x00\ud800-\udfff]")
# The look-behind lets a row of marks begin once only: else a million dots would take a million times a million steps.
_SENTENCE_END = re.compile(r"(?<![.!?…])[.!?…]++[\"'»«“”’)\]]*+\s+|(?<!\n)\n+")
_ABBREVIATION = re.compile(
    r"(?:^|[\s(])(?:\w|[A-ZÄÖÜ]\.\s?\w|z|bzw|usw|ca|evtl|ggf|inkl|vgl|sog|Nr|St|Str|Dr|Prof|Hr|Fr|Mio|Mrd|Mr|Mrs|Ms|vs"
    r"|Jan|Feb|Apr|Aug|Sept?|Okt|Oct|Nov|Dez|Dec|\d{1,2})$"
)
_WORD = re.compile(r"[^\W_]+(?:['’\-][^\W_]+)*")
_SPACED_OUT = re.compile(r"(?<!\w)[^\W\d_](?:[ .\-_*][^\W\d_]){3,}(?!\w)")
_LOOKALIKES = str.maketrans("аеорсухікѕјԁһαοερνικτ", "aeopcyxiksjdhaoepvikt")
_LEET = {"0": "o", "1": "i", "3": "e", "4": "a", "5": "s", "7": "t", "@": "a", "$": "s", "!": "i"}
_PECULIAR = re.compile(
    r"[^A-Za-zÄÖÜäöüß0-9\s.,:;?!\"'()/%&+=„“”‚‘’–—…€§#*_@$-]"
    r"|[A-Za-zÄÖÜäöüß][0-9@$!]+[A-Za-zÄÖÜäöüß]|(?<!\w)[A-Za-zÄÖÜäöüß][ .\-_*][A-Za-zÄÖÜäöüß](?!\w)"
)
_LONG_RUN = re.compile(r"(.)\1{3}", re.DOTALL)
_UMLAUT = re.compile("[ÄÖÜäöüß]")
_EXPANSIONS = {"ä": "ae", "ö": "oe", "ü": "ue", "ß": "ss", "æ": "ae", "œ": "oe", "ø": "oe"}
_DIAERESIS = "\u0308"
_LONGEST_RUN = 3


class Folded(NamedTuple):
    """A text folded for matching: ``text[i]`` stands for code points ``starts[i]`` to ``ends[i]`` of the original."""

    text: str
    starts: list[int]
    ends: list[int]

    def origin(self, start: int, end: int) -> tuple[int, int]:
        """Return the place in the original that ``text[start:end]`` stands for (not empty)."""
        return self.starts[start], self.ends[end - 1]


def legible(text: str) -> str:
    """Replace what no tokenizer can read (lone surrogates, NUL), one code point for one."""
    return _UNREADABLE.sub("\ufffd", text)


def html_to_text(html: str) -> str:
    """Turn a comment's HTML into the plain text a reader sees, with its line breaks; never raises on bad HTML."""
    if html.count("<") > _MOST_TAGS:
        # The parser takes quadratic time on tags nested very deep; nobody's comment has thousands of them.
        return unescape(_TAG.sub(" ", legible(html))).strip()
    tree = LexborHTMLParser(legible(html))
    if tree.root is None:
        return ""
    parts: list[str] = []
    # An explicit stack: a comment may nest deeper than Python's own.
    stack: list[LexborNode | str] = [tree.root]
    while stack:
        node = stack.pop()
        if isinstance(node, str):
            parts.append(node)
        elif node.tag == "-text":
            parts.append(re.sub(r"\s+", " ", node.text_content or ""))
        elif node.tag == "br":
            parts.append("\n")
        elif not _HIDDEN.fullmatch(node.tag or ""):
            edge = "\n" if _BLOCKS.fullmatch(node.tag or "") else ""
            children = list(node.iter(include_text=True))
            stack.extend([edge, *reversed(children), edge] if edge else list(reversed(children)))
    text = "".join(parts).replace("\xa0", " ")
    text = re.sub(r" *\n *", "\n", re.sub(r" +", " ", text))
    return re.sub(r"\n{3,}", "\n\n", text).strip()


def sentences(text: str) -> list[tuple[int, int]]:
    """Return where the sentences of a text lie, without the white space round them, in order."""
    found: list[tuple[int, int]] = []
    start = 0
    for mark in _SENTENCE_END.finditer(text):
        if mark.group() == ". " and _ABBREVIATION.search(text[max(start, mark.start() - 8) : mark.start()]):
            continue  # "z. B.", "Dr. ", "3. Oktober"; eight characters back are enough and keep time linear
        _add(found, text, start, mark.end())
        start = mark.end()
    _add(found, text, start, len(text))
    return found


def words(text: str) -> list[tuple[int, int]]:
    """Return where the words of a text lie; a word has at least one letter or digit."""
    return [match.span() for match in _WORD.finditer(text)]


def fold(text: str) -> Folded:
    """Fold spelling for matching: case, umlauts, accents, look-alikes, leetspeak, spaced-out and drawn-out words."""
    if not _PECULIAR.search(text):
        folded = _fold_plain(text)
        if not _LONG_RUN.search(folded.text):
            return folded
    return _fold_peculiar(text)


def _fold_peculiar(text: str) -> Folded:
    skipped = {i for match in _SPACED_OUT.finditer(text) for i in range(match.start() + 1, match.end(), 2)}
    letters: list[str] = []
    starts: list[int] = []
    ends: list[int] = []
    run = 0
    for index, char in enumerate(text):
        if index in skipped:
            continue
        for letter in _fold_character(text, index, char, letters[-1] if letters else ""):
            run = run + 1 if letters and letters[-1] == letter else 1
            if run > _LONGEST_RUN:
                ends[-1] = index + 1
                continue
            letters.append(letter)
            starts.append(index)
            ends.append(index + 1)
        if ends and unicodedata.combining(char):
            ends[-1] = index + 1
    return Folded("".join(letters), starts, ends)


def _fold_plain(text: str) -> Folded:
    """Fold a text that has nothing but case and umlauts to fold; nearly all comments are such."""
    parts: list[str] = []
    starts: list[int] = []
    ends: list[int] = []
    last = 0
    for match in _UMLAUT.finditer(text):
        at = match.start()
        parts += (text[last:at].lower(), _EXPANSIONS[text[at].lower()])
        starts += (*range(last, at), at, at)
        ends += (*range(last + 1, at + 1), at + 1, at + 1)
        last = at + 1
    parts.append(text[last:].lower())
    starts += range(last, len(text))
    ends += range(last + 1, len(text) + 1)
    return Folded("".join(parts), starts, ends)


def _fold_character(text: str, index: int, char: str, before: str) -> str:
    if char.isascii():
        stands_for_letter = char in _LEET and before.isalpha() and _letter_follows(text, index)
        return _LEET[char] if stands_for_letter else char.lower()
    lower = char.lower()
    if lower in _EXPANSIONS:
        return _EXPANSIONS[lower]
    if char == _DIAERESIS and before in "aou":
        return "e"
    if unicodedata.category(char) in ("Mn", "Me", "Cf"):
        return ""
    base = unicodedata.normalize("NFKD", lower)[0]
    return base.translate(_LOOKALIKES).lower()[0]


def _letter_follows(text: str, index: int) -> bool:
    """Whether the character after ``index``, or the one after another leetspeak sign, is a letter."""
    following = text[index + 1 : index + 3]
    return bool(following) and (
        following[0].isalpha() or (following[0] in _LEET and len(following) > 1 and following[1].isalpha())
    )


def _add(found: list[tuple[int, int]], text: str, start: int, end: int) -> None:
    piece = text[start:end]
    stripped = piece.strip()
    if stripped:
        first = start + len(piece) - len(piece.lstrip())
        found.append((first, first + len(stripped)))
