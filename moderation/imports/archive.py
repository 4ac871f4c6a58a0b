"""A site's history whole, as lines that `moderation export` writes and `moderation import jsonl` takes back."""

from collections.abc import Iterator
from datetime import datetime
from typing import Annotated, Any

from pydantic import BaseModel, Field
from sqlalchemy import func, select
from sqlalchemy.orm import Session, joinedload, selectinload

from moderation import intake
from moderation.contract import ArticleData, Clean, CommentData, Time
from moderation.models import Article, Comment, Decision, HouseRule, Maker, Moderator, Outcome, PastText, Site, Status

PAGE = 500

Words = dict[Clean, Clean]

_ARTICLE = ("url", "title", "lead", "body", "authors", "language", "section", "published_at", "stated_at")
_COMMENT = ("language", "submitted_at", "received_at", "stated_at", "status", "revision")


class ArchivedArticle(ArticleData):
    """An article, and when the site last spoke of it."""

    stated_at: Time


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


def take(session: Session, site: Site, item: ArchivedComment) -> None:
    """Write a comment with all its past; one that is known stays as it is.

    What a moderator decided who is unknown here counts as the site's own decision; a rule that the site has not is
    cited in the words of that day alone.
    """
    article = intake.write_article(session, site, item.article, item.article.stated_at)
    comment = intake.add(session, site, item, article, item.stated_at)
    if comment is None:
        return
    comment.status, comment.revision, comment.received_at = item.status, item.revision, item.received_at
    if item.status is Status.WITHDRAWN or not item.text:
        comment.due_at = None  # nothing to judge: taken back, or erased
    for past in item.past_texts:
        session.add(PastText(comment_id=comment.id, **past.model_dump()))
    for decided in item.decisions:
        session.add(_as_decided(session, site, comment, decided))
        session.flush()  # one after the other: what was last stays last


def _as_decided(session: Session, site: Site, comment: Comment, decided: ArchivedDecision) -> Decision:
    moderator, rule = None, None
    if decided.maker is Maker.MODERATOR:
        moderator = session.scalars(select(Moderator).where(Moderator.name == decided.moderator)).one_or_none()
    if decided.rule is not None:
        cited = select(HouseRule).where(HouseRule.site_id == site.id, HouseRule.key == decided.rule.key)
        rule = session.scalars(cited).one_or_none()
    return Decision(
        comment_id=comment.id,
        revision=decided.revision,
        outcome=decided.outcome,
        maker=Maker.SITE if decided.maker is Maker.MODERATOR and moderator is None else decided.maker,
        moderator_id=moderator and moderator.id,
        rule_id=rule and rule.id,
        rule_title=decided.rule and decided.rule.title,
        rule_text=decided.rule and decided.rule.text,
        decided_at=decided.decided_at,
    )
