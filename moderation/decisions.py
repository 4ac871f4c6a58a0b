"""Decide on comments and take decisions back. The only door through which a comment's status changes by people."""

import secrets
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import TypeVar

from sqlalchemy import func, select, update
from sqlalchemy.orm import Session, contains_eager, joinedload

from moderation import audit, letters
from moderation.db import now
from moderation.errors import BadInput, NotFound, StaleView
from moderation.models import Comment, Decision, Deferral, Delivery, HouseRule, Maker, Moderator, Outcome, Status

Found = TypeVar("Found")

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
    made = decide_all(session, {comment_id: seen}, outcome, moderator=moderator, rule_id=rule_id, maker=maker)
    if comment_id not in made:
        raise NotFound(f"There is no comment {comment_id}.")
    return _unless_stale(made[comment_id])


def decide_all(  # noqa: PLR0913
    session: Session,
    seen: Mapping[int, Seen],
    outcome: Outcome,
    *,
    moderator: Moderator | None,
    rule_id: int | None = None,
    maker: Maker | None = None,
    batch_id: int | None = None,
) -> dict[int, Decision | StaleView]:
    """Decide on each of several comments as ``decide`` does, in as few statements as on one; return what came of each.

    Whoever decides on one of them at the same moment waits here, or we wait and see what they decided.
    """
    held = select(Comment).where(Comment.id.in_(list(seen))).order_by(Comment.id).with_for_update(of=Comment)
    held = held.options(joinedload(Comment.site)).execution_options(populate_existing=True)
    made: dict[int, Decision | StaleView] = {}
    fresh: list[Comment] = []
    for comment in session.scalars(held).all():
        if _is_as_seen(comment, seen[comment.id], outcome):
            fresh.append(comment)
        else:
            made[comment.id] = _standing(comment, outcome, seen[comment.id])
    if not fresh:
        return made
    moment = now()
    rule = _rule_of(session, fresh, rule_id) if rule_id is not None else None
    last = _last_decided_at(session, [comment.id for comment in fresh])
    if last:  # what was never decided has nothing on its way
        cancel_deliveries(session, list(last))
    _end_deferrals(session, fresh, moment)
    for comment in fresh:
        comment.status = STATUS_AFTER[outcome]
        end_of_undo = _end_of_undo(comment, moment)
        decision = Decision(
            comment=comment,
            revision=comment.revision,
            outcome=outcome,
            maker=maker or (Maker.MODERATOR if moderator else Maker.RULE),
            moderator_id=moderator and moderator.id,
            rule_id=rule and rule.id,
            rule_title=rule and rule.title,
            rule_text=rule and rule.text,
            decided_at=_after(last.get(comment.id), moment),
            batch_id=batch_id,
        )
        decision.delivery = Delivery(
            site_id=comment.site_id,
            webhook_id=f"msg_{secrets.token_hex(16)}",
            not_before=end_of_undo,
            due_at=end_of_undo,
        )
        session.add(decision)
        made[comment.id] = decision
        audit.note(session, outcome, moderator=moderator, subject=f"comment {comment.id}", rule=rule_id)
    session.flush()  # gives the decisions the ids that an undo names
    if outcome is Outcome.DELETE:
        for comment in fresh:
            decision = _unless_stale(made[comment.id])
            letters.tell_reasons(session, decision, not_before=_end_of_undo(comment, moment))
    return made


def _end_of_undo(comment: Comment, moment: datetime) -> datetime:
    return moment + timedelta(seconds=comment.site.undo_seconds)


def _is_as_seen(comment: Comment, seen: Seen, outcome: Outcome) -> bool:
    """Whether a comment is what the moderator saw, and the outcome would change it."""
    is_same = comment.revision == seen.revision and comment.status is seen.status
    return is_same and comment.status not in {STATUS_AFTER[outcome], Status.WITHDRAWN}


def _unless_stale(found: Found | StaleView) -> Found:
    if isinstance(found, StaleView):
        raise found
    return found


def _last_decided_at(session: Session, comment_ids: Collection[int]) -> dict[int, datetime]:
    """When something was last decided on each of the comments of which anything was."""
    found = select(Decision.comment_id, func.max(Decision.decided_at)).where(Decision.comment_id.in_(comment_ids))
    return dict(iter(session.execute(found.group_by(Decision.comment_id))))


def _after(last: datetime | None, moment: datetime) -> datetime:
    """Return the moment, put after the comment's last decision where another machine's clock was ahead.

    The site takes the decision with the later time for the one that counts.
    """
    return max(moment, last + timedelta(microseconds=1)) if last else moment


