"""Whether an article takes comments: who closed it or opened it again, when and why."""

from __future__ import annotations

from datetime import datetime
from enum import StrEnum
from typing import TYPE_CHECKING

from sqlalchemy import CheckConstraint, ForeignKey, String
from sqlalchemy.orm import Mapped, mapped_column, relationship

from moderation.db import Base, now
from moderation.models.columns import closed_set
from moderation.models.comments import Article
from moderation.models.moderators import Moderator

if TYPE_CHECKING:
    from moderation.models.decisions import Delivery


class Door(StrEnum):
    """What a closing says. ``undo`` takes back the one before it."""

    CLOSE = "close"
    OPEN = "open"
    UNDO = "undo"


class Closing(Base):
    """An article is closed for comments, opened again, or that is taken back: appended, never edited.

    Without a moderator, a program of the site did it.
    """

    __tablename__ = "closing"

    id: Mapped[int] = mapped_column(primary_key=True)
    article_id: Mapped[int] = mapped_column(ForeignKey("article.id"), index=True)
    outcome: Mapped[Door] = mapped_column(closed_set(Door))
    moderator_id: Mapped[int | None] = mapped_column(ForeignKey("moderator.id"))
    reason: Mapped[str] = mapped_column(String(300), default="", doc="Why, as the site is told.")
    decided_at: Mapped[datetime] = mapped_column(default=now)

    article: Mapped[Article] = relationship()
    moderator: Mapped[Moderator | None] = relationship()
    delivery: Mapped[Delivery | None] = relationship(back_populates="closing")

    __table_args__ = (CheckConstraint("outcome <> 'undo' OR moderator_id IS NOT NULL", name="undone_by_somebody"),)
