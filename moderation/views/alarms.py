"""Alarms on the desk: the banner on every page, and taking off what somebody has noticed."""

from collections.abc import Sequence

from flask import Blueprint, redirect, url_for
from flask.typing import ResponseReturnValue
from flask_login import current_user

from moderation import alarms
from moderation.models import Alarm, Moderator
from moderation.views import services
from moderation.wording import alarms as words

blueprint = Blueprint("alarms", __name__)


@blueprint.app_context_processor
def _banner() -> dict[str, object]:
    return {"open_alarms": _open, "alarm_words": words}


def _open() -> Sequence[Alarm]:
    with services().database.session(read_only=True) as session:
        found = alarms.open_ones(session, limit=3)
        session.expunge_all()
        return found


@blueprint.post("/alarms/<int(max=9000000000000000000):alarm_id>/noticed")
def noticed(alarm_id: int) -> ResponseReturnValue:
    """Take an alarm off the desk that somebody has noticed and that does not end by itself."""
    with services().database.session() as session:
        alarms.notice(session, alarm_id, moderator=session.get_one(Moderator, current_user.id))
        session.commit()
    return redirect(url_for("desk.queue"), 303)
