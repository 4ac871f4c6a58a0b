"""Finds words that often carry disrespect, knowing German compounds, inflection, folded spelling and a little context.

What it finds are clues for tone, never verdicts. The words themselves are in ``lexicon.toml``.
"""

import re
import tomllib
from functools import lru_cache
from importlib.resources import files
from typing import NamedTuple

from moderation.judge.case import Kind
from moderation.judge.folding import fold

STRENGTHS = {"strong": 1.0, "mild": 0.5}
"""How much a word counts before its context is looked at."""

_LONGEST_WORD = 60
_INFLECTIONS = "(?:e|en|er|es|em|ern|n|s|in|innen|chen|lein|t|te|ten|ste|sten|ere|eren)?"
_TOKEN = re.compile(r"[^\W_]+(?:[*#]{1,8}[^\W_]+)*[*#]*")
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
    r"schreib\w*|rief|ruft|call\w*|word|words|said|says|quote\w*|zitat\w*|zitier\w*)\b"
)
_THROWN = re.compile(
    r"\b(?:(?:[Dd]u|[Ii]hr)(?: bist| seid)?|(?:Sie|[Yy]ou)(?: sind| are|['’]re)?)"
    r"(?: (?:ein|eine|a|an|such an?|so ein))?(?: \w+)? \Z"
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
    hits: list[Hit] = []
    for index, (start, end, token) in enumerate(tokens):
        kinds = _classify(token, language if language in ("de", "en") else "")
        if not kinds:
            continue
        origin = folded.origin(start, end)
        before = [word for _, _, word in tokens[max(0, index - 4) : index]]
        around = folded.text[max(0, start - 100) : end + 100]
        factor = _context(before, around, bool(quoted[origin[0]]))
        hits.extend(Hit(*origin, kind, plain * factor, plain) for kind, plain in kinds)
    return hits


def thrown_at_reader(text: str, hits: list[Hit]) -> bool:
    """Whether a strong insult follows "du", "ihr", "Sie" or "you" at once, as in "Sie sind ein Trottel"."""
    return any(
        hit.kind is Kind.INSULT and hit.strength >= 1 and _THROWN.search(text[max(0, hit.start - 40) : hit.start])
        for hit in hits
    )


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
    spellings = {token, re.sub(r"(.)\1{2,}", r"\1\1", token), re.sub(r"(.)\1{2,}", r"\1", token)}
    found: dict[Kind, float] = {}
    for kind, strength, pattern, bare in _patterns()[language]:
        if STRENGTHS[strength] <= found.get(kind, 0.0):
            continue
        masked = ("*" in token or "#" in token) and not _GENDERED.search(token)
        if any(pattern.fullmatch(s) for s in spellings) or (masked and _unmasks(token, bare)):
            found[kind] = STRENGTHS[strength]
    return tuple(found.items())


def _unmasks(token: str, bare: tuple[str, ...]) -> bool:
    """Whether a word written with stars ("f*ck") can be read as one of the stems."""
    pattern = re.compile(re.sub(r"[*#]+", lambda m: rf"\w{{1,{len(m.group()) + 1}}}", token) + _INFLECTIONS)
    return any(pattern.fullmatch(stem) for stem in bare)


@lru_cache(maxsize=1)
def _patterns() -> dict[str, list[tuple[Kind, str, re.Pattern[str], tuple[str, ...]]]]:
    """Return, for each language ("" for any other), kind and strength: one pattern and the bare stems."""
    table = tomllib.loads((files("moderation.judge") / "lexicon.toml").read_text(encoding="utf-8"))
    result: dict[str, list[tuple[Kind, str, re.Pattern[str], tuple[str, ...]]]] = {}
    for language in ("de", "en", ""):
        rows = result[language] = []
        for kind, strengths in table.items():
            if kind == "except":
                continue
            for strength in STRENGTHS:
                lists = strengths.get(strength, {})
                entries = [*lists.get("both", []), *lists.get(language, [])]
                if entries:
                    excepted = "|".join(_entry(e) for e in table["except"]["words"])
                    pattern = re.compile(f"(?!(?:{excepted})\\Z)(?:{'|'.join(_entry(e) for e in entries)})")
                    rows.append((Kind(kind), strength, pattern, tuple(e.strip("-") for e in entries if len(e) > 4)))
    return result


def _entry(entry: str) -> str:
    stem = re.escape(entry.strip("-"))
    return (r"\w*" if entry.startswith("-") else "") + stem + (r"\w*" if entry.endswith("-") else _INFLECTIONS)
