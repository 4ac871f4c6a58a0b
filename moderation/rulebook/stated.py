"""How a house rule is stated: the one schema of files, forms and kept versions. Knows no database."""

import re
import unicodedata
from collections.abc import Collection
from typing import Annotated, Any, Self

from pydantic import AfterValidator, BaseModel, ConfigDict, Field, model_validator
from pydantic_core import PydanticCustomError

from moderation.rules import Advice, Condition, Hours, Limits, Rule
from moderation.rules.conditions import Unordered

_UNSTORABLE = re.compile(r"[\x00\ud800-\udfff]")
_FOLDED = str.maketrans({"ä": "ae", "ö": "oe", "ü": "ue", "ß": "ss"})


def _plain(text: str) -> str:
    kept = text.strip()
    if not kept or _UNSTORABLE.search(kept):
        raise PydanticCustomError("no_words", "must hold some words, and no NUL or broken characters")
    return kept


def _folded(sections: Collection[str]) -> frozenset[str]:
    return frozenset(section.strip().casefold() for section in sections if section.strip())


Words = Annotated[str, Field(max_length=2000), AfterValidator(_plain)]
Title = Annotated[str, Field(max_length=200), AfterValidator(_plain)]
Language = Annotated[str, Field(pattern=r"^[a-z]{2,3}$")]


class StatedRule(BaseModel):
    """One house rule in the site's words: what readers see, when it is met, and what is advised then."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    id: int | None = Field(None, exclude=True)
    key: Annotated[str, Field(pattern=r"^[a-z0-9][a-z0-9-]{0,59}$")]
    title: Annotated[dict[Language, Title], Field(min_length=1)]
    text: Annotated[dict[Language, Words], Field(min_length=1)]
    when: Condition
    advice: Advice = Advice.REVIEW
    hours: Hours | None = None
    sections: Annotated[Unordered[str], AfterValidator(_folded)] = frozenset()
    automation: Limits | None = None

    @model_validator(mode="after")
    def _can_decide(self) -> Self:
        if self.automation is None:
            return self
        if self.advice is Advice.REVIEW:
            raise PydanticCustomError(
                "cannot_decide", "a rule with limits for deciding by itself must advise approve or delete, not review"
            )
        self.automation.check(self.when)
        return self

    def as_json(self) -> dict[str, Any]:
        """Return the rule as it is written into files: what is left at its default is left out; the same each time."""
        said = self.model_dump(mode="json", exclude_defaults=True)
        said["when"] = {"signal": self.when.signal, **said.get("when", {})}
        said["advice"] = str(self.advice)
        if self.automation is not None:  # a promise is written out, whatever the defaults will be one day
            said["automation"] = self.automation.model_dump(mode="json", exclude_none=True)
        return said

    def terms(self) -> dict[str, Any]:
        """Return all that decides which comments the rule marks and what becomes of them: not its words."""
        said = self.as_json()
        return {name: said.get(name) for name in ("when", "advice", "hours", "sections", "automation")}

    def applied(self) -> Rule:
        """Return the rule as a value to be applied; one that was not saved yet has the id 0."""
        return Rule(
            id=self.id or 0,
            title=dict(self.title),
            text=dict(self.text),
            when=self.when,
            advice=self.advice,
            hours=self.hours,
            sections=self.sections,
            automation=self.automation,
        )


def make_key(title: str, taken: Collection[str]) -> str:
    """Make a key of a title that none of ``taken`` is."""
    folded = unicodedata.normalize("NFKD", title.casefold().translate(_FOLDED)).encode("ascii", "ignore").decode()
    base = re.sub(r"[^a-z0-9]+", "-", folded).strip("-")[:50].strip("-") or "rule"
    return next(key for key in (base, *(f"{base}-{n}" for n in range(2, 10_000))) if key not in taken)
