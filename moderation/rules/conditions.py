"""What a house rule is bound to: one kind of condition for each signal, as a site states it. Knows no comments.

Every bound says in its name whether it is part of the doubt: ``at_least`` and ``at_most`` include their number,
``fewer_than`` and ``more_than`` do not.
"""

from enum import StrEnum
from typing import Annotated, Literal, Self, TypeVar

import re2
from pydantic import AfterValidator, BaseModel, ConfigDict, Field, PlainSerializer, model_validator
from pydantic_core import PydanticCustomError

from moderation.judge.case import Kind, Target
from moderation.judge.words import MOST, WordListError, check

PATTERN_MEMORY = 1 << 20
"""Bytes a compiled pattern may take. The engine is linear in the text; this bounds what each character costs."""


class Signal(StrEnum):
    """What a house rule looks at."""

    RELEVANCE = "relevance"
    DISRESPECT = "disrespect"
    PUT_DOWN = "put_down"
    WORDS = "words"
    LINKS = "links"
    SHOUTING = "shouting"
    LENGTH = "length"
    REPEAT = "repeat"
    NEW_COMMENTER = "new_commenter"
    RECORD = "record"
    PATTERN = "pattern"
    LEARNED = "learned"


Member = TypeVar("Member", bound=str)
Unordered = Annotated[frozenset[Member], PlainSerializer(sorted, return_type=list[str], when_used="json")]
"""What is listed in any order: written in alphabetical order, so that the same rule reads the same each time."""

Share = Annotated[float, Field(ge=0, le=1)]


