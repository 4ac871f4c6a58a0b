"""Accept what a site says about comments and articles, exactly once, however often and in whatever order it is said."""

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import Row, Select, bindparam, delete, select, update
from sqlalchemy.orm import Session

from moderation import closings, decisions, privacy, repeats, search
from moderation.contract import (
    ArticleClosed,
    ArticleData,
    ArticleOpened,
    ArticleUpdated,
    ChangedCommentData,
    CommentCreated,
    CommentData,
    CommentDeleted,
    CommenterData,
    CommentUpdated,
    Undecided,
)
from moderation.db import add_new, insert_once, now
from moderation.errors import BadInput, NotFound
from moderation.judge.text import html_to_text
from moderation.models import Article, Comment, Door, PastText, ReceivedEvent, Site, Status
from moderation.rules import UNTOLD_CONCERN


@dataclass(frozen=True, slots=True)
class Receipt:
    """What the site is told: its own id of the comment or article, and where it stands.

    ``comment_id`` is ours of a comment, for traces.
    """

    id: str
    status: str
    comment_id: int | None = None


def take_in(session: Session, site: Site, event: Undecided, *, is_new: bool, max_characters: int) -> Receipt:
    """Take in one event of a site, if it ``is_new``, and say where the comment stands now.

    The same comment, or news older than what is known, changes nothing. BadInput where a text is longer than
    ``max_characters``; NotFound where a comment is spoken of that never came.
    """
    stated_at = event.timestamp or now()
    match event:
        case CommentCreated(data=data) | CommentUpdated(data=data):
            require_length(data.text, max_characters)
            if is_new and (made := add_comments(session, _first_words(session, site, data, stated_at))):
                return Receipt(data.id, Status.PENDING, made[data.id])
            comment = _find(session, site, data.id)
            if is_new and comment is not None:
                _change(session, site, comment, data, stated_at)
            return _receipt(comment, data.id)
        case CommentDeleted(data=ref):
            comment = _find(session, site, ref.id)
            if is_new and comment is not None:
                _withdraw(session, comment, stated_at)
            return _receipt(comment, ref.id)
        case ArticleUpdated(data=article_data):
            if is_new:
                write_article(session, site, article_data, stated_at)
            return Receipt(article_data.id, "accepted")
        case ArticleClosed(data=article_data) | ArticleOpened(data=article_data):
            if is_new:
                outcome = Door.CLOSE if event.type == "article.closed" else Door.OPEN
                article = write_article(session, site, article_data, stated_at)
                closings.take_over(session, article, outcome, at=stated_at)
            return Receipt(article_data.id, "accepted")


def is_news(session: Session, site: Site, webhook_id: str) -> bool:
    """Remember a webhook; False where it was there before."""
    return webhook_id in news(session, site, {webhook_id})


def news(session: Session, site: Site, webhook_ids: Collection[str]) -> set[str]:
    """Remember webhooks; return the ids of those that were not there before.

    In the order of their ids: of two who remember the same ones, neither then holds what the other waits for.
    """
    rows = [{"site_id": site.id, "webhook_id": webhook_id} for webhook_id in sorted(webhook_ids)]
    return {webhook_id for (webhook_id,) in add_new(session, (ReceivedEvent.webhook_id,), rows)}


def refused(session: Session, site: Site, webhook_ids: Collection[str]) -> dict[str, list[int]]:
    """Return of webhooks that were heard before, where something was refused, at which places.

    Until the end of the transaction nobody else takes that in. In the order of their ids, as `news` has it.
    """
    if not webhook_ids:
        return {}
    asked = (
        select(ReceivedEvent.webhook_id, ReceivedEvent.refused)
        .where(ReceivedEvent.site_id == site.id, ReceivedEvent.webhook_id.in_(webhook_ids))
        .where(ReceivedEvent.refused.is_not(None))
        .order_by(ReceivedEvent.webhook_id)
        .with_for_update()
    )
    return {webhook_id: places or [] for webhook_id, places in session.execute(asked)}


def keep_refused(session: Session, site: Site, webhook_id: str, places: Sequence[int]) -> None:
    """Keep at which places of a webhook something was refused, so that it is heard when it is sent again."""
    session.execute(
        update(ReceivedEvent)
        .where(ReceivedEvent.site_id == site.id, ReceivedEvent.webhook_id == webhook_id)
        .values(refused=list(places) or None)
        .execution_options(synchronize_session=False)
    )


