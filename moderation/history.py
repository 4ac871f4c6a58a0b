"""Take in what a site decided elsewhere: comments that come with their decision, so that we can learn from them."""

from datetime import datetime

from sqlalchemy import select
from sqlalchemy.orm import Session

from moderation import decisions, intake
from moderation.contract import CommentData, CommentDecided
from moderation.intake import Receipt
from moderation.models import Comment, Decision, HouseRule, Maker, Outcome, Site


def take_in(session: Session, site: Site, event: CommentDecided, *, is_new: bool, max_characters: int) -> Receipt:
    """Take in a decision that the site made itself, if it ``is_new``; say where the comment stands.

    BadInput where the text is longer than ``max_characters``.
    """
    data = event.data
    intake.require_length(data.text, max_characters)
    if is_new:
        record(session, site, data, outcome=Outcome(data.outcome), decided_at=data.decided_at)
    comment = session.scalars(
        select(Comment).where(Comment.site_id == site.id, Comment.external_id == data.id)
    ).one_or_none()
    return Receipt(data.id, comment.status if comment else "accepted")


def record(
    session: Session,
    site: Site,
    data: CommentData,
    *,
    outcome: Outcome,
    decided_at: datetime,
    rule: HouseRule | None = None,
) -> Comment:
    """Write a comment and what its site decided on it; return the comment. Nothing is sent back to the site.

    A comment that is known keeps its text unless the news is newer. The decision is appended unless it is known, or the
    site's last one says the same of the same text; where a moderator of ours has spoken since, it is kept as history
    and changes no status. The comment is judged when there is time, so that a model can learn from it.
    """
    comment = intake.write(session, site, data, stated_at=decided_at)
    made = session.scalars(
        select(Decision).where(Decision.comment_id == comment.id).order_by(Decision.decided_at, Decision.id)
    ).all()
    last = made[-1] if made else None
    same = [each for each in made if each.maker is Maker.SITE and each.outcome is outcome]
    if any(each.decided_at == decided_at or (each is last and each.revision == comment.revision) for each in same):
        return comment
    session.add(
        Decision(
            comment_id=comment.id,
            revision=comment.revision,
            outcome=outcome,
            maker=Maker.SITE,
            rule_id=rule and rule.id,
            rule_title=rule and rule.title,
            rule_text=rule and rule.text,
            decided_at=decided_at,
        )
    )
    if last is None or last.decided_at <= decided_at:
        comment.status = decisions.STATUS_AFTER[outcome]
        decisions.cancel_deliveries(session, [comment.id])
    session.flush()
    return comment
