"""What a site should know of its rules before they hold: which can never be met, always are, or gainsay each other.

Pure: looks at how rules are stated, not at comments. What only history can tell is `preview`'s to say.
"""

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from itertools import combinations, product
from typing import Any

from moderation.judge.case import Assessment
from moderation.rulebook import examples
from moderation.rulebook.stated import StatedRule
from moderation.rules import Advice, Facts, conditions
from moderation.rules.conditions import Scored
from moderation.rules.signals import look

N_: Callable[[str], str] = str
"""Marks a sentence for the translators; it is translated where it is shown."""

LONGEST = 20_000
"""Characters of the longest comment a service accepts unless it was set otherwise."""

EVERYDAY = (
    "Danke für den Artikel, das war mir neu.",
    "Zwölf Minuten Umweg über den Nordring, das schaffen wir.",
    "Wer zahlt eigentlich den Umbau?",
    "Ich sehe das anders: 40 Prozent sind nicht die Mehrheit!",
    "Nein.",
    "Thanks, I did not know that.",
    "So what happens in 2027?",
    "Ça alors",
    "+1",
    "😀",
)
"""Texts that have nothing in common but that people write them."""


@dataclass(frozen=True, slots=True)
class Note:
    """Something to know of a rule: an English sentence with places for ``values``, which name rules by their keys."""

    key: str
    sentence: str
    values: dict[str, object]

    def __str__(self) -> str:
        return f"{self.key}: {self.sentence % self.values}"


def notes(rules: Sequence[StatedRule], *, longest: int = LONGEST) -> list[Note]:
    """Return what is to be said of these rules, in their order; ``longest`` is in characters."""
    said = [Note(rule.key, sentence, values) for rule in rules for sentence, values in _alone(rule, longest)]
    for one, other in combinations(rules, 2):
        if found := _together(one, other):
            sentence, values = found
            said.append(Note(other.key, sentence, {"other": one.key, **values}))
    return said


def _alone(rule: StatedRule, longest: int) -> list[tuple[str, dict[str, object]]]:
    when: Any = rule.when
    found: list[tuple[str, dict[str, object]]] = []
    if isinstance(when, Scored):
        if when.at_least == 0 or when.at_most == 1:
            found.append((N_("Every comment meets it: no score lies beyond that bound."), {}))
        elif when.at_least == 1 and isinstance(when, conditions.Disrespect | conditions.Relevance | conditions.Learned):
            found.append((N_("No comment can ever meet it: a probability never reaches 1."), {}))
        elif when.at_most == 0 and isinstance(when, conditions.Disrespect | conditions.Relevance | conditions.Learned):
            found.append((N_("No comment can ever meet it: a probability never falls to 0."), {}))
    if isinstance(when, conditions.Length):
        found += _length(when, longest)
    if isinstance(when, conditions.Pattern):
        found += _pattern(rule, when.pattern)
    if isinstance(when, conditions.Words) and not _counting(when):
        sentence = N_("Each of its words is also among those that never count: only compounds of them are found.")
        found.append((sentence, {}))
    return found


def _counting(when: conditions.Words) -> set[str]:
    """The words of a list that are not excepted again, as they are compared."""
    return {word.casefold() for word in when.words} - {word.casefold() for word in when.excepted}


def _length(when: conditions.Length, longest: int) -> list[tuple[str, dict[str, object]]]:
    if when.more_than == 0:
        return [(N_("Every comment meets it: each has more than 0 of them."), {})]
    # A word has at least one letter and, but for the last, a space.
    most = longest if when.unit == "characters" else (longest + 1) // 2
    if when.fewer_than is not None and when.fewer_than > most:
        return [(N_("Every comment meets it: longer ones are refused (%(most)s at most)."), {"most": most})]
    if when.fewer_than in {None, 1} and (when.more_than is None or when.more_than >= most):
        return [(N_("No comment can ever meet it: the service takes texts of 1 to %(most)s."), {"most": most})]
    return []


