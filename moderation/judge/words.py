"""A site's own word list: finds its words in a text, inflected, in compounds and however masked. Knows no rules.

``Idiot`` meets "Idioten", "Vollidiot", "Idiot:innen", "1d10t" and "Idi*t", but not "Idiotikon"; ``arsch`` meets
"Arschloch", but not "Marsch". Derived words ("idiotisch") are words of their own and need an entry of their own.
"""

import re
from collections.abc import Iterable, Iterator, Sequence
from functools import lru_cache
from typing import Any, LiteralString, NamedTuple

import ahocorasick

from moderation.judge import german
from moderation.judge.folding import Folded, fold

SHORTEST = 3
"""Letters an entry needs: shorter ones stand in nearly every text."""

LONGEST = 100
"""Characters an entry may have."""

MOST = 10_000
"""Entries a list may have."""

_EVERYWHERE = re.compile(
    "aber|alle|als|also|and|are|auch|auf|aus|bei|bin|bis|but|das|dass|dem|den|der|des|die|dir|doch|ein|eine|einem|einen|"
    "einer|eines|for|from|hat|hatte|ich|ihm|ihn|ihr|ist|kann|kein|keine|man|mehr|mein|mich|mir|mit|nach|nicht|noch|not|"
    "nur|ohne|oder|schon|sehr|sein|sich|sie|sind|the|this|uns|und|unter|vom|von|vor|war|was|wenn|wer|wie|wir|wird|with|"
    "wurde|you|zum|zur|"
    # endings and beginnings that a great many words have
    "bar|ent|ern|haft|heit|ieren|isch|keit|lich|lein|ling|los|mal|nis|sam|schaft|ter|tum|ung|ungen|ver|zer"
)
_GROUP = re.compile(r"[^\W\d_]+(?:[-_.'’·*#•]+[^\W\d_]+)*[*#•]*")
_PIECE = re.compile(r"[^\W\d_]+")
_MASK = re.compile("[*#•]+")
_MASKED_LETTERS = 4
_SHORT = 4
_LONG_RUN = re.compile(r"(.)\1{2,}")
_GENDERED = re.compile(r"(?:[:*_/·]-?|\()inn?(?:en)?\)?(?:en)?(?![^\W\d_])")
_REMEMBERED = 1 << 16


class WordListError(ValueError):
    """An entry that cannot be used; the message says which and why.

    ``code`` names the case for whoever says it in another language, ``template`` is the English sentence with places
    for ``values``.
    """

    def __init__(self, code: str, template: LiteralString, **values: object) -> None:
        """Make the message of its parts."""
        super().__init__(template.format(**values))
        self.code, self.template, self.values = code, template, values


class Place(NamedTuple):
    """Where an entry was met: ``text[start:end]`` in code points, the whole word; and the entry as it was given."""

    start: int
    end: int
    word: str


