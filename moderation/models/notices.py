"""What the Digital Services Act asks a site to offer: objections to decisions, notices of illegal content, letters."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from sqlalchemy import JSON, CheckConstraint, ForeignKey, Index, String, Text
from sqlalchemy.orm import Mapped, mapped_column, relationship

from moderation.db import Base, Work, now
from moderation.models.columns import closed_set, index_where
from moderation.models.comments import Comment
from moderation.models.decisions import Decision, Outcome
from moderation.models.moderators import Moderator
from moderation.models.sites import Site


class Closable(Base):
    """Something a reader asks that a moderator answers once. ``outcome`` is what becomes of the comment."""

    __abstract__ = True

    id: Mapped[int] = mapped_column(primary_key=True)
    text: Mapped[str] = mapped_column(Text, doc="What the reader says.")
    language: Mapped[str] = mapped_column(String(10), doc="In which the answer is given.")
    email: Mapped[str | None] = mapped_column(String(320))
    received_at: Mapped[datetime] = mapped_column(default=now)
    closed_at: Mapped[datetime | None]
    outcome: Mapped[Outcome | None] = mapped_column(closed_set(Outcome))
    answer: Mapped[str] = mapped_column(Text, default="", doc="What the moderator says to the reader.")
    moderator_id: Mapped[int | None] = mapped_column(ForeignKey("moderator.id"))


class Appeal(Closable):
    """A commenter's objection to the deletion of their comment. Approve grants it, delete upholds the decision."""

    __tablename__ = "appeal"

    decision_id: Mapped[int] = mapped_column(ForeignKey("decision.id"), unique=True)

    decision: Mapped[Decision] = relationship()
    moderator: Mapped[Moderator | None] = relationship()

    __table_args__ = (
        CheckConstraint("(closed_at IS NULL) = (outcome IS NULL)", name="closed"),
        index_where("ix_appeal_open", "received_at", "id", where="closed_at IS NULL"),
    )


class Notice(Closable):
    """Somebody's notice that something on the site is illegal (Article 16)."""

    __tablename__ = "notice"

    site_id: Mapped[int] = mapped_column(ForeignKey("site.id"))
    comment_id: Mapped[int | None] = mapped_column(ForeignKey("comment.id"), doc="None: we do not know the address.")
    address: Mapped[str] = mapped_column(String(2000), doc="Where it is to be seen, as they say.")
    name: Mapped[str | None] = mapped_column(String(255))

    site: Mapped[Site] = relationship()
    comment: Mapped[Comment | None] = relationship()
    moderator: Mapped[Moderator | None] = relationship()

    __table_args__ = (
        CheckConstraint("(closed_at IS NULL) = (outcome IS NULL)", name="closed"),
        index_where("ix_notice_open", "received_at", "id", where="closed_at IS NULL"),
        Index("ix_notice_site_id", "site_id", "received_at"),
    )


class Letter(Work):
    """A mail on its way. What it says is put together when it is sent; its address is forgotten then."""

    __tablename__ = "letter"

    kind: Mapped[str] = mapped_column(String(40), doc="Name of its template.")
    address: Mapped[str | None] = mapped_column(String(320))
    language: Mapped[str] = mapped_column(String(10))
    values: Mapped[dict[str, Any]] = mapped_column(JSON, default=dict)
    decision_id: Mapped[int | None] = mapped_column(
        ForeignKey("decision.id"), unique=True, doc="Not sent if another decision overtook it."
    )
    created_at: Mapped[datetime] = mapped_column(default=now)
    sent_at: Mapped[datetime | None]
    failed_at: Mapped[datetime | None]
    last_error: Mapped[str | None] = mapped_column(String(300))

    __table_args__ = (index_where("ix_letter_due", "due_at", where="due_at IS NOT NULL"),)
