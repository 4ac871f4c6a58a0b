"""Numbers for Prometheus: what waits, for how long, what failed. Counted in the database: any process can tell.

Only of answers that refused or failed the database knows nothing; `moderation.failures` counts those.
"""

from collections import Counter
from collections.abc import Iterable, Iterator
from datetime import datetime, timedelta

from prometheus_client import CollectorRegistry, generate_latest
from prometheus_client.core import GaugeMetricFamily
from prometheus_client.metrics_core import Metric
from prometheus_client.registry import Collector
from sqlalchemy import func, select
from sqlalchemy.orm import Session

from moderation import failures
from moderation.db import Work, now
from moderation.models import (
    Alarm,
    Assessment,
    Automation,
    Comment,
    Decision,
    Delivery,
    LearnedModel,
    Letter,
    Maker,
    ModelState,
    Outcome,
    Site,
    Status,
)

RECENT = timedelta(hours=1)

MINUTE = timedelta(minutes=1)

NEWEST = 20_000
"""Rows that are looked at of a table that grows for ever. Ids grow with time, so that these are the last."""


def exposition(session: Session) -> bytes:
    """Return all metrics in Prometheus' text format, version 0.0.4."""
    registry = CollectorRegistry()
    registry.register(_Counted(session))
    failures.register(registry)
    return generate_latest(registry)


