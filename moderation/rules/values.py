"""The words of the rules: a rule as applied, the facts it may look at, and what comes of it. Plain values."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum
from typing import Any

from moderation.judge.case import Passage, Span
from moderation.rules.conditions import Condition, Hours, Signal
from moderation.rules.limits import Limits


class Advice(StrEnum):
    """What a recommendation advises."""

    APPROVE = "approve"
    REVIEW = "review"
    DELETE = "delete"


@dataclass(frozen=True, slots=True)
class Rule:
    """A house rule as applied. ``title`` and ``text`` are by language; no ``hours`` or ``sections`` mean always.

    ``automation`` holds the limits inside which it may decide by itself once it is switched on.
    """

    id: int
    title: dict[str, str]
    text: dict[str, str]
    when: Condition
    advice: Advice = Advice.REVIEW
    hours: Hours | None = None
    sections: frozenset[str] = frozenset()
    automation: Limits | None = None

    @property
    def signal(self) -> Signal:
        """What the rule looks at."""
        return Signal(self.when.signal)


@dataclass(frozen=True, slots=True)
class Repeated:
    """An earlier comment that says nearly the same; ``similarity`` is from 0 to 1."""

    comment_id: int
    similarity: float
    submitted_at: datetime


@dataclass(frozen=True, slots=True)
class Facts:
    """What rules may look at besides the judge's assessment. None means "not known", which is never 0.

    ``approved`` and ``deleted`` count the commenter's earlier comments by what people decided. ``learned`` holds, by
    the rule's id, how probably the site's moderators would cite it; a rule that is not in it has not been learned yet.
    """

    text: str = ""
    submitted_at: datetime | None = None
    time_zone: str = "UTC"
    section: str | None = None
    repeats: tuple[Repeated, ...] | None = None
    approved: int | None = None
    deleted: int | None = None
    learned: Mapping[int, float] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Reason:
    """A rule that is met, the score or count that says so, and the evidence.

    ``score`` is what the rule's bound is compared with; ``evidence`` holds counts and words, ready for JSON.
    """

    rule: Rule
    score: float
    spans: tuple[Span, ...] = ()
    passage: Passage | None = None
    evidence: dict[str, Any] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Recommendation:
    """The machine's advice. ``concern`` (0-1) orders the queue: 0.5 is exactly at a rule's threshold.

    ``untold`` are the rules that could not be judged.
    """

    advice: Advice
    concern: float
    reasons: tuple[Reason, ...] = ()
    untold: tuple[Rule, ...] = ()
