"""Decide on many comments in one step: choose them, work through them in pieces, take all of it back.

Each comment goes through ``decisions``, so that a batch can do nothing that a moderator could not do by hand. What was
chosen is written down with the revision that was seen; a comment that changed since is skipped and listed. All that is
done is in the database after every piece: a worker that dies is followed by another at the place where it stopped.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import timedelta

from sqlalchemy import Select, func, insert, literal, select, update
from sqlalchemy.orm import Session, joinedload

from moderation import audit, decisions
from moderation.confinement import as_seen_by, manages, sites_of
from moderation.db import claim as claim_due
from moderation.db import now, shared_now
from moderation.decisions import STATUS_AFTER, Seen
from moderation.errors import BadInput, Forbidden, NotFound, StaleView
from moderation.models import (
    Batch,
    BatchItem,
    Comment,
    Decision,
    Delivery,
    HouseRule,
    Letter,
    Moderator,
    Outcome,
    Site,
)

PIECE = 100
"""Comments decided in one transaction: on SQLite nobody else writes meanwhile."""

LEASE = timedelta(seconds=30)

HELD = 3 * LEASE
"""How long what a batch decided is held back while it is at work: also over the death of a worker."""

_NAMES = joinedload(Batch.moderator), joinedload(Batch.undo_by), joinedload(Batch.rule)
"""What pages say of a batch besides itself."""


@dataclass(frozen=True, slots=True)
class Progress:
    """How far a batch is: comments in all, decided, skipped, and taken back where it is being undone."""

    total: int
    decided: int
    skipped: int
    taken_back: int


def create(
    session: Session,
    chosen: Select[Comment],
    *,
    moderator: Moderator,
    outcome: Outcome,
    rule_id: int | None = None,
    name: str = "",
) -> Batch:
    """Write down which comments are to be decided how; a worker does it when the bell ``batch`` rings.

    BadInput where nothing is chosen, or where a rule is named that not all of the chosen comments' sites have.
    """
    rule = session.get(HouseRule, rule_id) if rule_id is not None else None
    if rule_id is not None and rule is None:
        raise BadInput(f"There is no rule {rule_id}.", code="unknown_rule", field="rule")
    batch = Batch(name=name.strip()[:120], outcome=outcome, rule_id=rule_id, moderator_id=moderator.id)
    session.add(batch)
    session.flush()
    wanted = chosen.order_by(None).with_only_columns(
        literal(batch.id), Comment.id, Comment.revision, Comment.status, maintain_column_froms=True
    )
    session.execute(insert(BatchItem).from_select(["batch_id", "comment_id", "revision", "status"], wanted))
    sites = session.scalars(
        select(Comment.site_id).join(BatchItem).where(BatchItem.batch_id == batch.id).distinct()
    ).all()
    if not sites:
        raise BadInput("No comment is chosen.", code="nothing_chosen")
    if rule is not None and list(sites) != [rule.site_id]:
        raise BadInput(f"Rule {rule_id} is not one of this site's house rules.", code="unknown_rule", field="rule")
    batch.site_id = sites[0] if len(sites) == 1 else None
    audit.note(session, f"batch_{outcome}", moderator=moderator, subject=f"batch {batch.id}", rule=rule_id)
    return batch


def find(session: Session, batch_id: int) -> Batch:
    """Return a batch; NotFound where there is none."""
    batch = session.get(Batch, batch_id, options=_NAMES)
    if batch is None:
        raise NotFound(f"There is no batch {batch_id}.")
    return batch


def claim(session: Session) -> int | None:
    """Take the batch that has waited longest; return its id, None where there is nothing to do."""
    return next(iter(claim_due(session, Batch, limit=1, lease=LEASE)), None)


def step(session: Session, batch_id: int) -> bool:
    """Decide on the next piece of a batch, or take it back; return whether there is more to do."""
    batch = session.get_one(Batch, batch_id, with_for_update=True)
    taking_back = batch.undo_at is not None
    # Code of before 0028 leaves no name, while both versions are at work.
    who = (batch.undo_by if taking_back else None) or batch.moderator
    left = _left(batch_id, taking_back=taking_back)
    items = session.scalars(left.order_by(BatchItem.comment_id).limit(PIECE)).all()
    # Whoever decides at the same moment waits here, or we wait and see what they decided.
    ids = [item.comment_id for item in items]
    held = select(Comment).where(Comment.id.in_(ids)).order_by(Comment.id).with_for_update()
    with as_seen_by(session, who):
        comments = {comment.id: comment for comment in session.scalars(held)}
    if who.disabled_at is not None:  # whoever was shut out sees nothing
        comments = {}
    if taking_back:
        _take_back(session, items, moderator=who)
    else:
        _decide(session, batch, items, comments)
    session.flush()
    more = len(items) == PIECE
    _keep_undoable(session, batch, at_work=more)
    batch.due_at = shared_now(session, LEASE) if more else None
    if not more and taking_back:
        batch.undone_at = now()
    if not more:
        batch.finished_at = batch.finished_at or now()
    return more


def _left(batch_id: int, *, taking_back: bool) -> Select[BatchItem]:
    items = select(BatchItem).where(BatchItem.batch_id == batch_id)
    if taking_back:
        return items.where(BatchItem.decision_id.is_not(None), BatchItem.taken_back.is_(None))
    return items.where(BatchItem.decision_id.is_(None), BatchItem.skipped.is_(None))


def _decide(session: Session, batch: Batch, items: Sequence[BatchItem], comments: Mapping[int, Comment]) -> None:
    """Decide on comments, or note why not; one that is missing whoever made the batch may see no more."""
    chosen: dict[int, BatchItem] = {}
    for item in items:
        comment = comments.get(item.comment_id)
        if comment is None:
            item.skipped = "confined"
        elif comment.status is STATUS_AFTER[batch.outcome]:
            item.skipped = "decided"
        else:
            chosen[item.comment_id] = item
    made = decisions.decide_all(
        session,
        {item.comment_id: Seen(item.revision, item.status) for item in chosen.values()},
        batch.outcome,
        moderator=batch.moderator,
        rule_id=batch.rule_id,
        batch_id=batch.id,
    )
    for comment_id, decision in made.items():
        if isinstance(decision, StaleView):
            chosen[comment_id].skipped = decision.code
        else:
            chosen[comment_id].decision_id = decision.id


def _keep_undoable(session: Session, batch: Batch, *, at_work: bool) -> None:
    """Start the undo window anew for all of the batch once it is through, so that it can be undone as one thing.

    As long as it is ``at_work`` the window is at least ``HELD``, and is begun anew only where half of it is over: to
    write down all that was decided with every hundred comments would take longer than to decide.
    """
    moment, window = now(), timedelta(seconds=undo_seconds(session, batch.id))
    held = max(window, HELD)
    end = moment + (held if at_work else window)
    soon = moment + held * (0.5 if at_work else 2)
    mine = select(Decision.id).where(Decision.batch_id == batch.id)
    session.execute(
        update(Delivery)
        .where(Delivery.decision_id.in_(mine), Delivery.attempts == 0, Delivery.due_at.is_not(None))
        .where(Delivery.not_before > moment, Delivery.not_before < soon)
        .values(not_before=end, due_at=end)
        .execution_options(synchronize_session=False)
    )
    session.execute(
        update(Letter)
        .where(Letter.decision_id.in_(mine), Letter.attempts == 0, Letter.due_at > moment, Letter.due_at < soon)
        .values(due_at=end)
        .execution_options(synchronize_session=False)
    )


def undo_seconds(session: Session, batch_id: int) -> int:
    """Return how long the batch can be undone before its sites hear of it."""
    batch = session.get_one(Batch, batch_id)
    if batch.site_id is not None:
        return session.get_one(Site, batch.site_id).undo_seconds
    of_sites = select(func.max(Site.undo_seconds)).join(Comment, Comment.site_id == Site.id).join(BatchItem)
    return session.scalar(of_sites.where(BatchItem.batch_id == batch_id)) or 0


def _take_back(session: Session, items: Sequence[BatchItem], *, moderator: Moderator) -> None:
    """Undo decisions while the site has not heard of them, else send the opposite ones after them."""
    latest = decisions.latest(session, [item.comment_id for item in items])
    standing: dict[int, BatchItem] = {}
    for item in items:
        if latest[item.comment_id].id == item.decision_id:
            standing[item.decision_id] = item
        else:
            item.taken_back = "decided"
    undone = decisions.undo_all(session, standing, moderator=moderator)
    too_late = [latest[standing[id_].comment_id] for id_, comment in undone.items() if isinstance(comment, StaleView)]
    reversed_ = decisions.reverse_all(session, too_late, moderator=moderator)
    for item in standing.values():
        decision = reversed_.get(item.comment_id)
        if decision is None:
            item.taken_back = "undone"
        else:
            item.taken_back = decision.code if isinstance(decision, StaleView) else "reversed"


def undo(session: Session, batch_id: int, *, moderator: Moderator) -> Batch:
    """Have all of a batch taken back, also while it is still at work. Forbidden to others than its maker and admins."""
    batch = find(session, batch_id)
    is_admin = manages(sites_of(session, moderator), moderator.role, batch.site_id)
    if moderator.id != batch.moderator_id and not is_admin:
        raise Forbidden("Only who made this batch, or an admin, may take it back.", code="not_yours")
    if batch.undo_at is None:
        batch.undo_at, batch.due_at, batch.undo_by_id = now(), shared_now(session), moderator.id
        _keep_undoable(session, batch, at_work=True)
        audit.note(session, "batch_undo", moderator=moderator, subject=f"batch {batch.id}")
    return batch


def progress(session: Session, batch_ids: Sequence[int]) -> dict[int, Progress]:
    """Count how far batches are."""
    rows = session.execute(
        select(
            BatchItem.batch_id,
            func.count(),
            func.count(BatchItem.decision_id),
            func.count(BatchItem.skipped),
            func.count(BatchItem.taken_back),
        )
        .where(BatchItem.batch_id.in_(batch_ids))
        .group_by(BatchItem.batch_id)
    )
    return {row[0]: Progress(*row[1:]) for row in rows}


def left_out(session: Session, batch_id: int, *, limit: int = 200) -> Sequence[BatchItem]:
    """Return the comments that were skipped, and those that could not be taken back."""
    odd = BatchItem.skipped.is_not(None) | BatchItem.taken_back.not_in(["undone", "reversed"])
    found = select(BatchItem).where(BatchItem.batch_id == batch_id, odd).options(joinedload(BatchItem.comment))
    return session.scalars(found.order_by(BatchItem.comment_id).limit(limit)).all()


def newest(session: Session, *, limit: int = 50) -> Sequence[Batch]:
    """Return the batches made last."""
    found = select(Batch).options(*_NAMES)
    return session.scalars(found.order_by(Batch.id.desc()).limit(limit)).all()
