"""Take in events of a site, one or many: each has its own outcome, and what is new is written in one statement.

A webhook is remembered by its id, so that a repeat of it changes nothing. What was refused is as if it had never come:
it may be sent again under the same id, as an update is that came before its comment, and is taken if it fits by then.
"""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from operator import itemgetter
from typing import Any

from sqlalchemy.orm import Session

from moderation import history, intake
from moderation.contract import ArticleData, CommentCreated, CommentDecided, Event, parse_event
from moderation.db import now
from moderation.errors import BadInput, ModerationError
from moderation.intake import Receipt
from moderation.models import Site, Status

Admit = Callable[[Event], None]

MOST = 200
"""Events in a call."""


@dataclass(frozen=True, slots=True)
class Told:
    """One event, or why it is none, and the id of the webhook that brought it, at which place among others."""

    webhook_id: str
    event: Event | None
    problem: ModerationError | None = None
    place: int = 0


def parse(payload: Any, *, webhook_id: str, max_characters: int, admit: Admit = lambda _: None) -> list[Told]:
    """Read ``{"events": […]}``; BadInput where it is none. An event that is wrong spoils no other.

    ``admit`` raises what is wrong with an event besides its form.
    """
    events = payload.get("events") if isinstance(payload, dict) else None
    if not isinstance(events, list) or not 1 <= len(events) <= MOST:
        raise BadInput(f'Send {{"events": […]}} with 1 to {MOST} events.', code="wrong_number", field="events")
    return [_parse(event, webhook_id, place, max_characters, admit) for place, event in enumerate(events)]


def _parse(payload: Any, webhook_id: str, place: int, max_characters: int, admit: Admit) -> Told:
    try:
        event = parse_event(payload)
        if isinstance(event, CommentCreated):
            intake.require_length(event.data.text, max_characters)
        admit(event)
    except ModerationError as error:
        return Told(webhook_id, None, error, place)
    return Told(webhook_id, event, place=place)


def accept(
    session: Session, site: Site, told: Sequence[Told], *, max_characters: int
) -> list[Receipt | ModerationError]:
    """Take in the events in their order; return for each where it stands now, or what is wrong with it.

    What was taken in before under the same id changes nothing, and is answered as it stands now.
    """
    ids = {item.webhook_id for item in told}
    news = intake.news(session, site, ids)
    refused = intake.refused(session, site, ids - news)

    def is_due(item: Told) -> bool:
        return item.webhook_id in news or item.place in refused.get(item.webhook_id, ())

    outcomes: list[Receipt | ModerationError] = []
    for run in _runs(told):
        made = _write_new(session, site, [item for item in run if is_due(item)])
        for item in run:
            if isinstance(item.event, CommentCreated) and item.event.data.id in made:
                outcomes.append(Receipt(item.event.data.id, Status.PENDING, made[item.event.data.id]))
            else:
                outcomes.append(_take_in(session, site, item, is_due(item), max_characters))
    still: dict[str, list[int]] = {webhook_id: [] for webhook_id in refused}
    for item, outcome in zip(told, outcomes, strict=True):
        if isinstance(outcome, ModerationError) and is_due(item):
            still.setdefault(item.webhook_id, []).append(item.place)
    for webhook_id, places in still.items():
        intake.keep_refused(session, site, webhook_id, places)
    return outcomes


def accept_one(session: Session, site: Site, event: Event, *, webhook_id: str, max_characters: int) -> Receipt:
    """Take in one event; raise what is wrong with it: without a commit, its webhook was never heard."""
    (outcome,) = accept(session, site, [Told(webhook_id, event)], max_characters=max_characters)
    if isinstance(outcome, ModerationError):
        raise outcome
    return outcome


def _runs(told: Sequence[Told]) -> Iterator[list[Told]]:
    """Cut the call into runs of new comments that can be written together, and all else one by one.

    In a run every comment comes once, and every article always reads the same.
    """
    run: list[Told] = []
    ids: set[str] = set()
    articles: dict[str, ArticleData] = {}
    for item in told:
        if isinstance(item.event, CommentCreated) and item.event.data.id not in ids:
            article = item.event.data.article
            first = articles.setdefault(article.id, article)
            if first == article and first.model_fields_set == article.model_fields_set:  # what is left out says nothing
                run.append(item)
                ids.add(item.event.data.id)
                continue
        if run:
            yield run
        yield [item]
        run, ids, articles = [], set(), {}
    if run:
        yield run


def _write_new(session: Session, site: Site, run: Sequence[Told]) -> dict[str, int]:
    """Write the comments of a run that are new; return our ids of them by the site's."""
    events = [item.event for item in run if isinstance(item.event, CommentCreated)]
    told = [(event.data, event.timestamp or now()) for event in events]
    articles = {data.article.id: (data.article, stated_at) for data, stated_at in sorted(told, key=itemgetter(1))}
    ids = intake.article_ids(session, site, articles) if articles else {}
    return intake.add_comments(
        session, [intake.first_row(site, data, ids[data.article.id], stated_at) for data, stated_at in told]
    )


def _take_in(session: Session, site: Site, item: Told, is_new: bool, max_characters: int) -> Receipt | ModerationError:
    if item.event is None:
        return item.problem or BadInput("This is no event.")
    try:
        if isinstance(item.event, CommentDecided):
            return history.take_in(session, site, item.event, is_new=is_new, max_characters=max_characters)
        return intake.take_in(session, site, item.event, is_new=is_new, max_characters=max_characters)
    except ModerationError as error:
        return error
