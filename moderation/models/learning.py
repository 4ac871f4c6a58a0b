"""What is learned of a site's moderators: what each comment is learned from, the models there were, doubtful bursts."""

from __future__ import annotations

from datetime import datetime
from enum import StrEnum
from typing import Any

from sqlalchemy import JSON, ForeignKey, Index, LargeBinary, String, UniqueConstraint
from sqlalchemy.orm import Mapped, mapped_column, relationship

from moderation.db import Base, Work, now
from moderation.models.columns import closed_set, index_where
from moderation.models.moderators import Moderator
from moderation.models.sites import HouseRule, Site


class ModelState(StrEnum):
    """Where a site's model stands. A candidate was fitted and not yet shown to be better; a shadow runs silently."""

    CANDIDATE = "candidate"
    SHADOW = "shadow"
    ACTIVE = "active"
    RETIRED = "retired"


class Traits(Base):
    """What a site's own model looks at in one revision of a comment: numbers from which no text can be read.

    They are kept because judging 100,000 comments anew takes ten minutes and learning from them must not.
    """

    __tablename__ = "traits"

    comment_id: Mapped[int] = mapped_column(ForeignKey("comment.id"), primary_key=True, autoincrement=False)
    revision: Mapped[int]
    content: Mapped[bytes] = mapped_column(LargeBinary, doc="As `moderation.judge.learned.pack` writes them.")


class LearnedModel(Base):
    """A model fitted to a site's decisions: how likely its team deletes, or, with a rule, deletes citing that rule.

    ``content`` is what `SiteModel.from_bytes` reads. ``figures`` say how well decisions were foretold by what had been
    learned before them.
    """

    __tablename__ = "learned_model"

    id: Mapped[int] = mapped_column(primary_key=True)
    site_id: Mapped[int] = mapped_column(ForeignKey("site.id"))
    rule_id: Mapped[int | None] = mapped_column(ForeignKey("house_rule.id"))
    version: Mapped[int]
    state: Mapped[ModelState] = mapped_column(closed_set(ModelState), default=ModelState.CANDIDATE)
    content: Mapped[bytes] = mapped_column(LargeBinary)
    engine: Mapped[str] = mapped_column(String(80), doc="The judge whose numbers it was fitted to.")
    decisions: Mapped[int] = mapped_column(doc="How many it was fitted to.")
    positives: Mapped[int] = mapped_column(doc="How many of them deleted, or cited the rule.")
    from_at: Mapped[datetime] = mapped_column(doc="When the oldest of these decisions was made.")
    until_at: Mapped[datetime] = mapped_column(doc="When the newest was made.")
    figures: Mapped[dict[str, Any]] = mapped_column(JSON, default=dict)
    fitted_at: Mapped[datetime] = mapped_column(default=now)
    switched_at: Mapped[datetime | None] = mapped_column(doc="When its state last changed.")

    site: Mapped[Site] = relationship()
    rule: Mapped[HouseRule | None] = relationship()

    __table_args__ = (
        UniqueConstraint("site_id", "version"),
        index_where("ix_learned_model_used", "site_id", "state", where="state IN ('active', 'shadow')"),
    )


class Learner(Work):
    """When to learn from a site's decisions, and what came of it last. ``paused``: no model switches on by itself."""

    __tablename__ = "learner"

    site_id: Mapped[int] = mapped_column(ForeignKey("site.id"), unique=True)
    paused: Mapped[bool] = mapped_column(default=False)
    shadowing: Mapped[bool] = mapped_column(default=False, doc="Whether what is not in force yet runs silently.")
    decisions: Mapped[int] = mapped_column(default=0, doc="How many there were when it last learned.")
    last_id: Mapped[int] = mapped_column(default=0, doc="The newest decision it had seen then.")
    lacking: Mapped[int] = mapped_column(default=0, doc="Decided comments without traits, which nobody can learn from.")
    learned_at: Mapped[datetime | None]
    report: Mapped[dict[str, Any] | None] = mapped_column(JSON(none_as_null=True), doc="The last replay, as figures.")

    site: Mapped[Site] = relationship()


class Burst(Base):
    """More decisions by one moderator in a minute than anybody can read: nothing is learned from them unconfirmed."""

    __tablename__ = "burst"

    id: Mapped[int] = mapped_column(primary_key=True)
    site_id: Mapped[int] = mapped_column(ForeignKey("site.id"))
    moderator_id: Mapped[int] = mapped_column(ForeignKey("moderator.id"))
    first_id: Mapped[int] = mapped_column(doc="The first of its decisions.")
    last_id: Mapped[int] = mapped_column(doc="The last.")
    decisions: Mapped[int]
    began_at: Mapped[datetime]
    ended_at: Mapped[datetime]
    ruled_at: Mapped[datetime | None]
    ruled_by_id: Mapped[int | None] = mapped_column(ForeignKey("moderator.id"), doc="None: a command did.")
    counts: Mapped[bool] = mapped_column(default=False, doc="Whether an admin let it count.")

    site: Mapped[Site] = relationship()
    moderator: Mapped[Moderator] = relationship(foreign_keys=[moderator_id])

    __table_args__ = (UniqueConstraint("site_id", "first_id"), Index(None, "site_id", "ruled_at"))
