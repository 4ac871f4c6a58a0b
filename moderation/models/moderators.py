"""The people who decide."""

from __future__ import annotations

from datetime import datetime
from enum import StrEnum
from typing import Any

from sqlalchemy import JSON, ForeignKey, String, false
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
    role: Mapped[Role] = mapped_column(
        closed_set(Role), default=Role.MODERATOR, doc="In the whole house; whoever is confined is a moderator here."
    )
    confined: Mapped[bool] = mapped_column(
        default=False, server_default=false(), doc="Whether they see the sites of `moderator_site` only."
    )
    language: Mapped[str | None] = mapped_column(String(10))
    preferences: Mapped[dict[str, Any]] = mapped_column(JSON, default=dict, doc="How they want the desk to be.")
    keys: Mapped[dict[str, str]] = mapped_column(JSON, default=dict, doc="Keys of their own, by what they do.")
    created_at: Mapped[datetime] = mapped_column(default=now)
    disabled_at: Mapped[datetime | None]
    wrong_passwords: Mapped[int] = mapped_column(default=0, doc="In a row, since the last sign-in.")
    locked_until: Mapped[datetime | None] = mapped_column(doc="No password opens the account before.")
    openid: Mapped[str | None] = mapped_column(String(600), unique=True, doc="Issuer and subject at the provider.")


class SiteRole(Base):
    """What a confined moderator may do at a site. Of a site without such a row they see nothing."""

    __tablename__ = "moderator_site"

    moderator_id: Mapped[int] = mapped_column(ForeignKey("moderator.id"), primary_key=True, autoincrement=False)
    site_id: Mapped[int] = mapped_column(ForeignKey("site.id"), primary_key=True, autoincrement=False)
    role: Mapped[Role] = mapped_column(closed_set(Role))
