"""Pages that look over the queue: the day so far, and what was put off."""

from flask import Blueprint, render_template
from flask.typing import ResponseReturnValue

from moderation import alarms
from moderation import queue as waiting
from moderation.models import Maker
from moderation.queue import day
from moderation.reading import reading
from moderation.views import me, midnight, plots
from moderation.views.desk import MOST_COUNTED

blueprint = Blueprint("today", __name__)


@blueprint.get("/today")
def show() -> ResponseReturnValue:
    """Show what came, what was decided and by whom, what waits under which article, and where it heats up."""
    begin = midnight()
    with reading() as session:
        found = day.day(session, begin=begin, moderator=me(session))
        return render_template(
            "today.html",
            day=found,
            begin=begin,
            Maker=Maker,
            waits=waiting.count(session, at_most=MOST_COUNTED + 1),
            hot=[alarm for alarm in alarms.open_ones(session) if alarm.kind == "hot"],
            hours_option=plots.hours_option(found.hours),
        )


@blueprint.get("/put-off")
def put_off() -> ResponseReturnValue:
    """List what was put off, with the notes."""
    with reading() as session:
        return render_template("put_off.html", deferrals=day.put_off(session))
