"""Gather what house rules may look at besides the text: repeats, the commenter's record, section, time and place."""

from collections.abc import Sequence

from sqlalchemy import ColumnElement, func, or_, select
from sqlalchemy.orm import Session

from moderation import repeats
from moderation.models import Comment, Decision, Maker, Status
from moderation.rules import Facts, Repeated, Rule, Signal

_OF_COMMENTERS = {Signal.NEW_COMMENTER, Signal.RECORD}


def gather(session: Session, comment: Comment, rules: Sequence[Rule]) -> Facts:
    """Return what these rules and what was learned look at; what nobody asks for is not looked up and stays unknown."""
    asked = {rule.signal for rule in rules}
    record = _record(session, comment) if asked & _OF_COMMENTERS or comment.site.learns_from_records else None
    return Facts(
        text=comment.text,
        submitted_at=comment.submitted_at,
        time_zone=comment.site.time_zone,
        section=comment.article.section,
        repeats=_repeats(session, comment) if Signal.REPEAT in asked else None,
        approved=record and record[0],
        deleted=record and record[1],
    )


def _repeats(session: Session, comment: Comment) -> tuple[Repeated, ...]:
    found = repeats.find(session, comment, least=repeats.LEAST_SIMILARITY, earlier=True)
    return tuple(Repeated(one.comment.id, one.similarity, one.comment.submitted_at) for one in found)


def same_commenter(comment: Comment) -> ColumnElement[bool] | None:
    """Return what a comment of the site by the same commenter has in common with this one; None: nobody can tell."""
    if comment.commenter_id is not None:
        return Comment.commenter_id == comment.commenter_id
    if comment.commenter_email is not None:
        return Comment.commenter_email == comment.commenter_email
    return None


def _record(session: Session, comment: Comment) -> tuple[int, int] | None:
    """How many of the commenter's earlier comments people approved and deleted; None where nobody can tell who it is.

    What a rule decided by itself does not count: else one mistake of a machine would make the next.
    """
    same = same_commenter(comment)
    if same is None:
        return None
    by_machine = select(Decision.id).where(Decision.comment_id == Comment.id, Decision.maker == Maker.RULE).exists()
    rows = session.execute(
        select(Comment.status, func.count())
        .where(Comment.site_id == comment.site_id, same, Comment.id < comment.id, ~by_machine)
        .where(or_(Comment.status == Status.APPROVED, Comment.status == Status.DELETED))
        .group_by(Comment.status)
    )
    counted: dict[Status, int] = dict(iter(rows))
    return counted.get(Status.APPROVED, 0), counted.get(Status.DELETED, 0)
