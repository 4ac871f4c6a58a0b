"""What was decided, and how the site hears of it."""

from __future__ import annotations

from datetime import datetime
from enum import StrEnum

from sqlalchemy import JSON, CheckConstraint, ForeignKey, Index, String
from sqlalchemy.orm import Mapped, mapped_column, relationship

from moderation.db import Base, Work, now
from moderation.models.closings import Closing
from moderation.models.columns import closed_set, index_where
from moderation.models.comments import Comment
from moderation.models.moderators import Moderator
from moderation.models.sites import Site


class Outcome(StrEnum):
    """What a decision says. ``undo`` takes back the decision before it."""

    APPROVE = "approve"
    DELETE = "delete"
    UNDO = "undo"


class Maker(StrEnum):
    """Who made a decision: a moderator, a house rule that the site switched on, or the site itself elsewhere."""

    MODERATOR = "moderator"
    RULE = "rule"
    SITE = "site"


class Decision(Base):
    """The final word on one revision of a comment: appended, never edited."""

    __tablename__ = "decision"

    id: Mapped[int] = mapped_column(primary_key=True)
    comment_id: Mapped[int] = mapped_column(ForeignKey("comment.id"), index=True)
    revision: Mapped[int]
    outcome: Mapped[Outcome] = mapped_column(closed_set(Outcome))
    maker: Mapped[Maker] = mapped_column(closed_set(Maker), default=Maker.MODERATOR)
    moderator_id: Mapped[int | None] = mapped_column(ForeignKey("moderator.id"))
    rule_id: Mapped[int | None] = mapped_column(ForeignKey("house_rule.id"))
    rule_title: Mapped[dict[str, str] | None] = mapped_column(JSON(none_as_null=True), doc="As it was that day.")
    rule_text: Mapped[dict[str, str] | None] = mapped_column(JSON(none_as_null=True), doc="As it was that day.")
    decided_at: Mapped[datetime] = mapped_column(default=now, index=True)
    batch_id: Mapped[int | None] = mapped_column(
        ForeignKey("batch.id"), index=True, doc="Decided together with others."
    )

    comment: Mapped[Comment] = relationship(back_populates="decisions")
    moderator: Mapped[Moderator | None] = relationship()
    delivery: Mapped[Delivery | None] = relationship(back_populates="decision")

    __table_args__ = (
        CheckConstraint("(maker = 'moderator') = (moderator_id IS NOT NULL)", name="moderator"),
        Index(None, "moderator_id", "id"),
    )


class Delivery(Work):
    """One decision on its way to the site: on a comment, or on whether an article is closed for comments.

    Waiting while ``due_at`` is set; then it was delivered (or fetched and acknowledged), cancelled because the decision
    was undone or overtaken in time, or failed for good.
    """

    __tablename__ = "delivery"

    site_id: Mapped[int] = mapped_column(ForeignKey("site.id"))
    decision_id: Mapped[int | None] = mapped_column(ForeignKey("decision.id"), unique=True)
    closing_id: Mapped[int | None] = mapped_column(ForeignKey("closing.id"), unique=True)
    webhook_id: Mapped[str] = mapped_column(String(64), unique=True)
    not_before: Mapped[datetime] = mapped_column(doc="End of the undo window.")
    last_error: Mapped[str | None] = mapped_column(String(300))
    delivered_at: Mapped[datetime | None]
    cancelled_at: Mapped[datetime | None]
    failed_at: Mapped[datetime | None]

    site: Mapped[Site] = relationship()
    decision: Mapped[Decision | None] = relationship(back_populates="delivery")
    closing: Mapped[Closing | None] = relationship(back_populates="delivery")

    __table_args__ = (
        CheckConstraint("(decision_id IS NULL) <> (closing_id IS NULL)", name="one_thing"),
        index_where("ix_delivery_due", "due_at", where="due_at IS NOT NULL"),
        index_where("ix_delivery_failed", "site_id", where="failed_at IS NOT NULL"),
        Index(None, "site_id", "id"),
    )
