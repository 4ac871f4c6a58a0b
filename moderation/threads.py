"""The comments under an article as trees: who answered whom, where the tone turns, and what hangs below a comment."""

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass

from sqlalchemy import Select, select
from sqlalchemy.orm import Session, joinedload

from moderation.models import Article, Comment, Status

ROUGH = 0.5
"""Disrespect from which on a comment counts as rough."""

STAYS = 3
"""Rough comments it takes to say that a thread has turned, rather than that one reader slipped."""


@dataclass(frozen=True, slots=True)
class Entry:
    """A comment in its tree: ``depth`` 0 for who answers nobody; ``turns`` where its thread derails."""

    comment: Comment
    depth: int
    below: int
    turns: bool


def of_article(session: Session, article: Article, *, limit: int = 500) -> list[Entry]:
    """Return the comments under an article, each behind the one it answers, the oldest first; withdrawn ones not."""
    found = (
        select(Comment)
        .where(Comment.article_id == article.id, Comment.status != Status.WITHDRAWN)
        .options(joinedload(Comment.assessment))
        .order_by(Comment.submitted_at, Comment.id)
        .limit(limit)
    )
    return arrange(session.scalars(found).all())


def arrange(comments: Sequence[Comment]) -> list[Entry]:
    """Put comments, oldest first, into their trees. One whose parent is not there, or is younger, begins a tree."""
    known: dict[str, Comment] = {}
    answers: dict[int, list[Comment]] = defaultdict(list)
    roots: list[Comment] = []
    for comment in comments:
        parent = known.get(comment.parent_external_id or "")
        (answers[parent.id] if parent else roots).append(comment)
        known[comment.external_id] = comment
    return [entry for root in roots for entry in _tree(root, answers)]


def _tree(root: Comment, answers: dict[int, list[Comment]]) -> list[Entry]:
    order: list[tuple[Comment, int]] = []
    waiting = [(root, 0)]
    while waiting:  # no recursion: a thread may be deeper than Python's stack
        comment, depth = waiting.pop()
        order.append((comment, depth))
        waiting += [(answer, depth + 1) for answer in reversed(answers[comment.id])]
    below = dict.fromkeys((comment.id for comment, _ in order), 0)
    for comment, _ in reversed(order):
        below[comment.id] = sum(1 + below[answer.id] for answer in answers[comment.id])
    turn = turning_point(sorted((comment for comment, _ in order), key=lambda one: (one.submitted_at, one.id)))
    return [Entry(comment, depth, below[comment.id], comment is turn) for comment, depth in order]


def turning_point(thread: Sequence[Comment]) -> Comment | None:
    """Return the first comment, in order of time, from which on a thread is rough and stays so; None where none is.

    From there at least three comments are rough, and two in three of all that follow; before it at most one in three.
    """
    rough = [comment.assessment is not None and (comment.assessment.disrespect or 0.0) >= ROUGH for comment in thread]
    for at, comment in enumerate(thread):
        after = sum(rough[at:])
        if rough[at] and after >= STAYS and 3 * after >= 2 * len(rough[at:]) and 3 * sum(rough[:at]) <= at:
            return comment
    return None


def subtree(comment: Comment) -> Select[Comment]:
    """Return the statement that selects a comment and all that hangs below it, less what is deleted or withdrawn."""
    here = Comment.site_id == comment.site_id
    tree = select(Comment.id, Comment.external_id).where(Comment.id == comment.id).cte("tree", recursive=True)
    # UNION, not UNION ALL: comments that answer each other in a circle end it.
    tree = tree.union(
        select(Comment.id, Comment.external_id).where(here, Comment.parent_external_id == tree.c.external_id)
    )
    left = Comment.status.in_([Status.PENDING, Status.APPROVED])
    return select(Comment).where(here, Comment.id.in_(select(tree.c.id)), left)
