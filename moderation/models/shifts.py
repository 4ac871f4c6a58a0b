"""When moderators begin their shifts, and the links their letters carry."""

from __future__ import annotations

from datetime import datetime

from sqlalchemy import JSON, ForeignKey, String
from sqlalchemy.orm import Mapped, mapped_column, relationship

from moderation.db import Base, Work, now
from moderation.models.moderators import Moderator


class Shift(Work):
    """When a moderator wants to be written what waits. ``due_at`` is the next beginning of their shift."""

    __tablename__ = "shift"

    moderator_id: Mapped[int] = mapped_column(ForeignKey("moderator.id"), unique=True)
    email: Mapped[str] = mapped_column(String(320))
    begins: Mapped[str] = mapped_column(String(5), doc="As 06:00, by the desk's clock.")
    days: Mapped[list[str]] = mapped_column(JSON, default=list, doc="mon to sun; none means every day.")

    moderator: Mapped[Moderator] = relationship()


class ShiftLink(Base):
    """A link in a letter at the beginning of a shift: shows what waits, opens once, decides nothing."""

    __tablename__ = "shift_link"

    id: Mapped[int] = mapped_column(primary_key=True)
    moderator_id: Mapped[int] = mapped_column(ForeignKey("moderator.id"))
    made_at: Mapped[datetime] = mapped_column(default=now)
    expires_at: Mapped[datetime] = mapped_column(index=True)
    opened_at: Mapped[datetime | None]

    moderator: Mapped[Moderator] = relationship()
