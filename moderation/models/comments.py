"""What is written: articles, comments with their revisions, and what the judge said of them."""

from __future__ import annotations

from datetime import datetime
from enum import StrEnum
from typing import TYPE_CHECKING, Any

from sqlalchemy import JSON, BigInteger, CheckConstraint, ForeignKey, Index, String, Text, UniqueConstraint, and_
from sqlalchemy.orm import Mapped, foreign, mapped_column, relationship

from moderation.db import Base, Work, now
from moderation.judge.case import Target
from moderation.models.columns import closed_set, index_where
from moderation.models.sites import Site
from moderation.rules import UNTOLD_CONCERN, Advice

if TYPE_CHECKING:
    from moderation.models.decisions import Decision


class Status(StrEnum):
    """Where a comment stands. ``withdrawn``: the site itself took it back, nothing is left to decide."""

    PENDING = "pending"
    APPROVED = "approved"
    DELETED = "deleted"
    WITHDRAWN = "withdrawn"


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
    section: Mapped[str | None] = mapped_column(String(200), doc="The part of the paper it stands in.")
    published_at: Mapped[datetime | None]
    stated_at: Mapped[datetime] = mapped_column(doc="When the site last said so; older news of it is ignored.")
    created_at: Mapped[datetime] = mapped_column(default=now)
    closed_at: Mapped[datetime | None] = mapped_column(doc="Since when it takes no more comments; None: it does.")

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
    status: Mapped[Status] = mapped_column(closed_set(Status), default=Status.PENDING)
    concern: Mapped[float] = mapped_column(
        default=UNTOLD_CONCERN, doc="0-1, how much it needs a look; orders the queue."
    )
    uncertainty: Mapped[float] = mapped_column(
        default=1.0, doc="0-1, how open the outcome is: 1 at even chances. Deciding on such a comment teaches most."
    )

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
        if revision == self.revision:
            return self.text
        return next((past.text for past in self.past_texts if past.revision == revision), self.text)

    __table_args__ = (
        UniqueConstraint("site_id", "external_id"),
        CheckConstraint("revision >= 1", name="revision"),
        CheckConstraint("concern BETWEEN 0 AND 1", name="concern"),
        CheckConstraint("uncertainty BETWEEN 0 AND 1", name="uncertainty"),
        index_where("ix_comment_open", "uncertainty", "id", where="status = 'pending'"),
        index_where("ix_comment_worst", "concern", "id", where="status = 'pending'"),
        index_where("ix_comment_oldest", "submitted_at", "id", where="status = 'pending'"),
        index_where("ix_comment_by_article", "article_id", "id", where="status = 'pending'"),
        index_where("ix_comment_worst_of_site", "site_id", "concern", "id", where="status = 'pending'"),
        index_where("ix_comment_due", "due_at", where="due_at IS NOT NULL"),
        Index(None, "article_id", "id"),
        index_where("ix_comment_answers", "article_id", "parent_external_id", where="parent_external_id IS NOT NULL"),
        Index(None, "site_id", "received_at"),
        Index(None, "site_id", "commenter_id"),
        Index(None, "site_id", "commenter_email"),
    )


class PastText(Base):
    """What a comment said in an earlier revision."""

    __tablename__ = "past_text"

    comment_id: Mapped[int] = mapped_column(ForeignKey("comment.id"), primary_key=True)
    revision: Mapped[int] = mapped_column(primary_key=True)
    text: Mapped[str] = mapped_column(Text)
    replaced_at: Mapped[datetime] = mapped_column(default=now)


class Fingerprint(Base):
    """One piece of a comment's fingerprint: comments that share one say nearly the same."""

    __tablename__ = "fingerprint"

    site_id: Mapped[int] = mapped_column(ForeignKey("site.id"), primary_key=True)
    piece: Mapped[int] = mapped_column(BigInteger, primary_key=True)
    comment_id: Mapped[int] = mapped_column(ForeignKey("comment.id"), primary_key=True, index=True)


class ReceivedEvent(Base):
    """The id of a webhook that was accepted, so that a repeat of it changes nothing.

    ``refused`` are the places of the events in a call of many that were refused: those were not accepted.
    """

    __tablename__ = "received_event"

    site_id: Mapped[int] = mapped_column(ForeignKey("site.id"), primary_key=True)
    webhook_id: Mapped[str] = mapped_column(String(255), primary_key=True)
    received_at: Mapped[datetime] = mapped_column(default=now, index=True)
    refused: Mapped[list[int] | None] = mapped_column(JSON(none_as_null=True))


class Assessment(Base):
    """What the judge and the house rules said of one revision of a comment.

    ``not_scored`` says why there are no scores. ``reasons`` holds, for each rule that is met, the rule's id and words
    as they were, the score, what it was compared with, and the evidence.
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
    target: Mapped[Target | None] = mapped_column(closed_set(Target))
    spans: Mapped[list[dict[str, Any]]] = mapped_column(JSON, default=list)
    sentences: Mapped[list[dict[str, Any]]] = mapped_column(JSON, default=list)
    put_down_share: Mapped[float | None] = mapped_column(doc="Share of its characters that put somebody down.")
    passage: Mapped[dict[str, Any] | None] = mapped_column(JSON(none_as_null=True))
    other_article: Mapped[dict[str, Any] | None] = mapped_column(
        JSON(none_as_null=True), doc="Title and similarity of an article of the site that it is closer to."
    )
    deletion: Mapped[float | None] = mapped_column(doc="How likely this team deletes it, by the site's own model.")
    learned: Mapped[dict[str, Any] | None] = mapped_column(
        JSON(none_as_null=True), doc="By which model, how likely each learned rule is cited, and what a shadow says."
    )
    engine: Mapped[str] = mapped_column(String(255), default="", doc="Names and versions of all that judged.")
    not_scored: Mapped[str | None] = mapped_column(String(20))
    advice: Mapped[Advice] = mapped_column(closed_set(Advice))
    reasons: Mapped[list[dict[str, Any]]] = mapped_column(JSON, default=list)
    rule_id: Mapped[int | None] = mapped_column(ForeignKey("house_rule.id"), doc="The rule most in doubt.")
    rule_set_id: Mapped[int | None] = mapped_column(ForeignKey("rule_set.id"), doc="By which rules it was judged.")
    mode: Mapped[str | None] = mapped_column(String(60), doc="Key of the mode that was on.")
    assessed_at: Mapped[datetime] = mapped_column(default=now)

    __table_args__ = (
        UniqueConstraint("comment_id", "revision"),
        CheckConstraint("relevance > 0 AND relevance < 1", name="relevance"),
        CheckConstraint("disrespect > 0 AND disrespect < 1", name="disrespect"),
        CheckConstraint("put_down_share BETWEEN 0 AND 1", name="put_down_share"),
        CheckConstraint("deletion BETWEEN 0 AND 1", name="deletion"),
    )
