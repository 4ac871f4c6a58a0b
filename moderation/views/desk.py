"""The moderators' pages: the queue with its card, what was decided, and the two buttons that decide."""

from flask import Blueprint, redirect, render_template, request, url_for
from flask.typing import ResponseReturnValue
from flask_babel import get_locale
from flask_login import current_user
from sqlalchemy.orm import Session

from moderation import decisions, delivery, wording
from moderation import queue as waiting
from moderation.db import now
from moderation.decisions import Seen
from moderation.errors import BadInput, StaleView
from moderation.models import Comment, Moderator, Outcome, Status
from moderation.queue import Filters, Order, Page
from moderation.views import navigation, services

blueprint = Blueprint("desk", __name__)

HIGHEST_ID = 2**62
ID = f"int(max={HIGHEST_ID})"
"""Ids in addresses: what is larger than any database can hold is no address of ours."""


@blueprint.app_context_processor
def _words() -> dict[str, object]:
    return {
        "wording": wording,
        "now": now,
        "get_locale": get_locale,
        "navigation": navigation.pages,
        "Status": Status,
        "Outcome": Outcome,
    }


BESIDE = frozenset({"order", "after", "comment"})
"""What an address of the queue says besides its filters."""

blueprint.add_app_template_filter(wording.glimpse)
blueprint.add_app_template_filter(wording.ago)


@blueprint.get("/")
def home() -> ResponseReturnValue:
    """Lead to the queue."""
    return redirect(url_for("desk.queue"))


@blueprint.get("/queue")
def queue() -> ResponseReturnValue:
    """Show what waits, and one card of it: the one asked for if it still waits, else the first."""
    order = _order(request.args.get("order"))
    filters = Filters.parse(request.args, beside=BESIDE)
    with services().database.session(read_only=True) as session:
        page = waiting.page(session, filters, order=order, after=request.args.get("after") or None)
        comment = _pending(session, request.args.get("comment", type=int)) or next(iter(page.comments), None)
        return _render_queue(session, page, order, comment, filters=filters)


def _order(given: str | None) -> Order:
    try:
        return Order(given or Order.WORST)
    except ValueError:
        raise BadInput(f"There is no order {given!r}; there are: {', '.join(Order)}.", field="order") from None


def _pending(session: Session, comment_id: int | None) -> Comment | None:
    """The comment if it waits; None also where it was decided since the link to it was made."""
    known = session.get(Comment, comment_id) if comment_id is not None and comment_id <= HIGHEST_ID else None
    return waiting.find(session, known.id) if known is not None and known.status is Status.PENDING else None


def _render_queue(
    session: Session,
    page: Page,
    order: Order,
    comment: Comment | None,
    *,
    filters: Filters,
    stale: StaleView | None = None,
) -> ResponseReturnValue:
    ids = [other.id for other in page.comments]
    at = ids.index(comment.id) if comment is not None and comment.id in ids else -1
    html = render_template(
        "queue.html",
        page=page,
        order=order,
        filters=filters,
        comment=comment,
        context=waiting.context(session, comment) if comment else None,
        before=ids[at - 1] if at > 0 else None,
        following=ids[at + 1] if 0 <= at < len(ids) - 1 else None,
        stale=stale,
        waits=waiting.count(session, filters, at_most=1001),
        **_frame(session),
    )
    return html, stale.status if stale else 200


def _frame(session: Session) -> dict[str, object]:
    """What every page of the desk shows: the counts, and the decision that can still be undone."""
    undoable = decisions.undoable(session, moderator=_moderator(session))
    return {"undoable": undoable}


def _moderator(session: Session) -> Moderator:
    return session.get_one(Moderator, current_user.id)


