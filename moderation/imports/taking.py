"""Take in what was read of a history, many comments in a few statements."""

from collections.abc import Iterator, Sequence
from datetime import datetime
from typing import Any

from sqlalchemy import insert, select
from sqlalchemy.orm import Session

from moderation import article_page, closings, decisions, history, intake
from moderation.contract import ArticleData, CommentData, DecidedCommentData
from moderation.db import now
from moderation.imports.archive import NO_MODERATOR, ArchivedArticle, ArchivedComment, LoneArticle, Past
from moderation.models import Article, Comment, Decision, Door, Maker, Outcome, PastText, Site, Status

Item = CommentData | LoneArticle


def take(session: Session, site: Site, items: Sequence[Item]) -> int:
    """Write comments and articles, with what was decided on them; return how many are new.

    What is known already changes nothing. The workers judge the comments and make them findable when there is time, as
    all that comes.
    """
    articles: dict[str, tuple[ArticleData, int]] = {}
    past = Past(session, site)
    number_new = 0
    for run in _runs(items):
        first = run[0]
        if isinstance(first, LoneArticle):
            number_new += article_page.known(session, site, first.article.id) is None
            article = intake.write_article(session, site, first.article, first.article.stated_at)
            _keep_closed(session, article.id, first.article)
            articles.pop(first.article.id, None)
            continue
        comments = [item for item in run if isinstance(item, CommentData)]
        new = _write_new(session, site, comments, articles)
        number_new += len(new)
        _write_past(session, past, comments, new)
        known = [comment for comment in comments if comment.id not in new]
        same = _unchanged(session, site, known)
        for comment in known:
            if comment.id not in same:
                _tell_again(session, site, comment)
    return number_new


def _runs(items: Sequence[Item]) -> Iterator[list[Item]]:
    """Cut into runs of comments of different ids; an article alone is a run."""
    run: list[Item] = []
    ids: set[str] = set()
    for item in items:
        if isinstance(item, LoneArticle) or item.id in ids:
            if run:
                yield run
            run, ids = [], set()
        if isinstance(item, LoneArticle):
            yield [item]
            continue
        run.append(item)
        ids.add(item.id)
    if run:
        yield run


def _write_new(
    session: Session, site: Site, comments: Sequence[CommentData], articles: dict[str, tuple[ArticleData, int]]
) -> dict[str, int]:
    """Write the comments that are new; return our ids of them by the site's."""
    rows = []
    for comment in comments:
        known, id_ = articles.get(comment.article.id, (None, 0))
        stated_at = _stated_at(comment)
        if known != comment.article:
            id_ = intake.article_id(session, site, comment.article, _article_stated_at(comment))
            articles[comment.article.id] = comment.article, id_
            if isinstance(comment, ArchivedComment):
                _keep_closed(session, id_, comment.article)
        rows.append(intake.first_row(site, comment, id_, stated_at) | _standing(comment))
    return intake.add_comments(session, rows)


def _keep_closed(session: Session, article_id: int, told: ArchivedArticle) -> None:
    """Close an article that was closed where the archive comes from, unless somebody opened it here since."""
    if told.closed_at is None:
        return
    article = session.get_one(Article, article_id)
    if article.closed_at is None:
        closings.take_over(session, article, Door.CLOSE, at=told.closed_at)


def _stated_at(comment: CommentData) -> datetime:
    if isinstance(comment, ArchivedComment):
        return comment.stated_at
    return comment.decided_at if isinstance(comment, DecidedCommentData) else comment.submitted_at


def _article_stated_at(comment: CommentData) -> datetime:
    return comment.article.stated_at if isinstance(comment, ArchivedComment) else _stated_at(comment)


def _standing(comment: CommentData) -> dict[str, Any]:
    """Where a comment stands that is new here. There is nothing to judge in one that was taken back, or erased."""
    moment = now()
    if isinstance(comment, ArchivedComment):
        gone = comment.status is Status.WITHDRAWN or not comment.text
        return {
            "status": comment.status,
            "revision": comment.revision,
            "received_at": comment.received_at,
            "due_at": None if gone else moment,
        }
    status = Status.PENDING
    if isinstance(comment, DecidedCommentData):
        status = decisions.STATUS_AFTER[Outcome(comment.outcome)]
    return {"status": status, "revision": 1, "received_at": moment, "due_at": moment}


def _write_past(session: Session, past: Past, comments: Sequence[CommentData], new: dict[str, int]) -> None:
    """Write what was said and decided of new comments before, oldest first."""
    texts: list[dict[str, Any]] = []
    decided: list[dict[str, Any]] = []
    never_judged: list[int] = []
    for comment in comments:
        id_ = new.get(comment.id)
        if id_ is None:
            continue
        if isinstance(comment, ArchivedComment):
            texts += past.texts(comment, id_)
            decided += past.decisions(comment, id_)
            if comment.status is Status.WITHDRAWN and comment.text:
                never_judged.append(id_)
        elif isinstance(comment, DecidedCommentData):
            outcome, moment = Outcome(comment.outcome), comment.decided_at
            row = {"comment_id": id_, "revision": 1, "outcome": outcome, "maker": Maker.SITE, "decided_at": moment}
            decided.append(row | NO_MODERATOR)
    if texts:
        session.execute(insert(PastText), texts)
    if decided:
        session.execute(insert(Decision), decided)
    if never_judged:
        intake.make_findable(session, *session.scalars(select(Comment).where(Comment.id.in_(never_judged))))


def _unchanged(session: Session, site: Site, comments: Sequence[CommentData]) -> set[str]:
    """Return the ids of those comments of which the file says nothing that is not known, by one look at all of them."""
    rows = session.execute(
        select(Comment, Decision)
        .join(Decision, isouter=True)
        .where(Comment.site_id == site.id, Comment.external_id.in_([comment.id for comment in comments]))
        .order_by(Decision.decided_at, Decision.id)
    )
    stood = {comment.external_id: (comment, last) for comment, last in rows} if comments else {}
    return {comment.id for comment in comments if comment.id in stood and _says_so(comment, *stood[comment.id])}


def _says_so(told: CommentData, comment: Comment, last: Decision | None) -> bool:
    if isinstance(told, ArchivedComment):
        return True  # an archive speaks of new comments only
    if comment.stated_at < _stated_at(told) or comment.text != intake.plain(told):
        return False
    if not isinstance(told, DecidedCommentData):
        return True
    decided = last and (last.maker, last.outcome, last.revision)
    return decided == (Maker.SITE, Outcome(told.outcome), comment.revision)


def _tell_again(session: Session, site: Site, comment: CommentData) -> None:
    """Say of a comment that is known what the file says of it, in its turn: the newest news holds."""
    if isinstance(comment, DecidedCommentData):
        history.record(session, site, comment, outcome=Outcome(comment.outcome), decided_at=comment.decided_at)
    else:
        intake.write(session, site, comment, stated_at=comment.submitted_at)
