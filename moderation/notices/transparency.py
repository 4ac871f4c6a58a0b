"""Figures for the transparency report of a site (Articles 15 and 24): counted from what is kept, for any period."""

import csv
import io
import statistics
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta

from sqlalchemy import func, select
from sqlalchemy.orm import Session, aliased

from moderation.models import Appeal, Automation, Comment, Decision, Draw, Fate, Maker, Notice, Outcome, Site


@dataclass(frozen=True, slots=True)
class RuleCount:
    """Deletions that cite one rule; ``title`` is as it was when last cited, None where none was named."""

    title: dict[str, str] | None
    deleted: int
    automated: int


@dataclass(frozen=True, slots=True)
class Answered:
    """What readers asked and what became of it; ``median`` is from asking to the answer."""

    received: int = 0
    granted: int = 0
    refused: int = 0
    waiting: int = 0
    median: timedelta | None = None


@dataclass(frozen=True, slots=True)
class Report:
    """All figures of one site from ``since`` (included) to ``until`` (not included).

    Decisions count that stand or stood until somebody changed them; those undone within their undo window do not.
    ``overturned`` are those of a machine that people later decided otherwise. People ``agreed`` with so many of those
    ``checked``: comments a rule could have decided by itself that were drawn for people instead.
    """

    site: Site
    since: datetime
    until: datetime
    received: int = 0
    approved: int = 0
    deleted: int = 0
    automated: int = 0
    overturned: int = 0
    checked: int = 0
    agreed: int = 0
    elsewhere: int = 0
    median: timedelta | None = None
    rules: Sequence[RuleCount] = field(default=())
    appeals: Answered = Answered()
    notices: Answered = Answered()


def report(session: Session, site: Site, *, since: datetime, until: datetime) -> Report:
    """Count everything of a site within a period."""
    received = session.scalar(
        select(func.count())
        .select_from(Comment)
        .where(Comment.site_id == site.id, Comment.received_at >= since, Comment.received_at < until)
    )
    approved = deleted = automated = elsewhere = 0
    by_rule: Counter[int | None] = Counter()
    automated_by_rule: Counter[int | None] = Counter()
    titles: dict[int | None, dict[str, str] | None] = {}
    waits: list[timedelta] = []
    for decision, received_at in _decisions(session, site, since, until):
        waits.append(decision.decided_at - received_at)
        by_machine = decision.maker is Maker.RULE
        automated += by_machine
        elsewhere += decision.maker is Maker.SITE
        if decision.outcome is Outcome.APPROVE:
            approved += 1
            continue
        deleted += 1
        by_rule[decision.rule_id] += 1
        automated_by_rule[decision.rule_id] += by_machine
        titles[decision.rule_id] = decision.rule_title
    checks = _checks(session, site, since, until)
    return Report(
        site=site,
        since=since,
        until=until,
        received=received or 0,
        approved=approved,
        deleted=deleted,
        automated=automated,
        overturned=_overturned(session, site, since, until),
        checked=len(checks),
        agreed=sum(checks),
        elsewhere=elsewhere,
        median=_median(wait for wait in waits if wait >= timedelta(0)),
        rules=[RuleCount(titles[id_], count, automated_by_rule[id_]) for id_, count in by_rule.most_common()],
        appeals=_answered(_appeals(session, site, since, until), granting=Outcome.APPROVE),
        notices=_answered(_notices(session, site, since, until), granting=Outcome.DELETE),
    )


def _decisions(session: Session, site: Site, since: datetime, until: datetime) -> Iterator[tuple[Decision, datetime]]:
    """The period's decisions with the moment their comment came, without undos and what they took back."""
    undone: set[int] = set()
    rows = session.execute(
        select(Decision, Comment.received_at)
        .join(Comment, Comment.id == Decision.comment_id)
        .where(Comment.site_id == site.id, Decision.decided_at >= since)
        .order_by(Decision.id.desc())
        .execution_options(yield_per=1000)
    )
    for decision, received_at in rows:
        if decision.outcome is Outcome.UNDO:
            undone.add(decision.comment_id)
        elif decision.comment_id in undone:
            undone.discard(decision.comment_id)
        elif decision.decided_at < until:
            yield decision, received_at


