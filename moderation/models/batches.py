"""Many decisions made in one step: what was chosen, what came of each comment."""

from __future__ import annotations

from datetime import datetime

from sqlalchemy import CheckConstraint, ForeignKey, Index, String
from sqlalchemy.orm import Mapped, mapped_column, relationship

from moderation.db import Base, Work, now
from moderation.models.columns import closed_set
from moderation.models.comments import Comment, Status
from moderation.models.decisions import Outcome
from moderation.models.moderators import Moderator
from moderation.models.sites import HouseRule


class Batch(Work):
    """One outcome for many comments, decided one after another by a worker; ``undo_at``: it is to be taken back."""

    __tablename__ = "batch"

    name: Mapped[str] = mapped_column(String(120), default="")
    outcome: Mapped[Outcome] = mapped_column(closed_set(Outcome))
    rule_id: Mapped[int | None] = mapped_column(ForeignKey("house_rule.id"))
    moderator_id: Mapped[int] = mapped_column(ForeignKey("moderator.id"), index=True)
    site_id: Mapped[int | None] = mapped_column(
        ForeignKey("site.id"), index=True, doc="Where all its comments stand; None: at several sites."
    )
    created_at: Mapped[datetime] = mapped_column(default=now)
    finished_at: Mapped[datetime | None]
    undo_at: Mapped[datetime | None]
    undo_by_id: Mapped[int | None] = mapped_column(ForeignKey("moderator.id"), doc="Who takes it back: an admin, too.")
    undone_at: Mapped[datetime | None]

    moderator: Mapped[Moderator] = relationship(foreign_keys=moderator_id)
    undo_by: Mapped[Moderator | None] = relationship(foreign_keys=undo_by_id)
    rule: Mapped[HouseRule | None] = relationship()

    __table_args__ = (CheckConstraint("outcome <> 'undo'", name="final"),)


class BatchItem(Base):
    """One comment of a batch as it was when it was chosen.

    ``skipped`` says why nothing was decided on it. ``taken_back`` is ``undone`` or ``reversed``, or why it was neither.
    """

    __tablename__ = "batch_item"

    batch_id: Mapped[int] = mapped_column(ForeignKey("batch.id"), primary_key=True)
    comment_id: Mapped[int] = mapped_column(ForeignKey("comment.id"), primary_key=True, index=True)
    revision: Mapped[int]
    status: Mapped[Status] = mapped_column(closed_set(Status))
    decision_id: Mapped[int | None] = mapped_column(ForeignKey("decision.id"))
    skipped: Mapped[str | None] = mapped_column(String(20))
    taken_back: Mapped[str | None] = mapped_column(String(20))

    comment: Mapped[Comment] = relationship()

    __table_args__ = (Index(None, "batch_id", "skipped"),)
