"""The people who decide."""

from __future__ import annotations

from datetime import datetime
from enum import StrEnum
from typing import Any

from sqlalchemy import JSON, String
from sqlalchemy.orm import Mapped, mapped_column

from moderation.db import Base, now
from moderation.models.columns import closed_set


class Role(StrEnum):
    """What a moderator may do: decide, or also set up sites, rules and moderators."""

    MODERATOR = "moderator"
    ADMIN = "admin"


class Moderator(Base):
    """A person who decides."""

    __tablename__ = "moderator"

    id: Mapped[int] = mapped_column(primary_key=True)
    name: Mapped[str] = mapped_column(String(80), unique=True)
    password_hash: Mapped[str] = mapped_column(String(200))
    role: Mapped[Role] = mapped_column(closed_set(Role), default=Role.MODERATOR)
    language: Mapped[str | None] = mapped_column(String(10))
    preferences: Mapped[dict[str, Any]] = mapped_column(JSON, default=dict, doc="How they want the desk to be.")
    keys: Mapped[dict[str, str]] = mapped_column(JSON, default=dict, doc="Keys of their own, by what they do.")
    created_at: Mapped[datetime] = mapped_column(default=now)
    disabled_at: Mapped[datetime | None]
    wrong_passwords: Mapped[int] = mapped_column(default=0, doc="In a row, since the last sign-in.")
    locked_until: Mapped[datetime | None] = mapped_column(doc="No password opens the account before.")
    openid: Mapped[str | None] = mapped_column(String(600), unique=True, doc="Issuer and subject at the provider.")
