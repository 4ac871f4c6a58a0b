"""Bring decisions to the site: signed and sent, when to try again; or handed over when the site asks.

A site that fails again and again is ill: it is left in peace for a while and then asked by one delivery at a time, so
that it holds up no other site. The first that arrives shows that it is well, and all that waited for it goes.
"""

import hashlib
import itertools
import json
import random
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from email.utils import parsedate_to_datetime
from typing import Any

import httpx
from sqlalchemy import Select, and_, or_, select, update
from sqlalchemy.orm import Session, joinedload
from standardwebhooks.webhooks import Webhook

from moderation import __version__, akismet_questions, auth
from moderation.db import claim as claim_due
from moderation.db import next_try as due_again
from moderation.db import now, seconds_until, shared_now
from moderation.errors import NotFound
from moderation.models import AkismetQuestion, Closing, Comment, Decision, Delivery, Door, Maker, Outcome, Site
from moderation.notices.links import Links
from moderation.outbound import FAILURES, PrivateAddress, inside, place

STEPS = tuple(timedelta(seconds=s) for s in (5, 300, 1800, 7200, 18_000, 36_000, 50_400, 72_000, 86_400))
"""Waits between tries, as Standard Webhooks 1.0 recommends them."""

ILL = 3
"""Tries that failed in a row after which a site counts as ill."""

PAUSE, LONGEST_PAUSE = timedelta(seconds=5), timedelta(seconds=30)
"""How long an ill site is left in peace: so long for each try that failed, and at most so long."""

EVENT_AFTER = {
    Outcome.APPROVE: "comment.approved",
    Outcome.DELETE: "comment.deleted",
    Door.CLOSE: "article.closed",
    Door.OPEN: "article.opened",
}


@dataclass(frozen=True, slots=True)
class Parcel:
    """One delivery, ready to be sent without the database; ``comment_id`` is None where it tells of an article."""

    delivery_id: int
    comment_id: int | None
    url: str
    private: bool
    headers: dict[str, str]
    body: bytes


@dataclass(frozen=True, slots=True)
class Result:
    """What came of a try.

    ``problem`` is None when the site took it, else ``answered <status>``, ``timeout``, ``unreachable <error>`` or
    ``private <address>``. ``gone`` means that the site never will.
    """

    delivery_id: int
    problem: str | None = None
    gone: bool = False
    retry_after: float | None = None


def claim(session: Session, *, limit: int, lease: timedelta) -> list[int]:
    """Take deliveries that are due, to sites that can be called and are not left in peace; return their ids.

    While a site that is ill is tried with one of them, nobody else tries it.
    """
    in_peace = Site.paused_until > shared_now(session)
    reachable = select(Site.id).where(Site.callback_url.is_not(None), or_(Site.paused_until.is_(None), ~in_peace))
    ours = or_(Delivery.site_id.in_(reachable), akismet_questions.asked())
    taken = claim_due(session, Delivery, limit=limit, lease=lease, where=[ours])
    session.execute(
        update(Site)
        .where(Site.id.in_(select(Delivery.site_id).where(Delivery.id.in_(taken))), Site.failed_tries >= ILL)
        .values(paused_until=shared_now(session, lease))
        .execution_options(synchronize_session=False)
    )
    return taken


def next_try(session: Session) -> float | None:
    """In how many seconds something is due that was tried before, or a site was left in peace for long enough."""
    waits = (seconds_until(session, Site.paused_until), due_again(session, Delivery))
    return min((wait for wait in waits if wait is not None), default=None)


def parcels(session: Session, delivery_ids: Sequence[int], *, links: Links) -> list[Parcel]:
    """Sign what is to be sent; the signature holds the time of this try, the webhook id is the same in each."""
    deliveries = session.scalars(_with_all(select(Delivery).where(Delivery.id.in_(delivery_ids)))).all()
    due = [delivery for delivery in deliveries if delivery.due_at is not None]
    decided = {delivery.id: delivery.decision for delivery in due if delivery.decision is not None}
    questions = akismet_questions.of(session, [decision.comment_id for decision in decided.values()])
    return [
        _verdict(delivery, decided[delivery.id], questions[decided[delivery.id].comment_id])
        if delivery.id in decided and decided[delivery.id].comment_id in questions
        else _parcel(delivery, links)
        for delivery in due
    ]


def _with_all(statement: Select[Delivery]) -> Select[Delivery]:
    comment = joinedload(Delivery.decision).joinedload(Decision.comment)
    closing = joinedload(Delivery.closing).joinedload(Closing.article)
    return statement.options(comment.joinedload(Comment.article), closing, joinedload(Delivery.site)).order_by(
        Delivery.id
    )


