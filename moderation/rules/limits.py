"""The limits inside which a house rule may decide by itself. Pure: whether it is switched on is not said here."""

from typing import Annotated

from pydantic import BaseModel, ConfigDict, Field
from pydantic_core import PydanticCustomError

from moderation.rules.conditions import Condition, Scored, Share


class Limits(BaseModel):
    """What is promised of a rule that decides by itself, and how far it may go.

    ``promise`` is the share of its decisions with which people would agree. ``beyond`` is a bound of its own, stricter
    than the rule's. At most ``per_day`` decisions a day; the share ``checked`` of what it could decide goes to people.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    promise: Annotated[float, Field(ge=0.8, le=0.999)] = 0.95
    beyond: Share | None = None
    per_day: Annotated[int, Field(ge=1, le=100_000)] = 50
    checked: Annotated[float, Field(ge=0.05, le=0.9)] = 0.1

    def covers(self, when: Condition, score: float) -> bool:
        """Whether a score that meets the rule lies beyond the stricter bound as well; the bound itself does."""
        if self.beyond is None or not isinstance(when, Scored):
            return True
        return score >= self.beyond if when.at_least is not None else score <= self.beyond

    def check(self, when: Condition) -> None:
        """Refuse ``beyond`` where it makes no sense for a rule of that condition."""
        if self.beyond is None:
            return
        if not isinstance(when, Scored):
            raise PydanticCustomError(
                "beyond_unscored", "automation: beyond is for rules with a score from 0 to 1; leave it out"
            )
        if not when.is_met_by(self.beyond):
            raise PydanticCustomError("beyond_lax", "automation: beyond must lie on the rule's own bound or further on")
