"""A comment as judged beside what people say of it, and those on which the two differ most."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from moderation.judge.case import Assessment, Kind, Target
from moderation.judge.text import words

EXAMPLES = 5
"""Errors of each sort that are shown for a rule."""

_LENGTHS = ((8, "under 8 words"), (20, "8 to 19 words"), (50, "20 to 49 words"))
_NOT_SAID = "not said"


@dataclass(frozen=True, slots=True)
class Labels:
    """What people say of a comment; None wherever they say nothing. ``spans`` are (start, end) in code points."""

    relevant: bool | None = None
    disrespectful: bool | None = None
    kinds: dict[Kind, bool] | None = None
    target: Target | None = None
    spans: tuple[tuple[int, int], ...] | None = None
    rule: str | None = None
    section: str | None = None


@dataclass(frozen=True, slots=True)
class Outcome:
    """One comment: its text, what people say, what the judge said."""

    id: str | int
    text: str
    labels: Labels
    assessment: Assessment


@dataclass(frozen=True, slots=True)
class Error:
    """A comment that the judge rates far from what people say."""

    id: str | int
    text: str
    label: bool
    score: float


Label = Callable[[Outcome], bool | None]
Score = Callable[[Outcome], float | None]

SLICES: dict[str, Callable[[Outcome], str]] = {
    "language": lambda outcome: outcome.assessment.language or "unknown",
    "length": lambda outcome: length(outcome.text),
    "section": lambda outcome: outcome.labels.section or _NOT_SAID,
    "target": lambda outcome: outcome.labels.target.value if outcome.labels.target else _NOT_SAID,
}
"""By what the comments are divided, and how the part is named that one belongs to."""


def length(text: str) -> str:
    """Return in which class of length a text is."""
    count = len(words(text))
    return next((name for limit, name in _LENGTHS if count < limit), "50 words or more")


def worst(outcomes: Sequence[Outcome], label: Label, score: Score) -> dict[str, list[Error]]:
    """Return by rule the comments rated farthest on the wrong side of one half, ``EXAMPLES`` of each side at most."""
    by_rule: dict[str, list[Error]] = {}
    for outcome in outcomes:
        said, rated = label(outcome), score(outcome)
        if said is not None and rated is not None and said != (rated >= 0.5):
            found = by_rule.setdefault(outcome.labels.rule or _NOT_SAID, [])
            found.append(Error(outcome.id, outcome.text, said, rated))
    chosen = {}
    for rule, errors in sorted(by_rule.items()):
        missed = sorted((error for error in errors if error.label), key=lambda error: error.score)
        wrong = sorted((error for error in errors if not error.label), key=lambda error: -error.score)
        chosen[rule] = [*missed[:EXAMPLES], *wrong[:EXAMPLES]]
    return chosen
