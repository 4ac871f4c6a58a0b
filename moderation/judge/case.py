"""The words of the judge: what it is given (a case) and what it says (an assessment). Plain values, nothing else.

All offsets are Unicode code points into the plain text of the comment. A score is a probability strictly between
0 and 1; ``None`` means "cannot tell" and always comes with a reason. It never means 0.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum

MOST_ANSWERED = 6
"""How far back the judge looks along what answers what."""


class Kind(StrEnum):
    """The kinds of disrespect."""

    INSULT = "insult"
    PROFANITY = "profanity"
    THREAT = "threat"
    IDENTITY_ATTACK = "identity_attack"
    SEXUAL = "sexual"
    SHOUTING = "shouting"


def main_kind(kinds: Mapping[Kind, float]) -> Kind:
    """Return the likeliest kind that goes against somebody; where none is told, an insult."""
    against = (Kind.INSULT, Kind.THREAT, Kind.IDENTITY_ATTACK, Kind.SEXUAL)
    return max(against, key=lambda kind: kinds.get(kind, 0.0))


class ToneSource(StrEnum):
    """Whose word on tone counts."""

    EMBEDDED = "embedded"
    DETOXIFY = "detoxify"
    BLEND = "blend"


class Target(StrEnum):
    """Whom the disrespect addresses."""

    READER = "reader"
    AUTHOR = "author"
    THIRD_PARTY = "third_party"
    NONE = "none"


class NoRelevance(StrEnum):
    """Why a comment has no relevance score."""

    TOO_SHORT = "too_short"
    NO_ARTICLE = "no_article"
    NO_TEXT = "no_text"
    LANGUAGE = "language"


@dataclass(frozen=True, slots=True)
class Article:
    """What a comment stands under. ``authors`` are the by-lines as printed."""

    title: str = ""
    lead: str = ""
    body: str = ""
    authors: tuple[str, ...] = ()
    language: str | None = None


@dataclass(frozen=True, slots=True)
class Parent:
    """The comment that is being answered; ``parent`` is what that one answers in turn, where it is known."""

    text: str
    commenter: str | None = None
    parent: "Parent | None" = None


@dataclass(frozen=True, slots=True)
class Case:
    """One comment and everything the judge may look at.

    ``thread`` holds the texts of other comments under the same article (not the parent), ``background`` the titles of
    other articles of the same site. ``language`` is what the site says (BCP 47); the judge may know better.
    ``adaptation`` is what the site's own traffic has taught about relevance, as `Adaptation.to_bytes` wrote it; one
    that was made for other weights is passed over.
    """

    text: str
    language: str | None = None
    commenter: str | None = None
    article: Article | None = None
    parent: Parent | None = None
    thread: tuple[str, ...] = ()
    background: tuple[str, ...] = ()
    adaptation: bytes | None = None

    def answered(self) -> list[str]:
        """Return what the comment answers, what that answers, and so on, at most ``MOST_ANSWERED``; the first last."""
        found: list[str] = []
        parent = self.parent
        while parent is not None and len(found) < MOST_ANSWERED:
            found.append(parent.text)
            parent = parent.parent
        return found


@dataclass(frozen=True, slots=True)
class Span:
    """The characters ``text[start:end]`` that carry disrespect of one kind."""

    start: int
    end: int
    kind: Kind
    score: float


@dataclass(frozen=True, slots=True)
class SentenceTone:
    """One sentence of the comment, ``text[start:end]``, and how disrespectful it is where it stands."""

    start: int
    end: int
    disrespect: float


@dataclass(frozen=True, slots=True)
class Passage:
    """The piece of the article that is closest to the comment; ``similarity`` is a centred cosine, -1 to 1.

    A general remark has a closest passage as well, by chance: see ``STANDS_OUT_FROM``.
    """

    text: str
    similarity: float


STANDS_OUT_FROM = 0.1
"""Similarity from which a passage is worth showing. On the corpus's dev threads the closest one of 0.54 of the articles
that a comment does not belong to is below it, and of 0.24 of those that it does."""


@dataclass(frozen=True, slots=True)
class OtherArticle:
    """Another article of the site that a comment in doubt is closer to than to its own; a centred cosine, -1 to 1."""

    title: str
    similarity: float


@dataclass(frozen=True, slots=True)
class Assessment:
    """All that the judge says of one case.

    ``put_down_share`` is the share, 0 to 1, of the comment's characters that stand in sentences which put somebody
    down; ``None`` where there is no text. Unlike a score it may be exactly 0 or 1. ``sentences`` are those it counts.
    ``spam`` is how likely the text is advertising or junk, which belongs under no article: ``relevance`` counts it in.
    """

    language: str | None
    relevance: float | None
    relevance_reason: NoRelevance | None
    disrespect: float | None
    kinds: dict[Kind, float] = field(default_factory=dict)
    target: Target | None = None
    spans: tuple[Span, ...] = ()
    sentences: tuple[SentenceTone, ...] = ()
    put_down_share: float | None = None
    passage: Passage | None = None
    other_article: OtherArticle | None = None
    spam: float | None = None
    engine: str = ""
