"""Where a newsroom is told of alarms: mailboxes and chats, and what each is still to be told."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from sqlalchemy import JSON, CheckConstraint, ForeignKey, Index, String
from sqlalchemy.orm import Mapped, mapped_column, relationship

from moderation.db import Base, Work, now
from moderation.models.columns import index_where
from moderation.models.sites import Site


class Channel(Work):
    """A mailbox or a chat. ``due_at`` says from when it may be told what it is still to be told; None: nothing."""

    __tablename__ = "channel"

    due_at: Mapped[datetime | None] = mapped_column(default=None)
    site_id: Mapped[int] = mapped_column(ForeignKey("site.id"), index=True)
    name: Mapped[str] = mapped_column(String(120))
    address: Mapped[str] = mapped_column(String(1000), doc="With its secret, as Apprise writes it.")
    private: Mapped[bool] = mapped_column(default=False, doc="Whether it may be at a private address.")
    quotes: Mapped[bool] = mapped_column(default=False, doc="Whether readers' words may be sent there.")
    minutes_apart: Mapped[int] = mapped_column(default=5, doc="Least time between two messages.")
    created_at: Mapped[datetime] = mapped_column(default=now)
    told_at: Mapped[datetime | None] = mapped_column(doc="When the last message arrived.")
    last_error: Mapped[str | None] = mapped_column(String(300))

    site: Mapped[Site] = relationship()

    __table_args__ = (
        CheckConstraint("minutes_apart >= 0", name="minutes_apart"),
        index_where("ix_channel_due", "due_at", where="due_at IS NOT NULL"),
    )


class News(Base):
    """One thing that a channel is to be told; several together make one message."""

    __tablename__ = "news"

    id: Mapped[int] = mapped_column(primary_key=True)
    channel_id: Mapped[int] = mapped_column(ForeignKey("channel.id", ondelete="CASCADE"))
    kind: Mapped[str] = mapped_column(String(20))
    over: Mapped[bool] = mapped_column(default=False, doc="Whether it tells that something is over.")
    detail: Mapped[dict[str, Any]] = mapped_column(JSON, default=dict)
    comment_id: Mapped[int | None] = mapped_column(
        ForeignKey("comment.id"), doc="Whose words may be quoted, where the channel allows that."
    )
    created_at: Mapped[datetime] = mapped_column(default=now)
    told_at: Mapped[datetime | None]

    channel: Mapped[Channel] = relationship()

    __table_args__ = (Index(None, "channel_id", "told_at", "id"),)
