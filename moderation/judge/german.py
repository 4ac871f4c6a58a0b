"""What is known of German words: which there are, which forms a word has, and whether a word is put together of others.

The words are those of the package simplemma. Everything here is in folded spelling (see ``folding``).
"""

import re
from collections.abc import Iterator, Mapping
from functools import lru_cache

from simplemma.strategies.dictionaries.stream_dictionary_factory import StreamDictionaryFactory

LINKS = ("", "s", "n", "en", "es", "er", "e", "ens")
"""What may stand between the parts of a compound."""

LONGEST = 60
"""Letters of a word that is taken apart; longer ones are not."""

_SHORTEST_BEGINNING = 3
_SHORTEST_END = 4
_LONG = 6
_ALWAYS = ("n", "in", "innen", "chen", "lein")
_OF_VERBS = ("e", "st", "t", "te", "ten", "test", "end", "")
_OF_UMLAUTS = ("", "e", "er", "en", "ern", "n")
_DEGREES = ("ere", "eren", "erer", "eres", "erem", "ste", "sten", "ster", "stes", "stem")
_UMLAUTS = (("ae", "ä"), ("oe", "ö"), ("(?<![aeäöq])ue", "ü"))
_SHORT_PARTS = re.compile(
    "alm|alt|amt|arm|bad|bau|bus|dom|ehe|eis|erz|fan|gas|gut|hof|hut|kot|kuh|lob|mut|neo|neu|not|ohr|ost|rad|rat|rot|rum|"
    "sau|see|sex|tag|tal|tat|tee|tod|ton|tor|tot|uhr|uni|web|weg|wut|zug"
)
_PREFIX = re.compile("giga|hyper|mega|mini|ober|pseudo|super|ultra")
_STEM_VOWELS = {"a": "ae", "o": "oe", "u": "ue"}


def is_noun(word: str) -> bool:
    """Whether there is a noun that is spelled so."""
    return _lemma(word, noun=True) is not None


def is_other(word: str) -> bool:
    """Whether there is a word that is spelled so and is no noun."""
    return _lemma(word, noun=False) is not None


@lru_cache(maxsize=1 << 17)
def is_known(word: str) -> bool:
    """Whether there is a German word that is spelled so."""
    return is_noun(word) or is_other(word)


def lemmas(word: str) -> set[str]:
    """Return the words that a folded word is a form of, as they are written; empty where it is unknown.

    Where it is the first form of a word ("Hure"), what else it may be a form of ("huren") does not count.
    """
    found = _all_lemmas(word)
    return {lemma for lemma in found if _folded(lemma) == word} or found


def forms(word: str) -> set[str]:
    """Return the inflected forms of a word, itself among them: cases, numbers, feminine and diminutive, degrees.

    Forms by the endings that any word may take are there whether anybody has seen them or not; of short words only
    those that are not known as forms of something else ("Sau", but "sauer"). An umlaut ("Säue", "dümmer") is there only
    where simplemma has it. Verbs are inflected regularly.
    """
    own = lemmas(word)
    found = {word}
    if any(lemma.islower() for lemma in own) and word.endswith("n"):
        stem = word.removesuffix("en") if word.endswith("en") else word.removesuffix("n")
        found |= {stem + ending for ending in _OF_VERBS} | {f"ge{stem}t", f"ge{stem}en"}
    for ending in _endings(word):
        form = word + ending
        if len(word) >= _LONG or ending in _ALWAYS or not (known := _all_lemmas(form)) or own & known:
            found.add(form)
    umlaut = _with_umlaut(word)
    for ending in _OF_UMLAUTS if own else ():
        if umlaut and own & _all_lemmas(umlaut + ending):
            found |= {umlaut + ending} | ({umlaut + degree for degree in _DEGREES} if ending == "er" else set())
    return found


def _endings(word: str) -> tuple[str, ...]:
    if word.endswith("e"):
        return ("n", "s", "r", "m")
    if word[-1] in "aiouy":
        return ("s", "n", "in", "innen")
    return ("e", "en", "er", "es", "em", "s", "n", "in", "innen", "chen", "lein")


def _with_umlaut(word: str) -> str | None:
    """Return the word with an umlaut in its last syllable, None where there is nothing to change."""
    stem = word.removesuffix("e")
    at = max(stem.rfind(vowel) for vowel in _STEM_VOWELS)
    if at > 0 and stem[at - 1 : at + 1] == "au":
        at -= 1
    return stem[:at] + _STEM_VOWELS[stem[at]] + stem[at + 1 :] if at >= 0 else None