def _pattern(rule: StatedRule, pattern: str) -> list[tuple[str, dict[str, object]]]:
    if _longest_match(pattern) == 0:
        return [(N_("No comment can ever meet it: the expression matches no characters, only places."), {})]
    applied, judged = rule.applied(), Assessment("de", None, None, None)
    findings = [look(applied, judged, Facts(text=text)) for text in EVERYDAY]
    if all(finding is not None and finding.met for finding in findings):
        return [(N_("Probably every comment meets it: each of ten everyday sentences does."), {})]
    return []


def _longest_match(pattern: str) -> int | None:
    """How many characters it may match at most; None where that cannot be told."""
    parts = examples.parsed(pattern)
    return None if parts is None else int(parts.getwidth()[1])


def _together(one: StatedRule, other: StatedRule) -> tuple[str, dict[str, object]] | None:
    if not _may_hold_together(one, other):
        return None
    if one.when == other.when:
        if one.advice is other.advice:
            return N_("It is met by exactly the same comments as “%(other)s”; one of the two is enough."), {}
        return N_("It contradicts “%(other)s”: the same comments meet both, yet they advise differently."), {}
    return _opposed(one, other) if {one.advice, other.advice} == {Advice.APPROVE, Advice.DELETE} else None


def _opposed(one: StatedRule, other: StatedRule) -> tuple[str, dict[str, object]] | None:
    if type(one.when) is type(other.when) and _overlap(one.when, other.when):
        return N_("It contradicts “%(other)s”: some comments meet both, one says approve and one says delete."), {}
    if text := examples.meeting_both(one, other):
        sentence = N_("It contradicts “%(other)s”: “%(text)s” meets both, one says approve and one says delete.")
        return sentence, {"text": text[:100]}
    return None


def _may_hold_together(one: StatedRule, other: StatedRule) -> bool:
    """Whether there may be a comment for which both hold, by section and day."""
    if one.sections and other.sections and not one.sections & other.sections:
        return False
    mine, theirs = one.hours, other.hours
    if mine is None or theirs is None or mine.start > mine.end or theirs.start > theirs.end:
        return True
    days = not mine.days or not theirs.days or bool(mine.days & theirs.days)
    return days and max(mine.start, theirs.start) < min(mine.end, theirs.end)


def _overlap(one: Any, other: Any) -> bool:
    """Whether a comment may meet both conditions of one kind; where that cannot be told, they are not accused."""
    if isinstance(one, Scored):
        if _scope(one) != _scope(other):
            return False
        low = max(one.at_least or 0.0, other.at_least or 0.0)
        high = min(*(1.0 if each.at_most is None else each.at_most for each in (one, other)))
        return bool(low <= high)
    if isinstance(one, conditions.Shouting | conditions.NewCommenter | conditions.Repeat):
        return True  # both begin at the same end of the scale
    if isinstance(one, conditions.Links):
        return bool(one.allow == other.allow)
    if isinstance(one, conditions.Words):
        return bool(_counting(one) & _counting(other))
    return isinstance(one, conditions.Length) and _some_length(one, other)


def _some_length(one: conditions.Length, other: conditions.Length) -> bool:
    """Whether a text can be as long as both conditions want."""
    pairs = product(_spans(one), _spans(other))
    return one.unit == other.unit and any(max(a[0], b[0]) <= min(a[1], b[1]) for a, b in pairs)


def _spans(when: conditions.Length) -> list[tuple[float, float]]:
    """The lengths that meet a condition, from and to."""
    short = (1.0, (when.fewer_than or 1) - 1.0)
    long = (math.inf if when.more_than is None else when.more_than + 1.0, math.inf)
    return [span for span in (short, long) if span[0] <= span[1] and span[0] < math.inf]


def _scope(when: Scored) -> dict[str, Any]:
    return when.model_dump(exclude={"at_least", "at_most", "minimum"})
