"""A spelling folded for matching only: case, umlauts, look-alikes, leetspeak, spaced-out and drawn-out words.

Takes time in proportion to the text, whatever the text. Offsets are code points.
"""

import re
import unicodedata
from bisect import bisect_right
from collections.abc import Sequence
from functools import lru_cache
from typing import NamedTuple, overload

_LETTER = "[A-Za-zÄÖÜäöüß]"
_SIGN = r"[0-9@$!|€§]"
_ONE = r"(?:[^\W_]|[@$!|€§])"
_BETWEEN = r"[ .,\-_*/·~\t\xa0]{1,3}"
_SPACED_OUT = re.compile(rf"(?<![^\W_]){_ONE}(?:{_BETWEEN}{_ONE}){{3,}}(?![^\W_])")
_FEWEST_LETTERS = 3
_FOREIGN = re.compile(r"[^A-Za-zÄÖÜäöüß0-9\s.,:;?!\"'()/%&+=„“”‚‘’–—…#_*@$-]")
_SIGN_BEFORE_LETTER = re.compile(_SIGN + _LETTER)
_SIGN_FOR_LETTER = re.compile(rf"{_LETTER}{_SIGN}+{_LETTER}|(?<!\w){_SIGN}{{1,2}}{_LETTER}")
_APART = re.compile(rf"(?<![^\W_]){_ONE}{_BETWEEN}{_ONE}{_BETWEEN}{_ONE}(?![^\W_])")
_LEET = dict(zip("01345789@$!|€§", "oieastbgasiies", strict=True))
_RUN = re.compile(rf"{_ONE}+")
_LONG_RUN = re.compile(r"(.)\1{3}", re.DOTALL)
_UMLAUT = re.compile("[ÄÖÜäöüß]")
_EXPANSIONS = {"ä": "ae", "ö": "oe", "ü": "ue", "ß": "ss", "æ": "ae", "œ": "oe", "ø": "oe"}
_DIAERESIS = "\u0308"
_LONGEST_RUN = 3
_DRAWN_ALIKE = dict(zip("аеорсухікѕјԁһнтмвгиαοερνικτηωυ", "aeopcyxiksjdhhtmbruaoepviktnwu", strict=True))
_LETTER_SYMBOL = re.compile("(?:LATIN (?:CAPITAL|SMALL)|REGIONAL INDICATOR SYMBOL) LETTER ([A-Z])")


class _Places(Sequence[int]):
    """Where characters lie in the original when some became two: ``seconds`` are the places of the second ones."""

    def __init__(self, length: int, seconds: list[int], first: int) -> None:
        self._range = range(length)
        self._seconds = seconds
        self._first = first

    def __len__(self) -> int:
        return len(self._range)

    @overload
    def __getitem__(self, index: int) -> int: ...

    @overload
    def __getitem__(self, index: slice) -> list[int]: ...

    def __getitem__(self, index: int | slice) -> int | list[int]:
        if isinstance(index, slice):
            return [self[place] for place in self._range[index]]
        place = self._range[index]
        return place - bisect_right(self._seconds, place) + self._first


class Folded(NamedTuple):
    """A text folded for matching: ``text[i]`` stands for code points ``starts[i]`` to ``ends[i]`` of the original."""

    text: str
    starts: Sequence[int]
    ends: Sequence[int]

    def origin(self, start: int, end: int) -> tuple[int, int]:
        """Return the place in the original that ``text[start:end]`` stands for (not empty)."""
        return self.starts[start], self.ends[end - 1]


def fold(text: str) -> Folded:
    """Fold the spelling of a text; a run of one letter keeps three of it at most."""
    if not _is_peculiar(text):
        folded = _fold_plain(text)
        if not _LONG_RUN.search(folded.text):
            return folded
    return _fold_peculiar(text)


def _is_peculiar(text: str) -> bool:
    """Whether a text has more to fold than case and umlauts."""
    # The dear patterns last, and where a cheap one says that they may match.
    return bool(
        _FOREIGN.search(text)
        or (_SIGN_BEFORE_LETTER.search(text) and _SIGN_FOR_LETTER.search(text))
        or _APART.search(text)
    )