def _parcel(delivery: Delivery, links: Links) -> Parcel:
    site = delivery.site
    body = json.dumps(message(delivery, links), ensure_ascii=False)
    moment = now()
    signatures = [Webhook(secret).sign(delivery.webhook_id, moment, body) for secret in auth.signing_secrets(site)]
    return Parcel(
        delivery_id=delivery.id,
        comment_id=delivery.decision.comment_id if delivery.decision else None,
        url=site.callback_url or "",
        private=site.callback_private,
        headers={
            "content-type": "application/json",
            "user-agent": f"Hausordnung/{__version__}",
            "webhook-id": delivery.webhook_id,
            "webhook-timestamp": str(int(moment.timestamp())),
            "webhook-signature": " ".join(signatures),
        },
        body=body.encode(),
    )


def _verdict(delivery: Delivery, decision: Decision, question: AkismetQuestion) -> Parcel:
    body = json.dumps(akismet_questions.answer(question, decision.outcome), ensure_ascii=False)
    return Parcel(
        delivery_id=delivery.id,
        comment_id=decision.comment_id,
        url=question.callback_url,
        private=place(question.callback_url) in inside(delivery.site),
        headers={"content-type": "application/json", "user-agent": f"Hausordnung/{__version__}"},
        body=body.encode(),
    )


def message(delivery: Delivery, links: Links) -> dict[str, Any]:
    """What the site is told of a decision, on a comment or on whether an article is closed for comments.

    ``reason`` is the text of the rule that was cited, as readers see it. ``text_sha256`` is of the text that was
    decided on, so that a site can tell when it has another one by now. ``automated`` is whether a machine decided.
    ``statement_url`` is where the commenter reads the reasons of a deletion and can object.
    """
    decision = delivery.decision
    if decision is None:
        return _of_article(delivery)
    comment = decision.comment
    text = comment.text_of(decision.revision)
    return {
        "type": EVENT_AFTER[decision.outcome],
        "timestamp": decision.decided_at.isoformat(),
        "data": {
            "id": comment.external_id,
            "article_id": comment.article.external_id,
            "outcome": str(decision.outcome),
            "rule": decision.rule_id and {"id": decision.rule_id, "title": words(decision.rule_title, delivery.site)},
            "reason": words(decision.rule_text, delivery.site),
            "automated": decision.maker is Maker.RULE,
            "statement_url": links.statement(decision.id) if decision.outcome is Outcome.DELETE else None,
            "revision": decision.revision,
            "text_sha256": hashlib.sha256(text.encode("utf-8", "surrogatepass")).hexdigest(),
            "decided_at": decision.decided_at.isoformat(),
        },
    }


def _of_article(delivery: Delivery) -> dict[str, Any]:
    closing = delivery.closing
    if closing is None:
        raise RuntimeError(f"the delivery {delivery.id} tells of nothing")
    return {
        "type": EVENT_AFTER[closing.outcome],
        "timestamp": closing.decided_at.isoformat(),
        "data": {
            "id": closing.article.external_id,
            "closed": closing.outcome is Door.CLOSE,
            "reason": closing.reason or None,
            "decided_at": closing.decided_at.isoformat(),
        },
    }


def words(by_language: dict[str, str] | None, site: Site) -> str | None:
    """A rule's words in the site's language, else in any; None where no rule was cited."""
    return (by_language.get(site.language) or next(iter(by_language.values()), None)) if by_language else None


def send(parcel: Parcel, client: httpx.Client) -> Result:
    """Send one parcel; only a 2xx means that it arrived. Never raises on anything the network or the site does."""
    try:
        with client.stream("POST", parcel.url, content=parcel.body, headers=parcel.headers) as response:
            pass  # the answer's body says nothing that matters, and may be endless
    except PrivateAddress as error:
        return Result(parcel.delivery_id, f"private {error.address}")
    except httpx.TimeoutException:
        return Result(parcel.delivery_id, "timeout")
    except FAILURES as error:
        return Result(parcel.delivery_id, f"unreachable {type(error).__name__}")
    if response.is_success:
        return Result(parcel.delivery_id)
    return Result(
        parcel.delivery_id,
        f"answered {response.status_code}",
        gone=response.status_code == httpx.codes.GONE,
        retry_after=_retry_after(response.headers.get("retry-after")),
    )


def _retry_after(value: str | None) -> float | None:
    """Seconds the site asks us to wait: given as seconds or as a date; None where it asks nothing sensible."""
    if value is None:
        return None
    try:
        return float(int(value))
    except (ValueError, OverflowError):  # it is a date, or has hundreds of digits
        pass
    try:
        return max(0.0, (parsedate_to_datetime(value).astimezone(UTC) - now()).total_seconds())
    except (ValueError, OverflowError):
        return None


