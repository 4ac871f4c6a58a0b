"""House rules applied: an assessment and the site's rules in, a recommendation out. Pure; it never decides anything.

All rules run and all reasons are kept. A score of 0 counts; a score that is missing is not 0 but "cannot tell", and
then the advice is that a person should look.
"""

from collections.abc import Sequence
from dataclasses import dataclass, field
from enum import StrEnum

from moderation.judge.case import Assessment, Kind, Passage, Span, Target

UNTOLD_CONCERN = 0.4
"""Concern where a rule cannot be judged: below any rule in doubt, above most comments that are fine."""

NOT_SCORED_CONCERN = 0.5
"""Concern of a comment the judge failed on: as doubtful as a comment exactly at a threshold."""


class Advice(StrEnum):
    """What a recommendation advises."""

    APPROVE = "approve"
    REVIEW = "review"
    DELETE = "delete"


class Signal(StrEnum):
    """What a house rule looks at: relevance (in doubt below its threshold) or disrespect (in doubt from it upwards)."""

    RELEVANCE = "relevance"
    DISRESPECT = "disrespect"


@dataclass(frozen=True, slots=True)
class Rule:
    """A house rule as applied. ``title`` and ``text`` are by language; empty ``kinds`` or ``targets`` mean any."""

    id: int
    title: dict[str, str]
    text: dict[str, str]
    signal: Signal
    threshold: float
    kinds: frozenset[Kind] = frozenset()
    targets: frozenset[Target] = frozenset()
    advice: Advice = Advice.REVIEW


@dataclass(frozen=True, slots=True)
class Reason:
    """A rule in doubt, the score that says so, and the evidence: words of the comment, or a passage of the article."""

    rule: Rule
    score: float
    spans: tuple[Span, ...] = ()
    passage: Passage | None = None


@dataclass(frozen=True, slots=True)
class Recommendation:
    """The machine's advice. ``concern`` (0-1) orders the queue: 0.5 is exactly at a rule's threshold."""

    advice: Advice
    concern: float
    reasons: tuple[Reason, ...] = field(default=())


def recommend(assessment: Assessment, rules: Sequence[Rule]) -> Recommendation:
    """Say which of the ``rules`` are in doubt, worst first, and what is advised.

    Where the rules in doubt advise different things, or a rule cannot be judged, the advice is to review.
    """
    reasons: list[tuple[float, Reason]] = []
    concerns = [0.0]
    untold = False
    for rule in rules:
        score = _score(assessment, rule)
        if score is None:
            untold = True
            concerns.append(UNTOLD_CONCERN)
            continue
        concern = _concern(rule, score)
        if concern >= 0.5:
            if rule.signal is Signal.DISRESPECT:
                # Swearing at the wind may be against a rule, yet it is not what a moderator must see first.
                concern = 0.5 + (concern - 0.5) * (assessment.disrespect or 0.0)
            reasons.append((concern, _reason(assessment, rule, score)))
        concerns.append(concern)
    reasons.sort(key=lambda pair: -pair[0])
    return Recommendation(
        advice=_advice({reason.rule.advice for _, reason in reasons}, untold=untold),
        concern=max(concerns),
        reasons=tuple(reason for _, reason in reasons),
    )


def _score(assessment: Assessment, rule: Rule) -> float | None:
    """What the rule's signal says, 0 where the disrespect is not of a kind or target that the rule is about."""
    if rule.signal is Signal.RELEVANCE:
        return assessment.relevance
    if assessment.disrespect is None:
        return None
    if rule.targets and assessment.target not in rule.targets:
        return 0.0
    if rule.kinds:
        return max((assessment.kinds.get(kind, 0.0) for kind in rule.kinds), default=0.0)
    return assessment.disrespect


def _concern(rule: Rule, score: float) -> float:
    """Put scores of different rules on one scale, on which 0.5 is the rule's threshold."""
    badness, threshold = (1 - score, 1 - rule.threshold) if rule.signal is Signal.RELEVANCE else (score, rule.threshold)
    if badness < threshold:
        return 0.5 * badness / threshold
    return 0.5 + 0.5 * (badness - threshold) / (1 - threshold) if threshold < 1 else 0.5


def _reason(assessment: Assessment, rule: Rule, score: float) -> Reason:
    if rule.signal is Signal.RELEVANCE:
        return Reason(rule, score, passage=assessment.passage)
    spans = tuple(span for span in assessment.spans if not rule.kinds or span.kind in rule.kinds)
    return Reason(rule, score, spans=spans)


def _advice(advised: set[Advice], *, untold: bool) -> Advice:
    if not advised:
        return Advice.REVIEW if untold else Advice.APPROVE
    return advised.pop() if len(advised) == 1 and not untold else Advice.REVIEW
