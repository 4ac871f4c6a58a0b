"""What is kept of a commenter, for how long, and how it is shown to them or erased (GDPR, Articles 5, 15, 17)."""

import hmac
from collections.abc import Sequence
from datetime import timedelta
from typing import Any

from sqlalchemy import Select, delete, func, or_, select, update
from sqlalchemy.orm import Session

from moderation import audit, search
from moderation.config import Settings
from moderation.db import now
from moderation.errors import BadInput
from moderation.models import (
    Appeal,
    Assessment,
    Comment,
    CoralComment,
    Decision,
    Delivery,
    Fingerprint,
    Letter,
    Moderator,
    Notice,
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
        alike = func.lower(Comment.commenter_email) == email.strip().lower()
        either += [Comment.commenter_email == email, alike, Comment.commenter_email == seal(hidden, email)]
    return list(session.scalars(select(Comment).where(Comment.site_id == site.id, or_(*either)).order_by(Comment.id)))


def tell(session: Session, comments: list[Comment]) -> dict[str, Any]:
    """Return everything that is kept of a commenter's comments, ready for JSON."""
    of_these = Appeal.decision_id.in_(_decided([comment.id for comment in comments]))
    objections = {one.decision_id: one for one in session.scalars(select(Appeal).where(of_these))}
    return {"told_at": now().isoformat(), "comments": [_tell(comment, objections) for comment in comments]}


def _decided(comment_ids: list[int]) -> Select[int]:
    return select(Decision.id).where(Decision.comment_id.in_(comment_ids))


def _tell(comment: Comment, objections: dict[int, Appeal]) -> dict[str, Any]:
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
                "objection": _objection(objections[decision.id]) if decision.id in objections else None,
            }
            for decision in comment.decisions
        ],
    }


def _objection(appeal: Appeal) -> dict[str, Any]:
    return {
        "text": appeal.text,
        "email": appeal.email,
        "received_at": appeal.received_at.isoformat(),
        "outcome": appeal.outcome and str(appeal.outcome),
        "answer": appeal.answer,
    }


def erase(session: Session, comments: list[Comment], *, moderator: Moderator | None = None) -> dict[str, Any]:
    """Erase texts, names and addresses of these comments for good; return the proof: what was erased, and when.

    What remains says nothing of a person: that there was a comment, its scores, and what was decided.
    """
    ids = [comment.id for comment in comments]
    for site_id, who in {(comment.site_id, comment.commenter_id) for comment in comments if comment.commenter_id}:
        session.execute(delete(CoralComment).where(CoralComment.site_id == site_id, CoralComment.commenter_id == who))
    for comment in comments:
        comment.text = ""
        comment.commenter_id = comment.commenter_name = comment.commenter_email = comment.commenter_ip = None
        comment.due_at = None
        if comment.status is Status.PENDING:
            comment.status = Status.WITHDRAWN
    _forget_words(session, ids)
    decided = _decided(ids)
    session.execute(update(Appeal).where(Appeal.decision_id.in_(decided)).values(text="", email=None, answer=""))
    of_these = or_(Letter.decision_id.in_(decided), Letter.values["statement"].as_integer().in_(decided))
    session.execute(update(Letter).where(of_these).values(address=None, due_at=None))
    for site in {comment.site for comment in comments}:
        audit.note(session, "commenter_erased", moderator=moderator, subject=f"site {site.slug}", comments=len(ids))
    session.flush()
    return {"erased_at": now().isoformat(), "comments": [comment.external_id for comment in comments]}


def _forget_words(session: Session, ids: Sequence[int]) -> None:
    """Forget what else than the comments themselves holds words of their texts, or was made of them."""
    for part in (PastText, Fingerprint, Traits):
        session.execute(delete(part).where(part.comment_id.in_(ids)))
    search.forget(session, ids)
    for judged in session.scalars(select(Assessment).where(Assessment.comment_id.in_(ids))):
        judged.spans, judged.sentences = [], []
        judged.reasons = [{**reason, "evidence": {}} for reason in judged.reasons]


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
    session.execute(update(Appeal).where(Appeal.closed_at < before).values(email=None))
    session.execute(update(Notice).where(Notice.closed_at < before).values(email=None, name=None))
    unsent = (Letter.created_at < before, Letter.address.is_not(None))
    session.execute(update(Letter).where(*unsent).values(address=None, due_at=None, values={}))
    return _change(session, old, commenter_ip=None, commenter_email=None)


def _purge_texts(session: Session, before: Any) -> int:
    gone = Comment.status.in_([Status.DELETED, Status.WITHDRAWN])
    old = list(
        session.scalars(select(Comment.id).where(gone, Comment.received_at < before, Comment.text != "").limit(AT_ONCE))
    )
    _forget_words(session, old)
    session.flush()
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
