"""Each site's relevance adapts to its own traffic: gather what it may learn from, keep what came of it, say what holds.

Every night is written down, also one that changed nothing; the newest row holds, and its site is judged by the general
model where that one was no worse.
"""

from collections.abc import Sequence
from typing import TYPE_CHECKING, NamedTuple

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from moderation import audit
from moderation.db import now
from moderation.judge.case import Article as JudgedArticle
from moderation.models import Article, Comment, RelevanceAdaptation, Site, Status

if TYPE_CHECKING:
    from datetime import datetime

    from moderation.judge import Judge
    from moderation.learning.adapt import Adapted, SiteThread

ARTICLES = 60
"""Newest articles of a site that are learned from."""

COMMENTS_EACH = 40
"""Newest comments under each of them."""

FRESH = 100
"""Comments that must have come since the last time: without them a night would only repeat itself."""


class Material(NamedTuple):
    """What a site's adaptation is learned from."""

    site_id: int
    slug: str
    language: str
    threads: "list[SiteThread]"
    oldest_at: "datetime"
    newest_at: "datetime"
    last_comment_id: int


def sites_due(session: Session) -> list[int]:
    """Return the sites with new comments enough since they were last looked at."""
    last = (
        select(RelevanceAdaptation.site_id, func.max(RelevanceAdaptation.last_comment_id).label("id"))
        .group_by(RelevanceAdaptation.site_id)
        .subquery()
    )
    fresh = (
        select(Comment.site_id)
        .join(last, last.c.site_id == Comment.site_id, isouter=True)
        .where(Comment.id > func.coalesce(last.c.id, 0))
        .group_by(Comment.site_id)
        .having(func.count() >= FRESH)
        .order_by(Comment.site_id)
    )
    return list(session.scalars(fresh))


def material(session: Session, site_id: int) -> Material | None:
    """Gather a site's newest articles with their comments that stand or wait; None where there are not enough."""
    from moderation.learning.adapt import SiteThread, enough  # noqa: PLC0415 - the web imports this room, not numpy

    site = session.get_one(Site, site_id)
    articles = session.scalars(
        select(Article).where(Article.site_id == site_id).order_by(Article.id.desc()).limit(ARTICLES)
    ).all()
    threads, times = [], []
    for article in articles:
        rows = session.execute(
            select(Comment.text, Comment.submitted_at)
            .where(Comment.article_id == article.id, Comment.status.in_([Status.APPROVED, Status.PENDING]))
            .order_by(Comment.id.desc())
            .limit(COMMENTS_EACH)
        ).all()
        judged = JudgedArticle(article.title, article.lead, article.body, language=article.language or site.language)
        threads.append(SiteThread(judged, tuple(row.text for row in rows)))
        times += [row.submitted_at for row in rows]
    if not enough(threads):
        return None
    last = session.scalar(select(func.max(Comment.id)).where(Comment.site_id == site_id)) or 0
    return Material(site_id, site.slug, site.language, threads, min(times), max(times), last)


def learn(judge: "Judge", found: Material) -> "Adapted":
    """Learn a site's adaptation: seconds of the judge's time."""
    from moderation.learning.adapt import adapt  # noqa: PLC0415 - see `material`

    return adapt(judge, found.threads, found.language)


def keep(session: Session, found: Material, adapted: "Adapted", *, engine: str) -> RelevanceAdaptation:
    """Write down what a night has taught, and note it in the audit log."""
    newest = select(func.max(RelevanceAdaptation.version)).where(RelevanceAdaptation.site_id == found.site_id)
    row = RelevanceAdaptation(
        site_id=found.site_id,
        version=(session.scalar(newest) or 0) + 1,
        engine=engine,
        comments=int(adapted.figures["comments"]),
        articles=int(adapted.figures["articles"]),
        oldest_at=found.oldest_at,
        newest_at=found.newest_at,
        last_comment_id=found.last_comment_id,
        figures=adapted.figures,
        content=adapted.adaptation.to_bytes() if adapted.adaptation else None,
        created_at=now(),
    )
    session.add(row)
    audit.note(
        session,
        "relevance_adapted" if row.content else "relevance_not_adapted",
        moderator=None,
        subject=f"site {found.slug}",
        version=row.version,
        auc_general=round(adapted.figures["auc_general"], 4),
        auc_adapted=round(adapted.figures["auc_adapted"], 4),
    )
    return row


def newest(session: Session, site_id: int) -> RelevanceAdaptation | None:
    """Return what the last night taught, whether it holds or changed nothing."""
    by_version = RelevanceAdaptation.version.desc()
    return session.scalars(
        select(RelevanceAdaptation).where(RelevanceAdaptation.site_id == site_id).order_by(by_version).limit(1)
    ).one_or_none()


def history(session: Session, site_id: int, limit: int = 30) -> Sequence[RelevanceAdaptation]:
    """Return what the last nights taught, newest first."""
    return session.scalars(
        select(RelevanceAdaptation)
        .where(RelevanceAdaptation.site_id == site_id)
        .order_by(RelevanceAdaptation.version.desc())
        .limit(limit)
    ).all()


def current(session: Session, site_id: int) -> bytes | None:
    """Return what holds for a site, for `Case.adaptation`; None: the general model."""
    row = newest(session, site_id)
    return row.content if row else None
