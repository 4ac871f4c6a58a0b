"""What is kept of a commenter, for how long, and how it is shown to them or erased (GDPR, Articles 5, 15, 17)."""

import hmac
from datetime import timedelta
from typing import Any

from sqlalchemy import delete, or_, select, update
from sqlalchemy.orm import Session

from moderation import audit, search
from moderation.config import Settings
from moderation.db import now
from moderation.errors import BadInput
from moderation.models import (
    Appeal,
    Comment,
    Decision,
    Delivery,
    Fingerprint,
    Moderator,
    PastText,
    Site,
    Status,
    Traits,
)

SEALED = "~"
"""How a sealed value begins: it can be told apart from others, and back to nothing."""

AT_ONCE = 5000
"""Rows that one run of `purge` changes of each kind; the next run goes on."""


def seal(site: Site, value: str | None) -> str | None:
    """Return an address as the site wishes it kept: as it is, or as a keyed hash by which repeats are still found.

    The key is the site's own, so that two sites cannot compare what they know.
    """
    if not value or site.keeps_addresses or value.startswith(SEALED):
        return value
    digest = hmac.digest(site.pepper.encode(), value.strip().casefold().encode("utf-8", "replace"), "sha256")
    return SEALED + digest.hex()[:32]


def readable(value: str | None) -> str | None:
    """Return an address that was kept as it is; None where it is sealed or there is none."""
    return None if value is None or value.startswith(SEALED) else value


def find(session: Session, site: Site, *, commenter_id: str | None = None, email: str | None = None) -> list[Comment]:
    """Return all comments of one commenter, by the site's id of them or by their e-mail, sealed or not."""
    if not commenter_id and not email:
        raise BadInput("Say who it is: by the site's id or by e-mail.", field="commenter")
    either = []
    if commenter_id:
        either.append(Comment.commenter_id == commenter_id)
    if email:
        hidden = Site(pepper=site.pepper, keeps_addresses=False)
        either += [Comment.commenter_email == email, Comment.commenter_email == seal(hidden, email)]
    return list(session.scalars(select(Comment).where(Comment.site_id == site.id, or_(*either)).order_by(Comment.id)))


def tell(comments: list[Comment]) -> dict[str, Any]:
    """Return everything that is kept of a commenter's comments, ready for JSON."""
    return {"told_at": now().isoformat(), "comments": [_tell(comment) for comment in comments]}


def _tell(comment: Comment) -> dict[str, Any]:
    judged = comment.assessment
    return {
        "id": comment.external_id,
        "article": {"title": comment.article.title, "url": comment.article.url},
        "submitted_at": comment.submitted_at.isoformat(),
        "text": comment.text,
        "earlier_texts": [past.text for past in comment.past_texts],
        "name": comment.commenter_name,
        "email": comment.commenter_email,
        "ip": comment.commenter_ip,
        "status": str(comment.status),
        "assessment": judged
        and {"relevance": judged.relevance, "disrespect": judged.disrespect, "engine": judged.engine},
        "decisions": [
            {
                "outcome": str(decision.outcome),
                "by": str(decision.maker),
                "rule": decision.rule_title,
                "decided_at": decision.decided_at.isoformat(),
            }
            for decision in comment.decisions
        ],
    }


def erase(session: Session, comments: list[Comment], *, moderator: Moderator | None = None) -> dict[str, Any]:
    """Erase texts, names and addresses of these comments for good; return the proof: what was erased, and when.

    What remains says nothing of a person: that there was a comment, its scores, and what was decided.
    """
    ids = [comment.id for comment in comments]
    for comment in comments:
        comment.text = ""
        comment.commenter_id = comment.commenter_name = comment.commenter_email = comment.commenter_ip = None
        comment.due_at = None
        if comment.status is Status.PENDING:
            comment.status = Status.WITHDRAWN
        if comment.assessment:
            comment.assessment.spans, comment.assessment.sentences = [], []
    for part in (PastText, Fingerprint, Traits):
        session.execute(delete(part).where(part.comment_id.in_(ids)))
    search.forget(session, ids)
    decided = select(Decision.id).where(Decision.comment_id.in_(ids))
    session.execute(update(Appeal).where(Appeal.decision_id.in_(decided)).values(text="", email=None))
    for site in {comment.site for comment in comments}:
        audit.note(session, "commenter_erased", moderator=moderator, subject=f"site {site.slug}", comments=len(ids))
    session.flush()
    return {"erased_at": now().isoformat(), "comments": [comment.external_id for comment in comments]}


def purge(session: Session, settings: Settings) -> dict[str, int]:
    """Forget what is older than the settings allow; return how many rows of each kind. Statistics stay true."""
    return {
        "addresses": _purge_addresses(session, now() - timedelta(days=settings.keep_addresses_days)),
        "deleted texts": _purge_texts(session, now() - timedelta(days=settings.keep_deleted_days)),
        "deliveries": _purge_deliveries(session, now() - timedelta(days=settings.keep_deliveries_days)),
    }


def _purge_addresses(session: Session, before: Any) -> int:
    old = (
        select(Comment.id)
        .where(
            Comment.received_at < before, or_(Comment.commenter_ip.is_not(None), Comment.commenter_email.is_not(None))
        )
        .limit(AT_ONCE)
    )
    return _change(session, old, commenter_ip=None, commenter_email=None)


def _purge_texts(session: Session, before: Any) -> int:
    gone = Comment.status.in_([Status.DELETED, Status.WITHDRAWN])
    old = list(
        session.scalars(select(Comment.id).where(gone, Comment.received_at < before, Comment.text != "").limit(AT_ONCE))
    )
    for part in (PastText, Fingerprint, Traits):
        session.execute(delete(part).where(part.comment_id.in_(old)))
    search.forget(session, old)
    return _change(session, old, text="", commenter_name=None)


def _purge_deliveries(session: Session, before: Any) -> int:
    done = or_(Delivery.delivered_at < before, Delivery.cancelled_at < before)
    old = select(Delivery.id).where(done).limit(AT_ONCE)
    return int(session.execute(delete(Delivery).where(Delivery.id.in_(old))).rowcount)  # type: ignore[attr-defined]


def _change(session: Session, ids: Any, **values: Any) -> int:
    done = session.execute(
        update(Comment).where(Comment.id.in_(ids)).values(**values).execution_options(synchronize_session=False)
    )
    return int(done.rowcount)  # type: ignore[attr-defined]
