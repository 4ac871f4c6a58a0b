"""What a site may know of its comments before they are decided: scores, advice and the rule in doubt."""

import hashlib
from collections.abc import Sequence
from typing import Any

from sqlalchemy import select
from sqlalchemy.orm import Session, joinedload

from moderation.delivery import words
from moderation.models import Assessment, Comment, Site


def of(session: Session, site: Site, external_ids: Sequence[str]) -> list[dict[str, Any]]:
    """Return the assessment of each comment's present text; unknown comments and those not judged are left out.

    Scores are probabilities from 0 to 1, None where the judge cannot tell. ``text_sha256`` is of the text judged.
    """
    comments = session.scalars(
        select(Comment)
        .where(Comment.site_id == site.id, Comment.external_id.in_(external_ids))
        .options(joinedload(Comment.assessment))
        .order_by(Comment.id)
    )
    return [_described(comment, comment.assessment, site) for comment in comments if comment.assessment]


def _described(comment: Comment, assessment: Assessment, site: Site) -> dict[str, Any]:
    reason = assessment.reasons[0] if assessment.reasons else None
    return {
        "comment_id": comment.external_id,
        "status": str(comment.status),
        "revision": comment.revision,
        "text_sha256": hashlib.sha256(comment.text.encode("utf-8", "surrogatepass")).hexdigest(),
        "relevance": assessment.relevance,
        "disrespect": assessment.disrespect,
        "advice": str(assessment.advice),
        "rule": reason and {"id": reason["rule_id"], "title": words(reason["title"], site)},
        "assessed_at": assessment.assessed_at.isoformat(),
    }
