"""Decide on comments and take decisions back. The only door through which a comment's status changes by people."""

import secrets
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from sqlalchemy import func, select, update
from sqlalchemy.orm import Session, contains_eager, joinedload

from moderation import audit, letters
from moderation.db import now
from moderation.errors import BadInput, NotFound, StaleView
from moderation.models import Comment, Decision, Deferral, Delivery, HouseRule, Maker, Moderator, Outcome, Status

STATUS_AFTER = {Outcome.APPROVE: Status.APPROVED, Outcome.DELETE: Status.DELETED}


@dataclass(frozen=True, slots=True)
class Seen:
    """What a moderator had in front of them when they decided."""

    revision: int
    status: Status = Status.PENDING


def decide(  # noqa: PLR0913 - who decides what of which text, and why
    session: Session,
    comment_id: int,
    outcome: Outcome,
    *,
    moderator: Moderator | None,
    seen: Seen,
    rule_id: int | None = None,
    maker: Maker | None = None,
) -> Decision:
    """Approve or delete the comment as the moderator saw it, and put the news for the site on its way.

    Without a moderator, the rule that is named decides by itself, and the decision says so, unless ``maker`` says
    that it is the site.
    The same outcome again is no second decision: the one that stands is returned. StaleView where the text or the
    status is no longer what the moderator saw; NotFound where there is no such comment or rule.
    """
    taken = session.execute(
        update(Comment)
        .where(Comment.id == comment_id, Comment.revision == seen.revision, Comment.status == seen.status)
        .where(Comment.status != STATUS_AFTER[outcome], Comment.status != Status.WITHDRAWN)
        .values(status=STATUS_AFTER[outcome])
        .execution_options(synchronize_session=False)
    )
    comment = session.get(Comment, comment_id, populate_existing=True, options=[joinedload(Comment.site)])
    if comment is None:
        raise NotFound(f"There is no comment {comment_id}.")
    if taken.rowcount == 0:  # type: ignore[attr-defined]
        return _standing_decision(comment, outcome, seen)
    moment = now()
    last = _last_decided_at(session, comment)
    if last is not None:  # what was never decided has nothing on its way
        cancel_deliveries(session, comment)
    _end_deferral(session, comment, moment)
    rule = _rule_of(session, comment, rule_id) if rule_id is not None else None
    decision = Decision(
        comment=comment,
        revision=comment.revision,
        outcome=outcome,
        maker=maker or (Maker.MODERATOR if moderator else Maker.RULE),
        moderator_id=moderator and moderator.id,
        rule_id=rule and rule.id,
        rule_title=rule and rule.title,
        rule_text=rule and rule.text,
        decided_at=_after(last, moment),
    )
    end_of_undo = moment + timedelta(seconds=comment.site.undo_seconds)
    decision.delivery = Delivery(
        site_id=comment.site_id, webhook_id=f"msg_{secrets.token_hex(16)}", not_before=end_of_undo, due_at=end_of_undo
    )
    session.add(decision)
    audit.note(session, outcome, moderator=moderator, subject=f"comment {comment.id}", rule=rule_id)
    session.flush()  # gives the decision the id that an undo names
    if outcome is Outcome.DELETE:
        letters.tell_reasons(session, decision, not_before=end_of_undo)
    return decision


def _last_decided_at(session: Session, comment: Comment) -> datetime | None:
    return session.scalar(select(func.max(Decision.decided_at)).where(Decision.comment_id == comment.id))


def _after(last: datetime | None, moment: datetime) -> datetime:
    """Return the moment, put after the comment's last decision where another machine's clock was ahead.

    The site takes the decision with the later time for the one that counts.
    """
    return max(moment, last + timedelta(microseconds=1)) if last else moment


def _standing_decision(comment: Comment, outcome: Outcome, seen: Seen) -> Decision:
    """Return the decision that says the same already, or say what changed since the moderator looked."""
    last = comment.decisions[-1] if comment.decisions else None
    if comment.revision != seen.revision:
        raise StaleView("The reader changed the text since you looked at it.", code="text_changed")
    if comment.status is Status.WITHDRAWN:
        raise StaleView("The site took this comment back in the meantime.", code="withdrawn")
    if last is not None and comment.status is STATUS_AFTER[outcome]:
        return last
    if last is not None and last.outcome is not Outcome.UNDO:
        who = last.moderator.name if last.moderator else "Somebody"
        raise StaleView(f"{who} decided otherwise in the meantime.", code="decided")
    raise StaleView("The comment is back in the queue.", code="reopened")


