"""Take in many events of a site in one call: each has its own outcome, and what is new is written in one statement."""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from operator import itemgetter
from typing import Any

from sqlalchemy.orm import Session

from moderation import history, intake
from moderation.contract import ArticleData, CommentCreated, CommentDecided, Event, parse_event
from moderation.db import add_new, now
from moderation.errors import BadInput, ModerationError
from moderation.intake import Receipt
from moderation.models import Comment, Site, Status

Admit = Callable[[Event | CommentDecided], None]

MOST = 200
"""Events in a call."""


@dataclass(frozen=True, slots=True)
class Told:
    """One event of a call, or why it is none."""

    event: Event | CommentDecided | None
    problem: ModerationError | None = None


def parse(payload: Any, *, max_characters: int, admit: Admit = lambda _: None) -> list[Told]:
    """Read ``{"events": […]}``; BadInput where it is none. An event that is wrong spoils no other.

    ``admit`` raises what is wrong with an event besides its form.
    """
    events = payload.get("events") if isinstance(payload, dict) else None
    if not isinstance(events, list) or not 1 <= len(events) <= MOST:
        raise BadInput(f'Send {{"events": […]}} with 1 to {MOST} events.', code="wrong_number", field="events")
    return [_parse(event, max_characters, admit) for event in events]


def _parse(payload: Any, max_characters: int, admit: Admit) -> Told:
    try:
        event = parse_event(payload)
        if isinstance(event, CommentCreated):
            intake.require_length(event.data.text, max_characters)
        admit(event)
    except ModerationError as error:
        return Told(None, error)
    return Told(event)


def accept(
    session: Session, site: Site, told: Sequence[Told], *, webhook_id: str, max_characters: int
) -> list[Receipt | ModerationError]:
    """Take in the events in their order; return for each where it stands now, or what is wrong with it.

    The same call again changes nothing, and answers as it stands then.
    """
    is_new = intake.is_news(session, site, webhook_id)
    outcomes: list[Receipt | ModerationError] = []
    for run in _runs(told):
        fresh = _write_new(session, site, run) if is_new else set()
        for item in run:
            if isinstance(item.event, CommentCreated) and item.event.data.id in fresh:
                outcomes.append(Receipt(item.event.data.id, Status.PENDING))
            else:
                known_by = f"{webhook_id[:200]} {len(outcomes)}" if is_new else webhook_id
                outcomes.append(_accept_one(session, site, item, known_by, max_characters))
    return outcomes


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
            if articles.setdefault(article.id, article) == article:
                run.append(item)
                ids.add(item.event.data.id)
                continue
        if run:
            yield run
        yield [item]
        run, ids, articles = [], set(), {}
    if run:
        yield run


def _write_new(session: Session, site: Site, run: Sequence[Told]) -> set[str]:
    """Write the comments of a run that are new; return their ids."""
    events = [item.event for item in run if isinstance(item.event, CommentCreated)]
    told = [(event.data, event.timestamp or now()) for event in events]
    articles = {data.article.id: (data.article, stated_at) for data, stated_at in sorted(told, key=itemgetter(1))}
    ids = intake.article_ids(session, site, articles) if articles else {}
    return add_new(
        session,
        Comment.external_id,
        [intake.first_row(site, data, ids[data.article.id], stated_at) for data, stated_at in told],
    )


def _accept_one(
    session: Session, site: Site, item: Told, webhook_id: str, max_characters: int
) -> Receipt | ModerationError:
    if item.event is None:
        return item.problem or BadInput("This is no event.")
    try:
        if isinstance(item.event, CommentDecided):
            return history.accept(session, site, item.event, webhook_id=webhook_id, max_characters=max_characters)
        return intake.accept(session, site, item.event, webhook_id=webhook_id, max_characters=max_characters)
    except ModerationError as error:
        return error
