"""Notices that something is illegal (Article 16): taken from anybody, confirmed, decided by a moderator, answered."""

from collections.abc import Sequence
from dataclasses import dataclass
from urllib.parse import urlsplit

from sqlalchemy import select
from sqlalchemy.orm import Session

from moderation import decisions, letters
from moderation.contract import mended
from moderation.db import now
from moderation.decisions import Seen
from moderation.errors import BadInput, NotFound, StaleView
from moderation.models import Article, Comment, Moderator, Notice, Outcome, Site, Status

LONGEST = 4000


@dataclass(frozen=True, slots=True)
class Claim:
    """What somebody says in good faith: where it is, why it is illegal, and who they are."""

    address: str
    text: str
    name: str | None
    email: str | None


def receive(session: Session, site: Site, claim: Claim, *, language: str) -> Notice:
    """Write a notice and confirm it by mail where there is an address; the form saw to it that nothing is missing."""
    comment = find(session, site, claim.address)
    notice = Notice(
        site_id=site.id,
        comment_id=comment and comment.id,
        address=mended(claim.address.strip()),
        text=mended(claim.text.strip()),
        name=claim.name or None,
        email=claim.email or None,
        language=language,
        received_at=now(),
        answer="",
    )
    session.add(notice)
    session.flush()
    if notice.email:
        letters.write(session, "notice_received", notice.email, language, notice=notice.id)
    return notice


def find(session: Session, site: Site, address: str) -> Comment | None:
    """Return the comment an address leads to: the site's id of it stands behind the # or is all there is."""
    try:
        parts = urlsplit(address.strip())
    except ValueError:
        return None
    name = (parts.fragment or (address.strip() if not parts.scheme else "")).removeprefix("comment-")
    if not name:
        return None
    found = session.scalars(
        select(Comment).where(Comment.site_id == site.id, Comment.external_id == name[:255])
    ).one_or_none()
    if found is None or not parts.scheme:
        return found
    article = session.get_one(Article, found.article_id)
    same_page = urlsplit(article.url)[1:3] == parts[1:3]
    return found if same_page else None


def waiting(session: Session) -> Sequence[Notice]:
    """Return the notices nobody has answered, oldest first."""
    found = select(Notice).where(Notice.closed_at.is_(None)).order_by(Notice.received_at, Notice.id).limit(200)
    return session.scalars(found).all()


def close(  # noqa: PLR0913 - what is answered, and what of which text
    session: Session,
    notice_id: int,
    outcome: Outcome,
    *,
    answer: str,
    moderator: Moderator,
    revision: int | None = None,
    rule_id: int | None = None,
) -> Notice:
    """Answer a notice; with ``delete``, the comment it is about is deleted as it was seen, and its site hears of it.

    StaleView where it was answered already, or the comment is not at this ``revision`` any more; BadInput where nothing
    is said to whoever wrote it, or where there is no comment to be deleted.
    """
    notice = session.get(Notice, notice_id, with_for_update=True)
    if notice is None:
        raise NotFound(f"There is no notice {notice_id}.")
    if notice.closed_at is not None:
        raise StaleView("Somebody answered this in the meantime.", code="answered")
    if not answer.strip():
        raise BadInput("Please tell whoever wrote this what you decided and why.", code="empty", field="answer")
    comment = notice.comment
    if outcome is Outcome.DELETE:
        if comment is None:
            raise BadInput("No comment is known under this address.", code="unknown_comment", field="outcome")
        if comment.status is not Status.DELETED:
            seen = Seen(revision or 0, comment.status)
            decisions.decide(session, comment.id, outcome, moderator=moderator, seen=seen, rule_id=rule_id)
    notice.outcome, notice.answer = outcome, answer.strip()[:LONGEST]
    notice.closed_at, notice.moderator_id = now(), moderator.id
    if notice.email:
        letters.write(session, "notice_closed", notice.email, notice.language, notice=notice.id)
    return notice