def _standing(comment: Comment, outcome: Outcome, seen: Seen) -> Decision | StaleView:
    """Return the decision that says the same already, or what changed since the moderator looked."""
    last = comment.decisions[-1] if comment.decisions else None
    if comment.revision != seen.revision:
        return StaleView("The reader changed the text since you looked at it.", code="text_changed")
    if comment.status is Status.WITHDRAWN:
        return StaleView("The site took this comment back in the meantime.", code="withdrawn")
    if last is not None and comment.status is STATUS_AFTER[outcome]:
        return last
    if last is not None and last.outcome is not Outcome.UNDO:
        who = last.moderator.name if last.moderator else "Somebody"
        return StaleView(f"{who} decided otherwise in the meantime.", code="decided")
    return StaleView("The comment is back in the queue.", code="reopened")


def _end_deferrals(session: Session, comments: Sequence[Comment], moment: datetime) -> None:
    """What is decided is put off no longer."""
    session.execute(
        update(Deferral)
        .where(Deferral.comment_id.in_([comment.id for comment in comments]), Deferral.ended_at.is_(None))
        .values(ended_at=moment)
        .execution_options(synchronize_session=False)
    )


def _rule_of(session: Session, comments: Sequence[Comment], rule_id: int) -> HouseRule:
    rule = session.get(HouseRule, rule_id)
    if rule is None or {comment.site_id for comment in comments} != {rule.site_id}:
        raise BadInput(f"Rule {rule_id} is not one of this site's house rules.", code="unknown_rule", field="rule")
    return rule


def undo(session: Session, decision_id: int, *, moderator: Moderator) -> Comment:
    """Take a decision back while the site has not heard of it; the comment is pending again.

    StaleView where the undo window is over or something came after that decision; NotFound where there is none.
    """
    undone = undo_all(session, [decision_id], moderator=moderator)
    if decision_id not in undone:
        raise NotFound(f"There is no decision {decision_id}.")
    return _unless_stale(undone[decision_id])


def undo_all(
    session: Session, decision_ids: Collection[int], *, moderator: Moderator
) -> dict[int, Comment | StaleView]:
    """Take each of several decisions back as ``undo`` does, in as few statements as one; return what came of each."""
    asked = select(Decision).where(Decision.id.in_(list(decision_ids)), Decision.outcome != Outcome.UNDO)
    found = session.scalars(asked.order_by(Decision.id).options(joinedload(Decision.comment))).all()
    moment = now()
    stopped = set(
        session.scalars(
            update(Delivery)
            .where(Delivery.decision_id.in_([decision.id for decision in found]), Delivery.cancelled_at.is_(None))
            .where(Delivery.attempts == 0, Delivery.not_before > moment)
            .values(cancelled_at=moment, due_at=None)
            .returning(Delivery.decision_id)
            .execution_options(synchronize_session=False)
        )
    )
    last = _last_decided_at(session, [decision.comment_id for decision in found])
    undone: dict[int, Comment | StaleView] = {}
    for decision in found:
        if decision.id not in stopped:
            said = "It is too late to undo this: the site has been told. Decide anew instead."
            undone[decision.id] = StaleView(said, code="too_late")
            continue
        undone[decision.id] = comment = decision.comment
        comment.status = Status.PENDING
        audit.note(session, Outcome.UNDO, moderator=moderator, subject=f"comment {comment.id}")
        session.add(
            Decision(
                comment_id=comment.id,
                revision=comment.revision,
                outcome=Outcome.UNDO,
                moderator_id=moderator.id,
                decided_at=_after(last.get(comment.id), moment),
            )
        )
    return undone


OPPOSITE = {Outcome.APPROVE: Outcome.DELETE, Outcome.DELETE: Outcome.APPROVE}


def reverse(session: Session, decision_id: int, *, moderator: Moderator) -> Decision:
    """Decide the opposite of what the site was told already, and have it told that.

    StaleView where the decision does not stand any more; NotFound where there is none.
    """
    decision = session.get(Decision, decision_id)
    if decision is None or decision.outcome is Outcome.UNDO:
        raise NotFound(f"There is no decision {decision_id}.")
    if latest(session, [decision.comment_id])[decision.comment_id].id != decision_id:
        raise StaleView("Something else was decided on this comment since.", code="overtaken")
    return _unless_stale(reverse_all(session, [decision], moderator=moderator)[decision.comment_id])


def reverse_all(
    session: Session, decisions: Sequence[Decision], *, moderator: Moderator
) -> dict[int, Decision | StaleView]:
    """Decide the opposite of each decision, all of one outcome and the last on their comments; by comment."""
    if not decisions:
        return {}
    outcome = decisions[0].outcome
    seen = {decision.comment_id: Seen(decision.revision, STATUS_AFTER[outcome]) for decision in decisions}
    return decide_all(session, seen, OPPOSITE[outcome], moderator=moderator)


def cancel_deliveries(session: Session, comment_ids: Collection[int]) -> None:
    """Stop whatever of comments' decisions the sites have not heard yet, because something overtook it."""
    session.execute(
        update(Delivery)
        .where(Delivery.decision_id.in_(select(Decision.id).where(Decision.comment_id.in_(comment_ids))))
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
