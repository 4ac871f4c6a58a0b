"""Which words of a list a token is, each word given as a stem that knows German inflection and compounds.

A hyphen in the list says where a word may go on: "idiot" is the word and its inflections, "-idiot" also the last part
of a compound, "idiot-" also goes on with anything. All stems are looked for in one pass over a token.
"""

import re
from collections.abc import Iterable
from typing import Generic, NamedTuple, TypeVar

import ahocorasick

Meaning = TypeVar("Meaning")

_INFLECTIONS = re.compile("(?:e|en|er|es|em|ern|n|s|in|innen|chen|lein|t|te|ten|ste|sten|ere|eren)?")
_LETTERS = re.compile(r"\w*")
_MASK = re.compile(r"[*#]+")
_SHORTEST_MASKED = 5
"""Length of what the list says, from which on a word is seen through stars: what is shorter could be anything."""


class _Word(NamedTuple, Generic[Meaning]):
    stem: str
    open_before: bool
    open_after: bool
    meaning: Meaning

    def is_spelled(self, token: str, last: int) -> bool:
        """Whether a token, the stem ending at its character ``last``, is this word."""
        before, after = token[: last + 1 - len(self.stem)], token[last + 1 :]
        if before and not (self.open_before and _LETTERS.fullmatch(before)):
            return False
        return bool(_INFLECTIONS.fullmatch(after) or (self.open_after and _LETTERS.fullmatch(after)))


class Stems(Generic[Meaning]):
    """Words of which each means something."""

    def __init__(self, words: Iterable[tuple[str, Meaning]]) -> None:
        """Take words as the list writes them (folded), with what they mean; a word may mean several things."""
        self._masked: list[_Word[Meaning]] = []
        by_stem: dict[str, list[_Word[Meaning]]] = {}
        for written, meaning in words:
            word = _Word(written.strip("-"), written.startswith("-"), written.endswith("-"), meaning)
            by_stem.setdefault(word.stem, []).append(word)
            if len(written) >= _SHORTEST_MASKED:
                self._masked.append(word)
        self._automaton = ahocorasick.Automaton()
        for stem, found in by_stem.items():
            self._automaton.add_word(stem, found)
        self._automaton.make_automaton()

    def meanings(self, token: str) -> set[Meaning]:
        """Return what a token means, letter by letter."""
        return {
            word.meaning
            for last, words in self._automaton.iter(token)
            for word in words
            if word.is_spelled(token, last)
        }

    def unmasked(self, token: str) -> set[Meaning]:
        """Return what a token with stars ("f*ck", "Idi##en") may mean: a star stands for a letter, or for one more."""
        letters = _MASK.sub(lambda mask: rf"\w{{1,{len(mask.group()) + 1}}}", token)
        pattern = re.compile(letters + _INFLECTIONS.pattern)
        return {word.meaning for word in self._masked if pattern.fullmatch(word.stem)}