def add_comments(session: Session, rows: Sequence[dict[str, Any]]) -> dict[str, int]:
    """Write the comments that are new; return our ids of them by the site's."""
    return dict(add_new(session, (Comment.external_id, Comment.id), rows))


def require_length(text: str, max_characters: int) -> None:
    """BadInput where a comment's text is longer than is allowed."""
    if len(text) > max_characters:
        raise BadInput(
            f"`data.text` has {len(text)} characters, the limit is {max_characters}.",
            code="too_long",
            field="data.text",
        )


def write(session: Session, site: Site, data: CommentData, *, stated_at: datetime) -> Comment:
    """Write a comment that did not come by an event, as history does; return it as it stands now."""
    is_new = add_comments(session, _first_words(session, site, data, stated_at))
    comment = session.scalars(_named(site, data.id)).one()
    if not is_new:
        _change(session, site, comment, data, stated_at)
    make_findable(session, comment)
    return comment


def _receipt(comment: Comment | None, external_id: str) -> Receipt:
    if comment is None:
        raise NotFound(
            f"No comment {external_id!r} is known; send it as comment.created with its article.",
            code="unknown_comment",
            field="data.id",
        )
    return Receipt(comment.external_id, comment.status, comment.id)


def _find(session: Session, site: Site, external_id: str) -> Comment | None:
    return session.scalars(_named(site, external_id)).one_or_none()


def _named(site: Site, external_id: str) -> Select[Comment]:
    """The statement that finds a comment, and keeps others from changing it until the transaction ends."""
    return select(Comment).where(Comment.site_id == site.id, Comment.external_id == external_id).with_for_update()


def add(session: Session, site: Site, data: CommentData, article: Article, stated_at: datetime) -> Comment:
    """Write a comment whose id is surely new, and keep what it is found by."""
    comment = Comment(**first_row(site, data, article.id, stated_at))
    session.add(comment)
    session.flush()
    make_findable(session, comment)
    return comment


def make_findable(session: Session, *comments: Comment) -> None:
    """Keep what comments are found by as they are now: the like of them, and their words.

    For what comes by events a scoring worker does this, so that no site waits for it.
    """
    repeats.remember(session, *comments)
    search.remember_comment(session, *comments)


def _first_words(
    session: Session, site: Site, data: CommentData | ChangedCommentData, stated_at: datetime
) -> list[dict[str, Any]]:
    """Return the row of a comment that may be new; none where it came without its article."""
    if data.article is None:
        return []
    return [first_row(site, data, article_id(session, site, data.article, stated_at), stated_at)]


def first_row(site: Site, data: CommentData | ChangedCommentData, under: int, stated_at: datetime) -> dict[str, Any]:
    """Return what is written down of a new comment under an article that is known."""
    return {
        "site_id": site.id,
        "article_id": under,
        "external_id": data.id,
        "parent_external_id": data.parent_id,
        "text": plain(data),
        "language": data.language,
        **_commenter(site, data.commenter or _NOBODY),
        "submitted_at": data.submitted_at or stated_at,
        "stated_at": stated_at,
    }


_NOBODY = CommenterData(id=None, name=None, email=None, ip=None)


def _commenter(site: Site, who: CommenterData) -> dict[str, Any]:
    return {
        "commenter_id": who.id,
        "commenter_name": who.name,
        "commenter_email": privacy.seal(site, who.email),
        "commenter_ip": privacy.seal(site, who.ip),
    }


def _details(site: Site, data: CommentData | ChangedCommentData) -> dict[str, Any]:
    """Return what a site says of a comment besides its text: what it left out is not said to be nothing."""
    told: dict[str, Any] = {}
    if "parent_id" in data.model_fields_set:
        told["parent_external_id"] = data.parent_id
    if "language" in data.model_fields_set:
        told["language"] = data.language
    if data.submitted_at is not None:
        told["submitted_at"] = data.submitted_at
    if "commenter" in data.model_fields_set:
        who = data.commenter or _NOBODY
        of_whom = _commenter(site, who)
        told |= {f"commenter_{name}": of_whom[f"commenter_{name}"] for name in who.model_fields_set}
    return told


def plain(data: CommentData | ChangedCommentData) -> str:
    """Return what a comment says, without HTML."""
    return html_to_text(data.text) if data.html else data.text


