"""Finds words that often carry disrespect, knowing German compounds, inflection, folded spelling and a little context.

What it finds are clues for tone, never verdicts. The words themselves are in ``lexicon.toml``.
"""

import re
import tomllib
from collections.abc import Iterator
from functools import lru_cache
from importlib.resources import files
from typing import Any, NamedTuple

from moderation.judge.case import Kind
from moderation.judge.folding import fold
from moderation.judge.stems import Stems

STRENGTHS = {"strong": 1.0, "mild": 0.5}
"""How much a word counts before its context is looked at."""

_LONGEST_WORD = 60
_KINDS = tuple(Kind)
_TOKEN = re.compile(r"[^\W_]+(?:[*#]{1,8}[^\W_]+)*[*#]*")
_REPEATED = re.compile(r"(.)\1{2,}")
_GENDERED = re.compile(r"\*(?:in|innen|r|n)\Z")

_NEGATIONS = frozenset(
    [
        "kein",
        "keine",
        "keinen",
        "keinem",
        "keiner",
        "keines",
        "nicht",
        "nie",
        "niemals",
        "weder",
        "ohne",
        "no",
        "not",
        "never",
        "neither",
        "nor",
        "isnt",
        "arent",
        "dont",
    ]
)
_FIRST_PERSON = frozenset(["ich", "mich", "mir", "bin", "i", "im", "me", "am", "myself", "selber"])
_REPORTING = re.compile(
    r"\b(?:nenn\w*|genannt\w*|beschimpf\w*|"
    r"bezeichn\w*|titulier\w*|wort|woerter|ausdruck|ausdruecke|begriff\w*|sagt\w*|schrieb|"
    r"schreib\w*|rief|ruft|rufen|gerufen|schrei|schreit|schreien|schrie\w*|geschrien|bruell\w*|gebruellt|"
    r"call\w*|word|words|said|says|shout\w*|yell\w*|chant\w*|quote\w*|zitat\w*|zitier\w*)\b"
)
_THROWN = re.compile(
    r"\b(?:(?:[Dd]u|[Ii]hr)(?: bist| seid)?|(?:Sie|[Yy]ou)(?: sind| are|['’]re)?)"
    r"(?: (?:ein|eine|a|an|such an?|so ein))?(?: \w+)? \Z"
)
_DISMISSED = re.compile(
    r"\b(?:verpiss(?:t|en)? (?:dich|euch|sie sich)|fickt? (?:dich|euch)|"
    r"geht? (?:doch )?(?:sterben|schei(?:ß|ss)en|kacken)|"
    r"halt(?:et|en sie)?(?: einfach| endlich| doch| mal| bloß)* ?(?:die|deine|eure|ihre|das|dein|euer|ihr|['’]?s) ?"
    r"(?:fresse|schnauze|klappe|maul|goschn|gosche)|"
    r"(?:fuck|screw) (?:you|u|off|yourself)|(?:piss|sod|bugger) off|eat shit|"
    r"shut (?:the (?:fuck|hell) up|your (?:mouth|trap|face|gob)))\b"
)
_QUOTED = re.compile('[„“"«»‚‘”]([^„“"«»‚‘”\n]{1,120})[“”"«»‘’]')


class Hit(NamedTuple):
    """A word that often carries a kind: its place in the original (code points) and its strength in context, 0 to 1."""

    start: int
    end: int
    kind: Kind
    strength: float
    plain: float


def find(text: str, language: str | None) -> list[Hit]:
    """Return the clues in a text, in order; where two kinds share a word, each has its own hit."""
    folded = fold(text)
    tokens = [(match.start(), match.end(), match.group()) for match in _TOKEN.finditer(folded.text)]
    quoted = bytearray(len(text))
    for match in _QUOTED.finditer(text):
        quoted[match.start(1) : match.end(1)] = b"\1" * len(match.group(1))
    spoken = language if language in ("de", "en") else ""
    hits: list[Hit] = []
    for index, (start, end, token) in enumerate(tokens):
        kinds = _classify(token, spoken)
        if not kinds:
            continue
        origin = folded.origin(start, end)
        if text[origin[0]] == "@" and _classify(token[1:], spoken):
            continue  # a name with such a word in it; where only the sign makes it one, it stands for an a
        before = [word for _, _, word in tokens[max(0, index - 4) : index]]
        around = folded.text[max(0, start - 100) : end + 100]
        factor = _context(before, around, bool(quoted[origin[0]]))
        hits.extend(Hit(*origin, kind, plain * factor, plain) for kind, plain in kinds)
    return hits


def thrown(text: str, hits: list[Hit]) -> Kind | None:
    """Return what is thrown at somebody at once: a strong insult after "du", "ihr", "Sie" or "you", as in "Sie sind ein
    Trottel", or a coarse dismissal that nobody quotes, as in "Verpiss dich"; None where nothing is.
    """
    for hit in hits:
        before = text[max(0, hit.start - 40) : hit.start]
        if hit.kind is Kind.INSULT and hit.strength >= 1 and _THROWN.search(before):
            return Kind.INSULT
    spoken = _QUOTED.sub("\n", text).lower()
    return Kind.PROFANITY if _DISMISSED.search(spoken) else None


def _context(before: list[str], around: str, quoted: bool) -> float:
    """Return what is left of a word's strength where it is negated, said of oneself, or quoted and spoken about."""
    if any(word in _NEGATIONS for word in before[-3:]):
        return 0.4
    if any(word in _FIRST_PERSON for word in before):
        return 0.5
    if quoted:
        return 0.3 if _REPORTING.search(around) else 0.6
    return 1.0


@lru_cache(maxsize=32768)
def _classify(token: str, language: str) -> tuple[tuple[Kind, float], ...]:
    if len(token) > _LONGEST_WORD:
        return ()
    clues, excepted = _clues()[language], _excepted()
    spellings = {token, _REPEATED.sub(r"\1\1", token), _REPEATED.sub(r"\1", token)}
    found = {clue for each in spellings for clue in clues.meanings(each) if not excepted.meanings(each)}
    if ("*" in token or "#" in token) and not _GENDERED.search(token):
        found |= clues.unmasked(token)
    strongest: dict[Kind, float] = {}
    for kind, strength in sorted(found, key=_rank):
        strongest.setdefault(kind, strength)
    return tuple(strongest.items())


def _rank(clue: tuple[Kind, float]) -> tuple[int, float]:
    """Sort by kind, the strongest of each first."""
    kind, strength = clue
    return _KINDS.index(kind), -strength


@lru_cache(maxsize=1)
def _table() -> dict[str, Any]:
    return tomllib.loads((files("moderation.judge") / "lexicon.toml").read_text(encoding="utf-8"))


@lru_cache(maxsize=1)
def _excepted() -> Stems[bool]:
    return Stems((word, True) for word in _table()["except"]["words"])


@lru_cache(maxsize=1)
def _clues() -> dict[str, Stems[tuple[Kind, float]]]:
    """Return, for each language ("" for any other), its words, each with a kind and a strength."""
    return {language: Stems(entries(language)) for language in ("de", "en", "")}


def entries(language: str) -> Iterator[tuple[str, tuple[Kind, float]]]:
    """Yield what the list says for a language ("" for any other): each word as written there, its kind and strength."""
    for kind in _KINDS:
        for strength, worth in STRENGTHS.items():
            lists = _table().get(kind, {}).get(strength, {})
            for word in [*lists.get("both", []), *lists.get(language, [])]:
                yield word, (kind, worth)
