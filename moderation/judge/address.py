"""Whom a comment speaks to or about, and whether it shouts: plain rules over the text. Knows no scores."""

import re
from collections.abc import Iterable, Sequence
from functools import lru_cache

from moderation.judge.case import Case

_READER = re.compile(
    r"\b(?:du|dich|dir|dein|deine|deinen|deinem|deiner|deins|ihr hier|euch|euer|eure|euren|eurem|eurer|you|your|yours|"
    r"yourself|youre|ur|vorredner\w*|vorposter\w*|vorkommentator\w*|mitforist\w*|foristen|mitkommentator\w*|"
    r"kommentatoren|kommentarspalte|mitleser\w*|leserbriefschreiber\w*|commenters?|fellow readers?)\b",
)
_IHR = re.compile(r"(?:^|[.!?,:;]\s*|\b(?:seid|habt|könnt|wollt|müsst|glaubt|denkt|wisst|macht|lest)\s+)ihr\b(?!\w)")
_FORMAL = re.compile(r"(?<![.!?…:]\s)(?<!^)(?<!\n)\b(?:Sie|Ihnen|Ihre[mnrs]?|Ihr)\b")
_FORMAL_FIRST = re.compile(
    r"(?:^|[.!?…:]\s+)(?:Sie\s+(?:sind|haben|können|sollten|wissen|glauben|meinen|schreiben|müssen|wollen|werden|"
    r"würden|verstehen|tun|machen|reden|denken|kennen|scheinen|wirken)\b|Ihnen\b|"
    r"(?:Haben|Sind|Können|Wollen|Lesen|Gehen|"
    r"Lassen|Machen|Kommen|Schreiben|Denken|Glauben|Informieren)\s+Sie\b)"
)
_AUTHOR = re.compile(
    r"\b(?:autor(?:in|en|innen)?|verfasser(?:in)?|redaktion\w*|redakteur\w*|chefredakt\w*|schreiberling\w*|"
    r"schmierfink\w*|journalist\w*|journaille|journallie|reporter(?:in)?|"
    r"volont\wr\w*|praktikant(?:en|in)?|zeitung|tageszeitung|blatt|"
    r"blättchen|käseblatt|schmierblatt|schundblatt|lokalblatt|hausblatt|postille|gazette|lügenpresse|systempresse|"
    r"staatspresse|presse|medien|mainstreammedien|hofberichterstatt\w*|artikelschreiber\w*|berichterstatt\w*|"
    r"this (?:paper|rag|author|article|outlet|newspaper)|author|journalist|journalists|reporter|"
    r"editor|editors|newsroom)\b",
)
_HE = re.compile(  # "Sie" may well be "you"
    r"\b(?:[Ee]r|[Ii]hn|[Ii]hm|sie|[Dd]iese[rsnm]?|[Jj]ene[rn]?|[Dd]essen|[Dd]eren|"
    r"[Hh]e|[Hh]im|[Hh]is|[Ss]he|[Hh]er|[Tt]hey|[Tt]hem|[Tt]hose)\b"
)
_MENTION = re.compile(r"(?:^|\s)@\w+")
_MARKS = re.compile(r"(?<![!?])[!?]{3,}|(?:! ){3,}!")
_LOUD_WORDS = re.compile(r"(?<!\w)[A-ZÄÖÜẞ]{2,}(?:[\s,.!?;:\-–\"']+(?:[A-ZÄÖÜẞ]{1,}|\d+)(?![a-zäöüß\w]))*")


def signs(case: Case, places: Sequence[tuple[int, int]] = ()) -> list[float]:
    """Return what speaks for whom a comment goes against, near the ``places`` that carry it and in all of it.

    In the order of ``SIGNS``; each is 0 to about 4. No places: all of it is near.
    """
    near = " ".join(case.text[max(0, start - 60) : end + 60] for start, end in places[:20]) or case.text
    parent = case.parent.commenter if case.parent else None
    return [
        *(_addresses_reader(text, case) for text in (near, case.text)),
        *(_speaks_of_author(text, case) for text in (near, case.text)),
        float(case.parent is not None),
        float(bool(parent and _names(case.text, [parent]))),
        float(case.article is not None),
        float(bool(_HE.search(near))),
    ]


SIGNS = ("reader near", "reader", "author near", "author", "answers", "names whom it answers", "under an article", "he")
"""What `signs` returns."""


def _addresses_reader(text: str, case: Case) -> float:
    score = 0.0
    answering = case.parent is not None
    small = text.lower()
    if _READER.search(small) or _IHR.search(small):
        score += 1.0
    if _FORMAL.search(text) or _FORMAL_FIRST.search(text):
        score += 1.0 if answering else 0.5
    if _MENTION.search(text):
        score += 1.0
    if case.parent and case.parent.commenter and _names(text, [case.parent.commenter]):
        score += 1.5
    return score


def _speaks_of_author(text: str, case: Case) -> float:
    score = 0.0
    if _AUTHOR.search(text.lower()):
        score += 1.2
    if case.article and _names(text, case.article.authors):
        score += 1.5
    return score


def _names(text: str, names: Iterable[str]) -> bool:
    """Whether one of the names, or its first part of three letters or more, stands in the text as a word of its own."""
    for name in (name[:80] for name in names):
        for part in {name, *re.split(r"[\s_.\-\d]+", name)}:
            if len(part) >= 3 and re.search(rf"(?<!\w){re.escape(part)}(?!\w)", text, re.IGNORECASE):
                return True
    return False


def shouted(text: str) -> list[tuple[int, int]]:
    """Return the places where a comment shouts: rows of exclamation marks, and capitals for three words or more."""
    places = _rows_of_marks(text)
    for match in _LOUD_WORDS.finditer(text):
        loud = re.findall(r"[A-ZÄÖÜẞ]{2,}", match.group())
        if len(loud) >= 3 and sum(map(len, loud)) >= 12:
            places.append((match.start(), match.end()))
    return _merged(places)


def _rows_of_marks(text: str) -> list[tuple[int, int]]:
    if "!!!" not in text and "! ! !" not in text and "?" not in text:
        return []  # as nearly always
    return [match.span() for match in _MARKS.finditer(text) if match.group().count("!") >= 3]


def _merged(places: list[tuple[int, int]]) -> list[tuple[int, int]]:
    merged: list[tuple[int, int]] = []
    for start, end in sorted(places):
        if merged and start <= merged[-1][1]:
            merged[-1] = (merged[-1][0], max(end, merged[-1][1]))
        else:
            merged.append((start, end))
    return merged


@lru_cache(maxsize=256)  # asked for as a clue and as a kind
def loudness(text: str) -> float:
    """Return the probability that a reader says "this shouts": a rule over capitals and exclamation marks."""
    letters = sum(map(str.isalpha, text))
    capitals = sum(map(str.isupper, text))
    covered = sum(end - start for start, end in shouted(text))
    share = capitals / letters if letters >= 12 else 0.0
    marks = sum(end - start for start, end in _rows_of_marks(text))
    if share > 0.7:
        return 0.95
    score = 0.02 + 0.25 * min(1.0, marks / 4) + 0.7 * min(1.0, max(0, covered - marks) / 30)
    return min(0.97, score)