def _change(
    session: Session, site: Site, comment: Comment, data: CommentData | ChangedCommentData, stated_at: datetime
) -> None:
    """Take over what is new of a comment. A changed text is a new revision: judged again, and decided again if it had
    been decided; what is new besides lets a decision stand.
    """
    if stated_at < comment.stated_at:
        return
    comment.stated_at = stated_at
    details = _details(site, data)
    changed = _differing(comment, details)
    for name in changed:
        setattr(comment, name, details[name])
    if changed and comment.status is Status.PENDING:
        comment.due_at, comment.attempts = now(), 0  # house rules look at more than the text
    text = plain(data)
    if text == comment.text and comment.status is not Status.WITHDRAWN:
        return
    if text != comment.text:
        session.add(PastText(comment_id=comment.id, revision=comment.revision, text=comment.text))
        comment.text = text
        comment.revision += 1
    comment.status = Status.PENDING
    comment.concern = UNTOLD_CONCERN
    comment.due_at = now()
    comment.attempts = 0
    decisions.cancel_deliveries(session, [comment.id])


def _withdraw(session: Session, comment: Comment, stated_at: datetime) -> None:
    if stated_at < comment.stated_at:
        return
    comment.stated_at = stated_at
    comment.status = Status.WITHDRAWN
    comment.due_at = None
    decisions.cancel_deliveries(session, [comment.id])


def article_id(session: Session, site: Site, data: ArticleData, stated_at: datetime) -> int:
    """Return our id of an article, after taking over what is new of it."""
    return article_ids(session, site, {data.id: (data, stated_at)})[data.id]


def article_ids(session: Session, site: Site, told: dict[str, tuple[ArticleData, datetime]]) -> dict[str, int]:
    """Return our ids of articles by the site's, after taking over what is new of them; mostly nothing is, and one look
    tells.

    They are written in the order of their ids, whatever order they are told in: of two calls that bring the same ones,
    neither then holds what the other waits for.
    """
    found = session.execute(_KNOWN, {"site_id": site.id, "ids": list(told)})
    known = {row.external_id: row.id for row in found if not _differing(row, _told(told[row.external_id][0]))}
    return {name: known.get(name) or write_article(session, site, *told[name]).id for name in sorted(told)}


_VALUES = ("url", "title", "lead", "body", "authors", "language", "section", "published_at")

_ARTICLE = Article.__table__.c

_KNOWN = select(_ARTICLE.id, _ARTICLE.external_id, *(_ARTICLE[name] for name in _VALUES)).where(
    _ARTICLE.site_id == bindparam("site_id"), _ARTICLE.external_id.in_(bindparam("ids", expanding=True))
)
"""Made once, as to put it together costs more than to run it."""


def _told(data: ArticleData) -> dict[str, Any]:
    """Return what a site says of an article: a field that it left out is not said to be empty."""
    told = {name: getattr(data, name) for name in _VALUES if name in data.model_fields_set}
    return told | {"authors": list(data.authors)} if "authors" in told else told


def _differing(known: Article | Comment | Row[Any], told: dict[str, Any]) -> set[str]:
    return {name for name, value in told.items() if getattr(known, name) != value}


def write_article(session: Session, site: Site, data: ArticleData, stated_at: datetime) -> Article:
    """Create an article, or take over what changed; news older than what is known changes nothing.

    A field that is left out keeps what is known of it.
    """
    told = _told(data)
    known = select(Article).where(Article.site_id == site.id, Article.external_id == data.id)
    article = session.scalars(known).one_or_none()
    if article is None:
        article = insert_once(session, Article, site_id=site.id, external_id=data.id, stated_at=stated_at, **told)
        if article is not None:
            search.remember_article(session, article)
            return article
        article = session.scalars(known).one()
    if stated_at >= article.stated_at and (changed := _differing(article, told)):
        if changed & {"title", "lead", "body", "authors"}:
            _judge_again(session, article)
        for name in changed:
            setattr(article, name, told[name])
        article.stated_at = stated_at
        search.remember_article(session, article)
    return article


def _judge_again(session: Session, article: Article) -> None:
    """What waits under an article that reads differently now was judged against another text."""
    session.execute(
        update(Comment)
        .where(Comment.article_id == article.id, Comment.status == Status.PENDING)
        .values(due_at=now(), attempts=0)
        .execution_options(synchronize_session=False)
    )


def forget(session: Session) -> None:
    """Drop webhook ids so old that no site sends them again: retries end after three days, we keep a week."""
    session.execute(delete(ReceivedEvent).where(ReceivedEvent.received_at < now() - timedelta(days=7)))
