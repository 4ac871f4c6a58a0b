"""What must be true when the storm is over: every ledger tells the same story."""

from collections import defaultdict
from pathlib import Path

from sqlalchemy import func, select
from sqlalchemy.orm import Session, selectinload

from moderation.models import Assessment, Comment, Decision, Delivery, Outcome, Status
from tests.faults.moderators import PASSWORD, Moderator
from tests.faults.paper import READER, TEXTS, Desk, Receiver


def unfinished(session: Session) -> dict[str, int]:
    """What is still to be done; empty when the house is at rest."""
    counts = {
        "comments to judge": select(func.count()).select_from(Comment).where(Comment.due_at.is_not(None)),
        "deliveries": select(func.count()).select_from(Delivery).where(Delivery.due_at.is_not(None)),
    }
    found = {name: session.scalar(count) or 0 for name, count in counts.items()}
    return {name: number for name, number in found.items() if number}


def disagreements(session: Session, desk: Desk, receiver: Receiver, moderators: list[Moderator]) -> list[str]:
    """Compare the ledgers of sender, house, moderators and receiver; return all that does not fit."""
    comments = {
        comment.external_id: comment
        for comment in session.scalars(
            select(Comment).options(selectinload(Comment.decisions).joinedload(Decision.delivery))
        )
    }
    return [
        *desk.refused,
        *_stored(desk, comments),
        *_judged(session, comments),
        *_decided(comments, moderators),
        *_heard(comments, receiver),
    ]


def told_in_logs(home: Path, desk: Desk) -> list[str]:
    """What the logs of all processes tell though they must not: texts, names, addresses, passwords and keys."""
    hidden = [*TEXTS, READER, desk.secret, desk.secret.removeprefix("whsec_"), PASSWORD]
    logs = {file.name: file.read_text(encoding="utf-8", errors="replace") for file in home.rglob("*.log")}
    if not any(logs.values()):
        return ["there are no logs to look into"]
    return [f"{name} tells {words[:20]!r}" for name, log in logs.items() for words in hidden if words in log]


def _stored(desk: Desk, comments: dict[str, Comment]) -> list[str]:
    wrong = [f"{name} was promised and is not stored" for name in desk.promised if name not in comments]
    for name, text in desk.promised.items():
        if name in comments and comments[name].text != text:
            wrong.append(f"{name} is stored with another text than the one that was promised last")
    return wrong


def _judged(session: Session, comments: dict[str, Comment]) -> list[str]:
    judged = {tuple(row) for row in session.execute(select(Assessment.comment_id, Assessment.revision))}
    return [
        f"{name} is neither judged nor marked as not scored"
        for name, comment in comments.items()
        if (comment.id, comment.revision) not in judged
    ]


def _decided(comments: dict[str, Comment], moderators: list[Moderator]) -> list[str]:
    """No revision has two decisions without an undo between them; what the desk confirmed is there."""
    wrong, known = [], set()
    undone: set[int] = set()
    for name, comment in comments.items():
        standing: Decision | None = None
        for decision in comment.decisions:
            known.add(decision.id)
            if decision.outcome is Outcome.UNDO:
                undone |= {standing.id} if standing else set()
                standing = None
            elif standing is not None and standing.revision == decision.revision:
                wrong.append(f"{name} was decided twice: {standing.id} and {decision.id}")
            else:
                standing = decision
            if (decision.delivery is None) != (decision.outcome is Outcome.UNDO):
                wrong.append(f"{name}: decision {decision.id} has no delivery, or an undo has one")
        times = [decision.decided_at for decision in comment.decisions]
        if times != sorted(times):
            wrong.append(f"{name}: a later decision bears an earlier time")
    for moderator in moderators:
        wrong += [f"{moderator.name}'s decision {lost} was confirmed and is lost" for lost in moderator.decided - known]
        wrong += [f"{moderator.name}'s undo of {lost} was confirmed and is lost" for lost in moderator.undone - undone]
    return wrong


def _heard(comments: dict[str, Comment], receiver: Receiver) -> list[str]:
    """Each decision that stands was taken by the site, always under one id; none that was undone was ever sent."""
    wrong = [f"{receiver.forged} messages were not signed as they should be"] if receiver.forged else []
    wrong += [f"{receiver.elsewhere} requests followed a redirect"] if receiver.elsewhere else []
    taken = {heard.webhook_id for heard in receiver.ledger if heard.taken}
    sent = {heard.webhook_id for heard in receiver.ledger}
    ids_of, bodies = defaultdict(set), defaultdict(set)
    for heard in receiver.ledger:
        ids_of[heard.comment_id, heard.decided_at, heard.outcome].add(heard.webhook_id)
        bodies[heard.webhook_id].add(heard.body)
    wrong += [f"{decision} came under several ids" for decision, ids in ids_of.items() if len(ids) > 1]
    wrong += [f"{id_} came with several contents" for id_, found in bodies.items() if len(found) > 1]
    last = {}
    for heard in sorted(receiver.ledger, key=lambda heard: heard.decided_at):
        if heard.taken:
            last[heard.comment_id] = heard.outcome
    for name, comment in comments.items():
        for before, after in zip(comment.decisions, [*comment.decisions, None][1:], strict=True):
            delivery = before.delivery
            if delivery is None:
                continue
            if after is not None and after.outcome is Outcome.UNDO and delivery.webhook_id in sent:
                wrong.append(f"{name}: decision {before.id} was undone, and sent nevertheless")
            if delivery.cancelled_at is None and delivery.webhook_id not in taken:
                wrong.append(f"{name}: decision {before.id} never arrived ({delivery.last_error})")
            if delivery.cancelled_at is None and delivery.delivered_at is None:
                wrong.append(f"{name}: decision {before.id} is not known to have arrived")
        says = {Status.APPROVED: "approve", Status.DELETED: "delete"}.get(comment.status)
        if says and last.get(name) != says:
            wrong.append(f"{name} is {comment.status} here, and the site last heard {last.get(name)}")
    return wrong
