"""What is not as it should be at a site, until it is over."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from sqlalchemy import JSON, ForeignKey, Index, String
from sqlalchemy import text as sql
from sqlalchemy.orm import Mapped, mapped_column, relationship

from moderation.db import Base, now
from moderation.models.sites import Site


class Alarm(Base):
    """Something that people should know of, raised once and open until it is over."""

    __tablename__ = "alarm"

    id: Mapped[int] = mapped_column(primary_key=True)
    site_id: Mapped[int] = mapped_column(ForeignKey("site.id"))
    kind: Mapped[str] = mapped_column(String(20))
    subject: Mapped[str] = mapped_column(String(80), default="", doc="What it is about, as `article 12`.")
    detail: Mapped[dict[str, Any]] = mapped_column(JSON, default=dict, doc="Numbers and titles, no reader's words.")
    raised_at: Mapped[datetime] = mapped_column(default=now)
    over_at: Mapped[datetime | None]

    site: Mapped[Site] = relationship()

    __table_args__ = (
        Index("ix_alarm_site_id", "site_id", "raised_at"),
        Index(
            "uq_alarm_open",
            "site_id",
            "kind",
            "subject",
            unique=True,
            postgresql_where=sql("over_at IS NULL"),
            sqlite_where=sql("over_at IS NULL"),
        ),
    )