@blueprint.get("/approved", defaults={"status": Status.APPROVED}, endpoint="approved")
@blueprint.get("/deleted", defaults={"status": Status.DELETED}, endpoint="deleted")
def decided(status: Status) -> ResponseReturnValue:
    """List what was decided, newest first."""
    with services().database.session(read_only=True) as session:
        page = waiting.decided(session, status, after=request.args.get("after") or None)
        latest = decisions.latest(session, [comment.id for comment in page.comments])
        return render_template("decided.html", page=page, status=status, latest=latest, **_frame(session))


@blueprint.get(f"/comments/<{ID}:comment_id>")
def comment(comment_id: int) -> ResponseReturnValue:
    """Show one comment, wherever it stands, with its thread and all that was decided."""
    with services().database.session(read_only=True) as session:
        return _render_comment(session, waiting.find(session, comment_id))


def _render_comment(session: Session, found: Comment, *, stale: StaleView | None = None) -> ResponseReturnValue:
    html = render_template(
        "comment.html", comment=found, context=waiting.context(session, found), stale=stale, **_frame(session)
    )
    return html, stale.status if stale else 200


@blueprint.post(f"/comments/<{ID}:comment_id>/decision")
def decide(comment_id: int) -> ResponseReturnValue:
    """Approve or delete a comment as it was seen, and go on to the next; 409 and what changed on a stale view."""
    outcome, seen, order = _outcome(), _seen(), _order(request.form.get("order"))
    with services().database.session() as session:
        try:
            decision = decisions.decide(
                session,
                comment_id,
                outcome,
                moderator=_moderator(session),
                seen=seen,
                rule_id=_rule() if outcome is Outcome.DELETE else None,
            )
        except StaleView as stale:
            session.rollback()
            return _show_again(session, comment_id, order, stale)
        undo_seconds = decision.comment.site.undo_seconds
        session.commit()
    services().bell.ring("deliver", after=undo_seconds)
    if request.form.get("from") == "comment":
        return redirect(url_for("desk.comment", comment_id=comment_id), 303)
    following = request.form.get("following", type=int)
    return redirect(url_for("desk.queue", order=order, comment=following), 303)


def _outcome() -> Outcome:
    given = request.form.get("outcome")
    if given not in {Outcome.APPROVE, Outcome.DELETE}:
        raise BadInput("`outcome` must be approve or delete.", field="outcome")
    return Outcome(given)


def _rule() -> int | None:
    given = request.form.get("rule")
    if not given:
        return None
    if not given.isascii() or not given.isdigit() or len(given) > 18:
        raise BadInput("`rule` must be the id of a house rule.", field="rule")
    return int(given)


def _seen() -> Seen:
    try:
        return Seen(int(request.form["revision"]) % HIGHEST_ID, Status(request.form.get("status", Status.PENDING)))
    except (KeyError, ValueError):
        raise BadInput("`revision` and `status` must say what you saw.", field="revision") from None


def _show_again(session: Session, comment_id: int, order: Order, stale: StaleView) -> ResponseReturnValue:
    """Show the comment as it is now, and say what changed."""
    found = waiting.find(session, comment_id)
    if found.status is not Status.PENDING:
        return _render_comment(session, found, stale=stale)
    page = waiting.page(session, Filters(), order=order)
    return _render_queue(session, page, order, found, filters=Filters(), stale=stale)


@blueprint.post(f"/decisions/<{ID}:decision_id>/undo")
def undo(decision_id: int) -> ResponseReturnValue:
    """Take a decision back, and show its comment again."""
    with services().database.session() as session:
        comment_id = decisions.undo(session, decision_id, moderator=_moderator(session)).id
        session.commit()
    return redirect(url_for("desk.queue", comment=comment_id), 303)


@blueprint.post(f"/comments/<{ID}:comment_id>/deliveries/<{ID}:delivery_id>")
def send_again(comment_id: int, delivery_id: int) -> ResponseReturnValue:
    """Put a delivery that failed on its way once more."""
    with services().database.session() as session:
        delivery.try_again(session, delivery_id)
        session.commit()
    services().bell.ring("deliver")
    return redirect(url_for("desk.comment", comment_id=comment_id), 303)