def _overturned(session: Session, site: Site, since: datetime, until: datetime) -> int:
    """How many of the period's decisions by a machine people decided otherwise, whenever that was."""
    later = aliased(Decision)
    otherwise = (later.comment_id == Decision.comment_id) & (later.id > Decision.id)
    otherwise &= (later.revision == Decision.revision) & (later.maker != Maker.RULE)
    otherwise &= (later.outcome != Outcome.UNDO) & (later.outcome != Decision.outcome)
    counted = (
        select(func.count())
        .select_from(Decision)
        .join(Comment, Comment.id == Decision.comment_id)
        .where(Comment.site_id == site.id, Decision.decided_at >= since, Decision.decided_at < until)
        .where(Decision.maker == Maker.RULE, select(later.id).where(otherwise).exists())
    )
    return session.scalar(counted) or 0


def _checks(session: Session, site: Site, since: datetime, until: datetime) -> Sequence[bool]:
    """Of each check drawn in the period and decided by people, whether they did as the rule would have."""
    last = select(func.max(Decision.id)).where(Decision.comment_id == Draw.comment_id).correlate(Draw).scalar_subquery()
    rows = session.execute(
        select(Decision.outcome, Automation.outcome)
        .select_from(Draw)
        .join(Automation, Automation.id == Draw.automation_id)
        .join(Decision, Decision.id == last)
        .where(Automation.site_id == site.id, Draw.fate == Fate.CHECKED, Draw.drawn_at >= since, Draw.drawn_at < until)
        .where(Decision.revision == Draw.revision, Decision.outcome != Outcome.UNDO)
    )
    return [theirs is its for theirs, its in rows]


def _appeals(session: Session, site: Site, since: datetime, until: datetime) -> Sequence[Appeal]:
    found = (
        select(Appeal)
        .join(Decision, Decision.id == Appeal.decision_id)
        .join(Comment, Comment.id == Decision.comment_id)
        .where(Comment.site_id == site.id, Appeal.received_at >= since, Appeal.received_at < until)
    )
    return session.scalars(found).all()


def _notices(session: Session, site: Site, since: datetime, until: datetime) -> Sequence[Notice]:
    found = select(Notice).where(Notice.site_id == site.id, Notice.received_at >= since, Notice.received_at < until)
    return session.scalars(found).all()


def _answered(asked: Sequence[Appeal | Notice], *, granting: Outcome) -> Answered:
    closed = [one for one in asked if one.closed_at is not None]
    granted = sum(one.outcome is granting for one in closed)
    return Answered(
        received=len(asked),
        granted=granted,
        refused=len(closed) - granted,
        waiting=len(asked) - len(closed),
        median=_median(one.closed_at - one.received_at for one in closed if one.closed_at),
    )


def _median(waits: Iterable[timedelta]) -> timedelta | None:
    seconds = [wait.total_seconds() for wait in waits]
    return timedelta(seconds=statistics.median(seconds)) if seconds else None


def as_csv(figures: Report) -> str:
    """Return the report as CSV: section, name, number; medians in seconds."""
    out = io.StringIO()
    writer = csv.writer(out, lineterminator="\n")
    writer.writerow(["section", "name", "value"])
    writer.writerow(["period", "site", figures.site.slug])
    writer.writerow(["period", "since", figures.since.date().isoformat()])
    writer.writerow(["period", "until", figures.until.date().isoformat()])
    for name in ("received", "approved", "deleted", "automated", "overturned", "checked", "agreed", "elsewhere"):
        writer.writerow(["comments", name, getattr(figures, name)])
    writer.writerow(["comments", "median_seconds_to_decision", _seconds(figures.median)])
    for rule in figures.rules:
        title = harmless((rule.title or {}).get(figures.site.language) or next(iter((rule.title or {}).values()), ""))
        writer.writerow(["deleted_by_rule", title, rule.deleted])
        writer.writerow(["automated_by_rule", title, rule.automated])
    for section, answered in (("appeals", figures.appeals), ("notices", figures.notices)):
        for name in ("received", "granted", "refused", "waiting"):
            writer.writerow([section, name, getattr(answered, name)])
        writer.writerow([section, "median_seconds_to_answer", _seconds(answered.median)])
    return out.getvalue()


def _seconds(wait: timedelta | None) -> str:
    return "" if wait is None else str(round(wait.total_seconds()))


def harmless(text: str) -> str:
    """A text, in one line, that no spreadsheet takes for a formula."""
    line = " ".join(text.split())
    return "'" + line if line[:1] in {"=", "+", "-", "@"} else line
