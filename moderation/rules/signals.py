"""What each signal says of a comment: its score or count, how far into the doubt that is, and the evidence."""

import re
from dataclasses import dataclass, field
from datetime import timedelta
from functools import lru_cache, singledispatch
from typing import Any

import re2
from pydantic import BaseModel

from moderation.judge.case import Assessment, Passage, Span, main_kind
from moderation.judge.words import WordList
from moderation.rules import conditions
from moderation.rules.conditions import options
from moderation.rules.values import Facts, Rule

ENOUGH_LETTERS = 12
"""Letters from which on capitals say something: below that "JA!" and "NATO" would be shouting."""

MOST_PLACES = 20
"""Places of a text that are kept as evidence."""

_LINK = re.compile(
    r"(?i)\b(?:https?://|www\.)([^\s/<>\"')\]]+)|\b((?:[a-z0-9-]{2,63}\.)+(?:de|com|net|org|info|eu|at|ch|io|biz))/\S"
)
_WORD = re.compile(r"[^\W\d_]+")


SPAM = 0.5
"""Probability of advertising from which that is why a comment does not belong under its article."""


@dataclass(frozen=True, slots=True)
class Finding:
    """What a signal says: ``badness`` from 0 to 1 is 0.5 at the rule's bound, ``met`` on it and beyond."""

    score: float
    met: bool
    badness: float
    spans: tuple[Span, ...] = ()
    passage: Passage | None = None
    evidence: dict[str, Any] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class _Sight:
    rule: Rule
    assessment: Assessment
    facts: Facts


def look(rule: Rule, assessment: Assessment, facts: Facts) -> Finding | None:
    """Return what the rule's signal says of the comment; None where it cannot be told."""
    return _look(rule.when, _Sight(rule, assessment, facts))


@singledispatch
def _look(when: BaseModel, sight: _Sight) -> Finding | None:
    raise NotImplementedError(type(when).__name__, sight.rule.id)


def _scored(condition: conditions.Scored, score: float | None, **evidence: Any) -> Finding | None:
    if score is None:
        return None
    return Finding(score, condition.is_met_by(score), condition.badness(score), **evidence)


@_look.register
def _relevance(when: conditions.Relevance, sight: _Sight) -> Finding | None:
    spam = sight.assessment.spam or 0.0
    evidence = {"spam": round(spam, 3)} if spam >= SPAM else {}
    return _scored(when, sight.assessment.relevance, passage=sight.assessment.passage, evidence=evidence)


@_look.register
def _disrespect(when: conditions.Disrespect, sight: _Sight) -> Finding | None:
    spans = tuple(span for span in sight.assessment.spans if not when.kinds or span.kind in when.kinds)
    return _scored(when, disrespect_score(when, sight.assessment), spans=spans)


@_look.register
def _put_down(when: conditions.PutDown, sight: _Sight) -> Finding | None:
    return _scored(when, sight.assessment.put_down_share)


def disrespect_score(when: conditions.Disrespect, assessment: Assessment) -> float | None:
    """The disrespect a rule is about: 0 where it is of no kind or target of the rule, None where it cannot be told.

    Kinds are told apart one by one, and share what is known: a comment may be surely disrespectful and of no kind that
    is likelier than not. So a rule about the likeliest kind is about all of the disrespect.
    """
    if assessment.disrespect is None:
        return None
    if when.targets and assessment.target not in when.targets:
        return 0.0
    if not when.kinds:
        return assessment.disrespect
    most = max(assessment.kinds.get(kind, 0.0) for kind in when.kinds)
    return max(most, assessment.disrespect) if main_kind(assessment.kinds) in when.kinds else most


@_look.register
def _learned(when: conditions.Learned, sight: _Sight) -> Finding | None:
    return _scored(when, sight.facts.learned.get(sight.rule.id))


@_look.register
def _record(when: conditions.Record, sight: _Sight) -> Finding | None:
    if sight.facts.approved is None or sight.facts.deleted is None:
        return None
    decided = sight.facts.approved + sight.facts.deleted
    if decided < when.minimum:
        # Too little is known of them to say anything, and that is no doubt: one rejected of one must not trip.
        return Finding(0.0, met=False, badness=0.0)
    evidence = {"deleted": sight.facts.deleted, "decided": decided}
    return _scored(when, sight.facts.deleted / decided, evidence=evidence)


