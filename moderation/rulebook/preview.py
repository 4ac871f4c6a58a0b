"""What house rules would have done with the comments a site had: counted from kept assessments, compared, shown.

Nothing is judged anew and nothing is written. Where there are more comments than `SAMPLE`, every n-th is taken, spread
evenly over time, and the result says of how many it was.
"""

import math
from collections import Counter, defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from moderation import repeats
from moderation.db import now
from moderation.judge.case import Assessment as Judgement
from moderation.judge.case import Kind
from moderation.models import Article, Assessment, Comment, Decision, Maker, Site, Status
from moderation.rulebook.stated import StatedRule
from moderation.rules import Advice, Facts, Repeated, Rule, Signal, conditions, holds
from moderation.rules.signals import look

SAMPLE = 20_000
SAMPLE_OF_REPEATS = 500
"""Comments that are looked at where repeats have to be found: each takes a search of its own."""

EXAMPLES = 5
BINS = 20
SPAN = timedelta(days=365)


@dataclass(frozen=True, slots=True)
class Past:
    """A comment as the rules would have seen it; ``outcome`` is what people decided, None where they did not."""

    id: int
    judged: Judgement
    facts: Facts
    outcome: Status | None


@dataclass(frozen=True, slots=True)
class History:
    """The comments that were looked at, of how many there were in all, since when."""

    comments: list[Past]
    total: int
    since: datetime

    @property
    def sampled(self) -> bool:
        """Whether these are not all there were."""
        return len(self.comments) < self.total

    def missed(self, marks: "Marks") -> float | None:
        """The share of what people deleted that was not marked; None where they deleted nothing."""
        deleted = sum(past.outcome is Status.DELETED for past in self.comments)
        return 1 - marks.deleted / deleted if deleted else None

    def saved(self, marks: "Marks") -> float | None:
        """The share of comments that was not marked; None where there were none."""
        return 1 - marks.marked / len(self.comments) if self.comments else None

    def parts(self) -> dict[str, dict[str, "History"]]:
        """Return the comments by section of the paper and by month, as histories of their own."""
        found: dict[str, dict[str, list[Past]]] = {"sections": defaultdict(list), "months": defaultdict(list)}
        for past in self.comments:
            found["sections"][past.facts.section or ""].append(past)
            if past.facts.submitted_at is not None:
                found["months"][past.facts.submitted_at.strftime("%Y-%m")].append(past)
        return {
            kind: {name: History(some, len(some), self.since) for name, some in sorted(groups.items())}
            for kind, groups in found.items()
        }


@dataclass(slots=True)
class Marks:
    """How many comments were marked, and what people decided on those."""

    marked: int = 0
    approved: int = 0
    deleted: int = 0
    untold: int = 0

    @property
    def precision(self) -> float | None:
        """The share of the decided ones that people deleted; None where nothing was decided."""
        decided = self.approved + self.deleted
        return self.deleted / decided if decided else None

    def count(self, outcome: Status | None) -> None:
        """Count one more."""
        self.marked += 1
        self.approved += outcome is Status.APPROVED
        self.deleted += outcome is Status.DELETED


@dataclass(slots=True)
class Effect:
    """What a set of rules would have done: by the rules' keys, in total, and on which comments rules disagreed."""

    rules: dict[str, Marks] = field(default_factory=dict)
    total: Marks = field(default_factory=Marks)
    disagreed: int = 0
    met: dict[str, set[int]] = field(default_factory=lambda: defaultdict(set))
    marked: set[int] = field(default_factory=set)


@dataclass(frozen=True, slots=True)
class Preview:
    """The effect of new rules beside that of the present ones; examples are ids of comments, newest first."""

    history: History
    before: Effect
    after: Effect
    newly: list[int]
    no_longer: list[int]

    def examples(self, key: str) -> list[int]:
        """Return comments that the rule would have marked, newest first."""
        return sorted(self.after.met.get(key, ()), reverse=True)[:EXAMPLES]


def preview(session: Session, site: Site, rules: Sequence[StatedRule], *, present: Sequence[StatedRule]) -> Preview:
    """Say what ``rules`` would have done with the last twelve months, and what the present ones would have."""
    past = history(session, site, [rule.applied() for rule in (*rules, *present)])
    after, before = effect(past.comments, rules), effect(past.comments, present)
    return Preview(
        history=past,
        before=before,
        after=after,
        newly=sorted(after.marked - before.marked, reverse=True)[:EXAMPLES],
        no_longer=sorted(before.marked - after.marked, reverse=True)[:EXAMPLES],
    )


def effect(comments: Iterable[Past], rules: Sequence[StatedRule]) -> Effect:
    """Count what the rules mark. A rule that advises to approve marks nothing in total, but may disagree."""
    found = Effect(rules={rule.key: Marks() for rule in rules})
    applied = [(rule.key, rule.applied()) for rule in rules]
    for past in comments:
        advised = set()
        for key, rule in applied:
            if not holds(rule, past.facts):
                continue
            finding = look(rule, past.judged, past.facts)
            if finding is None:
                found.rules[key].untold += 1
            elif finding.met:
                found.rules[key].count(past.outcome)
                found.met[key].add(past.id)
                advised.add(rule.advice)
        found.disagreed += len(advised) > 1
        if advised - {Advice.APPROVE}:
            found.total.count(past.outcome)
            found.marked.add(past.id)
    return found


