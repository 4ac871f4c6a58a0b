"""Who sends comments: sites, their keys and their house rules."""

from __future__ import annotations

import secrets
from datetime import datetime
from enum import StrEnum
from typing import Any

from sqlalchemy import JSON, CheckConstraint, ForeignKey, Index, String, UniqueConstraint, and_
from sqlalchemy.orm import Mapped, mapped_column, relationship

from moderation.db import Base, now
from moderation.models.columns import closed_set
from moderation.rules import Advice, Signal


class Scope(StrEnum):
    """What a token may do: read what is the site's; decide, too; change the site and its rules, too."""

    READ = "read"
    DECIDE = "decide"
    MANAGE = "manage"

    def covers(self, needed: Scope) -> bool:
        """Whether whoever has this may do what needs ``needed``."""
        ranks = list(Scope)
        return ranks.index(self) >= ranks.index(needed)


class Site(Base):
    """A publisher that sends comments and receives decisions."""

    __tablename__ = "site"

    id: Mapped[int] = mapped_column(primary_key=True)
    slug: Mapped[str] = mapped_column(String(60), unique=True)
    name: Mapped[str] = mapped_column(String(200))
    language: Mapped[str] = mapped_column(String(10), default="de")
    callback_url: Mapped[str | None] = mapped_column(String(2000), doc="Where decisions go; None: the site fetches.")
    callback_private: Mapped[bool] = mapped_column(
        default=False, doc="Whether that, and its pages, may be private addresses."
    )
    undo_seconds: Mapped[int] = mapped_column(default=10, doc="How long a decision waits before the site hears of it.")
    time_zone: Mapped[str] = mapped_column(String(60), default="Europe/Berlin", doc="By it, hours of rules are meant.")
    pepper: Mapped[str] = mapped_column(
        String(64), default=lambda: secrets.token_hex(32), doc="Key of sealed addresses."
    )
    learns_from_records: Mapped[bool] = mapped_column(
        default=False, doc="Whether what is learned looks at how many of a commenter's earlier comments were deleted."
    )
    keeps_addresses: Mapped[bool] = mapped_column(default=False, doc="Whether e-mails and IPs are kept as they are.")
    mails_reasons: Mapped[bool] = mapped_column(default=False, doc="Whether we mail commenters why we deleted.")
    coral_rejects: Mapped[bool] = mapped_column(default=False, doc="Whether Coral may reject what rules say to delete.")
    failed_tries: Mapped[int] = mapped_column(
        default=0, server_default="0", doc="How often in a row it could not be told of a decision."
    )
    paused_until: Mapped[datetime | None] = mapped_column(doc="Until when nothing is sent to it, as it is ill.")
    akismet_asks: Mapped[bool] = mapped_column(default=False, doc="Whether people decide what Akismet's clients ask.")
    origins: Mapped[list[str]] = mapped_column(JSON, default=list, doc="Where pages with our forms are served.")
    forms_need_work: Mapped[bool] = mapped_column(default=False, doc="Whether browsers must work before they send.")
    alarms: Mapped[dict[str, Any]] = mapped_column(JSON, default=dict, doc="From when on an alarm is sounded.")
    created_at: Mapped[datetime] = mapped_column(default=now)

    keys: Mapped[list[SiteKey]] = relationship(back_populates="site", order_by="SiteKey.id.desc()")
    house_rules: Mapped[list[HouseRule]] = relationship(
        primaryjoin=lambda: and_(HouseRule.site_id == Site.id, HouseRule.archived_at.is_(None)),
        order_by="HouseRule.position",
        viewonly=True,
    )

    __table_args__ = (CheckConstraint("undo_seconds >= 0", name="undo_seconds"),)


