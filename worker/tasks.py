"""What the bells set going. Every task looks for what is due, so it may be rung once too often or never in vain."""

from collections.abc import Callable, Sequence
from datetime import timedelta

from sqlalchemy.orm import Session

from moderation import (
    adaptation,
    audit,
    batches,
    channels,
    coral_comments,
    delivery,
    intake,
    letters,
    privacy,
    quota,
    scoring,
    shifts,
    telemetry,
)
from moderation.alarms import looking
from moderation.automation import acting, watch
from moderation.broker import BELLS, NIGHTLY
from moderation.db import next_try
from moderation.learning import lesson
from moderation.models import Comment
from worker.app import app, workshop

LETTERS = 50
"""Letters that are claimed together."""

CHANNELS = 10
"""Channels that are claimed together."""

ROUNDS = 16
"""Batches a task works through before it rings for itself again, so that a worker can be told to stop in between."""


@app.task(name="score")  # type: ignore[untyped-decorator]
def score() -> None:
    """Have the comments judged that are due."""
    settings = workshop.settings
    judge = workshop.service_judge  # before anything is claimed: without weights nothing is
    judge.tend()
    for _ in range(ROUNDS):
        if workshop.stopping.is_set():
            return
        with workshop.database.session() as session:
            scoring.give_up(session, attempts=settings.score_attempts)
            lease = timedelta(seconds=settings.score_lease)
            taken = scoring.claim(session, limit=judge.batch, attempts=settings.score_attempts, lease=lease)
            session.commit()
        if not taken:
            _return_for_the_tried("score", lambda session: next_try(session, Comment))
            _read_to_learn()
            return
        telemetry.note(*taken)
        with workshop.database.session() as session:
            scoring.make_findable(session, taken)
            session.commit()
        with workshop.database.session(read_only=True) as session:
            jobs = scoring.jobs(session, taken)
        judged = scoring.judge_all(judge, jobs)
        with workshop.database.session() as session:
            scoring.record(session, judged)
            session.commit()
        _let_rules_decide(taken)
    workshop.bell.ring("score")


def _return_for_the_tried(bell: str, next_try: Callable[[Session], float | None]) -> None:
    """Ring when the first that was tried before is due again, if that is before the next sweep: nobody else does."""
    with workshop.database.session(read_only=True) as session:
        wait = next_try(session)
    if wait is not None and wait < workshop.settings.sweep_interval:
        workshop.bell.ring(bell, after=wait)


def _read_to_learn() -> None:
    """Read some decided comments of which nothing is kept to learn from: only when there is nothing else to do."""
    with workshop.database.session(read_only=True) as session:
        found = lesson.unread(session, limit=lesson.READ_AT_ONCE)
        jobs = scoring.jobs(session, found[1]) if found else []
    if found is None:
        return
    judged = scoring.judge_all(workshop.service_judge, jobs)
    with workshop.database.session() as session:
        scoring.keep_traits(session, [job for job, _ in judged])
        lesson.was_read(session, found[0], len(jobs))
        session.commit()
    workshop.bell.ring("score")


def _let_rules_decide(comment_ids: Sequence[int]) -> None:
    """Let rules that are switched on decide; whatever goes wrong here, the comments are judged and wait for people."""
    with workshop.database.session(read_only=True) as session:
        if not watch.running(session):
            return
    with workshop.database.session() as session:
        made = acting.act(session, comment_ids)
        waits = {decision.comment.site.undo_seconds for decision in made}
        session.commit()
    for wait in waits:
        workshop.bell.ring("deliver", after=wait)


@app.task(name="deliver")  # type: ignore[untyped-decorator]
def deliver() -> None:
    """Send the decisions that are due."""
    settings = workshop.settings
    lease = timedelta(seconds=settings.delivery_timeout + 10)
    for round_ in range(ROUNDS):
        if workshop.stopping.is_set():
            return
        # One at a time: whoever dies, or meets a slow site, holds up no other.
        with workshop.database.session() as session:
            taken = delivery.claim(session, limit=1, lease=lease)
            session.commit()
            parcels = delivery.parcels(session, taken, links=settings.links)
        if not taken:
            _return_for_the_tried("deliver", delivery.next_try)
            return
        if round_ == 0:
            workshop.bell.ring("deliver")  # if there is more, others may help
        for parcel in parcels:
            with telemetry.step("send", comments=[parcel.comment_id]):
                result = delivery.send(parcel, workshop.client(private=parcel.private))
            with workshop.database.session() as session:
                again = delivery.record(session, result, give_up_after=timedelta(days=settings.delivery_days))
                session.commit()
            if again is not None and again < settings.sweep_interval:
                workshop.bell.ring("deliver", after=again)
    workshop.bell.ring("deliver")


