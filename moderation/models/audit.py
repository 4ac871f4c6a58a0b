"""Who did what, for ever."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from sqlalchemy import JSON, ForeignKey, String
from sqlalchemy.orm import Mapped, mapped_column, relationship

from moderation.db import Base, now
from moderation.models.moderators import Moderator


class AuditEntry(Base):
    """One deed: appended, never changed. Without a moderator, a rule, the site or a command did it.

    A moment later it gets its place in a chain: ``seal`` is a hash over the entry and the seal before it.
    """

    __tablename__ = "audit_entry"

    id: Mapped[int] = mapped_column(primary_key=True)
    at: Mapped[datetime] = mapped_column(default=now)
    moderator_id: Mapped[int | None] = mapped_column(ForeignKey("moderator.id"), index=True)
    deed: Mapped[str] = mapped_column(String(40), index=True)
    subject: Mapped[str] = mapped_column(String(80), default="", doc="What it was done to, as `comment 12`.")
    detail: Mapped[dict[str, Any]] = mapped_column(JSON, default=dict, doc="Never a reader's words or name.")

    seal_number: Mapped[int | None] = mapped_column(unique=True, doc="Its place in the chain, from 1.")
    seal: Mapped[str | None] = mapped_column(String(64))

    moderator: Mapped[Moderator | None] = relationship()
