"""What a site may read of its own through the API: pages by keyset and single things, as `moderation.wire` has them."""

from collections.abc import Sequence
from typing import Any, TypeVar

from sqlalchemy import Select, select
from sqlalchemy.orm import Session, joinedload
from sqlalchemy.sql.elements import ColumnElement

from moderation import rulebook, wire
from moderation.delivery import words
from moderation.errors import NotFound
from moderation.models import Article, Closing, Comment, Decision, Delivery, Site
from moderation.rules import Recommendation

Row = TypeVar("Row", Article, Comment, Delivery)

STATES: dict[str, list[ColumnElement[bool]]] = {
    "delivered": [Delivery.delivered_at.is_not(None)],
    "failed": [Delivery.failed_at.is_not(None), Delivery.delivered_at.is_(None)],
    "cancelled": [Delivery.cancelled_at.is_not(None), Delivery.delivered_at.is_(None), Delivery.failed_at.is_(None)],
    "waiting": [Delivery.delivered_at.is_(None), Delivery.failed_at.is_(None), Delivery.cancelled_at.is_(None)],
}


def site(row: Site) -> wire.SiteOut:
    """Say of a site what its own programs may know."""
    return wire.tagged(wire.SiteOut.model_validate(row))


def articles(session: Session, site: Site, wanted: wire.Slice) -> wire.Page[wire.ArticleOut]:
    """Return a page of the site's articles."""
    found, following = _page(session, select(Article).where(Article.site_id == site.id), Article, wanted)
    return wire.Page[wire.ArticleOut](items=tuple(map(article, found)), next=following)


def article(row: Article) -> wire.ArticleOut:
    """Say of an article what the site may know."""
    said = {name: getattr(row, name) for name in wire.ArticleOut.model_fields if name not in {"id", "etag", "closed"}}
    return wire.tagged(wire.ArticleOut(id=row.external_id, closed=row.closed_at is not None, **said))


def find_article(session: Session, site: Site, external_id: str, *, lock: bool = False) -> Article:
    """Return an article's row by the site's id, if wished kept from others' changes; NotFound where there is none."""
    found = select(Article).where(Article.site_id == site.id, Article.external_id == external_id)
    if lock:
        found = found.with_for_update()
    return _one(session.scalars(found).one_or_none(), "article", external_id)


def comments(session: Session, site: Site, wanted: wire.CommentSlice) -> wire.Page[wire.CommentOut]:
    """Return a page of the site's comments."""
    statement = select(Comment).where(Comment.site_id == site.id).options(joinedload(Comment.article))
    if wanted.status is not None:
        statement = statement.where(Comment.status == wanted.status)
    if wanted.article is not None:
        statement = statement.where(Comment.article_id == find_article(session, site, wanted.article).id)
    found, following = _page(session, statement, Comment, wanted)
    return wire.Page[wire.CommentOut](items=tuple(map(comment, found)), next=following)


def find_comment(session: Session, site: Site, external_id: str, *, lock: bool = False) -> Comment:
    """Return a comment's row by the site's id, if wished kept from others' changes; NotFound where there is none."""
    found = select(Comment).where(Comment.site_id == site.id, Comment.external_id == external_id)
    if lock:
        found = found.with_for_update()
    return _one(session.scalars(found).one_or_none(), "comment", external_id)


def comment(row: Comment) -> wire.CommentOut:
    """Say of a comment what the site may know."""
    said = wire.CommentOut(
        id=row.external_id,
        article_id=row.article.external_id,
        parent_id=row.parent_external_id,
        text=row.text,
        language=row.language,
        commenter=wire.CommenterOut(id=row.commenter_id, name=row.commenter_name),
        submitted_at=row.submitted_at,
        received_at=row.received_at,
        revision=row.revision,
        status=row.status.value,
    )
    return wire.tagged(said)


