"""What an open queue asks for while it is looked at: what happened since, and a ring when something did."""

import hashlib

from flask import Blueprint, Response, jsonify, render_template, request
from flask.typing import ResponseReturnValue

from moderation.db import now
from moderation.errors import BadInput
from moderation.queue import Filters, news
from moderation.queue.filters import HIGHEST_ID
from moderation.queue.news import News, Shown
from moderation.reading import reading
from moderation.views import me, services
from moderation.views.desk import BESIDE, MOST_COUNTED
from moderation.wording import gettext, language, ngettext

blueprint = Blueprint("live", __name__)

SHOWN = frozenset({"known", "newest", "revision", "closed"})
"""What an address of the news says besides what an address of the queue says."""


@blueprint.get("/queue/bell")
def bell() -> ResponseReturnValue:
    """Ring when something happened; 204 where all streams are taken, and the page asks by itself from time to time."""
    feed = services().feed
    if not feed.enter():
        return "", 204
    response = Response(feed.rings(), mimetype="text/event-stream", headers={"X-Accel-Buffering": "no"})
    response.call_on_close(feed.leave)
    return response


@blueprint.get("/queue/news")
def since() -> ResponseReturnValue:
    """Say what is different from what the page shows; 304 where nothing happened since it last asked."""
    with reading() as session:
        etag = _etag(news.mark(session))
        if etag in request.if_none_match:
            return "", 304
        filters = Filters.parse(request.args, beside=BESIDE | SHOWN)
        moderator = me(session)
        found = news.news(session, filters, _shown(), moderator=moderator, at_most=MOST_COUNTED + 1)
        response = jsonify(_told(found))
    response.set_etag(etag)
    return response


def _etag(mark: str) -> str:
    """Of everything that the answer depends on; filters by age depend on the minute."""
    seen = (mark, request.query_string.decode("utf-8", "replace"), language(), f"{now():%H:%M}")
    return hashlib.sha256("\n".join(seen).encode("utf-8", "replace")).hexdigest()[:32]


def _shown() -> Shown:
    return Shown(
        [_id("known", part) for part in request.args.get("known", "").split(",") if part],
        newest=_id("newest", request.args.get("newest", "")),
        comment_id=request.args.get("comment", type=int),
        revision=request.args.get("revision", type=int),
        closed={"yes": True, "no": False}.get(request.args.get("closed", "")),
    )


def _id(name: str, given: str) -> int:
    if not given.isascii() or not given.isdigit():
        raise BadInput(f"`{name}` must name comments by their ids.", field=name)
    return min(int(given[:20]), HIGHEST_ID)


def _told(found: News) -> dict[str, object]:
    return {
        "waits": render_template("_waits.html", waits=found.waits),
        "came": ngettext("Show %(num)s new comment", "Show %(num)s new comments", found.came) if found.came else "",
        "gone": [str(id_) for id_ in found.gone],
        "held": {
            str(id_): gettext("%(name)s reads it", name=claim.moderator.name) for id_, claim in found.held.items()
        },
        "notice": _notice(found, request.args.get("comment", type=int)),
    }


def _notice(found: News, comment_id: int | None) -> str:
    """What happened to the open comment, in words; nothing where nothing did, or where none is open."""
    if comment_id is None or not (found.edited or comment_id in found.gone or found.closed is not None):
        return ""
    return render_template("_gone.html", comment_id=comment_id, news=found)