@dataclass(frozen=True, slots=True)
class Histogram:
    """How many comments have a score in each of `BINS` equal parts from 0 to 1, by what people decided."""

    approved: list[int]
    deleted: list[int]
    undecided: list[int]
    bound: float


def histogram(comments: Iterable[Past], rule: StatedRule) -> Histogram | None:
    """Return how the scores lie that the rule compares with its bound; None where it counts rather than scores."""
    when = rule.when
    if not isinstance(when, conditions.Scored):
        return None
    counted: dict[Status | None, Counter[int]] = defaultdict(Counter)
    applied = rule.applied()
    for past in comments:
        finding = look(applied, past.judged, past.facts)
        if finding is not None:
            counted[past.outcome][min(int(finding.score * BINS), BINS - 1)] += 1
    bars = {outcome: [counted[outcome][at] for at in range(BINS)] for outcome in (*Status, None)}
    bound = when.at_most if when.at_least is None else when.at_least
    return Histogram(bars[Status.APPROVED], bars[Status.DELETED], bars[None], bound or 0.0)


def history(session: Session, site: Site, rules: Sequence[Rule]) -> History:
    """Return the judged comments of the last twelve months with what these rules look at, oldest first."""
    since = now() - SPAN
    asked = {rule.signal for rule in rules}
    wanted = (Comment.site_id == site.id, Comment.received_at >= since, Comment.status != Status.WITHDRAWN)
    judged = (Assessment.comment_id == Comment.id) & (Assessment.revision == Comment.revision)
    total = session.scalar(select(func.count()).select_from(Comment).join(Assessment, judged).where(*wanted)) or 0
    most = SAMPLE_OF_REPEATS if Signal.REPEAT in asked else SAMPLE
    step = max(1, math.ceil(total / most))
    machine = select(Decision.id).where(Decision.comment_id == Comment.id, Decision.maker == Maker.RULE).exists()
    rows = session.execute(
        select(
            *(Comment.id, Comment.text, Comment.submitted_at, Comment.status),
            *(Comment.commenter_id, Comment.commenter_email, Article.section, machine.label("by_machine")),
            *(Assessment.language, Assessment.relevance, Assessment.disrespect, Assessment.kinds),
            *(Assessment.target, Assessment.put_down_share, Assessment.learned),
        )
        .join(Assessment, judged)
        .join(Article, Article.id == Comment.article_id)
        .where(*wanted, Comment.id % step == 0)
        .order_by(Comment.id)
    ).all()
    records = _records(session, site) if asked & {Signal.NEW_COMMENTER, Signal.RECORD} else {}
    said = _repeats(session, [row.id for row in rows]) if Signal.REPEAT in asked else {}
    comments = [_past(row, site, records.get(row.id), said.get(row.id)) for row in rows]
    return History(comments, total, since)


def _past(row: Any, site: Site, record: tuple[int, int] | None, repeated: tuple[Repeated, ...] | None) -> Past:
    return Past(
        id=row.id,
        judged=Judgement(
            language=row.language,
            relevance=row.relevance,
            relevance_reason=None,
            disrespect=row.disrespect,
            kinds={Kind(kind): score for kind, score in row.kinds.items()},
            target=row.target,
            put_down_share=row.put_down_share,
        ),
        facts=Facts(
            text=row.text,
            submitted_at=row.submitted_at,
            time_zone=site.time_zone,
            section=row.section,
            repeats=repeated,
            approved=record and record[0],
            deleted=record and record[1],
            learned={int(rule_id): share for rule_id, share in (row.learned or {}).get("rules", {}).items()},
        ),
        outcome=row.status if row.status in {Status.APPROVED, Status.DELETED} and not row.by_machine else None,
    )


def _records(session: Session, site: Site) -> dict[int, tuple[int, int]]:
    """How many of each commenter's earlier comments people approved and deleted, by the comment's id."""
    machine = select(Decision.id).where(Decision.comment_id == Comment.id, Decision.maker == Maker.RULE).exists()
    rows = session.execute(
        select(Comment.id, Comment.commenter_id, Comment.commenter_email, Comment.status, machine)
        .where(Comment.site_id == site.id)
        .order_by(Comment.id)
    )
    counted: dict[tuple[str, str | None], tuple[int, int]] = defaultdict(lambda: (0, 0))
    found = {}
    for id_, commenter, email, status, by_machine in rows:
        if commenter is None and email is None:
            continue
        who = ("id", commenter) if commenter is not None else ("email", email)
        found[id_] = counted[who]
        if not by_machine:
            approved, deleted = counted[who]
            counted[who] = (approved + (status is Status.APPROVED), deleted + (status is Status.DELETED))
    return found


def _repeats(session: Session, ids: Sequence[int]) -> dict[int, tuple[Repeated, ...]]:
    said = {}
    for comment in session.scalars(select(Comment).where(Comment.id.in_(ids))):
        found = repeats.find(session, comment, least=repeats.LEAST_SIMILARITY, earlier=True)
        said[comment.id] = tuple(Repeated(one.comment.id, one.similarity, one.comment.submitted_at) for one in found)
    return said