class _Condition(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")


class Scored(_Condition):
    """A condition on a score from 0 to 1, met from a number upwards or downwards; the number itself meets it."""

    at_least: Share | None = None
    at_most: Share | None = None

    @model_validator(mode="after")
    def _one_bound(self) -> Self:
        if (self.at_least is None) == (self.at_most is None):
            raise PydanticCustomError("one_bound", "give either at_least or at_most, a number from 0 to 1")
        return self

    def is_met_by(self, score: float) -> bool:
        """Whether the score lies on the bound or beyond it."""
        return score >= self.at_least if self.at_least is not None else score <= (self.at_most or 0.0)

    def badness(self, score: float) -> float:
        """Put the score on a scale from 0 to 1 on which 0.5 is the bound and more is further into the doubt."""
        low = 1 - score if self.at_least is None else score
        bound = 1 - (self.at_most or 0.0) if self.at_least is None else self.at_least
        if self.is_met_by(score):
            return 0.5 + 0.5 * max(0.0, low - bound) / (1 - bound) if bound < 1 else 0.5
        return min(0.5 * low / bound, 0.4999)


class Relevance(Scored):
    """How probably the comment speaks to its article."""

    signal: Literal["relevance"] = "relevance"


class Disrespect(Scored):
    """How probably the comment is disrespectful; of some kinds or towards some people only, where that is said."""

    signal: Literal["disrespect"] = "disrespect"
    kinds: Unordered[Kind] = frozenset()
    targets: Unordered[Target] = frozenset()


class PutDown(Scored):
    """How much of the comment, 0 to 1, stands in sentences that put somebody down."""

    signal: Literal["put_down"] = "put_down"


class Learned(Scored):
    """How probably this site's moderators would cite the rule, learned from the decisions that did."""

    signal: Literal["learned"] = "learned"


class Record(Scored):
    """The share of the commenter's decided comments that were deleted; only where there are enough of them."""

    signal: Literal["record"] = "record"
    minimum: Annotated[int, Field(ge=2, le=1000)] = 5


class Shouting(_Condition):
    """The share of letters that stand in words all in capitals, in texts long enough to tell."""

    signal: Literal["shouting"] = "shouting"
    at_least: Annotated[float, Field(gt=0, le=1)] = 0.5


def _domain(domain: str) -> str:
    plain = domain.strip().lower().removeprefix("https://").removeprefix("http://").removeprefix("www.").rstrip("/.")
    if not plain or "/" in plain or " " in plain:
        raise PydanticCustomError(
            "domain", "“{domain}” is no domain; write it like example.org", {"domain": domain[:100]}
        )
    return plain


Domain = Annotated[str, AfterValidator(_domain)]


class Links(_Condition):
    """How many links there are, those to allowed domains not counted; one to a denied domain is always too many."""

    signal: Literal["links"] = "links"
    at_least: Annotated[int, Field(ge=1, le=100)] = 1
    allow: Annotated[Unordered[Domain], Field(max_length=1000)] = frozenset()
    deny: Annotated[Unordered[Domain], Field(max_length=1000)] = frozenset()

    @model_validator(mode="after")
    def _not_both(self) -> Self:
        if both := self.allow & self.deny:
            raise PydanticCustomError(
                "domain_twice", "{domain} is both allowed and denied; take it out of one list", {"domain": min(both)}
            )
        return self


class Length(_Condition):
    """How long the text is, in characters or words; too short, too long, or either."""

    signal: Literal["length"] = "length"
    fewer_than: Annotated[int, Field(ge=1, le=100_000)] | None = None
    more_than: Annotated[int, Field(ge=0, le=100_000)] | None = None
    unit: Literal["characters", "words"] = "characters"

    @model_validator(mode="after")
    def _some_bound(self) -> Self:
        if self.fewer_than is None and self.more_than is None:
            raise PydanticCustomError("some_bound", "give fewer_than, more_than or both")
        if self.fewer_than is not None and self.more_than is not None and self.more_than < self.fewer_than:
            raise PydanticCustomError(
                "every_length",
                "every text has fewer than {fewer} or more than {more} {unit}",
                {"fewer": self.fewer_than, "more": self.more_than, "unit": self.unit},
            )
        return self


class Repeat(_Condition):
    """How many earlier comments, by anyone, said nearly the same."""

    signal: Literal["repeat"] = "repeat"
    at_least: Annotated[int, Field(ge=1, le=20)] = 1
    similarity: Annotated[float, Field(ge=0.6, le=1)] = 0.85
    within_days: Annotated[int, Field(ge=1, le=365)] = 30


class NewCommenter(_Condition):
    """How many comments of the commenter were approved before."""

    signal: Literal["new_commenter"] = "new_commenter"
    fewer_than: Annotated[int, Field(ge=1, le=1000)] = 2


def options() -> re2.Options:
    """Return how patterns are read: upper and lower case alike, in bounded memory, silently."""
    made = re2.Options()
    made.max_mem = PATTERN_MEMORY
    made.log_errors = False
    made.case_sensitive = False
    return made


def _linear(pattern: str) -> str:
    try:
        re2.compile(pattern, options())
    except re2.error as error:
        said = error.args[0].decode() if error.args and isinstance(error.args[0], bytes) else str(error)
        raise PydanticCustomError(
            "pattern",
            "this regular expression is refused: {said}. Allowed is what runs in linear time (RE2): no look-around, "
            "no back-references, no huge repetitions",
            {"said": said},
        ) from None
    return pattern


class Pattern(_Condition):
    """A regular expression in RE2's syntax, which runs in linear time on any text."""

    signal: Literal["pattern"] = "pattern"
    pattern: Annotated[str, Field(min_length=1, max_length=2000), AfterValidator(_linear)]


def _listed(word: str) -> str:
    try:
        check(word)
    except WordListError as error:
        raise PydanticCustomError(error.code, error.template, error.values) from None
    return word.strip()


Listed = Annotated[str, AfterValidator(_listed)]


class Words(_Condition):
    """How often words of a list stand in the text: inflected, in compounds, masked; those excepted never count."""

    signal: Literal["words"] = "words"
    words: Annotated[tuple[Listed, ...], Field(min_length=1, max_length=MOST)]
    excepted: Annotated[tuple[Listed, ...], Field(max_length=MOST)] = ()
    at_least: Annotated[int, Field(ge=1, le=100)] = 1


Condition = Annotated[
    Relevance
    | Disrespect
    | PutDown
    | Words
    | Links
    | Shouting
    | Length
    | Repeat
    | NewCommenter
    | Record
    | Pattern
    | Learned,
    Field(discriminator="signal"),
]

DAYS = ("mon", "tue", "wed", "thu", "fri", "sat", "sun")


class Hours(_Condition):
    """When a rule holds, by the site's clock: from a time until before another, past midnight where that is earlier.

    ``days`` are those on which the span begins; empty means every day.
    """

    start: Annotated[str, Field(pattern=r"^([01]\d|2[0-3]):[0-5]\d$")] = "00:00"
    end: Annotated[str, Field(pattern=r"^(([01]\d|2[0-3]):[0-5]\d|24:00)$")] = "24:00"
    days: Unordered[Literal["mon", "tue", "wed", "thu", "fri", "sat", "sun"]] = frozenset()

    @model_validator(mode="after")
    def _some_time(self) -> Self:
        if self.start == self.end:
            raise PydanticCustomError("no_time", "start and end are the same; for the whole day write 00:00 and 24:00")
        return self