def _fold_plain(text: str) -> Folded:
    """Fold a text that has nothing but case and umlauts to fold; nearly all comments are such."""
    seconds = [match.start() + count for count, match in enumerate(_UMLAUT.finditer(text), start=1)]
    folded = text.lower()
    for umlaut in "äöüß" if seconds else "":
        folded = folded.replace(umlaut, _EXPANSIONS[umlaut])
    return Folded(folded, _Places(len(folded), seconds, 0), _Places(len(folded), seconds, 1))


def _fold_peculiar(text: str) -> Folded:
    skipped = _separators(text)
    letters: list[str] = []
    starts: list[int] = []
    ends: list[int] = []
    for index, char in enumerate(text):
        if index in skipped:
            continue
        if char == _DIAERESIS and letters and letters[-1] in "aou":
            found = "e"
        else:
            found = char.lower() if char.isascii() else _letters(char)
        for letter in found:
            letters.append(letter)
            starts.append(index)
            ends.append(index + 1)
        if ends and unicodedata.combining(char):
            ends[-1] = index + 1
    return _shorten_runs(_read_leet("".join(letters)), starts, ends)


def _separators(text: str) -> set[int]:
    """Return where the signs stand that only hold the letters of a word apart."""
    found: set[int] = set()
    for match in _SPACED_OUT.finditer(text):
        apart = [index for index in range(match.start(), match.end()) if _RUN.match(text[index])]
        if sum(text[index].isalpha() for index in apart) >= _FEWEST_LETTERS:
            found.update(set(range(match.start(), match.end())).difference(apart))
    return found


def _read_leet(text: str) -> str:
    """Replace signs that stand for letters; the text keeps its length."""
    return _RUN.sub(lambda match: _read_run(match.group()), text)


def _read_run(run: str) -> str:
    if run.isalpha() or sum(map(str.isalpha, run)) < 2:
        return run
    read: list[str] = []
    for index, char in enumerate(run):
        after = run[index + 1 : index + 3]
        goes_on = bool(after) and (after[0].isalpha() or (after[0] in _LEET and after[1:].isalpha()))
        begun = read[-1].isalpha() if read else after[:1].isalpha()
        read.append(_LEET[char] if char in _LEET and goes_on and begun else char)
    return "".join(read)


def _shorten_runs(text: str, starts: list[int], ends: list[int]) -> Folded:
    letters: list[str] = []
    places: list[tuple[int, int]] = []
    run = 0
    for letter, start, end in zip(text, starts, ends, strict=True):
        run = run + 1 if letters and letters[-1] == letter else 1
        if run > _LONGEST_RUN:
            places[-1] = (places[-1][0], end)
            continue
        letters.append(letter)
        places.append((start, end))
    return Folded("".join(letters), [start for start, _ in places], [end for _, end in places])


@lru_cache(maxsize=8192)
def _letters(char: str) -> str:
    """Return what a character that is not ASCII stands for, "" for a mark or something that is not seen."""
    lower = char.lower()
    if lower in _EXPANSIONS:
        return _EXPANSIONS[lower]
    category = unicodedata.category(char)
    if category in ("Mn", "Me", "Cf"):
        return ""
    if category == "So":
        letter = _LETTER_SYMBOL.search(unicodedata.name(char, ""))
        return letter[1].lower() if letter else char
    plain = unicodedata.normalize("NFKD", lower)
    plain = "".join(c for c in plain if not unicodedata.combining(c)) if char.isalpha() else plain[0]
    alike = _lookalikes()
    return "".join(alike.get(c, c) for c in plain or char).lower()


@lru_cache(maxsize=1)
def _lookalikes() -> dict[str, str]:
    """Return the characters that look like a Latin letter, by Unicode's own table and a few that are drawn so."""
    # Imported here: the table takes a tenth of a second, and most texts need none of it.
    from confusable_homoglyphs.confusables import confusables_data  # noqa: PLC0415

    found = {
        char: other["c"].lower()
        for char, others in confusables_data.items()
        if not char.isascii()
        for other in others
        if other["c"].isascii() and other["c"].isalpha() and len(other["c"]) == 1
    }
    return found | _DRAWN_ALIKE
