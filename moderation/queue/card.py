"""One comment with everything a card shows beside it: its parent, the thread, who wrote it, and the like of it."""

from collections.abc import Sequence
from dataclasses import dataclass

from sqlalchemy import ScalarSelect, Select, func, select
from sqlalchemy.orm import Session, joinedload

from moderation import decisions, facts, repeats
from moderation.errors import NotFound
from moderation.models import Comment, Decision, Deferral, Outcome, Status
from moderation.queue import deferrals

THREAD_SIZE = 50
MOST_COUNTED = 1000
"""Comments of one commenter or article that are looked at for a count, newest first."""

_WITH_ALL = (joinedload(Comment.article), joinedload(Comment.assessment), joinedload(Comment.site))


@dataclass(frozen=True, slots=True)
class Record:
    """What was decided on the commenter's other comments: how many, and under which rule's title how many deleted."""

    approved: int
    deleted: int
    by_rule: tuple[tuple[dict[str, str], int], ...]


@dataclass(frozen=True, slots=True)
class Alike:
    """Another comment that says nearly the same, and the last decision on it."""

    comment: Comment
    decision: Decision | None


@dataclass(frozen=True, slots=True)
class Context:
    """What stands around a comment. ``record`` is None where nobody can tell who wrote it."""

    parent: Comment | None
    thread: int
    replies: int
    record: Record | None
    alike: Sequence[Alike]
    notes: Sequence[Deferral]

    @property
    def deferral(self) -> Deferral | None:
        """The note with which the comment is put off right now."""
        return next((note for note in self.notes if note.ended_at is None), None)


def find(session: Session, comment_id: int) -> Comment:
    """Return one comment with everything a card shows; NotFound where there is none."""
    comment = session.scalars(select(Comment).where(Comment.id == comment_id).options(*_WITH_ALL)).one_or_none()
    if comment is None:
        raise NotFound(f"There is no comment {comment_id}.")
    return comment


def context(session: Session, comment: Comment) -> Context:
    """Return what stands around a comment."""
    same_site = Comment.site_id == comment.site_id
    parent = None
    if comment.parent_external_id is not None:
        parent = session.scalars(
            select(Comment).where(same_site, Comment.external_id == comment.parent_external_id)
        ).one_or_none()
    under_article = select(Comment.id).where(Comment.article_id == comment.article_id)
    answers = under_article.where(Comment.parent_external_id == comment.external_id)
    thread, replies = session.execute(
        select(_number(under_article.where(Comment.status != Status.WITHDRAWN)), _number(answers))
    ).one()
    return Context(
        parent,
        thread=thread,
        replies=replies,
        record=_record(session, comment),
        alike=_alike(session, comment),
        notes=deferrals.notes(session, comment.id),
    )


def _number(ids: Select[int]) -> ScalarSelect[int]:
    return select(func.count()).select_from(ids.limit(MOST_COUNTED).subquery()).scalar_subquery()


def thread(session: Session, comment: Comment) -> Sequence[Comment]:
    """Return the comments under the same article around this one, as they came."""
    under_article = (
        select(Comment)
        .where(Comment.article_id == comment.article_id, Comment.status != Status.WITHDRAWN)
        .options(joinedload(Comment.assessment))
        .limit(THREAD_SIZE // 2)
    )
    before = session.scalars(under_article.where(Comment.id <= comment.id).order_by(Comment.id.desc())).all()
    after = session.scalars(under_article.where(Comment.id > comment.id).order_by(Comment.id)).all()
    return [*reversed(before), *after]


def _record(session: Session, comment: Comment) -> Record | None:
    same = facts.same_commenter(comment)
    if same is None:
        return None
    others = (
        select(Comment.id, Comment.status)
        .where(Comment.site_id == comment.site_id, same, Comment.id != comment.id)
        .order_by(Comment.id.desc())
        .limit(MOST_COUNTED)
        .subquery()
    )
    counted: dict[Status, int] = dict(
        iter(session.execute(select(others.c.status, func.count()).group_by(others.c.status)))
    )
    by_rule: dict[int, tuple[dict[str, str], int]] = {}
    if counted.get(Status.DELETED):
        cited = (
            select(Decision)
            .join(others, others.c.id == Decision.comment_id)
            .where(others.c.status == Status.DELETED, Decision.outcome == Outcome.DELETE)
            .where(Decision.rule_id.is_not(None))
            .order_by(Decision.id)
        )
        last = {decision.comment_id: decision for decision in session.scalars(cited)}
        for decision in last.values():
            _, times = by_rule.get(decision.rule_id or 0, ({}, 0))
            by_rule[decision.rule_id or 0] = (decision.rule_title or {}, times + 1)
    return Record(
        counted.get(Status.APPROVED, 0),
        counted.get(Status.DELETED, 0),
        tuple(sorted(by_rule.values(), key=lambda cited: -cited[1])),
    )


def _alike(session: Session, comment: Comment) -> list[Alike]:
    found = [one.comment for one in repeats.find(session, comment)]
    last = decisions.latest(session, [other.id for other in found])
    return [Alike(other, last.get(other.id)) for other in found]
