"""Where imports that did not come to their end stand."""

from __future__ import annotations

from datetime import datetime

from sqlalchemy import ForeignKey, String
from sqlalchemy.orm import Mapped, mapped_column

from moderation.db import Base, now


class UnfinishedImport(Base):
    """How far the last import of a form of file came; gone once it is through. ``digest`` tells the file again."""

    __tablename__ = "unfinished_import"

    site_id: Mapped[int] = mapped_column(ForeignKey("site.id"), primary_key=True)
    form: Mapped[str] = mapped_column(String(20), primary_key=True)
    read: Mapped[int] = mapped_column(doc="Bytes of the file.")
    lines: Mapped[int]
    items: Mapped[int]
    digest: Mapped[str] = mapped_column(String(64), doc="SHA-256 of those bytes.")
    saved_at: Mapped[datetime] = mapped_column(default=now)