class WordList:
    """Words and phrases, ready to be looked for: made once, then as quick for ten thousand as for ten."""

    def __init__(self, words: Iterable[str], *, excepted: Iterable[str] = ()) -> None:
        """Make a list of ``words`` that never meets the words of ``excepted``; raises WordListError."""
        self.words = tuple(words)
        if len(self.words) > MOST:
            raise WordListError(
                "words_many", "a list holds {most} words at most, this one has {many}", most=MOST, many=len(self.words)
            )
        self._excepted = {form for word in excepted for form in _all_forms(" ".join(check(word)))}
        self._forms: dict[str, int] = {}
        self._phrases: dict[str, int] = {}
        self._weak: set[int] = set()
        self._nouns: set[int] = set()
        self._bases: list[str] = []
        for number, word in enumerate(self.words):
            *before, last = check(word)
            self._bases.append(last)
            for form in _all_forms(last):
                (self._phrases if before else self._forms).setdefault(" ".join((*before, form)), number)
            if german.is_weak(last):
                self._weak.add(number)
            if german.is_noun(last) and not any(lemma.islower() for lemma in german.lemmas(last)):
                self._nouns.add(number)
        self._inside = _automaton(self._forms)
        self._in_row = _automaton({f" {phrase} ": number for phrase, number in self._phrases.items()})
        self._entry = lru_cache(maxsize=_REMEMBERED)(self._look_up)

    def find(self, text: str) -> list[Place]:
        """Return where entries stand in a text, in order, none overlapping another; in time linear to the text."""
        folded = fold(text)
        found = [*self._phrases_in(folded), *self._words_in(folded, text)]
        kept: list[Place] = []
        for place in sorted(found, key=lambda place: (place.start, -place.end)):
            if not kept or place.start >= kept[-1].end:
                kept.append(place)
        return kept

    def _words_in(self, folded: Folded, text: str) -> Iterator[Place]:
        for group in _GROUP.finditer(folded.text):
            for start, end, number in self._in_group(folded, group, text):
                gendered = _GENDERED.match(folded.text, end)
                yield Place(*folded.origin(start, gendered.end() if gendered else end), self.words[number])

    def _in_group(self, folded: Folded, group: re.Match[str], text: str) -> Iterator[tuple[int, int, int]]:
        """Yield what is met in words that only hyphens, stars and such hold together."""
        met = False
        pieces = [piece.span() for piece in _PIECE.finditer(folded.text, *group.span())]
        for start, end in pieces:
            for first, last in _readings(folded, text, start, end):
                number = self._meet(folded, text, first, last)
                if number is not None:
                    met = True
                    yield first, last, number
                    break
        if met or len(group.group()) == pieces[0][1] - pieces[0][0] or len(group.group()) > german.LONGEST:
            return
        masked = _MASK.search(group.group())
        number = self._unmask(group.group()) if masked else self._entry("".join(_PIECE.findall(group.group())))
        if number is not None:
            yield *group.span(), number

    def _meet(self, folded: Folded, text: str, start: int, end: int) -> int | None:
        """Return the number of the entry that a piece of the folded text meets, in any way it may be spelled."""
        token = folded.text[start:end]
        places = folded.starts[start:end]
        spaced = folded.ends[end - 1] - places[0] >= 2 * len(token) - 1 > 1
        umlauts = tuple(at for at in range(1, len(token)) if places[at] == places[at - 1])
        for spelling in _spellings(token, [text[place] for place in places]):
            cuts = umlauts if len(spelling) == len(token) else ()
            number = self._within(spelling) if spaced else self._entry(spelling, cuts)
            if number is not None:
                return number
        return None

    def _look_up(self, token: str, inseparable: tuple[int, ...] = ()) -> int | None:
        """Return the entry that a word is a form or a compound of; None where it is none, or excepted.

        No part begins at the places that are ``inseparable``: the second letter of an umlaut ("Brösel" has no "Esel").
        """
        if token in self._excepted:
            return None
        number = self._forms.get(token)
        if number is not None or len(token) > german.LONGEST or not self._forms:
            return number
        hits: list[tuple[int, int, str, int]]
        hits = [(len(form), end + 1, form, entry) for end, (form, entry) in self._inside.iter(token)]
        for length, end, form, entry in sorted(hits, reverse=True):
            start = end - length
            if start not in inseparable and end not in inseparable and self._stands(token, (start, end), form, entry):
                return entry
        return None

    def _stands(self, token: str, place: tuple[int, int], form: str, entry: int) -> bool:
        """Whether an entry's form is a part of a compound there, and no other reading of it is nearer at hand."""
        before, after = token[: place[0]], token[place[1] :]
        link = ""
        if after:
            bare = form == self._bases[entry]
            if bare and entry in self._weak:
                return False
            links = [link for link in (german.LINKS if bare else ("",)) if after.startswith(link)]
            fitting = [link for link in links if german.is_end(after[len(link) :])]
            if not fitting:
                return False
            link = fitting[0]
        if not after and entry in self._nouns and german.is_other(token):
            return False  # "schaffen": a word that is no noun does not end with one
        parts = german.beginning(before) if before else 0
        if before and not parts:
            return False
        # A reading that is just as near at hand counts only against a short entry ("Bau-schaffen", not "Bausch-affen").
        own = german.cost(parts + 1 + bool(after), link) + (len(self._bases[entry]) <= _SHORT)
        return not any(
            german.cost(2, other) < own and entry not in (self._entry(first), self._entry(second))
            for first, other, second in german.splits(token)
        )

    def _within(self, letters: str) -> int | None:
        """Return an entry of four letters or more that stands anywhere in letters that were spaced out."""
        hits = [(len(form), entry) for _, (form, entry) in self._inside.iter(letters)] if self._forms else []
        longest: tuple[int, int | None] = max((hit for hit in hits if hit[0] > SHORTEST), default=(0, None))
        return longest[1]

    def _unmask(self, token: str) -> int | None:
        """Return the entry that a word with stars in place of letters can be read as."""
        masked = _MASK.findall(token)
        hidden = sum(map(len, masked))
        if hidden > min(_MASKED_LETTERS, len(token) - hidden) or not self._forms:
            return None
        pattern = _MASK.sub(lambda mask: "?" * len(mask.group()), token)
        forms: Iterator[str] = self._inside.keys(pattern, "?", ahocorasick.MATCH_EXACT_LENGTH)
        return next((self._forms[form] for form in forms), None)

    def _phrases_in(self, folded: Folded) -> Iterator[Place]:
        if not self._phrases:
            return
        tokens = [match.span() for match in _PIECE.finditer(folded.text)]
        row = f" {' '.join(folded.text[start:end] for start, end in tokens)} "
        begins: dict[int, int] = {}
        ends: dict[int, int] = {}
        at = 1
        for start, end in tokens:
            begins[at], ends[at + end - start] = start, end
            at += end - start + 1
        for last, (phrase, entry) in self._in_row.iter(row):
            yield Place(
                *folded.origin(begins[last - len(phrase) + 2], ends[last]),
                self.words[entry],
            )


