"""Which of the waiting comments a moderator wants to see: read from an address, and written back into one."""

from collections.abc import Mapping
from dataclasses import dataclass, fields, replace
from datetime import timedelta
from typing import Any, Self

from sqlalchemy import ColumnElement, and_, func, not_, or_, select

from moderation.db import now
from moderation.errors import BadInput
from moderation.models import Article, Assessment, Comment, Deferral, Site
from moderation.search import comments_with

HIGHEST_ID = 2**62
LONGEST = 200
"""Characters of a filter that is a word."""

_YES_NO = {"yes": True, "no": False}


@dataclass(frozen=True, slots=True)
class Filters:
    """What is asked for; None asks for nothing. Field names are the names in addresses.

    ``older`` and ``younger`` are minutes since a comment was written; scores are 0 to 1. ``rule`` is the rule most in
    doubt. ``deferred`` comments are left out unless they are asked for. ``unknown`` holds names that mean nothing here,
    so that a page can say so.
    """

    site: str | None = None
    section: str | None = None
    article: int | None = None
    rule: int | None = None
    language: str | None = None
    older: int | None = None
    younger: int | None = None
    relevance_from: float | None = None
    relevance_to: float | None = None
    disrespect_from: float | None = None
    disrespect_to: float | None = None
    words: str | None = None
    scored: bool | None = None
    replies: bool | None = None
    deferred: bool | None = None
    unknown: tuple[str, ...] = ()

    @classmethod
    def parse(cls, given: Mapping[str, str], *, beside: frozenset[str] = frozenset()) -> Self:
        """Read filters from the arguments of an address; empty ones ask for nothing.

        ``beside`` are names that mean something else to the page. BadInput names a filter whose value cannot be.
        """
        values: dict[str, Any] = {
            name: _READERS[name](name, value.strip())
            for name, value in given.items()
            if name in NAMES and value.strip()
        }
        unknown = tuple(name for name in given if name not in beside and name not in NAMES)
        return cls(**values, unknown=unknown)

    def active(self) -> dict[str, Any]:
        """Return the filters that ask for something, by name."""
        return {name: getattr(self, name) for name in NAMES if getattr(self, name) is not None}

    def address(self) -> dict[str, str]:
        """Return what ``parse`` reads, so that an address can hold it."""
        return {name: _written(value) for name, value in self.active().items()}

    def without(self, *names: str) -> Self:
        """Return the filters less some of them."""
        nothing: dict[str, Any] = dict.fromkeys(names)
        return replace(self, **nothing)

    def conditions(self) -> list[ColumnElement[bool]]:
        """Return what a comment must be, where ``Assessment`` is joined from the outside."""
        wanted = [_CONDITIONS[name](value) for name, value in self.active().items() if name != "deferred"]
        put_off = select(Deferral.id).where(Deferral.comment_id == Comment.id, Deferral.ended_at.is_(None)).exists()
        return [*wanted, put_off if self.deferred else not_(put_off)]


NAMES = tuple(field.name for field in fields(Filters) if field.name != "unknown")


def _written(value: object) -> str:
    if isinstance(value, bool):
        return "yes" if value else "no"
    return str(value)


def _word(name: str, value: str) -> str:
    if len(value) > LONGEST or "\0" in value:
        raise BadInput(f"The filter `{name}` is too long.", code="unknown_filter", field=name)
    return value


def _number(name: str, value: str) -> int:
    if not value.isascii() or not value.isdigit() or int(value[:20]) > HIGHEST_ID:
        raise BadInput(f"The filter `{name}` must be a whole number.", code="unknown_filter", field=name)
    return int(value)


def _minutes(name: str, value: str) -> int:
    return min(_number(name, value), 60 * 24 * 36500)


def _score(name: str, value: str) -> float:
    try:
        number = float(value.replace(",", "."))
    except ValueError:
        number = -1.0
    if not 0 <= number <= 1:
        raise BadInput(f"The filter `{name}` must be a number from 0 to 1.", code="unknown_filter", field=name)
    return number


def _yes_or_no(name: str, value: str) -> bool:
    if value not in _YES_NO:
        raise BadInput(f"The filter `{name}` must be yes or no.", code="unknown_filter", field=name)
    return _YES_NO[value]


_READERS: dict[str, Any] = {
    **dict.fromkeys(("site", "section", "language", "words"), _word),
    **dict.fromkeys(("article", "rule"), _number),
    **dict.fromkeys(("older", "younger"), _minutes),
    **dict.fromkeys(("relevance_from", "relevance_to", "disrespect_from", "disrespect_to"), _score),
    **dict.fromkeys(("scored", "replies", "deferred"), _yes_or_no),
}


def _is_scored(*, wanted: bool) -> ColumnElement[bool]:
    is_scored = and_(Assessment.id.is_not(None), Assessment.not_scored.is_(None))
    return is_scored if wanted else or_(Assessment.id.is_(None), Assessment.not_scored.is_not(None))


def _in_language(language: str) -> ColumnElement[bool]:
    """Compare languages without their countries: what was found, else what the site said."""
    spoken = func.lower(func.coalesce(Assessment.language, Comment.language))
    wanted = language.lower()
    return or_(spoken == wanted, spoken.startswith(f"{wanted}-", autoescape=True))


_CONDITIONS: dict[str, Any] = {
    "site": lambda slug: Comment.site_id == select(Site.id).where(Site.slug == slug).scalar_subquery(),
    "section": lambda name: Comment.article_id.in_(select(Article.id).where(Article.section == name)),
    "article": lambda id_: Comment.article_id == id_,
    "rule": lambda id_: Assessment.rule_id == id_,
    "language": _in_language,
    "older": lambda minutes: Comment.submitted_at <= now() - timedelta(minutes=minutes),
    "younger": lambda minutes: Comment.submitted_at >= now() - timedelta(minutes=minutes),
    "relevance_from": lambda score: Assessment.relevance >= score,
    "relevance_to": lambda score: Assessment.relevance <= score,
    "disrespect_from": lambda score: Assessment.disrespect >= score,
    "disrespect_to": lambda score: Assessment.disrespect <= score,
    "words": comments_with,
    "scored": lambda wanted: _is_scored(wanted=wanted),
    "replies": lambda wanted: (
        Comment.parent_external_id.is_not(None) if wanted else Comment.parent_external_id.is_(None)
    ),
}
