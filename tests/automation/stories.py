"""A rule against rudeness, what people decided before, and comments on which it may decide."""

from typing import Any

from sqlalchemy.orm import Session

from moderation import rulebook
from moderation.automation import acting
from moderation.db import Database, now
from moderation.models import Assessment, Comment, Site, Status
from moderation.rulebook import StatedRule
from tests.stories import add_article, add_comment

RUDE = {
    "key": "grob",
    "title": {"de": "Nicht grob", "en": "Not rude"},
    "text": {"de": "Seid nicht grob.", "en": "Do not be rude."},
    "when": {"signal": "disrespect", "at_least": 0.5},
    "advice": "delete",
    "automation": {"promise": 0.9, "beyond": 0.8, "per_day": 5, "checked": 0.05},
}
LONG = {
    "key": "lang",
    "title": {"de": "Kurz", "en": "Short"},
    "text": {"de": "Kurz.", "en": "Short."},
    "when": {"signal": "length", "more_than": 500},
    "advice": "review",
}


def state(session: Session, site: Site, **limits: Any) -> None:
    """Save the rule, with other limits if wished, and one more that only asks for a look."""
    rude = RUDE | {"automation": {**RUDE["automation"], **limits}}  # type: ignore[dict-item]
    rulebook.save(session, site, [StatedRule.model_validate(rude), StatedRule.model_validate(LONG)])


def judged(session: Session, site: Site, disrespect: float, **changes: Any) -> Comment:
    """A comment that is judged and waits, with the reasons that the rules in force give."""
    rules = {rule.key: rule for rule in rulebook.stated(rulebook.current(session, site.id))}
    comment = add_comment(session, site, **changes)
    comment.due_at = None
    met = [rules["grob"]] if disrespect >= 0.5 else []
    met += [rules["lang"]] if len(comment.text) > 500 else []
    advised = {str(rule.advice) for rule in met}
    session.add(
        Assessment(
            comment_id=comment.id,
            revision=1,
            relevance=0.9,
            disrespect=disrespect,
            kinds={},
            advice=advised.pop() if len(advised) == 1 else "review" if advised else "approve",
            reasons=[
                {
                    "rule_id": rule.id,
                    "title": rule.title,
                    "text": rule.text,
                    "signal": rule.when.signal,
                    "advice": str(rule.advice),
                    "score": disrespect if rule.key == "grob" else len(comment.text),
                }
                for rule in met
            ],
        )
    )
    session.flush()
    return comment


def add_past(session: Session, site: Site, told: list[tuple[float, Status]]) -> None:
    """Comments that people decided, with how disrespectful each is."""
    article = add_article(session, site)
    known = {"site_id": site.id, "article_id": article.id, "text": "Schon lange her", "due_at": None}
    known |= {"submitted_at": now(), "stated_at": now()}
    comments = [Comment(**known, external_id=f"past{at}", status=status) for at, (_, status) in enumerate(told)]
    session.add_all(comments)
    session.flush()
    for comment, (score, _) in zip(comments, told, strict=True):
        scores = {"relevance": 0.9, "disrespect": score, "kinds": {}}
        session.add(Assessment(comment_id=comment.id, revision=1, advice="review", **scores))


def act(database: Database, *ids: int) -> list[int]:
    """Let rules decide those that they may; return which."""
    with database.session() as session:
        made = [decision.comment_id for decision in acting.act(session, ids)]
        session.commit()
    return made


def make(database: Database, site: Site, *scores: float, **changes: Any) -> list[int]:
    """Comments that are judged and wait, one for each score."""
    with database.session() as session:
        made = [judged(session, site, score, **changes).id for score in scores]
        session.commit()
    return made
