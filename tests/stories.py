"""Comments as they stand in the database, for tests that begin after the webhook."""

import itertools
from typing import Any

from sqlalchemy import select
from sqlalchemy.orm import Session

from moderation import search
from moderation.db import now
from moderation.models import Article, Assessment, Comment, HouseRule, Site
from moderation.rules import Advice
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


def add_assessment(session: Session, comment: Comment, rule: HouseRule, **changes: Any) -> Assessment:
    """Have the comment judged as a rude one under a rule; its fourth to fourteenth characters are an insult."""
    reason = {"rule_id": rule.id, "title": rule.title, "text": rule.text, "signal": "disrespect", "score": 0.9}
    values: dict[str, Any] = {
        "revision": comment.revision,
        "relevance": 0.8,
        "disrespect": 0.9,
        "kinds": {"insult": 0.9, "profanity": 0.2},
        "target": "reader",
        "spans": [{"start": 3, "end": 14, "kind": "insult", "score": 0.9}],
        "passage": {"text": "die Hälfte davon zahlt das Land.", "similarity": 0.6},
        "other_article": {"title": "Handball: Derby am Samstag", "similarity": 0.7},
        "engine": "test",
        "advice": Advice.REVIEW,
        "rule_id": rule.id,
        "reasons": [reason | {"threshold": 0.5, "kinds": ["insult"]}],
    }
    made = Assessment(comment_id=comment.id, **(values | changes))
    session.add(made)
    return made
