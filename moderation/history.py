"""Take in what a site decided elsewhere: comments that come with their decision, so that we can learn from them."""

from datetime import datetime

from sqlalchemy import select
from sqlalchemy.orm import Session

from moderation import decisions, intake
from moderation.contract import CommentData
from moderation.models import Comment, Decision, HouseRule, Maker, Outcome, Site


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

    A comment that is known keeps its text unless the news is newer. The decision is appended unless the site decided
    the same before; where a moderator of ours has spoken since, it is kept as history and changes no status. The
    comment is judged when there is time, so that a model can learn from it.
    """
    comment = intake.write(session, site, data, stated_at=decided_at)
    last = session.scalars(
        select(Decision)
        .where(Decision.comment_id == comment.id)
        .order_by(Decision.decided_at.desc(), Decision.id.desc())
    ).first()
    if last is not None and last.maker is Maker.SITE and last.outcome is outcome:
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
        decisions.cancel_deliveries(session, comment)
    session.flush()
    return comment
