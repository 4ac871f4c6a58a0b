"""The judge: reads a comment and says how relevant it is to its article and how disrespectful its tone is.

Pure: texts in, assessments out. No database, no web, no network. `Judge` is the one front door.
"""

from collections.abc import Sequence
from dataclasses import replace
from functools import cached_property
from typing import TYPE_CHECKING, Self

from moderation.judge.case import (
    Article,
    Assessment,
    Case,
    Kind,
    NoRelevance,
    OtherArticle,
    Parent,
    Passage,
    SentenceTone,
    Span,
    Target,
)

if TYPE_CHECKING:
    from moderation.judge.learned import Features
    from moderation.judge.network import Floats
    from moderation.judge.reader import Reader
    from moderation.judge.relevance import Look, RelevanceModel

__all__ = [
    "Article",
    "Assessment",
    "Case",
    "Judge",
    "Kind",
    "NoRelevance",
    "OtherArticle",
    "Parent",
    "Passage",
    "SentenceTone",
    "Span",
    "Target",
]


class Judge:
    """Assesses cases with the weights that ship with the package; one call at a time, from any thread."""

    @classmethod
    def load(cls) -> Self:
        """Return a judge that is ready; raises WeightsError when its weights are not what was shipped."""
        judge = cls()
        judge.warm()
        return judge

    def warm(self) -> None:
        """Load the weights now rather than with the first case; raises WeightsError."""
        _ = self._reader

    @property
    def engine(self) -> str:
        """Name and version of what judges, as written beside every assessment."""
        return self._reader.engine

    def assess(self, cases: Sequence[Case]) -> list[Assessment]:
        """Return one assessment for each case, in the same order; never raises on any text.

        Of a text over 3,200 code points the models read the first 2,400 and the last 800; word spans and shouting
        are found in all of it. Time grows in proportion to the text.
        """
        return [replace(assessment, engine=self.engine) for assessment in self._reader.assess(cases)] if cases else []

    def spam(self, texts: Sequence[str]) -> list[float]:
        """Return for each text the probability, 0.001 to 0.999, that it is advertising or junk."""
        return self._reader.spam(texts) if texts else []

    def study(self, cases: Sequence[Case]) -> "tuple[list[Assessment], Features]":
        """Assess cases (at least one), and return also what a site's own model looks at."""
        assessments = self.assess(cases)
        return assessments, self.features(cases, assessments)

    def features(self, cases: Sequence[Case], assessments: Sequence[Assessment]) -> "Features":
        """Return what a site's own model looks at, of cases (at least one) and what was said of them, by whomever."""
        return self._reader.features(cases, assessments)

    @property
    def relevance(self) -> "RelevanceModel":
        """The shipped model of relevance."""
        return self._reader.relevance

    def look(self, cases: Sequence[Case]) -> "list[Look]":
        """Return what relevance reads of each case (each with an article): what a site's adaptation is learned from."""
        return self._reader.look(cases)

    def vectors(self, texts: Sequence[str]) -> "Floats":
        """Return the sentence vectors of texts: (n, 512)."""
        return self._reader.vectors(texts)

    def forget(self) -> None:
        """Forget all texts read so far."""
        self._reader.forget()

    @cached_property
    def _reader(self) -> "Reader":
        # Imported here: who only wants the judge's words must not pay for numpy and the weights.
        from moderation.judge.reader import Reader  # noqa: PLC0415

        return Reader()
