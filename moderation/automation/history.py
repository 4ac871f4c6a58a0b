"""How well a rule would have decided by itself: its marks in the site's own history against what people decided."""

from collections.abc import Sequence
from dataclasses import dataclass

from moderation import chance
from moderation.models import Status
from moderation.rulebook import StatedRule
from moderation.rulebook.preview import History, Past
from moderation.rules import Advice, Rule, Signal, holds
from moderation.rules.conditions import Scored
from moderation.rules.signals import look

STEPS = 20
"""Bounds between the rule's own and the end of the scale that are tried out."""

_STATUS = {Advice.APPROVE: Status.APPROVED, Advice.DELETE: Status.DELETED}


@dataclass(frozen=True, slots=True)
class Estimate:
    """What deciding from a bound on would have done: ``tries`` comments people decided, ``right`` as it would have.

    ``open`` are those nobody decided. ``bound`` is None where the rule has no score.
    """

    bound: float | None
    tries: int
    right: int
    open: int = 0

    @property
    def precision(self) -> float | None:
        """The share in which people agreed; None where there were none."""
        return self.right / self.tries if self.tries else None

    @property
    def proven(self) -> float:
        """The share that this many cases prove at least, with 95 per cent confidence."""
        return chance.surely_at_least(self.right, self.tries)


@dataclass(frozen=True, slots=True)
class Case:
    """A comment of the past on which the rule would have had the say: its score, and whether people agreed."""

    score: float
    agreed: bool | None


def cases(past: History, rules: Sequence[StatedRule], key: str) -> list[Case]:
    """Return the comments on which the rule was met and nothing spoke against it.

    What is learned from decisions counts as it was said then, before people decided; another rule that is learned and
    said nothing yet speaks neither for nor against.
    """
    applied = [rule.applied() for rule in rules]
    mine = next(rule.applied() for rule in rules if rule.key == key)
    found = (_case(comment, mine, applied) for comment in past.comments)
    return [case for case in found if case is not None]


def _case(past: Past, mine: Rule, rules: Sequence[Rule]) -> Case | None:
    score = None
    for rule in rules:
        if not holds(rule, past.facts):
            continue
        finding = look(rule, past.judged, past.facts)
        if finding is None and rule.signal is Signal.LEARNED and rule != mine:
            continue
        if finding is None or (finding.met and rule.advice is not mine.advice):
            return None
        if finding.met and rule == mine:
            score = finding.score
    if score is None:
        return None
    return Case(score, None if past.outcome is None else past.outcome is _STATUS[mine.advice])


def estimate(found: Sequence[Case], rule: StatedRule, beyond: float | None) -> Estimate:
    """Say how well the rule would have decided from the bound ``beyond`` on."""
    when = rule.when
    if beyond is not None and isinstance(when, Scored):
        upwards = when.at_least is not None
        found = [case for case in found if (case.score >= beyond if upwards else case.score <= beyond)]
    told = [case.agreed for case in found if case.agreed is not None]
    bound = when.at_least if isinstance(when, Scored) and when.at_least is not None else getattr(when, "at_most", None)
    return Estimate(beyond if beyond is not None else bound, len(told), sum(told), len(found) - len(told))


def curve(found: Sequence[Case], rule: StatedRule) -> list[Estimate]:
    """Say how well the rule would have decided from each of several bounds on, its own first."""
    when = rule.when
    if not isinstance(when, Scored):
        return [estimate(found, rule, None)]
    own = when.at_least if when.at_least is not None else when.at_most or 0.0
    end = 1.0 if when.at_least is not None else 0.0
    bounds = [round(own + (end - own) * step / STEPS, 4) for step in range(STEPS)]
    return [estimate(found, rule, bound) for bound in dict.fromkeys(bounds)]