@app.task(name="mail")  # type: ignore[untyped-decorator]
def mail() -> None:
    """Send the letters that are due, if there is a mail server."""
    settings = workshop.settings
    if settings.smtp_url is None:
        return
    with workshop.database.session() as session:
        taken = letters.claim(session, limit=LETTERS, lease=timedelta(minutes=10))
        mails = letters.compose(session, taken, links=settings.links, sender=settings.mail_from)
        session.commit()
    for letter_id, problem in letters.send_all(mails, settings.smtp_url.get_secret_value()):
        with workshop.database.session() as session:
            letters.record(session, letter_id, problem)
            session.commit()


@app.task(name="notify")  # type: ignore[untyped-decorator]
def notify() -> None:
    """Tell channels what they are still to be told."""
    with workshop.database.session() as session:
        taken = channels.claim(session, limit=CHANNELS, lease=timedelta(minutes=10))
        session.commit()
        messages = channels.compose(session, taken, desk=workshop.settings.public_url)
        session.commit()
    if taken:
        workshop.bell.ring("mail")
    for message in messages:
        problem = channels.send(message, timeout=workshop.settings.delivery_timeout)
        with workshop.database.session() as session:
            channels.record(session, message, problem)
            session.commit()


@app.task(name="batch")  # type: ignore[untyped-decorator]
def batch() -> None:
    """Decide on the comments of the batches that are due, piece by piece."""
    while True:
        with workshop.database.session() as session:
            taken = batches.claim(session)
            session.commit()
        if taken is None:
            return
        more = True
        while more:
            with workshop.database.session() as session:
                more = batches.step(session, taken)
                undo_seconds = batches.undo_seconds(session, taken)
                session.commit()
        workshop.bell.ring("deliver", after=undo_seconds)


@app.task(name="learn")  # type: ignore[untyped-decorator]
def learn() -> None:
    """Learn from the decisions of one site that is due."""
    with workshop.database.session() as session:
        lesson.look(session)
        taken = lesson.claim(session)
        session.commit()
    for learner_id in taken:
        with workshop.database.session() as session:
            found = lesson.gather(session, learner_id, days=workshop.settings.keep_deleted_days)
            session.commit()
        with workshop.database.session(read_only=True) as session:
            course = lesson.prepare(session, learner_id, found)
        learned, report = lesson.learn(course)
        with workshop.database.session() as session:
            switched = lesson.record(session, course, learned, report)
            session.commit()
        workshop.bell.ring("learn")
        if switched:
            workshop.bell.ring("score")


@app.task(name="purge")  # type: ignore[untyped-decorator]
def purge() -> None:
    """Forget what is older than the settings allow."""
    with workshop.database.session() as session:
        purged = privacy.purge(session, workshop.settings)
        session.commit()
    if privacy.AT_ONCE in purged.values():
        workshop.bell.ring("purge")


@app.task(name="adapt")  # type: ignore[untyped-decorator]
def adapt() -> None:
    """Let the relevance of each site with enough new comments adapt to them."""
    with workshop.database.session(read_only=True) as session:
        due = adaptation.sites_due(session)
    for site_id in due:
        with workshop.database.session(read_only=True) as session:
            found = adaptation.material(session, site_id)
        if found is None:
            continue
        adapted = adaptation.learn(workshop.judge, found)
        with workshop.database.session() as session:
            adaptation.keep(session, found, adapted, engine=workshop.judge.engine)
            session.commit()


@app.task(name="sweep")  # type: ignore[untyped-decorator]
def sweep() -> None:
    """Look after what nobody rings for, forget what is no longer needed, and ring every bell for what was lost."""
    try:
        _look_after()
    finally:  # whatever goes wrong there, no comment waits for it
        for bell in BELLS:
            if bell not in {"sweep", *NIGHTLY}:
                workshop.bell.ring(bell)


def _look_after() -> None:
    settings = workshop.settings
    with workshop.database.session() as session:
        audit.seal(session)
        session.commit()
    with workshop.database.session() as session:
        for keeper in (intake, quota, coral_comments):
            keeper.forget(session)
        watch.stop_the_doubtful(session)
        looking.look(session)
        shifts.write(session, zone=settings.time_zone, default_language=settings.default_language)
        shifts.forget_links(session)
        session.commit()
