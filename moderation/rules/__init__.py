"""House rules applied: what the judge says, facts and the site's rules in, a recommendation out. Pure; decides nothing.

All rules run and all reasons are kept. A score of 0 counts; a score that is missing is not 0 but "cannot tell", and
then the advice is that a person should look.
"""

from collections.abc import Sequence
from datetime import datetime
from zoneinfo import ZoneInfo

from moderation.judge.case import Assessment
from moderation.rules.conditions import DAYS, Condition, Disrespect, Hours, Learned, PutDown, Relevance, Signal
from moderation.rules.limits import Limits
from moderation.rules.signals import Finding, look
from moderation.rules.values import Advice, Facts, Reason, Recommendation, Repeated, Rule

__all__ = [
    "UNTOLD_CONCERN",
    "Advice",
    "Condition",
    "Facts",
    "Hours",
    "Limits",
    "Reason",
    "Recommendation",
    "Repeated",
    "Rule",
    "Signal",
    "covers",
    "holds",
    "recommend",
]

UNTOLD_CONCERN = 0.4
"""Concern where a rule cannot be judged: below any rule in doubt, above most comments that are fine."""

NOT_SCORED_CONCERN = 0.5
"""Concern of a comment the judge failed on: as doubtful as a comment exactly at a threshold."""

_OF_CONTENT = (Relevance, Disrespect, PutDown, Learned)


def recommend(assessment: Assessment, facts: Facts, rules: Sequence[Rule]) -> Recommendation:
    """Say which of the ``rules`` are met, worst first, and what is advised.

    Where the rules that are met advise different things, or a rule cannot be judged, the advice is to review. Rules
    that do not hold at this hour or in this section are left out.
    """
    reasons: list[tuple[float, Reason]] = []
    untold: list[Rule] = []
    concerns = [0.0]
    for rule in rules:
        if not holds(rule, facts):
            continue
        finding = look(rule, assessment, facts)
        if finding is None:
            untold.append(rule)
            # What nobody taught yet is no reason to look at this comment rather than at another.
            concerns.append(0.0 if rule.signal is Signal.LEARNED else UNTOLD_CONCERN)
            continue
        concern = _concern(rule, finding, assessment)
        concerns.append(concern)
        if finding.met:
            reasons.append((concern, _reason(rule, finding)))
    reasons.sort(key=lambda pair: -pair[0])
    return Recommendation(
        advice=_advice({reason.rule.advice for _, reason in reasons}, untold=bool(untold)),
        concern=max(concerns),
        reasons=tuple(reason for _, reason in reasons),
        untold=tuple(untold),
    )


def holds(rule: Rule, facts: Facts) -> bool:
    """Whether the rule holds where and when the comment was written; what is not known does not switch it off."""
    if rule.sections and facts.section is not None and facts.section.casefold() not in rule.sections:
        return False
    if rule.hours is None or facts.submitted_at is None:
        return True
    return covers(rule.hours, facts.submitted_at, facts.time_zone)


def covers(hours: Hours, moment: datetime, time_zone: str) -> bool:
    """Whether a moment lies within the hours, by the clock of the time zone, summer time or not."""
    local = moment.astimezone(ZoneInfo(time_zone))
    today, yesterday, clock = DAYS[local.weekday()], DAYS[local.weekday() - 1], local.strftime("%H:%M")
    began_today = not hours.days or today in hours.days
    if hours.start < hours.end:
        return began_today and hours.start <= clock < hours.end
    began_yesterday = not hours.days or yesterday in hours.days
    return (began_today and clock >= hours.start) or (began_yesterday and clock < hours.end)


def _concern(rule: Rule, finding: Finding, assessment: Assessment) -> float:
    """How far a finding moves the comment up the queue; never to a half and over unless the rule is met."""
    if rule.advice is Advice.APPROVE:
        return 0.0
    beyond = finding.badness - 0.5
    if not finding.met:
        return finding.badness
    if isinstance(rule.when, Disrespect):
        # Swearing at the wind may be against a rule, yet it is not what a moderator must see first.
        return 0.5 + beyond * (assessment.disrespect or 0.0)
    # Links, lengths and records ask for a look, yet they say less than the words themselves.
    return 0.5 + beyond * (1 if isinstance(rule.when, _OF_CONTENT) else 0.5)


def _reason(rule: Rule, finding: Finding) -> Reason:
    return Reason(rule, finding.score, spans=finding.spans, passage=finding.passage, evidence=finding.evidence)


def _advice(advised: set[Advice], *, untold: bool) -> Advice:
    if not advised:
        return Advice.REVIEW if untold else Advice.APPROVE
    return advised.pop() if len(advised) == 1 and not untold else Advice.REVIEW
