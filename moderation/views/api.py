"""The door for sites: the webhook that brings comments. What else they may ask for is in `views/v1`."""

from contextlib import suppress
from functools import partial

from flask import Blueprint, request
from flask.typing import ResponseReturnValue

from moderation import auth, bulk, intake, telemetry
from moderation.contract import CommentCreated, CommentUpdated, Event, decode, parse_event
from moderation.errors import ModerationError, NotSignedIn
from moderation.models import Site
from moderation.quota import Readers
from moderation.views import services, tally

blueprint = Blueprint("api", __name__)


@blueprint.post("/webhooks/<site>/comments")
def webhook(site: str) -> ResponseReturnValue:
    """Take in one signed event of a site; 202 once it is committed."""
    body = request.get_data(cache=False)
    sender, webhook_id = _sender(site, body)
    event = parse_event(decode(body))
    _admit(services().readers, sender, event)
    receipt = _take_in(sender, event, webhook_id)
    telemetry.note(receipt.comment_id)
    services().bell.ring("score")
    return {"id": receipt.id, "status": receipt.status}, 202


@blueprint.post("/webhooks/<site>/bulk")
def bulk_webhook(site: str) -> ResponseReturnValue:
    """Take in many signed events of a site; 202 with the outcome of each, in their order, once all are committed."""
    longest = services().settings.max_comment_characters
    body = request.get_data(cache=False)
    sender, webhook_id = _sender(site, body)
    admit = partial(_admit, services().readers, sender)
    told = bulk.parse(decode(body), webhook_id=webhook_id, max_characters=longest, admit=admit)
    with services().database.session() as session:
        outcomes = bulk.accept(session, sender, told, max_characters=longest)
        session.commit()
    services().bell.ring("score")
    return {"outcomes": [_outcome(outcome) for outcome in outcomes]}, 202


def _sender(slug: str, body: bytes) -> tuple[Site, str]:
    """Return who signed this request, and its webhook id.

    A sender is remembered for a moment, as looking it up is a third of the work; what was signed with a key that is not
    known yet is looked up anew.
    """
    tolerance = services().settings.clock_tolerance
    known = services().senders.find(slug)
    if known is not None:
        with suppress(NotSignedIn):
            return known, auth.verify_webhook(known, body, request.headers, tolerance=tolerance)
    with services().database.session(read_only=True) as session:
        site = auth.site_by_slug(session, slug)
        session.expunge_all()
    webhook_id = auth.verify_webhook(site, body, request.headers, tolerance=tolerance)
    services().senders.keep(site)
    return site, webhook_id


def _take_in(sender: Site, event: Event, webhook_id: str) -> intake.Receipt:
    """Take in an event and commit it: new comments with those that arrive at the same moment, all else by itself."""
    if isinstance(event, CommentCreated):
        return services().arrivals.take_in(sender, event, webhook_id=webhook_id)
    longest = services().settings.max_comment_characters
    with services().database.session() as session:  # only now: on SQLite it keeps all other writers waiting
        receipt = bulk.accept_one(session, sender, event, webhook_id=webhook_id, max_characters=longest)
        session.commit()
    return receipt


def _admit(readers: Readers, sender: Site, event: Event) -> None:
    """TooMany where a reader's address floods the site; before the database has any work with it."""
    if isinstance(event, CommentCreated | CommentUpdated) and event.data.commenter is not None:
        readers.count(sender, event.data.commenter.ip)


def _outcome(outcome: intake.Receipt | ModerationError) -> dict[str, object]:
    if isinstance(outcome, ModerationError):
        tally.add(outcome.status, outcome.code)
        return {"problem": outcome.as_problem()}
    return {"id": outcome.id, "status": outcome.status}
