"""Close articles for comments and open them again; the site is told as it is told of decisions, after the undo window.

What a site sends from under a closed article is taken in all the same and waits for people: nothing is lost because a
reader was writing while somebody closed. Readers' forms of ours are the one door that is shut.
"""

import secrets
from collections.abc import Sequence
from datetime import datetime, timedelta

from sqlalchemy import func, select, update
from sqlalchemy.orm import Session, contains_eager, joinedload

from moderation import audit
from moderation.db import now
from moderation.errors import BadInput, NotFound, StaleView
from moderation.models import Article, Closing, Delivery, Door, Moderator

DEED = {Door.CLOSE: "article_closed", Door.OPEN: "article_opened", Door.UNDO: "article_undo"}
LONGEST_REASON = 300


def decide(
    session: Session, article_id: int, outcome: Door, *, moderator: Moderator | None, reason: str = ""
) -> Closing | None:
    """Close an article or open it again, and put the news for the site on its way; without a moderator, a program did.

    None where the article stands so already: the same once more is nothing new. BadInput where the reason is longer
    than 300 characters; NotFound where there is no such article.
    """
    reason = reason.strip()
    if len(reason) > LONGEST_REASON:
        raise BadInput(f"The reason has {len(reason)} characters, the limit is {LONGEST_REASON}.", field="reason")
    moment = now()
    is_open = Article.closed_at.is_(None)
    changed = session.execute(
        update(Article)
        .where(Article.id == article_id, is_open if outcome is Door.CLOSE else ~is_open)
        .values(closed_at=moment if outcome is Door.CLOSE else None)
        .execution_options(synchronize_session=False)
    )
    article = find(session, article_id)
    if changed.rowcount == 0:  # type: ignore[attr-defined]
        return None
    made = _append(session, article, outcome, moderator=moderator, reason=reason, moment=moment)
    end_of_undo = moment + timedelta(seconds=article.site.undo_seconds)
    made.delivery = Delivery(
        site_id=article.site_id, webhook_id=f"msg_{secrets.token_hex(16)}", not_before=end_of_undo, due_at=end_of_undo
    )
    session.flush()  # gives the closing the id that an undo names
    return made


def take_over(session: Session, article: Article, outcome: Door, *, at: datetime) -> None:
    """Note that the site closed or opened an article by itself; what it has not heard of before that, it never will.

    News older than the last closing changes nothing; sites may tell the time in whole seconds.
    """
    session.refresh(article, with_for_update=True)
    last = _last(session, article)
    if last is not None and at < last.replace(microsecond=0):
        return
    mine = select(Closing.id).where(Closing.article_id == article.id)
    session.execute(
        update(Delivery)
        .where(Delivery.closing_id.in_(mine), Delivery.due_at.is_not(None))
        .values(cancelled_at=now(), due_at=None)
        .execution_options(synchronize_session=False)
    )
    if (article.closed_at is not None) is (outcome is Door.CLOSE):
        return
    article.closed_at = at if outcome is Door.CLOSE else None
    _append(session, article, outcome, moderator=None, moment=at)


def _last(session: Session, article: Article) -> datetime | None:
    """When an article was last closed or opened."""
    return session.scalar(select(func.max(Closing.decided_at)).where(Closing.article_id == article.id))


def find(session: Session, article_id: int) -> Article:
    """Return an article as it is now; NotFound where there is none."""
    found = session.get(Article, article_id, populate_existing=True)
    if found is None:
        raise NotFound(f"There is no article {article_id}.")
    return found


def _append(
    session: Session,
    article: Article,
    outcome: Door,
    *,
    moderator: Moderator | None,
    moment: datetime,
    reason: str = "",
) -> Closing:
    """Write a closing down, put after the article's last one where another machine's clock was ahead."""
    last = _last(session, article)
    made = Closing(
        article_id=article.id,
        outcome=outcome,
        moderator_id=moderator and moderator.id,
        reason=reason,
        decided_at=max(moment, last + timedelta(microseconds=1)) if last else moment,
    )
    session.add(made)
    audit.note(session, DEED[outcome], moderator=moderator, subject=f"article {article.id}")
    return made


def undo(session: Session, closing_id: int, *, moderator: Moderator) -> Article:
    """Take a closing back while the site has not heard of it; the article stands as it did before.

    StaleView where the undo window is over or something came after; NotFound where there is no such closing.
    """
    closing = session.get(Closing, closing_id)
    if closing is None or closing.outcome is Door.UNDO:
        raise NotFound(f"There is no closing {closing_id}.")
    article = session.get_one(Article, closing.article_id, with_for_update=True)
    last = session.scalar(select(func.max(Closing.id)).where(Closing.article_id == article.id))
    if last != closing.id:
        raise StaleView("Somebody closed or opened this article since.", code="overtaken")
    moment = now()
    stopped = session.execute(
        update(Delivery)
        .where(Delivery.closing_id == closing.id, Delivery.cancelled_at.is_(None))
        .where(Delivery.attempts == 0, Delivery.not_before > moment)
        .values(cancelled_at=moment, due_at=None)
        .execution_options(synchronize_session=False)
    )
    if stopped.rowcount == 0:  # type: ignore[attr-defined]
        raise StaleView("It is too late to undo this: the site has been told.", code="too_late")
    article.closed_at = None if closing.outcome is Door.CLOSE else _closed_before(session, closing)
    _append(session, article, Door.UNDO, moderator=moderator, moment=moment)
    return article


def _closed_before(session: Session, opening: Closing) -> datetime | None:
    """Since when the article was closed that was opened."""
    closed = (Closing.article_id == opening.article_id, Closing.outcome == Door.CLOSE, Closing.id < opening.id)
    return session.scalar(select(Closing.decided_at).where(*closed).order_by(Closing.id.desc()).limit(1))


def of(session: Session, article: Article) -> Sequence[Closing]:
    """Return all that was done to an article, newest first."""
    found = select(Closing).where(Closing.article_id == article.id).order_by(Closing.id.desc())
    return session.scalars(found.options(joinedload(Closing.moderator), joinedload(Closing.delivery))).all()


def undoable(session: Session, *, moderator: Moderator) -> Closing | None:
    """Return the moderator's latest closing if it can still be undone, else None."""
    return session.scalars(
        select(Closing)
        .join(Closing.delivery)
        .where(Closing.moderator_id == moderator.id, Delivery.due_at.is_not(None), Delivery.not_before > now())
        .where(Delivery.attempts == 0, Delivery.cancelled_at.is_(None))
        .options(contains_eager(Closing.delivery), joinedload(Closing.article))
        .order_by(Closing.id.desc())
        .limit(1)
    ).one_or_none()


def can_be_undone(closing: Closing) -> bool:
    """Whether the site has not heard of it, nor is just being told."""
    sent = closing.delivery
    return sent is not None and sent.cancelled_at is None and sent.attempts == 0 and sent.not_before > now()
