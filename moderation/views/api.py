"""The door for sites: the webhook that brings comments. What else they may ask for is in `views/v1`."""

from flask import Blueprint, request
from flask.typing import ResponseReturnValue

from moderation import auth, history, intake
from moderation.contract import CommentDecided, decode, parse_event
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