def check(word: str) -> tuple[str, ...]:
    """Return the parts of an entry in folded spelling; raises WordListError where it cannot be used."""
    parts = tuple(_PIECE.findall(fold(word[: LONGEST + 1]).text))
    if not parts:
        raise WordListError("word_unlettered", "“{word}” has no letters", word=word[:40])
    if len(word) > LONGEST:
        raise WordListError("word_long", "“{word}…” is longer than {most} characters", word=word[:40], most=LONGEST)
    if len("".join(parts)) < SHORTEST:
        raise WordListError("word_short", "“{word}” is too short: it would be found in nearly every text", word=word)
    if len(parts) == 1 and _EVERYWHERE.fullmatch(parts[0]):
        raise WordListError("word_everywhere", "“{word}” stands in nearly every text", word=word)
    return parts


def _all_forms(word: str) -> set[str]:
    """Return the forms of a folded word, and of the word that it is a form of."""
    found = german.forms(word)
    for lemma in german.lemmas(word):
        folded = fold(lemma).text
        if folded != word and not _EVERYWHERE.fullmatch(folded):
            found |= german.forms(folded)
    return found


def _automaton(forms: dict[str, int]) -> Any:
    made = ahocorasick.Automaton()
    for form, number in forms.items():
        made.add_word(form, (form, number))
    if forms:
        made.make_automaton()
    return made


def _readings(folded: Folded, text: str, start: int, end: int) -> Iterator[tuple[int, int]]:
    """Yield a word, then its pieces where capitals or signs inside it say that it may be several ("DuIdiot")."""
    yield start, end
    first = start
    for place in range(start + 1, end):
        char, before = text[folded.starts[place]], text[folded.starts[place - 1]]
        if (char.isupper() and before.islower()) or not char.isalnum():
            if first < place:
                yield first, place
            first = place + (not char.isalnum())
    if start < first < end:
        yield first, end


def _spellings(token: str, originals: Sequence[str]) -> Iterator[str]:
    """Yield the ways a word may be spelled: as it stands, with shorter runs of a letter, with each 1 read as an l."""
    yield token
    if _LONG_RUN.search(token):
        yield _LONG_RUN.sub(r"\1\1", token)
        yield _LONG_RUN.sub(r"\1", token)
    if any(char in "1|" for char in originals):
        yield "".join("l" if char in "1|" else letter for char, letter in zip(originals, token, strict=True))
