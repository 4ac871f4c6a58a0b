"""What the doors for other services' clients keep: counts of requests, and what Coral asked about."""

from __future__ import annotations

from datetime import date, datetime

from sqlalchemy import JSON, CheckConstraint, ForeignKey, Index, String, Text
from sqlalchemy.orm import Mapped, mapped_column

from moderation.db import Base, now


class Quota(Base):
    """How often somebody asked for something within the minute that begins at ``minute_at``."""

    __tablename__ = "quota"

    key: Mapped[str] = mapped_column(String(200), primary_key=True, doc="What was asked for, and by whom.")
    minute_at: Mapped[datetime] = mapped_column(primary_key=True, index=True)
    used: Mapped[int] = mapped_column(default=0)


class AkismetUse(Base):
    """What one blog asked within a month, by the key of its site."""

    __tablename__ = "akismet_use"

    site_id: Mapped[int] = mapped_column(ForeignKey("site.id"), primary_key=True)
    month: Mapped[date] = mapped_column(primary_key=True, doc="Its first day.")
    blog: Mapped[str] = mapped_column(String(255), primary_key=True)
    calls: Mapped[int] = mapped_column(default=0)
    spam: Mapped[int] = mapped_column(default=0)
    ham: Mapped[int] = mapped_column(default=0)
    missed_spam: Mapped[int] = mapped_column(default=0)
    false_positives: Mapped[int] = mapped_column(default=0)

    __table_args__ = (CheckConstraint("calls >= 0", name="calls"),)


class AkismetQuestion(Base):
    """A comment that one of Akismet's clients asked about and people decide on; the verdict goes to its callback."""

    __tablename__ = "akismet_question"

    comment_id: Mapped[int] = mapped_column(ForeignKey("comment.id"), primary_key=True)
    guid: Mapped[str] = mapped_column(String(64), unique=True)
    callback_url: Mapped[str] = mapped_column(String(2000))
    key: Mapped[str] = mapped_column(String(12), doc="By which the client knows us again.")
    about: Mapped[dict[str, str]] = mapped_column(JSON, doc="What the client called article and parent.")
    asked_at: Mapped[datetime] = mapped_column(default=now)


class CoralComment(Base):
    """A text that Coral asked about. Coral names the comment only later, in a webhook without its text."""

    __tablename__ = "coral_comment"

    id: Mapped[int] = mapped_column(primary_key=True)
    site_id: Mapped[int] = mapped_column(ForeignKey("site.id"))
    digest: Mapped[str] = mapped_column(String(64), doc="SHA-256 of story, author and text.")
    story_id: Mapped[str] = mapped_column(String(255))
    article_id: Mapped[int | None] = mapped_column(ForeignKey("article.id"))
    commenter_id: Mapped[str | None] = mapped_column(String(255))
    parent_id: Mapped[str | None] = mapped_column(String(255))
    text: Mapped[str] = mapped_column(Text)
    coral_id: Mapped[str | None] = mapped_column(String(255))
    asked_at: Mapped[datetime] = mapped_column(default=now, index=True)

    __table_args__ = (
        Index("ix_coral_comment_site_id_digest", "site_id", "digest", unique=True),
        Index("ix_coral_comment_site_id_coral_id", "site_id", "coral_id"),
        Index("ix_coral_comment_site_id_story_id", "site_id", "story_id"),
    )
