"""The nouns of the service as tables. Only shapes and constraints; what happens to them lives in the rooms of verbs."""

from __future__ import annotations

from datetime import datetime
from enum import StrEnum
from typing import Any

from sqlalchemy import (
    JSON,
    CheckConstraint,
    Enum,
    ForeignKey,
    Index,
    String,
    Text,
    UniqueConstraint,
    and_,
)
from sqlalchemy import text as sql
from sqlalchemy.orm import Mapped, foreign, mapped_column, relationship

from moderation.db import Base, Work, now
from moderation.judge.case import Target
from moderation.rules import Advice, Signal


def _closed_set(members: type[StrEnum]) -> Enum:
    """A column of text that a check constraint keeps within the values of ``members``."""
    return Enum(
        members,
        native_enum=False,
        create_constraint=True,
        length=20,
        name=members.__name__.lower(),
        values_callable=lambda kind: [member.value for member in kind],
    )


def _index_where(name: str, *columns: str, where: str) -> Index:
    """An index of only those rows that somebody still looks for, so that it stays small for ever."""
    return Index(name, *columns, postgresql_where=sql(where), sqlite_where=sql(where))


class Status(StrEnum):
    """Where a comment stands. ``withdrawn``: the site itself took it back, nothing is left to decide."""

    PENDING = "pending"
    APPROVED = "approved"
    DELETED = "deleted"
    WITHDRAWN = "withdrawn"


class Outcome(StrEnum):
    """What a decision says. ``undo`` takes back the decision before it."""

    APPROVE = "approve"
    DELETE = "delete"
    UNDO = "undo"


class Role(StrEnum):
    """What a moderator may do: decide, or also set up sites, rules and moderators."""

    MODERATOR = "moderator"
    ADMIN = "admin"


class Site(Base):
    """A publisher that sends comments and receives decisions."""

    __tablename__ = "site"

    id: Mapped[int] = mapped_column(primary_key=True)
    slug: Mapped[str] = mapped_column(String(60), unique=True)
    name: Mapped[str] = mapped_column(String(200))
    language: Mapped[str] = mapped_column(String(10), default="de")
    callback_url: Mapped[str | None] = mapped_column(String(2000), doc="Where decisions go; None: the site fetches.")
    callback_private: Mapped[bool] = mapped_column(default=False, doc="Whether that may be a private address.")
    undo_seconds: Mapped[int] = mapped_column(default=10, doc="How long a decision waits before the site hears of it.")
    created_at: Mapped[datetime] = mapped_column(default=now)

    keys: Mapped[list[SiteKey]] = relationship(back_populates="site", order_by="SiteKey.id.desc()")
    house_rules: Mapped[list[HouseRule]] = relationship(back_populates="site", order_by="HouseRule.position")

    __table_args__ = (CheckConstraint("undo_seconds >= 0", name="undo_seconds"),)


class SiteKey(Base):
    """What a site and the service share. Several of a kind may be valid at once, so that keys can be changed calmly.

    ``signing``: the secret of webhooks both ways, as text (``whsec_…``), because a signature cannot be made from a
    hash. ``token``: the SHA-256 of a bearer token for the API.
    """

    __tablename__ = "site_key"

    id: Mapped[int] = mapped_column(primary_key=True)
    site_id: Mapped[int] = mapped_column(ForeignKey("site.id"), index=True)
    kind: Mapped[str] = mapped_column(String(10))
    value: Mapped[str] = mapped_column(String(200), unique=True)
    created_at: Mapped[datetime] = mapped_column(default=now)
    revoked_at: Mapped[datetime | None]

    site: Mapped[Site] = relationship(back_populates="keys")

    __table_args__ = (CheckConstraint("kind IN ('signing', 'token')", name="kind"),)


class Article(Base):
    """The page under which comments stand."""

    __tablename__ = "article"

    id: Mapped[int] = mapped_column(primary_key=True)
    site_id: Mapped[int] = mapped_column(ForeignKey("site.id"))
    external_id: Mapped[str] = mapped_column(String(255))
    url: Mapped[str] = mapped_column(String(2000))
    title: Mapped[str] = mapped_column(Text)
    lead: Mapped[str] = mapped_column(Text, default="")
    body: Mapped[str] = mapped_column(Text, default="")
    authors: Mapped[list[str]] = mapped_column(JSON, default=list)
    language: Mapped[str | None] = mapped_column(String(35))
    published_at: Mapped[datetime | None]
    stated_at: Mapped[datetime] = mapped_column(doc="When the site last said so; older news of it is ignored.")
    created_at: Mapped[datetime] = mapped_column(default=now)

    site: Mapped[Site] = relationship()

    __table_args__ = (UniqueConstraint("site_id", "external_id"), Index(None, "site_id", "id"))


