"""What text is made of: HTML to plain text, sentences and words.

Everything here takes time in proportion to the text, whatever the text. Offsets are code points.
"""

import re
from html import unescape

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


def word_count(text: str) -> int:
    """Return how many words a text has."""
    return len(_WORD.findall(text))


def _add(found: list[tuple[int, int]], text: str, start: int, end: int) -> None:
    piece = text[start:end]
    stripped = piece.strip()
    if stripped:
        first = start + len(piece) - len(piece.lstrip())
        found.append((first, first + len(stripped)))
