"""Gathers what a site's people decided, as something to learn from: oldest first, one standing decision a comment.

What was undone does not count, nor what a rule decided by itself, nor a burst that no admin has confirmed. Comments
whose texts were forgotten are left out, deleted and approved ones alike, so that neither outweighs the other.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import TYPE_CHECKING

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from moderation.db import now
from moderation.learning.bursts import Deed, doubtful
from moderation.learning.record import Records
from moderation.models import Article, Burst, Comment, Decision, Maker, Outcome, Site, Status, Traits

if TYPE_CHECKING:
    from moderation.learning.fit import Material

MOST = 100_000
"""Newest decisions that are looked at."""

NEWEST = 10_000
"""Newest decisions that are all kept; of older approvals, only so many that there are `KEPT` in all."""

KEPT = 30_000
"""Decisions that are learned from: they bound the time and the memory that a lesson takes."""

AT_ONCE = 500


@dataclass(frozen=True, slots=True)
class Standing:
    """The decision that stands on a comment; ``stands_for`` says how many like it were left out, and itself.

    ``record`` is the commenter's before this decision, where the site wants to learn from it.
    """

    comment_id: int
    decision_id: int
    deleted: bool
    rule_id: int | None
    moderator_id: int | None
    decided_at: datetime
    section: str | None
    commenter: str | None = None
    record: str | None = None
    stands_for: float = 1.0


def standing(session: Session, site: Site, *, days: int) -> list[Standing]:
    """Return the standing decisions of people on a site's comments of the last ``days``, oldest first."""
    since = now() - timedelta(days=days)
    rows = session.execute(
        select(
            *(Decision.id, Decision.comment_id, Decision.outcome, Decision.maker, Decision.moderator_id),
            *(Decision.rule_id, Decision.decided_at, Decision.revision, Comment.revision.label("newest")),
            *(Article.section, Comment.commenter_id),
        )
        .join(Comment, Comment.id == Decision.comment_id)
        .join(Article, Article.id == Comment.article_id)
        .where(Comment.site_id == site.id, Comment.received_at >= since, Comment.text != "")
        .where(Comment.status.in_([Status.APPROVED, Status.DELETED]))
        .order_by(Decision.decided_at.desc(), Decision.id.desc())
        .limit(2 * MOST)
    )
    last: dict[int, Standing | None] = {}
    for row in rows:
        if row.comment_id in last:
            continue
        counts = row.outcome is not Outcome.UNDO and row.maker is not Maker.RULE and row.revision == row.newest
        deleted = row.outcome is Outcome.DELETE
        last[row.comment_id] = (
            Standing(
                row.comment_id,
                row.id,
                deleted,
                row.rule_id if deleted else None,
                row.moderator_id,
                row.decided_at,
                row.section,
                row.commenter_id,
            )
            if counts
            else None
        )
    found = [one for one in last.values() if one is not None][:MOST]
    found.reverse()
    return _with_records(found) if site.learns_from_records else found


def _with_records(found: Sequence[Standing]) -> list[Standing]:
    records = Records()
    return [replace(one, record=records.before(one.commenter, deleted=one.deleted)) for one in found]


def trusted(session: Session, site: Site, found: Sequence[Standing]) -> tuple[list[Standing], list[Burst]]:
    """Leave out bursts that no admin has confirmed; return also those that nobody wrote down yet."""
    deeds = [Deed(one.decision_id, one.moderator_id, one.decided_at) for one in found if one.moderator_id is not None]
    new, barred = doubtful(session, site, deeds)
    return [one for one in found if one.decision_id not in barred], new


def counting(session: Session, site: Site, *, days: int) -> list[Standing]:
    """Return the decisions that count, oldest first, for whoever only looks: bursts are not written down."""
    return trusted(session, site, standing(session, site, days=days))[0]


def thinned(found: Sequence[Standing]) -> list[Standing]:
    """Return at most `KEPT`: all of the newest and all older deletions that fit, and an even part of the rest."""
    old, new = found[:-NEWEST], found[-NEWEST:]
    room = KEPT - len(new)
    deletions = [one for one in old if one.deleted]
    if len(old) <= room:
        return list(found)
    every_deletion = max(1.0, len(deletions) / (room / 2))
    every_approval = (len(old) - len(deletions)) / (room - len(deletions) / every_deletion)
    return [*_every(old, every_deletion, every_approval), *new]


def _every(found: Sequence[Standing], deletion: float, approval: float) -> Iterator[Standing]:
    """Yield every n-th of each outcome, n being any number from 1."""
    counted = {True: 0, False: 0}
    for one in found:
        step = deletion if one.deleted else approval
        counted[one.deleted] += 1
        if int(counted[one.deleted] / step) > int((counted[one.deleted] - 1) / step):
            yield replace(one, stands_for=step)


def lacking(session: Session, site_id: int, *, limit: int) -> list[int]:
    """Return decided comments without traits of their present text, newest first."""
    kept = select(Traits.comment_id).where(Traits.comment_id == Comment.id, Traits.revision == Comment.revision)
    return list(
        session.scalars(
            select(Comment.id)
            .where(Comment.site_id == site_id, Comment.status.in_([Status.APPROVED, Status.DELETED]))
            .where(Comment.text != "", ~kept.exists())
            .order_by(Comment.id.desc())
            .limit(limit)
        )
    )


def number_lacking(session: Session, site_id: int) -> int:
    """Count them."""
    kept = select(Traits.comment_id).where(Traits.comment_id == Comment.id, Traits.revision == Comment.revision)
    wanted = select(func.count()).select_from(Comment).where(Comment.site_id == site_id)
    wanted = wanted.where(Comment.status.in_([Status.APPROVED, Status.DELETED]), Comment.text != "", ~kept.exists())
    return session.scalar(wanted) or 0


def material(session: Session, found: Sequence[Standing]) -> "tuple[Material, list[Standing]] | None":
    """Return what is learned from the decisions whose comments have traits, and which those are; None: from none."""
    # Imported here: the web imports this room, too, and carries no numbers.
    import numpy as np  # noqa: PLC0415

    from moderation.judge.learned import grams_of, unpack  # noqa: PLC0415
    from moderation.learning.fit import Material, join, sparse  # noqa: PLC0415

    parts, used = [], []
    for first in range(0, len(found), AT_ONCE):
        batch = found[first : first + AT_ONCE]
        rows = session.execute(
            select(Traits.comment_id, Traits.content, Comment.text)
            .join(Comment, Comment.id == Traits.comment_id)
            .where(Traits.comment_id.in_([one.comment_id for one in batch]), Traits.revision == Comment.revision)
        )
        kept = {row.comment_id: row for row in rows}
        here = [one for one in batch if one.comment_id in kept]
        if not here:
            continue
        parts.append(
            Material(
                unpack([kept[one.comment_id].content for one in here]),
                sparse([grams_of(kept[one.comment_id].text, one.section, one.record) for one in here]),
                np.array([one.deleted for one in here], dtype=np.float64),
                np.array([one.stands_for for one in here], dtype=np.float64),
            )
        )
        used += here
    return (join(parts), used) if parts else None
