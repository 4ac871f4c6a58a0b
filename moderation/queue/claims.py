"""Who has which comment open: said to the others, never in anybody's way."""

from collections.abc import Sequence
from datetime import timedelta

from sqlalchemy import ColumnElement, Delete, and_, delete, literal, or_, select
from sqlalchemy.orm import Session, joinedload

from moderation.db import insert_into, shared_now
from moderation.models import Claim, Comment, Moderator

LEASE = timedelta(seconds=120)
"""How long an open card is believed to be read. Whoever still has it open says so again within that time."""


def claim(session: Session, comment_id: int, *, moderator: Moderator) -> bool:
    """Say that the moderator has this comment open, and none else; somebody else who has it keeps it.

    A comment that does not exist is claimed by nobody: then False.
    """
    over = and_(Claim.comment_id == comment_id, Claim.expires_at <= shared_now(session))
    session.execute(_without(or_(Claim.moderator_id == moderator.id, over)))
    values = select(Comment.id, literal(moderator.id), shared_now(session, LEASE))
    columns = [Claim.comment_id, Claim.moderator_id, Claim.expires_at]
    made = insert_into(session, Claim).from_select(columns, values.where(Comment.id == comment_id))
    taken = session.scalar(made.on_conflict_do_nothing().returning(Claim.comment_id))
    return taken is not None or session.get(Comment, comment_id) is not None


def release(session: Session, *, moderator: Moderator) -> None:
    """Say that the moderator has nothing open any more."""
    session.execute(_without(Claim.moderator_id == moderator.id))


def _without(which: ColumnElement[bool]) -> Delete:
    return delete(Claim).where(which).execution_options(synchronize_session=False)


def held_by_others(session: Session, comment_ids: Sequence[int], *, moderator: Moderator) -> dict[int, Claim]:
    """Return which of the comments somebody else has open."""
    rows = session.scalars(
        select(Claim)
        .where(
            Claim.comment_id.in_(comment_ids),
            Claim.moderator_id != moderator.id,
            Claim.expires_at > shared_now(session),
        )
        .options(joinedload(Claim.moderator))
        .execution_options(populate_existing=True)
    )
    return {held.comment_id: held for held in rows}
