"""What Perspective calls the things our judge says: attributes, their scores and their spans in UTF-16 units."""

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import Any

from moderation.judge import Assessment, Kind, Target

ASIDE = 0.1
"""What is left of the disrespect as an attack on somebody whom it is not aimed at."""

LANGUAGES = frozenset({"de", "en"})
"""Languages that tone was trained for."""

EVERYWHERE = frozenset({"OFF_TOPIC"})
"""Attributes that need no tone and so speak all languages of the encoder."""


@dataclass(frozen=True, slots=True)
class Judged:
    """A text, what the judge said of it, and how likely it is spam."""

    text: str
    assessment: Assessment
    spam: float


Score = Callable[[Judged], float | None]


def _kind(kind: Kind) -> Score:
    return lambda judged: judged.assessment.kinds.get(kind)


def _disrespect(judged: Judged) -> float | None:
    return judged.assessment.disrespect


def _severe(judged: Judged) -> float | None:
    """Threats and attacks on what somebody is: what nobody calls a matter of tone."""
    kinds = judged.assessment.kinds
    return max((kinds[kind] for kind in (Kind.THREAT, Kind.IDENTITY_ATTACK) if kind in kinds), default=None)


def _attack_on(target: Target) -> Score:
    def score(judged: Judged) -> float | None:
        disrespect = judged.assessment.disrespect
        if disrespect is None:
            return None
        return disrespect if judged.assessment.target is target else disrespect * ASIDE

    return score


def _off_topic(judged: Judged) -> float | None:
    relevance = judged.assessment.relevance
    return None if relevance is None else 1 - relevance


def _likely_to_reject(judged: Judged) -> float | None:
    doubts = [_disrespect(judged), _off_topic(judged), judged.spam]
    return max((doubt for doubt in doubts if doubt is not None), default=None)


ATTRIBUTES: dict[str, Score] = {
    "TOXICITY": _disrespect,
    "SEVERE_TOXICITY": _severe,
    "IDENTITY_ATTACK": _kind(Kind.IDENTITY_ATTACK),
    "INSULT": _kind(Kind.INSULT),
    "PROFANITY": _kind(Kind.PROFANITY),
    "THREAT": _kind(Kind.THREAT),
    "SEXUALLY_EXPLICIT": _kind(Kind.SEXUAL),
    "OBSCENE": _kind(Kind.PROFANITY),
    "INFLAMMATORY": _disrespect,
    "ATTACK_ON_AUTHOR": _attack_on(Target.AUTHOR),
    "ATTACK_ON_COMMENTER": _attack_on(Target.READER),
    "OFF_TOPIC": _off_topic,
    "LIKELY_TO_REJECT": _likely_to_reject,
    "SPAM": lambda judged: judged.spam,
}
"""How each attribute is scored; None: cannot tell, and the attribute is left out of the answer."""

_SPAN_KINDS = {
    "IDENTITY_ATTACK": {Kind.IDENTITY_ATTACK},
    "INSULT": {Kind.INSULT},
    "PROFANITY": {Kind.PROFANITY},
    "OBSCENE": {Kind.PROFANITY},
    "THREAT": {Kind.THREAT},
    "SEXUALLY_EXPLICIT": {Kind.SEXUAL},
    "SEVERE_TOXICITY": {Kind.THREAT, Kind.IDENTITY_ATTACK},
}


def answer(name: str, judged: Judged, *, spans: bool) -> dict[str, Any] | None:
    """Return an attribute's scores as Perspective states them, None where it cannot be told.

    Without ``spans`` the whole text is the one span. With them, TOXICITY is told by sentence and the kinds by the
    words that carry them.
    """
    value = ATTRIBUTES[base_name(name)](judged)
    if value is None:
        return None
    places = _places(base_name(name), judged) if spans else []
    whole = (0, len(judged.text), value)
    return {
        "spanScores": [
            {"begin": begin, "end": end, "score": _probability(score)}
            for begin, end, score in _in_utf16(judged.text, places or [whole])
        ],
        "summaryScore": _probability(value),
    }


def base_name(name: str) -> str:
    """Return the attribute that a name stands for: experimental and fast ones are the same here."""
    return name.removesuffix("_EXPERIMENTAL").removesuffix("_FAST")


def _places(name: str, judged: Judged) -> list[tuple[int, int, float]]:
    if name == "TOXICITY":
        return [(s.start, s.end, s.disrespect) for s in judged.assessment.sentences]
    return [(s.start, s.end, s.score) for s in judged.assessment.spans if s.kind in _SPAN_KINDS.get(name, ())]


def _in_utf16(text: str, places: Iterable[tuple[int, int, float]]) -> Iterable[tuple[int, int, float]]:
    """Turn places in code points into places in UTF-16 units, in which Perspective counts."""
    offsets = [0]
    for char in text:
        offsets.append(offsets[-1] + (2 if ord(char) > 0xFFFF else 1))
    return [(offsets[start], offsets[end], score) for start, end, score in places]


def _probability(value: float) -> dict[str, Any]:
    return {"value": round(value, 6), "type": "PROBABILITY"}