def decision(row: Decision, site: Site) -> wire.DecisionOut:
    """Say of a decision what the site may know."""
    return wire.DecisionOut(
        id=row.id,
        comment_id=row.comment.external_id,
        revision=row.revision,
        outcome=row.outcome.value,
        maker=row.maker.value,
        rule=wire.RuleRef(id=row.rule_id, title=words(row.rule_title, site)) if row.rule_id else None,
        reason=words(row.rule_text, site),
        decided_at=row.decided_at,
    )


def deliveries(session: Session, site: Site, wanted: wire.DeliverySlice) -> wire.Page[wire.DeliveryOut]:
    """Return a page of the deliveries to the site."""
    statement = select(Delivery).where(Delivery.site_id == site.id)
    comment, closed = joinedload(Delivery.decision).joinedload(Decision.comment), joinedload(Delivery.closing)
    statement = statement.options(comment, closed.joinedload(Closing.article))
    if wanted.state is not None:
        statement = statement.where(*STATES[wanted.state])
    found, following = _page(session, statement, Delivery, wanted)
    return wire.Page[wire.DeliveryOut](items=tuple(map(delivery, found)), next=following)


def find_delivery(session: Session, site: Site, number: int) -> Delivery:
    """Return a delivery's row; NotFound where the site has none of that id."""
    found = select(Delivery).where(Delivery.site_id == site.id, Delivery.id == min(number, wire.HIGHEST))
    return _one(session.scalars(found).one_or_none(), "delivery", str(number))


def delivery(row: Delivery) -> wire.DeliveryOut:
    """Say of a delivery what the site may know."""
    return wire.DeliveryOut(
        id=row.id,
        webhook_id=row.webhook_id,
        decision_id=row.decision_id,
        comment_id=row.decision.comment.external_id if row.decision else None,
        article_id=row.closing.article.external_id if row.closing else None,
        state=_state(row),
        attempts=row.attempts,
        last_error=row.last_error,
        not_before=row.not_before,
        delivered_at=row.delivered_at,
    )


def rules(session: Session, site: Site) -> wire.RulesOut:
    """Return the site's rules as they are stated now."""
    newest = rulebook.current(session, site.id)
    return wire.tagged(wire.RulesOut(version=newest.version if newest else 0, rules=tuple(rulebook.stated(newest))))


def preview(
    text: str,
    said: Recommendation,
    site: Site,
    scores: tuple[float | None, float | None] = (None, None),
    language: str = "",
) -> wire.PreviewOut:
    """Say what the rules advise of a text, and about which words; ``scores`` are relevance and disrespect.

    The rule is told in ``language`` where it is stated in that, else in the site's.
    """
    reason = said.reasons[0] if said.reasons else None
    rule = None
    if reason is not None:
        title, told = (each.get(language) or words(each, site) or "" for each in (reason.rule.title, reason.rule.text))
        rule = wire.DoubtedRule(id=reason.rule.id, title=title, text=told)
    spans = sorted(reason.spans, key=lambda span: span.start) if reason else []
    return wire.PreviewOut(
        advice=said.advice.value,
        rule=rule,
        spans=tuple(wire.SpanOut(start=s.start, end=s.end, quote=text[s.start : s.end]) for s in spans),
        relevance=scores[0],
        disrespect=scores[1],
    )


def _state(row: Delivery) -> wire.State:
    if row.delivered_at is not None:
        return "delivered"
    if row.failed_at is not None:
        return "failed"
    return "cancelled" if row.cancelled_at is not None else "waiting"


def _one(row: Row | None, noun: str, name: str) -> Row:
    if row is None:
        raise NotFound(f"This site has no {noun} {name!r}.", code=f"unknown_{noun}")
    return row


def _page(
    session: Session, statement: Select[Any], table: type[Article | Comment | Delivery], wanted: wire.Slice
) -> tuple[Sequence[Any], str | None]:
    """The rows after a cursor, in the order of their ids, and the cursor of what comes after them."""
    beyond = statement.where(table.id > wanted.after).order_by(table.id).limit(wanted.limit)
    rows = session.scalars(beyond).all()
    return rows, str(rows[-1].id) if len(rows) == wanted.limit else None
