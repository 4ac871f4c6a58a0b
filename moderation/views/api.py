"""The doors for sites: the webhook that brings comments, and decisions for those who cannot be called."""

from flask import Blueprint, request
from flask.typing import ResponseReturnValue

from moderation import assessments, auth, delivery, history, intake
from moderation.contract import CommentDecided, decode, parse_event
from moderation.errors import BadInput
from moderation.views import services

blueprint = Blueprint("api", __name__)


@blueprint.post("/webhooks/<site>/comments")
def webhook(site: str) -> ResponseReturnValue:
    """Take in one signed event of a site; 202 once it is committed."""
    settings = services().settings
    body = request.get_data(cache=False)
    with services().database.session(read_only=True) as session:
        sender = auth.site_by_slug(session, site)
        webhook_id = auth.verify_webhook(sender, body, request.headers, tolerance=settings.clock_tolerance)
    event = parse_event(decode(body))
    with services().database.session() as session:  # only now: on SQLite it keeps all other writers waiting
        longest = settings.max_comment_characters
        if isinstance(event, CommentDecided):
            receipt = history.accept(session, sender, event, webhook_id=webhook_id, max_characters=longest)
        else:
            receipt = intake.accept(session, sender, event, webhook_id=webhook_id, max_characters=longest)
        session.commit()
    services().bell.ring("score")
    return {"id": receipt.id, "status": receipt.status}, 202


@blueprint.get("/api/v1/decisions")
def decisions() -> ResponseReturnValue:
    """List decisions the site has not acknowledged, oldest first; ``after`` is the ``cursor`` of the last one seen."""
    after = _number("after", default=0, highest=2**62)
    limit = _number("limit", default=100, highest=1000)
    with services().database.session(read_only=True) as session:
        site = auth.site_by_token(session, request.headers.get("Authorization"))
        waiting = delivery.waiting(session, site, after=after, limit=limit, links=services().settings.links)
        return {"decisions": waiting, "cursor": waiting[-1]["cursor"] if waiting else str(after)}


@blueprint.post("/api/v1/decisions/ack")
def acknowledge() -> ResponseReturnValue:
    """Mark decisions as heard, by their webhook ids; those already heard or unknown are left alone."""
    payload = decode(request.get_data(cache=False))
    ids = payload.get("ids") if isinstance(payload, dict) else None
    if not isinstance(ids, list) or not all(isinstance(id_, str) for id_ in ids) or len(ids) > 1000:
        raise BadInput('Send {"ids": ["msg_…", …]} with at most 1000 ids.', code="wrong_type", field="ids")
    with services().database.session() as session:
        site = auth.site_by_token(session, request.headers.get("Authorization"))
        acknowledged = delivery.acknowledge(session, site, ids)
        session.commit()
    return {"acknowledged": acknowledged}


@blueprint.get("/api/v1/assessments")
def assessed() -> ResponseReturnValue:
    """Say what the judge found in comments, by the site's own ids; those not judged yet are left out."""
    ids = request.args.getlist("comment")
    if not 1 <= len(ids) <= 100:
        raise BadInput("Send `comment` once for each of 1 to 100 comments.", code="wrong_number", field="comment")
    with services().database.session(read_only=True) as session:
        site = auth.site_by_token(session, request.headers.get("Authorization"))
        return {"assessments": assessments.of(session, site, ids)}


def _number(name: str, *, default: int, highest: int) -> int:
    given = request.args.get(name, str(default))
    if not given.isascii() or not given.isdigit() or len(given) > 20 or int(given) > highest:
        raise BadInput(f"`{name}` must be a whole number from 0 to {highest}.", code="wrong_type", field=name)
    return int(given)