class Comment(Work):
    """One reader's text, identified by site and the site's own id, with a revision that counts its changes.

    ``due_at`` says since when it waits to be judged; None: judged, or given to people.
    """

    __tablename__ = "comment"

    site_id: Mapped[int] = mapped_column(ForeignKey("site.id"))
    article_id: Mapped[int] = mapped_column(ForeignKey("article.id"))
    external_id: Mapped[str] = mapped_column(String(255))
    parent_external_id: Mapped[str | None] = mapped_column(String(255), doc="May arrive later than its answer.")
    text: Mapped[str] = mapped_column(Text)
    revision: Mapped[int] = mapped_column(default=1)
    language: Mapped[str | None] = mapped_column(String(35))
    commenter_id: Mapped[str | None] = mapped_column(String(255), doc="As the site names them.")
    commenter_name: Mapped[str | None] = mapped_column(String(255))
    commenter_email: Mapped[str | None] = mapped_column(String(320))
    commenter_ip: Mapped[str | None] = mapped_column(String(45))
    submitted_at: Mapped[datetime]
    received_at: Mapped[datetime] = mapped_column(default=now)
    stated_at: Mapped[datetime] = mapped_column(doc="When the site last spoke of it; older news is ignored.")
    status: Mapped[Status] = mapped_column(_closed_set(Status), default=Status.PENDING)
    concern: Mapped[float] = mapped_column(default=0.0, doc="0-1, how much it needs a look; orders the queue.")

    site: Mapped[Site] = relationship()
    article: Mapped[Article] = relationship()
    assessment: Mapped[Assessment | None] = relationship(
        primaryjoin=lambda: and_(foreign(Assessment.comment_id) == Comment.id, Assessment.revision == Comment.revision),
        viewonly=True,
        uselist=False,
    )
    decisions: Mapped[list[Decision]] = relationship(back_populates="comment", order_by="Decision.id")
    past_texts: Mapped[list[PastText]] = relationship(order_by="PastText.revision")

    def text_of(self, revision: int) -> str:
        """Return what the comment said in a revision."""
        return next((past.text for past in self.past_texts if past.revision == revision), self.text)

    __table_args__ = (
        UniqueConstraint("site_id", "external_id"),
        CheckConstraint("revision >= 1", name="revision"),
        CheckConstraint("concern BETWEEN 0 AND 1", name="concern"),
        _index_where("ix_comment_worst", "concern", "id", where="status = 'pending'"),
        _index_where("ix_comment_oldest", "submitted_at", "id", where="status = 'pending'"),
        _index_where("ix_comment_due", "due_at", where="due_at IS NOT NULL"),
        Index(None, "article_id", "id"),
    )


class PastText(Base):
    """What a comment said in an earlier revision."""

    __tablename__ = "past_text"

    comment_id: Mapped[int] = mapped_column(ForeignKey("comment.id"), primary_key=True)
    revision: Mapped[int] = mapped_column(primary_key=True)
    text: Mapped[str] = mapped_column(Text)
    replaced_at: Mapped[datetime] = mapped_column(default=now)


class ReceivedEvent(Base):
    """The id of a webhook that was accepted, so that a repeat of it changes nothing."""

    __tablename__ = "received_event"

    site_id: Mapped[int] = mapped_column(ForeignKey("site.id"), primary_key=True)
    webhook_id: Mapped[str] = mapped_column(String(255), primary_key=True)
    received_at: Mapped[datetime] = mapped_column(default=now, index=True)


class Assessment(Base):
    """What the judge and the house rules said of one revision of a comment.

    ``not_scored`` says why there are no scores. ``reasons`` holds, for each rule in doubt, the rule's id and words as
    they were, the score and the threshold.
    """

    __tablename__ = "assessment"

    id: Mapped[int] = mapped_column(primary_key=True)
    comment_id: Mapped[int] = mapped_column(ForeignKey("comment.id"))
    revision: Mapped[int]
    language: Mapped[str | None] = mapped_column(String(35))
    relevance: Mapped[float | None]
    relevance_reason: Mapped[str | None] = mapped_column(String(20))
    disrespect: Mapped[float | None]
    kinds: Mapped[dict[str, float]] = mapped_column(JSON, default=dict)
    target: Mapped[Target | None] = mapped_column(_closed_set(Target))
    spans: Mapped[list[dict[str, Any]]] = mapped_column(JSON, default=list)
    passage: Mapped[dict[str, Any] | None] = mapped_column(JSON(none_as_null=True))
    engine: Mapped[str] = mapped_column(String(80), default="")
    not_scored: Mapped[str | None] = mapped_column(String(20))
    advice: Mapped[Advice] = mapped_column(_closed_set(Advice))
    reasons: Mapped[list[dict[str, Any]]] = mapped_column(JSON, default=list)
    assessed_at: Mapped[datetime] = mapped_column(default=now)

    __table_args__ = (
        UniqueConstraint("comment_id", "revision"),
        CheckConstraint("relevance > 0 AND relevance < 1", name="relevance"),
        CheckConstraint("disrespect > 0 AND disrespect < 1", name="disrespect"),
    )