class SiteKey(Base):
    """What a site and the service share. Several of a kind may be valid at once, so that keys can be changed calmly.

    ``signing``: the secret of webhooks both ways, as text (``whsec_…``), because a signature cannot be made from a
    hash. ``token``: the SHA-256 of a bearer token for the API, with what it may
    do. ``akismet``: twelve hexadecimal digits, as Akismet's
    clients want them, as text, because a verdict that is sent later carries it. ``coral``: a secret that Coral signs
    with, as Coral shows it.
    """

    __tablename__ = "site_key"

    id: Mapped[int] = mapped_column(primary_key=True)
    site_id: Mapped[int] = mapped_column(ForeignKey("site.id"), index=True)
    kind: Mapped[str] = mapped_column(String(10))
    value: Mapped[str] = mapped_column(String(200), unique=True)
    scope: Mapped[Scope | None] = mapped_column(closed_set(Scope), doc="What a token may do; other kinds have none.")
    name: Mapped[str] = mapped_column(String(80), default="", doc="What it is for, as whoever made it says.")
    created_at: Mapped[datetime] = mapped_column(default=now)
    revoked_at: Mapped[datetime | None]

    site: Mapped[Site] = relationship(back_populates="keys")

    __table_args__ = (
        CheckConstraint("kind IN ('signing', 'token', 'akismet', 'coral')", name="kind"),
        CheckConstraint("(kind = 'token') = (scope IS NOT NULL)", name="scope_of_tokens"),
    )


class HouseRule(Base):
    """One of the site's stated rules, in the site's words, and what it is bound to, as it is now.

    ``when``, ``hours`` and ``sections`` are what ``moderation.rules.conditions`` says of them. A rule that is no longer
    wanted is archived, never deleted: decisions cite it. ``key`` names it in files and stays the same for ever.
    """

    __tablename__ = "house_rule"

    id: Mapped[int] = mapped_column(primary_key=True)
    site_id: Mapped[int] = mapped_column(ForeignKey("site.id"))
    key: Mapped[str] = mapped_column(String(60))
    position: Mapped[int]
    title: Mapped[dict[str, str]] = mapped_column(JSON, doc="By language.")
    text: Mapped[dict[str, str]] = mapped_column(JSON, doc="By language, as readers see it.")
    signal: Mapped[Signal] = mapped_column(closed_set(Signal))
    when: Mapped[dict[str, Any]] = mapped_column(JSON)
    advice: Mapped[Advice] = mapped_column(closed_set(Advice), default=Advice.REVIEW)
    hours: Mapped[dict[str, Any] | None] = mapped_column(JSON(none_as_null=True))
    sections: Mapped[list[str]] = mapped_column(JSON, default=list)
    archived_at: Mapped[datetime | None]

    site: Mapped[Site] = relationship()

    __table_args__ = (UniqueConstraint("site_id", "key"), Index(None, "site_id", "position"))


class RuleSet(Base):
    """All house rules of a site as they were from one moment on: written once, never changed.

    Comments are judged by the newest one, and their assessments say which that was.
    """

    __tablename__ = "rule_set"

    id: Mapped[int] = mapped_column(primary_key=True)
    site_id: Mapped[int] = mapped_column(ForeignKey("site.id"))
    version: Mapped[int]
    rules: Mapped[list[dict[str, Any]]] = mapped_column(JSON, doc="As they are stated in files, each with its id.")
    modes: Mapped[list[dict[str, Any]]] = mapped_column(JSON, default=list, doc="As they are stated in files.")
    moderator_id: Mapped[int | None] = mapped_column(ForeignKey("moderator.id"), doc="Who saved it; None: a command.")
    created_at: Mapped[datetime] = mapped_column(default=now)

    __table_args__ = (UniqueConstraint("site_id", "version"),)


class RelevanceAdaptation(Base):
    """What a site's own traffic has taught about relevance, once a night: appended, the newest one holds.

    ``content`` holds no text: means of sentence vectors and a few weights, None where the general model was no worse.
    """

    __tablename__ = "relevance_adaptation"

    id: Mapped[int] = mapped_column(primary_key=True)
    site_id: Mapped[int] = mapped_column(ForeignKey("site.id"))
    version: Mapped[int]
    engine: Mapped[str] = mapped_column(String(200), doc="Of the judge whose weights it changes; holds for no other.")
    comments: Mapped[int]
    articles: Mapped[int]
    oldest_at: Mapped[datetime] = mapped_column(doc="When the oldest comment it was learned from was submitted.")
    newest_at: Mapped[datetime] = mapped_column(doc="When the newest was.")
    last_comment_id: Mapped[int] = mapped_column(doc="Newest comment there was; nights without enough new ones pass.")
    figures: Mapped[dict[str, float]] = mapped_column(JSON, doc="How both models did on articles held out.")
    content: Mapped[bytes | None]
    created_at: Mapped[datetime] = mapped_column(default=now)

    site: Mapped[Site] = relationship()

    __table_args__ = (UniqueConstraint("site_id", "version"),)