def _counted(count: float, bound: float, **rest: Any) -> Finding:
    """A count that is met from ``bound`` up."""
    met = count >= bound
    badness = 1 - 0.5 * bound / count if met and count else min(0.5 * count / bound if bound else 0.5, 0.4999)
    return Finding(count, met, badness, **rest)


def _few(count: float, bound: float, **rest: Any) -> Finding:
    """A count that is met below ``bound``."""
    met = count < bound
    badness = 1 - 0.5 * count / bound if met else min(0.5 * bound / count if count else 0.0, 0.4999)
    return Finding(count, met, badness, **rest)


@_look.register
def _shouting(when: conditions.Shouting, sight: _Sight) -> Finding:
    words = _WORD.findall(sight.facts.text)
    letters = sum(map(len, words))
    if letters < ENOUGH_LETTERS:
        return Finding(0.0, met=False, badness=0.0)
    loud = [word for word in words if len(word) > 1 and word.isupper()]
    share = sum(map(len, loud)) / letters
    return _counted(share, when.at_least, evidence={"words": loud[:MOST_PLACES]})


@_look.register
def _links(when: conditions.Links, sight: _Sight) -> Finding:
    found = list(_LINK.finditer(sight.facts.text))
    domains = [(match[1] or match[2]).lower().rpartition("@")[2].partition(":")[0].rstrip(".,;!?") for match in found]
    counted = [domain for domain in domains if not _within(domain, when.allow)]
    denied = [domain for domain in domains if _within(domain, when.deny)]
    evidence = {"domains": list(dict.fromkeys(denied or counted))[:MOST_PLACES]}
    if denied:
        return Finding(float(len(counted)), met=True, badness=1.0, evidence=evidence | {"denied": True})
    return _counted(len(counted), when.at_least, evidence=evidence)


def _within(domain: str, domains: frozenset[str]) -> bool:
    """Whether the domain is one of these or lies below one of them."""
    parts = domain.removeprefix("www.").split(".")
    return any(".".join(parts[at:]) in domains for at in range(len(parts)))


@_look.register
def _length(when: conditions.Length, sight: _Sight) -> Finding:
    length = len(sight.facts.text.split()) if when.unit == "words" else len(sight.facts.text.strip())
    looks = [_few(length, when.fewer_than)] if when.fewer_than is not None else []
    if when.more_than is not None:
        looks.append(_counted(length, when.more_than + 1))
    return max(looks, key=lambda finding: finding.badness)


@_look.register
def _repeat(when: conditions.Repeat, sight: _Sight) -> Finding | None:
    if sight.facts.repeats is None or sight.facts.submitted_at is None:
        return None
    since = sight.facts.submitted_at - timedelta(days=when.within_days)
    alike = [one for one in sight.facts.repeats if one.similarity >= when.similarity and one.submitted_at >= since]
    ids = [one.comment_id for one in alike]
    return _counted(len(alike), when.at_least, evidence={"comments": ids[:MOST_PLACES]})


@_look.register
def _new_commenter(when: conditions.NewCommenter, sight: _Sight) -> Finding | None:
    if sight.facts.approved is None:
        return None
    return _few(sight.facts.approved, when.fewer_than)


@_look.register
def _words(when: conditions.Words, sight: _Sight) -> Finding:
    places = _word_list(when.words, when.excepted).find(sight.facts.text)
    return _matches(sight.facts.text, [(place.start, place.end) for place in places], bound=when.at_least)


@lru_cache(maxsize=64)
def _word_list(words: tuple[str, ...], excepted: tuple[str, ...]) -> WordList:
    return WordList(words, excepted=excepted)


@_look.register
def _pattern(when: conditions.Pattern, sight: _Sight) -> Finding:
    places = [match.span() for match in _compiled(when.pattern).finditer(sight.facts.text)]
    return _matches(sight.facts.text, [place for place in places if place[0] < place[1]])


@lru_cache(maxsize=512)
def _compiled(pattern: str) -> Any:
    return re2.compile(pattern, options())


def _matches(text: str, places: list[tuple[int, int]], *, bound: int = 1) -> Finding:
    kept = places[:MOST_PLACES]
    evidence = {"places": [list(place) for place in kept], "words": [text[start:end][:100] for start, end in kept]}
    return _counted(len(places), bound, evidence=evidence if places else {})