class HouseRule(Base):
    """One of the site's stated rules, in the site's words, and the signal it is bound to.

    ``kinds`` and ``targets`` narrow disrespect to some of its kinds and to whom it addresses; empty means any.
    """

    __tablename__ = "house_rule"

    id: Mapped[int] = mapped_column(primary_key=True)
    site_id: Mapped[int] = mapped_column(ForeignKey("site.id"))
    position: Mapped[int]
    title: Mapped[dict[str, str]] = mapped_column(JSON, doc="By language.")
    text: Mapped[dict[str, str]] = mapped_column(JSON, doc="By language, as readers see it.")
    signal: Mapped[Signal] = mapped_column(_closed_set(Signal))
    kinds: Mapped[list[str]] = mapped_column(JSON, default=list)
    targets: Mapped[list[str]] = mapped_column(JSON, default=list)
    threshold: Mapped[float]
    advice: Mapped[Advice] = mapped_column(_closed_set(Advice), default=Advice.REVIEW)

    site: Mapped[Site] = relationship(back_populates="house_rules")

    __table_args__ = (
        UniqueConstraint("site_id", "position"),
        CheckConstraint("threshold BETWEEN 0 AND 1", name="threshold"),
    )


class Moderator(Base):
    """A person who decides."""

    __tablename__ = "moderator"

    id: Mapped[int] = mapped_column(primary_key=True)
    name: Mapped[str] = mapped_column(String(80), unique=True)
    password_hash: Mapped[str] = mapped_column(String(200))
    role: Mapped[Role] = mapped_column(_closed_set(Role), default=Role.MODERATOR)
    language: Mapped[str | None] = mapped_column(String(10))
    created_at: Mapped[datetime] = mapped_column(default=now)
    disabled_at: Mapped[datetime | None]


class Decision(Base):
    """The final word on one revision of a comment: appended, never edited."""

    __tablename__ = "decision"

    id: Mapped[int] = mapped_column(primary_key=True)
    comment_id: Mapped[int] = mapped_column(ForeignKey("comment.id"), index=True)
    revision: Mapped[int]
    outcome: Mapped[Outcome] = mapped_column(_closed_set(Outcome))
    moderator_id: Mapped[int] = mapped_column(ForeignKey("moderator.id"), index=True)
    rule_id: Mapped[int | None] = mapped_column(ForeignKey("house_rule.id"))
    rule_title: Mapped[dict[str, str] | None] = mapped_column(JSON(none_as_null=True), doc="As it was that day.")
    rule_text: Mapped[dict[str, str] | None] = mapped_column(JSON(none_as_null=True), doc="As it was that day.")
    decided_at: Mapped[datetime] = mapped_column(default=now)

    comment: Mapped[Comment] = relationship(back_populates="decisions")
    moderator: Mapped[Moderator] = relationship()
    delivery: Mapped[Delivery | None] = relationship(back_populates="decision")


class Delivery(Work):
    """One decision on its way to the site.

    Waiting while ``due_at`` is set; then it was delivered (or fetched and acknowledged), cancelled because the decision
    was undone or overtaken in time, or failed for good.
    """

    __tablename__ = "delivery"

    site_id: Mapped[int] = mapped_column(ForeignKey("site.id"))
    decision_id: Mapped[int] = mapped_column(ForeignKey("decision.id"), unique=True)
    webhook_id: Mapped[str] = mapped_column(String(64), unique=True)
    not_before: Mapped[datetime] = mapped_column(doc="End of the undo window.")
    last_error: Mapped[str | None] = mapped_column(String(300))
    delivered_at: Mapped[datetime | None]
    cancelled_at: Mapped[datetime | None]
    failed_at: Mapped[datetime | None]

    site: Mapped[Site] = relationship()
    decision: Mapped[Decision] = relationship(back_populates="delivery")

    __table_args__ = (
        _index_where("ix_delivery_due", "due_at", where="due_at IS NOT NULL"),
        Index(None, "site_id", "id"),
    )
