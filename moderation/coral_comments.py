"""Put together what Coral tells in pieces: the text when it asks, the name in a webhook, the decision in another."""

import hashlib
from dataclasses import asdict, dataclass
from datetime import timedelta

from sqlalchemy import delete, select
from sqlalchemy.orm import Session

from moderation import history
from moderation.contract import ArticleData, CommentData, CommenterData
from moderation.db import insert_once, now
from moderation.models import Article, CoralComment, Outcome, Site

KEPT = timedelta(days=30)
"""How long a text waits for its decision."""

NAMED_WITHIN = timedelta(minutes=2)
"""How soon after it asked Coral says what the comment is called."""


@dataclass(frozen=True, slots=True)
class Asked:
    """A text that Coral asked about, in Coral's names; ``article_id`` is ours."""

    text: str
    story_id: str
    article_id: int | None
    commenter_id: str
    parent_id: str | None


def remember(session: Session, site: Site, asked: Asked) -> None:
    """Keep a text that Coral asked about; the same text by the same commenter is kept once."""
    digest = hashlib.sha256("\0".join((asked.story_id, asked.commenter_id, asked.text)).encode()).hexdigest()
    insert_once(session, CoralComment, site_id=site.id, digest=digest, asked_at=now(), **asdict(asked))


def name(session: Session, site: Site, *, story_id: str, coral_id: str) -> None:
    """Give the text that Coral asked about a moment ago its name, if there is just one it can be."""
    if _named(session, site, coral_id) is not None:
        return
    nameless = session.scalars(
        select(CoralComment).where(
            CoralComment.site_id == site.id,
            CoralComment.story_id == story_id,
            CoralComment.coral_id.is_(None),
            CoralComment.asked_at > now() - NAMED_WITHIN,
        )
    ).all()
    if (
        len(nameless) == 1
    ):  # of two that came at once, nobody can tell which is which, and a wrong label is worse than none
        nameless[0].coral_id = coral_id


def decide(session: Session, site: Site, *, coral_id: str, outcome: Outcome) -> None:
    """Keep what Coral's moderators decided on a comment whose text is known, so that we learn from it."""
    found = _named(session, site, coral_id)
    if found is None:
        return
    article = session.get(Article, found.article_id) if found.article_id else None
    data = CommentData(
        id=f"coral:{coral_id}"[:255],
        text=found.text,
        commenter=CommenterData(id=found.commenter_id),
        parent_id=f"coral:{found.parent_id}"[:255] if found.parent_id else None,
        submitted_at=found.asked_at,
        article=_stated(article, found),
    )
    history.record(session, site, data, outcome=outcome, decided_at=now())


def _named(session: Session, site: Site, coral_id: str) -> CoralComment | None:
    return session.scalars(
        select(CoralComment)
        .where(CoralComment.site_id == site.id, CoralComment.coral_id == coral_id)
        .order_by(CoralComment.id.desc())
    ).first()


def _stated(article: Article | None, comment: CoralComment) -> ArticleData:
    if article is None:
        return ArticleData(id=comment.story_id, url="https://unknown.invalid/", title="?")
    return ArticleData(
        id=article.external_id,
        url=article.url,
        title=article.title,
        lead=article.lead,
        body=article.body,
        authors=tuple(article.authors),
        published_at=article.published_at,
        language=article.language,
        section=article.section,
    )


def forget(session: Session) -> None:
    """Drop texts whose decision nobody told us within a month."""
    session.execute(delete(CoralComment).where(CoralComment.asked_at < now() - KEPT))
