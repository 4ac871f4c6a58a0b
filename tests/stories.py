"""Comments as they stand in the database, for tests that begin after the webhook."""

import itertools
from typing import Any

from sqlalchemy import select
from sqlalchemy.orm import Session

from moderation import search
from moderation.db import now
from moderation.models import Article, Comment, Site
from tests.senders import ARTICLE

_numbers = itertools.count(1)


def add_article(session: Session, site: Site, **changes: Any) -> Article:
    """Return the article of that id; add it where it is not there yet."""
    values = {name: value for name, value in ARTICLE.items() if name != "id"} | changes
    external_id = values.pop("external_id", ARTICLE["id"])
    known = select(Article).where(Article.site_id == site.id, Article.external_id == external_id)
    article = session.scalars(known).one_or_none()
    if article is None:
        article = Article(site_id=site.id, external_id=external_id, stated_at=now(), **values)
        session.add(article)
        session.flush()
        search.remember_article(session, article)
    return article


def add_comment(session: Session, site: Site, **changes: Any) -> Comment:
    """Add a comment under the article."""
    article = changes.pop("article", None) or add_article(session, site)
    values: dict[str, Any] = {
        "external_id": f"s{next(_numbers)}",
        "text": "Zwölf Minuten Umweg über den Nordring, das schaffen wir.",
        "submitted_at": now(),
        "stated_at": now(),
    }
    comment = Comment(site_id=site.id, article_id=article.id, **(values | changes))
    session.add(comment)
    session.flush()
    search.remember_comment(session, comment)
    return comment
