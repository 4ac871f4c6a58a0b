"""One comment with everything a card shows beside it."""

from collections.abc import Sequence
from dataclasses import dataclass

from sqlalchemy import func, select
from sqlalchemy.orm import Session, joinedload

from moderation.errors import NotFound
from moderation.models import Comment, Status


@dataclass(frozen=True, slots=True)
class Context:
    """What stands around a comment: the one it answers, and the thread under its article in the order of arrival."""

    parent: Comment | None
    thread: Sequence[Comment]
    replies: int


_WITH_ALL = (joinedload(Comment.article), joinedload(Comment.assessment), joinedload(Comment.site))


def find(session: Session, comment_id: int) -> Comment:
    """Return one comment with everything a card shows; NotFound where there is none."""
    comment = session.scalars(select(Comment).where(Comment.id == comment_id).options(*_WITH_ALL)).one_or_none()
    if comment is None:
        raise NotFound(f"There is no comment {comment_id}.")
    return comment


def context(session: Session, comment: Comment, *, limit: int = 50) -> Context:
    """Return what stands around a comment."""
    same_site = Comment.site_id == comment.site_id
    parent = None
    if comment.parent_external_id is not None:
        parent = session.scalars(
            select(Comment).where(same_site, Comment.external_id == comment.parent_external_id)
        ).one_or_none()
    thread = session.scalars(
        select(Comment)
        .where(Comment.article_id == comment.article_id, Comment.status != Status.WITHDRAWN)
        .order_by(Comment.submitted_at, Comment.id)
        .limit(limit)
    ).all()
    replies = session.scalar(
        select(func.count())
        .select_from(Comment)
        .where(same_site, Comment.article_id == comment.article_id, Comment.parent_external_id == comment.external_id)
    )
    return Context(parent, thread, replies or 0)