class _Counted(Collector):
    def __init__(self, session: Session) -> None:
        self._session = session
        self._moment = now()

    def collect(self) -> Iterable[Metric]:
        """Count everything now."""
        yield from self._queue()
        yield from self._work("scoring", Comment)
        yield from self._work("deliveries", Delivery)
        yield from self._work("letters", Letter)
        yield self._failed("deliveries", Delivery)
        yield self._failed("letters", Letter)
        yield self._failing()
        yield self._not_scored()
        yield self._judged()
        yield self._decided()
        yield self._decision_times()
        yield self._engine()
        yield self._models()
        yield self._open_alarms()
        yield self._automations()

    def _queue(self) -> Iterator[Metric]:
        length = GaugeMetricFamily("hausordnung_queue_comments", "Comments that wait for a decision.", labels=["site"])
        age = GaugeMetricFamily(
            "hausordnung_queue_oldest_seconds", "Age of the oldest comment that waits.", labels=["site"]
        )
        rows = self._session.execute(
            select(Site.slug, func.count(), func.min(Comment.submitted_at))
            .join(Comment, Comment.site_id == Site.id)
            .where(Comment.status == Status.PENDING)
            .group_by(Site.slug)
        )
        for slug, number, oldest in rows:
            length.add_metric([slug], number)
            age.add_metric([slug], self._age(oldest))
        yield length
        yield age

    def _work(self, what: str, model: type[Work]) -> Iterator[Metric]:
        number, oldest = self._session.execute(
            select(func.count(), func.min(model.due_at)).where(model.due_at <= self._moment)
        ).one()
        yield GaugeMetricFamily(f"hausordnung_{what}_due", f"Of {what}, how many are due now.", value=number)
        yield GaugeMetricFamily(
            f"hausordnung_{what}_lag_seconds", "Since when the oldest is due.", value=self._age(oldest)
        )

    def _failed(self, what: str, model: type[Delivery] | type[Letter]) -> Metric:
        number = self._session.scalar(select(func.count()).select_from(model).where(model.failed_at.is_not(None)))
        return GaugeMetricFamily(f"hausordnung_{what}_failed", f"Of {what}, how many were given up.", value=number or 0)

    def _failing(self) -> Metric:
        family = GaugeMetricFamily(
            "hausordnung_deliveries_failing", "Deliveries that are tried again, by what went wrong.", labels=["problem"]
        )
        trying = select(Delivery.last_error, func.count()).where(Delivery.due_at.is_not(None))
        found: Counter[str] = Counter()
        for problem, number in self._session.execute(
            trying.where(Delivery.last_error.is_not(None)).group_by(Delivery.last_error)
        ):
            found["private" if str(problem).startswith("private") else str(problem)] += number
        for problem, number in found.items():
            family.add_metric([problem], number)
        return family

    def _judged(self) -> Metric:
        newest = select(Assessment.assessed_at).order_by(Assessment.id.desc()).limit(NEWEST).subquery()
        since = newest.c.assessed_at >= self._moment - MINUTE
        number = self._session.scalar(select(func.count()).select_from(newest).where(since))
        return GaugeMetricFamily(
            "hausordnung_judged_last_minute", "Comments judged within the last minute.", value=number or 0
        )

    def _not_scored(self) -> Metric:
        number = self._session.scalar(
            select(func.count())
            .select_from(Comment)
            .join(Assessment, (Assessment.comment_id == Comment.id) & (Assessment.revision == Comment.revision))
            .where(Comment.status == Status.PENDING, Assessment.not_scored.is_not(None))
        )
        return GaugeMetricFamily(
            "hausordnung_not_scored", "Waiting comments that could not be scored.", value=number or 0
        )

    def _decided(self) -> Metric:
        family = GaugeMetricFamily(
            "hausordnung_decisions_last_hour", "Decisions within the last hour.", labels=["outcome", "maker"]
        )
        newest = select(Decision).order_by(Decision.id.desc()).limit(NEWEST).subquery()
        rows = self._session.execute(
            select(newest.c.outcome, newest.c.maker, func.count())
            .where(newest.c.decided_at >= self._moment - RECENT, newest.c.outcome != Outcome.UNDO)
            .group_by(newest.c.outcome, newest.c.maker)
        )
        for outcome, maker, number in rows:
            family.add_metric([str(outcome), str(maker)], number)
        return family

    def _decision_times(self) -> Metric:
        """From the arrival of a comment to what a moderator decided on it."""
        family = GaugeMetricFamily(
            "hausordnung_decision_seconds",
            "Seconds to decisions by moderators within the last hour.",
            labels=["quantile"],
        )
        newest = select(Decision).order_by(Decision.id.desc()).limit(NEWEST).subquery()
        rows = self._session.execute(
            select(newest.c.decided_at, Comment.received_at)
            .join(Comment, Comment.id == newest.c.comment_id)
            .where(newest.c.decided_at >= self._moment - RECENT, newest.c.maker == Maker.MODERATOR)
            .where(newest.c.outcome != Outcome.UNDO)
        )
        took = sorted((decided_at - received_at).total_seconds() for decided_at, received_at in rows)
        for quantile in (0.5, 0.9) if took else ():
            family.add_metric([str(quantile)], took[int(quantile * (len(took) - 1))])
        return family

    def _engine(self) -> Metric:
        family = GaugeMetricFamily("hausordnung_engine_info", "What judged last.", labels=["engine"])
        engine = self._session.scalar(select(Assessment.engine).order_by(Assessment.id.desc()).limit(1))
        if engine:
            family.add_metric([engine], 1)
        return family

    def _models(self) -> Metric:
        family = GaugeMetricFamily(
            "hausordnung_model_version",
            "Version of the model learned of a site's decisions that is in use; by rule where it is of one.",
            labels=["site", "rule"],
        )
        for slug, rule_id, version in self._session.execute(
            select(Site.slug, LearnedModel.rule_id, LearnedModel.version)
            .join(Site, LearnedModel.site_id == Site.id)
            .where(LearnedModel.state == ModelState.ACTIVE)
        ):
            family.add_metric([slug, str(rule_id or "")], version)
        return family

    def _open_alarms(self) -> Metric:
        family = GaugeMetricFamily("hausordnung_alarms_open", "Alarms that are open.", labels=["site", "kind"])
        rows = self._session.execute(
            select(Site.slug, Alarm.kind, func.count())
            .join(Alarm, Alarm.site_id == Site.id)
            .where(Alarm.over_at.is_(None))
            .group_by(Site.slug, Alarm.kind)
        )
        for slug, kind, number in rows:
            family.add_metric([slug, kind], number)
        return family

    def _automations(self) -> Metric:
        number = self._session.scalar(
            select(func.count()).select_from(Automation).where(Automation.switched_off_at.is_(None))
        )
        return GaugeMetricFamily(
            "hausordnung_automations", "House rules that decide by themselves now.", value=number or 0
        )

    def _age(self, since: datetime | None) -> float:
        return max(0.0, (self._moment - since).total_seconds()) if since else 0.0
