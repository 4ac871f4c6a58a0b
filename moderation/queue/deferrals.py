"""Put comments off, with a note for whoever takes them up again."""

from sqlalchemy import Select, select, update
from sqlalchemy.orm import Session, joinedload

from moderation.db import insert_once, now
from moderation.errors import BadInput, NotFound, StaleView
from moderation.models import Comment, Deferral, Moderator, Status

LONGEST_NOTE = 500


def defer(session: Session, comment_id: int, *, moderator: Moderator, note: str) -> Deferral:
    """Take a waiting comment out of the queue until somebody takes it up; one that is out keeps its note.

    BadInput where the note is too long; NotFound where there is no such comment; StaleView where it waits no longer.
    """
    note = note.strip()
    if len(note) > LONGEST_NOTE:
        raise BadInput(f"A note has at most {LONGEST_NOTE} characters.", code="note_too_long", field="note")
    comment = session.get(Comment, comment_id)
    if comment is None:
        raise NotFound(f"There is no comment {comment_id}.")
    if comment.status is not Status.PENDING:
        raise StaleView("Somebody decided in the meantime.", code="decided")
    made = insert_once(session, Deferral, comment_id=comment_id, moderator_id=moderator.id, note=note)
    return made or session.scalars(_open(comment_id)).one()


def _open(comment_id: int) -> Select[Deferral]:
    return select(Deferral).where(Deferral.comment_id == comment_id, Deferral.ended_at.is_(None))


def take_up(session: Session, comment_id: int) -> None:
    """Put a comment that was put off back in the queue; one that was not stays where it is. NotFound where none is."""
    taken = session.execute(
        update(Deferral)
        .where(Deferral.comment_id == comment_id, Deferral.ended_at.is_(None))
        .values(ended_at=now())
        .execution_options(synchronize_session=False)
    )
    if taken.rowcount == 0 and session.get(Comment, comment_id) is None:  # type: ignore[attr-defined]
        raise NotFound(f"There is no comment {comment_id}.")


def notes(session: Session, comment_id: int) -> list[Deferral]:
    """Return all that was noted when a comment was put off, newest first."""
    rows = session.scalars(
        select(Deferral)
        .where(Deferral.comment_id == comment_id)
        .options(joinedload(Deferral.moderator))
        .order_by(Deferral.id.desc())
    )
    return list(rows)
