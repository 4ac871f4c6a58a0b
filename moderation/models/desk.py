"""What moderators leave at a comment while it waits: that they are at it, or that they put it off and why."""

from __future__ import annotations

from datetime import datetime

from sqlalchemy import ForeignKey, String
from sqlalchemy import text as sql
from sqlalchemy.orm import Mapped, mapped_column, relationship
from sqlalchemy.schema import Index

from moderation.db import Base, now
from moderation.models.comments import Comment
from moderation.models.moderators import Moderator


class Claim(Base):
    """Who has a comment open, and until when that is believed. It keeps nobody from deciding."""

    __tablename__ = "claim"

    comment_id: Mapped[int] = mapped_column(ForeignKey("comment.id"), primary_key=True, autoincrement=False)
    moderator_id: Mapped[int] = mapped_column(ForeignKey("moderator.id"), index=True)
    expires_at: Mapped[datetime] = mapped_column(index=True)

    moderator: Mapped[Moderator] = relationship()


class Deferral(Base):
    """A comment was put off, with a note for whoever takes it up; over once ``ended_at`` is set."""

    __tablename__ = "deferral"

    id: Mapped[int] = mapped_column(primary_key=True)
    comment_id: Mapped[int] = mapped_column(ForeignKey("comment.id"), index=True)
    moderator_id: Mapped[int] = mapped_column(ForeignKey("moderator.id"), index=True)
    note: Mapped[str] = mapped_column(String(500), default="")
    deferred_at: Mapped[datetime] = mapped_column(default=now)
    ended_at: Mapped[datetime | None]

    comment: Mapped[Comment] = relationship()
    moderator: Mapped[Moderator] = relationship()

    __table_args__ = (
        Index(
            "uq_deferral_open",
            "comment_id",
            unique=True,
            postgresql_where=sql("ended_at IS NULL"),
            sqlite_where=sql("ended_at IS NULL"),
        ),
    )
