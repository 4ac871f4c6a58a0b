"""Histories that a site brings along as files: read line by line, whatever their size, and taken in as labels."""

from sqlalchemy.orm import Session

from moderation import history, intake
from moderation.contract import CommentData, DecidedCommentData
from moderation.imports import archive
from moderation.models import Outcome, Site


def take(session: Session, site: Site, item: CommentData | archive.LoneArticle) -> None:
    """Write one comment, with what the site decided on it if it did. What is known already changes nothing."""
    if isinstance(item, archive.LoneArticle):
        intake.write_article(session, site, item.article, item.article.stated_at)
    elif isinstance(item, archive.ArchivedComment):
        archive.take(session, site, item)
    elif isinstance(item, DecidedCommentData):
        history.record(session, site, item, outcome=Outcome(item.outcome), decided_at=item.decided_at)
    else:
        intake.write(session, site, item, stated_at=item.submitted_at)
