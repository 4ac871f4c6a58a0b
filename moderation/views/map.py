"""The map of what waits, and the batches that are made on it: drag a box or type its bounds, look, decide once."""

import secrets
from datetime import UTC, datetime

from flask import Blueprint, redirect, render_template, request, url_for
from flask.typing import ResponseReturnValue
from sqlalchemy import select
from sqlalchemy.orm import Session
from werkzeug.datastructures import MultiDict

from moderation import batches, picture
from moderation import queue as waiting
from moderation.db import now
from moderation.errors import BadInput
from moderation.models import Outcome, Site
from moderation.queue import Filters
from moderation.reading import reading
from moderation.views import me, services
from moderation.views.desk import ID
from moderation.views.plots import histogram_option, map_option

blueprint = Blueprint("map", __name__)

BOUNDS = ("relevance_from", "relevance_to", "disrespect_from", "disrespect_to")
BESIDE = frozenset({"seed", "samples", "leave_out", "looked_at", "csrf_token", "outcome", "because", "name"})
MOST_SAMPLES = 100


@blueprint.get("/map")
def show() -> ResponseReturnValue:
    """Show where the waiting comments lie, and what is in the box."""
    with reading() as session:
        filters = _filters(session, request.args)
        dots = picture.dots(session, filters.without(*BOUNDS))
        boxed = any(getattr(filters, name) is not None for name in BOUNDS)
        seed, samples = _number("seed", secrets.randbelow(picture.LARGE)), min(_number("samples", 10), MOST_SAMPLES)
        left_out = _left_out(request.args)
        return render_template(
            "map.html",
            filters=filters,
            sites=session.scalars(select(Site).order_by(Site.name)).all(),
            site=session.scalars(select(Site).where(Site.slug == filters.site)).one_or_none(),
            rows=[(dot.relevance, dot.disrespect, dot.number, dot.minutes) for dot in dots],
            bounds={name: getattr(filters, name) for name in BOUNDS},
            total=sum(dot.number for dot in dots),
            unplaced=waiting.count(session, filters.without(*BOUNDS)) - sum(dot.number for dot in dots),
            map_option=map_option(dots),
            histograms={name: histogram_option(dots, name) for name in ("relevance", "disrespect")},
            chosen=picture.chosen(session, filters, seed=seed, samples=samples, left_out=left_out) if boxed else None,
            seed=seed,
            samples=samples,
            left_out=left_out,
            looked_at=now().timestamp(),
        )


def _filters(session: Session, given: MultiDict[str, str]) -> Filters:
    """The filters of the address; on the map there is one site at a time, because rules are a site's."""
    filters = Filters.parse(given, beside=BESIDE)
    if filters.site is not None:
        return filters
    first = session.scalars(select(Site.slug).order_by(Site.name).limit(1)).one_or_none()
    return Filters.parse(given | {"site": first}, beside=BESIDE) if first else filters


def _number(name: str, otherwise: int) -> int:
    return max(0, min(request.args.get(name, otherwise, type=int), 2**31))


def _left_out(given: MultiDict[str, str]) -> set[int]:
    return {min(number, 2**62) for number in given.getlist("leave_out", type=int)}


@blueprint.post("/map/batches")
def make_batch() -> ResponseReturnValue:
    """Have all in the box decided that was there when the moderator looked, less what they left out."""
    outcome = request.form.get("outcome")
    if outcome not in {Outcome.APPROVE, Outcome.DELETE}:
        raise BadInput("`outcome` must be approve or delete.", field="outcome")
    rule_id = request.form.get("because", type=int) if outcome == Outcome.DELETE else None
    with services().database.session() as session:
        box = picture.in_box(_filters(session, request.form), looked_at=_looked_at(), left_out=_left_out(request.form))
        batch = batches.create(
            session,
            box,
            moderator=me(session),
            outcome=Outcome(outcome),
            rule_id=rule_id,
            name=request.form.get("name", ""),
        )
        session.commit()
        batch_id = batch.id
    services().bell.ring("batch")
    return redirect(url_for("map.batch", batch_id=batch_id), 303)


def _looked_at() -> datetime:
    try:
        return datetime.fromtimestamp(float(request.form["looked_at"]), UTC)
    except (KeyError, ValueError, OverflowError, OSError):
        raise BadInput("`looked_at` must say when you looked.", field="looked_at") from None


@blueprint.get("/batches")
def batches_made() -> ResponseReturnValue:
    """List the batches made last."""
    with reading() as session:
        made = batches.newest(session)
        progress = batches.progress(session, [batch.id for batch in made])
        return render_template("batches.html", batches=made, progress=progress)


@blueprint.get(f"/batches/<{ID}:batch_id>")
def batch(batch_id: int) -> ResponseReturnValue:
    """Show how far a batch is and what it left out."""
    with reading() as session:
        return render_template(
            "batch.html",
            batch=batches.find(session, batch_id),
            progress=batches.progress(session, [batch_id])[batch_id],
            left_out=batches.left_out(session, batch_id),
        )


@blueprint.post(f"/batches/<{ID}:batch_id>/undo")
def undo_batch(batch_id: int) -> ResponseReturnValue:
    """Take all of a batch back."""
    with services().database.session() as session:
        batches.undo(session, batch_id, moderator=me(session))
        session.commit()
    services().bell.ring("batch")
    return redirect(url_for("map.batch", batch_id=batch_id), 303)