def record(session: Session, result: Result, *, give_up_after: timedelta) -> float | None:
    """Write down what came of a try; return in how many seconds the next one is due, None where there is none."""
    delivery = session.get_one(Delivery, result.delivery_id, with_for_update=True)
    moment = now()
    if result.problem is None:
        delivery.delivered_at, delivery.due_at, delivery.last_error = moment, None, None
        return 0.0 if _is_well(session, delivery.site_id) else None
    delivery.last_error = result.problem
    _is_ill(session, delivery.site_id, result.retry_after)
    if delivery.due_at is None:  # cancelled while it was on its way
        return None
    wait = _wait(delivery.attempts, result.retry_after)
    if result.gone or moment + wait > delivery.not_before + give_up_after:
        delivery.failed_at, delivery.due_at = moment, None
        return None
    delivery.due_at = shared_now(session, wait)
    return wait.total_seconds()


def _is_ill(session: Session, site_id: int, retry_after: float | None) -> None:
    """Count a failure of the site, and leave it in peace if there were several, or if it asks for that."""
    failed = session.scalars(
        update(Site).where(Site.id == site_id).values(failed_tries=Site.failed_tries + 1).returning(Site.failed_tries)
    ).one()
    pause = timedelta(seconds=min(retry_after or 0.0, 86_400.0))
    if failed >= ILL:
        pause = max(pause, min(failed * PAUSE, LONGEST_PAUSE))
    until = shared_now(session, pause) if pause else None
    session.execute(update(Site).where(Site.id == site_id).values(paused_until=until))


def _is_well(session: Session, site_id: int) -> bool:
    """Send what failed while the site was ill; return whether there was any.

    What fails by itself, while the site takes other deliveries, is sent early a few times only.
    """
    failed = session.scalars(select(Site.failed_tries).where(Site.id == site_id)).one()
    if not failed:
        return False
    session.execute(update(Site).where(Site.id == site_id).values(failed_tries=0, paused_until=None))
    waiting = and_(Delivery.site_id == site_id, Delivery.due_at > shared_now(session), Delivery.last_error.is_not(None))
    if failed < ILL:
        waiting = and_(waiting, Delivery.attempts <= ILL)
    # What another worker holds at this moment is on its way already.
    ids = select(Delivery.id).where(waiting).with_for_update(skip_locked=True)
    sent = session.execute(
        update(Delivery)
        .where(Delivery.id.in_(session.scalars(ids).all()))
        .values(due_at=shared_now(session))
        .execution_options(synchronize_session=False)
    )
    return bool(sent.rowcount)  # type: ignore[attr-defined]


def _wait(attempts: int, retry_after: float | None) -> timedelta:
    """How long to wait after so many tries, with up to a tenth more, so that not all come back at one moment."""
    step = STEPS[min(attempts, len(STEPS)) - 1] if attempts else STEPS[0]
    jittered = step * (1 + random.random() / 10)  # noqa: S311 - spreads load, keeps no secret
    return max(jittered, timedelta(seconds=min(retry_after or 0.0, 86_400.0)))


def try_again(session: Session, delivery_id: int) -> None:
    """Put a delivery that failed on its way once more, at once; NotFound where there is none."""
    delivery = session.get(Delivery, delivery_id)
    if delivery is None:
        raise NotFound(f"There is no delivery {delivery_id}.")
    session.execute(update(Site).where(Site.id == delivery.site_id).values(paused_until=None))
    session.execute(
        update(Delivery)
        .where(Delivery.id == delivery_id, Delivery.failed_at.is_not(None))
        .values(failed_at=None, due_at=shared_now(session), not_before=now(), attempts=1)
        .execution_options(synchronize_session=False)
    )


def waiting(session: Session, site: Site, *, after: int, limit: int, links: Links) -> list[dict[str, Any]]:
    """Return decisions the site has not heard yet, oldest first, each with its ``webhook_id`` and ``cursor``.

    Stops at the first decision that can still be undone, so that a cursor never passes one by.
    """
    unheard = _with_all(
        select(Delivery)
        .where(Delivery.site_id == site.id, Delivery.id > after, ~akismet_questions.asked())
        .where(Delivery.delivered_at.is_(None), Delivery.cancelled_at.is_(None))
        .limit(limit)
    )
    moment: datetime = now()
    ripe = itertools.takewhile(lambda delivery: delivery.not_before <= moment, session.scalars(unheard))
    return [
        {"webhook_id": delivery.webhook_id, "cursor": str(delivery.id), **message(delivery, links)} for delivery in ripe
    ]


def acknowledge(session: Session, site: Site, webhook_ids: Sequence[str]) -> int:
    """Mark decisions as heard by the site; return how many were not marked before."""
    moment = now()
    heard = session.execute(
        update(Delivery)
        .where(Delivery.site_id == site.id, Delivery.webhook_id.in_(webhook_ids))
        .where(Delivery.delivered_at.is_(None), Delivery.cancelled_at.is_(None), Delivery.not_before <= moment)
        .values(delivered_at=moment, due_at=None, failed_at=None)
        .execution_options(synchronize_session=False)
    )
    return int(heard.rowcount)  # type: ignore[attr-defined]
