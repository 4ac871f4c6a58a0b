"""What the judge and the house rules would say of a text that nobody has sent yet, or that is asked about elsewhere.

Nothing is stored.
"""

from typing import TYPE_CHECKING

from sqlalchemy.orm import Session

from moderation import scoring
from moderation.db import now
from moderation.judge import Assessment
from moderation.models import Article, Comment, Site
from moderation.rules import Recommendation, recommend

if TYPE_CHECKING:
    from moderation.judge import Judge

NEWEST = 2**62
"""The id of a comment that is not there yet: all others are earlier."""


def job(
    session: Session,
    site: Site,
    *,
    text: str,
    article: Article | None,
    parent_id: str | None = None,
    commenter_id: str | None = None,
) -> scoring.Job:
    """Gather what the judge would see of ``text`` as a comment under ``article`` (None: nobody knows where)."""
    site = session.get_one(Site, site.id)
    comment = Comment(
        id=NEWEST,
        site_id=site.id,
        article_id=article.id if article else NEWEST,
        external_id="",
        parent_external_id=parent_id,
        commenter_id=commenter_id,
        text=text,
        revision=1,
        submitted_at=now(),
    )
    # Neither knows the comment, so that it does not slip into the session.
    comment.site = site
    comment.article = article or Article(site_id=site.id, external_id="", title="", lead="", body="", authors=[])
    return scoring.gather(session, [comment])[0]


def look(judge: "Judge", job: scoring.Job) -> tuple[Assessment, Recommendation]:
    """Judge it and say what the rules advise; no transaction need be open."""
    assessment = judge.assess([job.case])[0]
    return assessment, recommend(assessment, job.facts, job.rules)
