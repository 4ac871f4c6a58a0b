"""What Akismet's clients ask and people decide: kept until there is a verdict, which goes to the client's callback."""

from collections.abc import Sequence
from typing import Any

from sqlalchemy import select
from sqlalchemy.orm import Session
from sqlalchemy.sql.elements import ColumnElement

from moderation import article_page, intake
from moderation.contract import CommentData
from moderation.db import now
from moderation.models import AkismetQuestion, Decision, Delivery, Outcome, Site

TOLD_BACK = ("comment_post_ID", "comment_parent")
"""What helps the client to find the comment again; addresses are not kept for that."""


def ask(
    session: Session, site: Site, data: CommentData, *, callback: str, key: str, form: dict[str, str]
) -> AkismetQuestion:
    """Put a comment into the queue, and remember whom its verdict is for; what is known of its article stays."""
    moment = now()
    site = session.get_one(Site, site.id)
    article = article_page.known(session, site, data.article.id)
    article = article or intake.write_article(session, site, data.article, moment)
    comment = intake.add(session, site, data, article, moment)
    about = {name: form[name][:255] for name in TOLD_BACK if form.get(name)}
    question = AkismetQuestion(comment_id=comment.id, guid=data.id, callback_url=callback, key=key, about=about)
    session.add(question)
    return question


def asked() -> ColumnElement[bool]:
    """The condition that a delivery is the verdict on such a question."""
    decided = select(Decision.id).join(AkismetQuestion, AkismetQuestion.comment_id == Decision.comment_id)
    return Delivery.decision_id.in_(decided)


def of(session: Session, comment_ids: Sequence[int]) -> dict[int, AkismetQuestion]:
    """Return the questions that were asked about these comments."""
    found = session.scalars(select(AkismetQuestion).where(AkismetQuestion.comment_id.in_(comment_ids)))
    return {question.comment_id: question for question in found}


def answer(question: AkismetQuestion, outcome: Outcome) -> dict[str, Any]:
    """Return the verdict as Akismet's clients want it: what is deleted is spam to them."""
    said = {"guid": question.guid, "result": "true" if outcome is Outcome.DELETE else "false", **question.about}
    return {"key": question.key, "endpoint": "comment-check", "comments": [said]}
