"""House rules that decide by themselves: for how long, on what promise, and which comments were drawn for a check."""

from __future__ import annotations

from datetime import datetime
from enum import StrEnum
from typing import Any

from sqlalchemy import JSON, CheckConstraint, ForeignKey, Index, String
from sqlalchemy import text as sql
from sqlalchemy.orm import Mapped, mapped_column, relationship

from moderation.db import Base, now
from moderation.models.columns import closed_set
from moderation.models.decisions import Decision, Outcome
from moderation.models.moderators import Moderator
from moderation.models.sites import HouseRule, Site


class Fate(StrEnum):
    """What became of a comment that a rule could decide: decided, given to people as a check, or over the day's cap."""

    DECIDED = "decided"
    CHECKED = "checked"
    OVER = "over"


class Automation(Base):
    """A time during which a rule decides by itself: from when it was switched on until it was switched off.

    ``terms`` are the rule's as they were then; with others it decides nothing. ``right`` of ``tries`` decisions of
    people agreed with it in the site's own history when it was switched on.
    """

    __tablename__ = "automation"

    id: Mapped[int] = mapped_column(primary_key=True)
    site_id: Mapped[int] = mapped_column(ForeignKey("site.id"), index=True)
    rule_id: Mapped[int] = mapped_column(ForeignKey("house_rule.id"), index=True)
    terms: Mapped[dict[str, Any]] = mapped_column(JSON)
    outcome: Mapped[Outcome] = mapped_column(closed_set(Outcome))
    promise: Mapped[float]
    tries: Mapped[int]
    right: Mapped[int]
    moderator_id: Mapped[int] = mapped_column(ForeignKey("moderator.id"), doc="Who switched it on.")
    switched_on_at: Mapped[datetime] = mapped_column(default=now)
    switched_off_at: Mapped[datetime | None]
    why_off: Mapped[str | None] = mapped_column(
        String(20), doc="moderator, command, rule_changed, checks or reversals."
    )

    site: Mapped[Site] = relationship()
    rule: Mapped[HouseRule] = relationship()
    moderator: Mapped[Moderator] = relationship()

    __table_args__ = (
        CheckConstraint("outcome <> 'undo'", name="final"),
        Index(
            "uq_automation_on",
            "rule_id",
            unique=True,
            postgresql_where=sql("switched_off_at IS NULL"),
            sqlite_where=sql("switched_off_at IS NULL"),
        ),
    )


class Draw(Base):
    """The lot of one revision of a comment that a rule could decide: below the share for checks, people decide."""

    __tablename__ = "draw"

    comment_id: Mapped[int] = mapped_column(ForeignKey("comment.id"), primary_key=True, autoincrement=False)
    revision: Mapped[int] = mapped_column(primary_key=True, autoincrement=False)
    automation_id: Mapped[int] = mapped_column(ForeignKey("automation.id"))
    lot: Mapped[float] = mapped_column(doc="From 0 to 1, the same for the same comment and rule for ever.")
    fate: Mapped[Fate] = mapped_column(closed_set(Fate))
    decision_id: Mapped[int | None] = mapped_column(ForeignKey("decision.id"), unique=True)
    drawn_at: Mapped[datetime] = mapped_column(default=now)

    automation: Mapped[Automation] = relationship()
    decision: Mapped[Decision | None] = relationship()

    __table_args__ = (
        CheckConstraint("(fate = 'decided') = (decision_id IS NOT NULL)", name="decision"),
        Index(None, "automation_id", "fate", "drawn_at"),
    )