@lru_cache(maxsize=1 << 14)
def is_weak(noun: str) -> bool:
    """Whether a noun is declined weakly (der Idiot, des Idioten): such a one never begins a compound without "en"."""
    lemma = _lemma(noun, noun=True)
    has_n = any(_lemma(noun + ending, noun=True) == lemma for ending in ("en", "n"))
    return has_n and not any(_lemma(noun + ending, noun=True) == lemma for ending in ("s", "es"))


@lru_cache(maxsize=1 << 16)
def beginning(text: str) -> int:
    """Return of how many words, linked to what follows, the beginning of a compound may be: 1 or 2; 0 is not at all."""
    if any(_is_part(stem) for stem in _unlinked(text)):
        return 1
    cuts = range(_SHORTEST_BEGINNING, len(text) - _SHORTEST_BEGINNING + 1)
    return 2 * any(
        any(_is_part(stem) for stem in _unlinked(text[:at])) and any(_is_part(stem) for stem in _unlinked(text[at:]))
        for at in cuts
    )


@lru_cache(maxsize=1 << 16)
def is_end(text: str) -> bool:
    """Whether a compound may end with it: a word, or several."""
    return len(text) >= _SHORTEST_END and (is_known(text) or any(splits(text)))


def splits(word: str) -> Iterator[tuple[str, str, str]]:
    """Yield each way to read a word as two known ones: the first, what links it, and the second."""
    for at in range(_SHORTEST_BEGINNING, len(word) - _SHORTEST_BEGINNING + 1):
        second = word[at:]
        if is_known(second) if len(second) >= _SHORTEST_END else _SHORT_PARTS.fullmatch(second):
            for stem in _unlinked(word[:at]):
                if _is_part(stem):
                    yield stem, word[len(stem) : at], second


def cost(parts: int, link: str = "") -> int:
    """Return how far-fetched a reading of a compound is: by the number of its parts, then by what links them."""
    return 10 * parts + LINKS.index(link)


@lru_cache(maxsize=1 << 17)
def _is_part(stem: str) -> bool:
    """Whether a compound may begin with a word: a noun, an adjective, the stem of a verb, or a few others."""
    if len(stem) <= _SHORTEST_BEGINNING:
        return bool(_SHORT_PARTS.fullmatch(stem))
    if _PREFIX.fullmatch(stem) or is_noun(stem):
        return True
    own = _lemma(stem, noun=False)
    is_adjective = own is not None and _lemma(stem + "es", noun=False) == own
    return is_adjective or _lemma(stem + "en", noun=False) is not None


def _unlinked(text: str) -> Iterator[str]:
    """Yield a beginning without each thing it may be linked with."""
    for link in LINKS:
        stem = text.removesuffix(link) if link else text
        if (not link or len(stem) < len(text)) and len(stem) >= _SHORTEST_BEGINNING:
            yield stem


def _all_lemmas(word: str) -> set[str]:
    return {found for noun in (True, False) if (found := _lemma(word, noun=noun)) is not None}


def _folded(word: str) -> str:
    lower = word.lower()
    for plain, umlaut in (("ae", "ä"), ("oe", "ö"), ("ue", "ü"), ("ss", "ß")):
        lower = lower.replace(umlaut, plain)
    return lower


@lru_cache(maxsize=1 << 17)
def _lemma(word: str, *, noun: bool) -> str | None:
    """Return the word that a folded one is a form of, as it is written; None where it is unknown."""
    for spelling in _spellings(word):
        found = _dictionary().get(spelling.capitalize() if noun else spelling)
        if found is not None:
            return found
    return None


def _spellings(word: str) -> Iterator[str]:
    yield word
    umlauts = word
    for plain, umlaut in _UMLAUTS:
        umlauts = re.sub(plain, umlaut, umlauts)
    if umlauts != word:
        yield umlauts
    if "ss" in word:
        yield umlauts.replace("ss", "ß")


@lru_cache(maxsize=1)
def _dictionary() -> Mapping[str, str]:
    """Load the words, in the form that takes 23 MB and a second and a half."""
    return StreamDictionaryFactory().get_dictionary("de")