def _end_deferral(session: Session, comment: Comment, moment: datetime) -> None:
    """What is decided is put off no longer."""
    session.execute(
        update(Deferral)
        .where(Deferral.comment_id == comment.id, Deferral.ended_at.is_(None))
        .values(ended_at=moment)
        .execution_options(synchronize_session=False)
    )


def _rule_of(session: Session, comment: Comment, rule_id: int) -> HouseRule:
    rule = session.get(HouseRule, rule_id)
    if rule is None or rule.site_id != comment.site_id:
        raise BadInput(f"Rule {rule_id} is not one of this site's house rules.", code="unknown_rule", field="rule")
    return rule


def undo(session: Session, decision_id: int, *, moderator: Moderator) -> Comment:
    """Take a decision back while the site has not heard of it; the comment is pending again.

    StaleView where the undo window is over or something came after that decision; NotFound where there is none.
    """
    decision = session.get(Decision, decision_id)
    if decision is None or decision.outcome is Outcome.UNDO:
        raise NotFound(f"There is no decision {decision_id}.")
    moment = now()
    stopped = session.execute(
        update(Delivery)
        .where(Delivery.decision_id == decision.id, Delivery.cancelled_at.is_(None))
        .where(Delivery.attempts == 0, Delivery.not_before > moment)
        .values(cancelled_at=moment, due_at=None)
        .execution_options(synchronize_session=False)
    )
    if stopped.rowcount == 0:  # type: ignore[attr-defined]
        raise StaleView("It is too late to undo this: the site has been told. Decide anew instead.", code="too_late")
    comment = decision.comment
    comment.status = Status.PENDING
    audit.note(session, Outcome.UNDO, moderator=moderator, subject=f"comment {comment.id}")
    session.add(
        Decision(
            comment_id=comment.id,
            revision=comment.revision,
            outcome=Outcome.UNDO,
            moderator_id=moderator.id,
            decided_at=_after(_last_decided_at(session, comment), moment),
        )
    )
    return comment


OPPOSITE = {Outcome.APPROVE: Outcome.DELETE, Outcome.DELETE: Outcome.APPROVE}


def reverse(session: Session, decision_id: int, *, moderator: Moderator) -> Decision:
    """Decide the opposite of what the site was told already, and have it told that.

    StaleView where the decision does not stand any more; NotFound where there is none.
    """
    decision = session.get(Decision, decision_id)
    if decision is None or decision.outcome is Outcome.UNDO:
        raise NotFound(f"There is no decision {decision_id}.")
    last = session.scalars(
        select(Decision).where(Decision.comment_id == decision.comment_id).order_by(Decision.id.desc()).limit(1)
    ).one()
    if last.id != decision.id:
        raise StaleView("Something else was decided on this comment since.", code="overtaken")
    seen = Seen(decision.revision, STATUS_AFTER[decision.outcome])
    return decide(session, decision.comment_id, OPPOSITE[decision.outcome], moderator=moderator, seen=seen)


def cancel_deliveries(session: Session, comment: Comment) -> None:
    """Stop whatever of a comment's decisions the site has not heard yet, because something overtook it."""
    session.execute(
        update(Delivery)
        .where(Delivery.decision_id.in_(select(Decision.id).where(Decision.comment_id == comment.id)))
        .where(Delivery.due_at.is_not(None))
        .values(cancelled_at=now(), due_at=None)
        .execution_options(synchronize_session=False)
    )


def undoable(session: Session, *, moderator: Moderator) -> Decision | None:
    """Return the moderator's latest decision that can still be undone, or None."""
    return next((decision for decision in recent(session, moderator=moderator) if can_be_undone(decision)), None)


def recent(session: Session, *, moderator: Moderator, limit: int = 10) -> Sequence[Decision]:
    """Return the moderator's own last decisions that were not taken back, newest first."""
    return session.scalars(
        select(Decision)
        .join(Decision.delivery)
        .where(Decision.moderator_id == moderator.id, Delivery.cancelled_at.is_(None))
        .options(contains_eager(Decision.delivery), joinedload(Decision.comment).joinedload(Comment.site))
        .order_by(Decision.id.desc())
        .limit(limit)
    ).all()


def can_be_undone(decision: Decision) -> bool:
    """Whether the site has not heard of a decision, nor is just being told."""
    sent = decision.delivery
    return sent is not None and sent.cancelled_at is None and sent.attempts == 0 and sent.not_before > now()


def latest(session: Session, comment_ids: Sequence[int]) -> dict[int, Decision]:
    """Return the latest decision of each of the comments that has one."""
    if not comment_ids:
        return {}
    rows = session.scalars(select(Decision).where(Decision.comment_id.in_(comment_ids)).order_by(Decision.id))
    return {decision.comment_id: decision for decision in rows}
