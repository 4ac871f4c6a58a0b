"""What a search finds: comments wherever they stand, and articles, newest first."""

from collections.abc import Sequence
from typing import TypedDict

from sqlalchemy import select
from sqlalchemy.orm import Session, joinedload

from moderation.models import Article, Comment
from moderation.search import articles_with, comments_with


class Found(TypedDict):
    """What was found."""

    comments: Sequence[Comment]
    articles: Sequence[Article]


def search(session: Session, wanted: str, *, limit: int = 50) -> Found:
    """Return the newest comments and articles that hold all the words."""
    comments = select(Comment).where(comments_with(wanted)).options(joinedload(Comment.article))
    articles = select(Article).where(articles_with(wanted))
    return {
        "comments": session.scalars(comments.order_by(Comment.id.desc()).limit(limit)).all(),
        "articles": session.scalars(articles.order_by(Article.id.desc()).limit(limit // 5)).all(),
    }
