"""A site's history whole, as lines that `moderation export` writes and `moderation import jsonl` takes back."""

from collections.abc import Iterator
from datetime import datetime
from functools import cached_property
from typing import Annotated, Any

from pydantic import BaseModel, Field
from sqlalchemy import func, select
from sqlalchemy.orm import Session, joinedload, selectinload

from moderation.contract import ArticleData, Clean, CommentData, Time
from moderation.models import Article, Comment, Decision, HouseRule, Maker, Moderator, Outcome, PastText, Site, Status

PAGE = 500

Words = dict[Clean, Clean]

_ARTICLE = ("url", "title", "lead", "body", "authors", "language", "section", "published_at", "stated_at", "closed_at")
_COMMENT = ("language", "submitted_at", "received_at", "stated_at", "status", "revision")


class ArchivedArticle(ArticleData):
    """An article, when the site last spoke of it, and since when it takes no more comments, if it does not."""

    stated_at: Time
    closed_at: Time | None = None


class CitedRule(BaseModel):
    """The rule that a decision cites, in the words of that day."""

    key: Clean | None
    title: Words
    text: Words


class ArchivedDecision(BaseModel):
    """A decision on one revision."""

    revision: Annotated[int, Field(ge=1)]
    outcome: Outcome
    maker: Maker
    moderator: Clean | None = None
    rule: CitedRule | None = None
    decided_at: Time


class ArchivedText(BaseModel):
    """What a comment said in an earlier revision."""

    revision: Annotated[int, Field(ge=1)]
    text: Clean
    replaced_at: Time


class ArchivedComment(CommentData):
    """A comment as it stands, with all that it said before and all that was decided on it, oldest first."""

    article: ArchivedArticle
    status: Status
    revision: Annotated[int, Field(ge=1)]
    received_at: Time
    stated_at: Time
    past_texts: tuple[ArchivedText, ...] = ()
    decisions: tuple[ArchivedDecision, ...]


class LoneArticle(BaseModel):
    """The line of an article that nobody has written under."""

    article: ArchivedArticle


def count(session: Session, site: Site) -> int:
    """Return how many comments of a site there are to be written."""
    return session.scalars(select(func.count()).select_from(Comment).where(Comment.site_id == site.id)).one()


def lines(session: Session, site: Site) -> Iterator[dict[str, Any]]:
    """Yield a site's articles without comments, then its comments in the order in which they came, as for JSON."""
    keys = {rule.id: rule.key for rule in session.scalars(select(HouseRule).where(HouseRule.site_id == site.id))}
    lone = (
        select(Article)
        .where(Article.site_id == site.id, ~select(Comment.id).where(Comment.article_id == Article.id).exists())
        .order_by(Article.id)
    )
    for article in session.scalars(lone, execution_options={"yield_per": PAGE}):
        yield {"article": _article(article)}
    written = (
        select(Comment)
        .where(Comment.site_id == site.id)
        .order_by(Comment.id)
        .options(
            joinedload(Comment.article),
            selectinload(Comment.past_texts),
            selectinload(Comment.decisions).joinedload(Decision.moderator),
        )
    )
    for comment in session.scalars(written, execution_options={"yield_per": PAGE}):
        yield _comment(comment, keys)


def _article(article: Article) -> dict[str, Any]:
    return {"id": article.external_id, **_filled(article, *_ARTICLE)}


def _comment(comment: Comment, keys: dict[int, str]) -> dict[str, Any]:
    commenter = {name: getattr(comment, f"commenter_{name}") for name in ("id", "name", "email", "ip")}
    return {
        "id": comment.external_id,
        "text": comment.text,
        "commenter": {name: value for name, value in commenter.items() if value is not None},
        "parent_id": comment.parent_external_id,
        **_filled(comment, *_COMMENT),
        "past_texts": [_filled(past, "revision", "text", "replaced_at") for past in comment.past_texts],
        "decisions": [_decision(decision, keys) for decision in comment.decisions],
        "article": _article(comment.article),
    }


def _decision(decision: Decision, keys: dict[int, str]) -> dict[str, Any]:
    line = _filled(decision, "revision", "outcome", "maker", "decided_at")
    if decision.moderator is not None:
        line["moderator"] = decision.moderator.name
    if decision.rule_title is not None:
        key = keys.get(decision.rule_id) if decision.rule_id is not None else None
        line["rule"] = {"key": key, "title": decision.rule_title, "text": decision.rule_text}
    return line


def _filled(row: Article | Comment | Decision | PastText, *names: str) -> dict[str, Any]:
    values = {name: getattr(row, name) for name in names}
    return {
        name: value.isoformat() if isinstance(value, datetime) else value
        for name, value in values.items()
        if value not in (None, [])
    }


NO_MODERATOR = {"moderator_id": None, "rule_id": None, "rule_title": None, "rule_text": None}
"""What a decision's row holds that names neither moderator nor rule."""


class Past:
    """What comments of an archive said and what was decided on them, as rows of a house's tables.

    What a moderator decided who is unknown here counts as the site's own decision; a rule that the site has not is
    cited in the words of that day alone.
    """

    def __init__(self, session: Session, site: Site) -> None:
        self._session = session
        self._site = site

    @cached_property
    def _moderators(self) -> dict[str, int]:
        return {name: id_ for id_, name in self._session.execute(select(Moderator.id, Moderator.name))}

    @cached_property
    def _rules(self) -> dict[str | None, int]:
        rules = select(HouseRule.id, HouseRule.key).where(HouseRule.site_id == self._site.id)
        return {key: id_ for id_, key in self._session.execute(rules)}

    def texts(self, comment: ArchivedComment, id_: int) -> list[dict[str, Any]]:
        """Return the rows of a comment's earlier texts."""
        return [{"comment_id": id_, **past.model_dump()} for past in comment.past_texts]

    def decisions(self, comment: ArchivedComment, id_: int) -> list[dict[str, Any]]:
        """Return the rows of the decisions on a comment, oldest first: what was last stays last."""
        return [self._decision(decided, id_) for decided in comment.decisions]

    def _decision(self, decided: ArchivedDecision, id_: int) -> dict[str, Any]:
        moderator, maker = None, decided.maker
        if maker is Maker.MODERATOR:
            moderator = self._moderators.get(decided.moderator or "")
            maker = Maker.SITE if moderator is None else maker
        row: dict[str, Any] = {
            "comment_id": id_,
            "revision": decided.revision,
            "outcome": decided.outcome,
            "maker": maker,
            "decided_at": decided.decided_at,
            **NO_MODERATOR,
            "moderator_id": moderator,
        }
        if decided.rule is not None:
            cited = decided.rule
            row |= {"rule_id": self._rules.get(cited.key), "rule_title": cited.title, "rule_text": cited.text}
        return row
