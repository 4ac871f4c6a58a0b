"""Who has which comment open: said to the others, never in anybody's way."""

from collections.abc import Sequence
from datetime import timedelta

from sqlalchemy import delete, or_, select, update
from sqlalchemy.orm import Session, joinedload

from moderation.db import insert_once, now
from moderation.models import Claim, Comment, Moderator

LEASE = timedelta(seconds=120)
"""How long an open card is believed to be read. Whoever still has it open says so again within that time."""


def claim(session: Session, comment_id: int, *, moderator: Moderator) -> Claim | None:
    """Say that the moderator has this comment open, and none else; return the claim of somebody else who has it.

    A comment that does not exist is claimed by nobody.
    """
    moment = now()
    release(session, moderator=moderator)
    if session.get(Comment, comment_id) is None:
        return None
    values = {"comment_id": comment_id, "moderator_id": moderator.id, "expires_at": moment + LEASE}
    if insert_once(session, Claim, **values) is None:
        session.execute(
            update(Claim)
            .where(Claim.comment_id == comment_id)
            .where(or_(Claim.expires_at <= moment, Claim.moderator_id == moderator.id))
            .values(moderator_id=moderator.id, expires_at=moment + LEASE)
            .execution_options(synchronize_session=False)
        )
    return held_by_others(session, [comment_id], moderator=moderator).get(comment_id)


def release(session: Session, *, moderator: Moderator) -> None:
    """Say that the moderator has nothing open any more."""
    session.execute(
        delete(Claim).where(Claim.moderator_id == moderator.id).execution_options(synchronize_session=False)
    )


def held_by_others(session: Session, comment_ids: Sequence[int], *, moderator: Moderator) -> dict[int, Claim]:
    """Return which of the comments somebody else has open."""
    rows = session.scalars(
        select(Claim)
        .where(Claim.comment_id.in_(comment_ids), Claim.moderator_id != moderator.id, Claim.expires_at > now())
        .options(joinedload(Claim.moderator))
        .execution_options(populate_existing=True)
    )
    return {held.comment_id: held for held in rows}
