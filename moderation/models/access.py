"""How a moderator gets in: sign-ins that last, and what proves who they are besides the password."""

from __future__ import annotations

from datetime import datetime

from sqlalchemy import ForeignKey, LargeBinary, String
from sqlalchemy.orm import Mapped, mapped_column, relationship

from moderation.db import Base, now
from moderation.models.moderators import Moderator


class SignIn(Base):
    """A moderator signed in on one device, until it ends. The device holds the token, the table its hash."""

    __tablename__ = "sign_in"

    id: Mapped[int] = mapped_column(primary_key=True)
    moderator_id: Mapped[int] = mapped_column(ForeignKey("moderator.id"), index=True)
    token_hash: Mapped[str] = mapped_column(String(64), unique=True)
    device: Mapped[str] = mapped_column(String(200), doc="What the browser says of itself.")
    started_at: Mapped[datetime] = mapped_column(default=now)
    seen_at: Mapped[datetime] = mapped_column(default=now, doc="Exact to five minutes.")
    ended_at: Mapped[datetime | None]

    moderator: Mapped[Moderator] = relationship(lazy="joined")


class Authenticator(Base):
    """An app that shows a new code every thirty seconds (TOTP), and the codes for when it is lost."""

    __tablename__ = "authenticator"

    moderator_id: Mapped[int] = mapped_column(ForeignKey("moderator.id"), primary_key=True)
    secret: Mapped[str] = mapped_column(String(200), doc="Encrypted with the service's secret key.")
    last_step: Mapped[int] = mapped_column(default=0, doc="The thirty seconds of the last code: none is taken twice.")
    created_at: Mapped[datetime] = mapped_column(default=now)


class RecoveryCode(Base):
    """A code that opens the door once, in place of the authenticator."""

    __tablename__ = "recovery_code"

    id: Mapped[int] = mapped_column(primary_key=True)
    moderator_id: Mapped[int] = mapped_column(ForeignKey("moderator.id"), index=True)
    code_hash: Mapped[str] = mapped_column(String(64))


class Passkey(Base):
    """A key pair in a moderator's device (WebAuthn); we have the public half."""

    __tablename__ = "passkey"

    id: Mapped[int] = mapped_column(primary_key=True)
    moderator_id: Mapped[int] = mapped_column(ForeignKey("moderator.id"), index=True)
    credential_id: Mapped[bytes] = mapped_column(LargeBinary(1023), unique=True)
    public_key: Mapped[bytes] = mapped_column(LargeBinary)
    sign_count: Mapped[int] = mapped_column(default=0)
    name: Mapped[str] = mapped_column(String(80))
    created_at: Mapped[datetime] = mapped_column(default=now)
    used_at: Mapped[datetime | None]

    moderator: Mapped[Moderator] = relationship(lazy="joined")
