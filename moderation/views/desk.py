"""The moderators' pages: the queue with its card, what was decided, and the two buttons that decide."""

from collections.abc import Mapping
from typing import TypedDict

from flask import Blueprint, jsonify, redirect, render_template, request, url_for
from flask import session as browser
from flask.typing import ResponseReturnValue
from sqlalchemy import select
from sqlalchemy.orm import Session

from moderation import decisions, delivery, telemetry, threads, wording
from moderation import queue as waiting
from moderation.db import now
from moderation.decisions import Seen
from moderation.errors import BadInput, NotFound, StaleView
from moderation.models import Claim, Comment, Decision, Outcome, Site, Status
from moderation.queue import Filters, Order, Page, day
from moderation.queue.filters import NAMES
from moderation.reading import reading
from moderation.views import chips, me, midnight, navigation, services, undoing
from moderation.views.addresses import arguments, local, with_arguments

blueprint = Blueprint("desk", __name__)

HIGHEST_ID = 2**62
ID = f"int(max={HIGHEST_ID})"
"""Ids in addresses: what is larger than any database can hold is no address of ours."""


@blueprint.app_context_processor
def _words() -> dict[str, object]:
    return {
        "MOST_COUNTED": MOST_COUNTED,
        "wording": wording,
        "now": now,
        "language": wording.language,
        "navigation": navigation.pages,
        "Status": Status,
        "Outcome": Outcome,
    }


MOST_COUNTED = 1000
"""Up to here the page counts exactly; more is said as such."""

BESIDE = frozenset({"order", "after", "comment"})
"""What an address of the queue says besides its filters."""

blueprint.add_app_template_filter(wording.glimpse)
blueprint.add_app_template_filter(wording.plain)
blueprint.add_app_template_filter(wording.ago)


@blueprint.get("/")
def home() -> ResponseReturnValue:
    """Lead to the queue."""
    return redirect(url_for("desk.queue"))


@blueprint.get("/queue")
def queue() -> ResponseReturnValue:
    """Show what waits, and one card of it: the one asked for if it still waits, else the first nobody else has."""
    with reading() as session:
        return _render_queue(session, request.args, _pending(session, request.args.get("comment", type=int)))


def _order(given: str | None) -> Order:
    try:
        return Order(given or Order.WORST)
    except ValueError:
        raise BadInput(
            f"There is no order {given!r}; there are: {', '.join(Order)}.", code="no_such_order", field="order"
        ) from None


def _pending(session: Session, comment_id: int | None) -> Comment | None:
    """The comment if it waits; None also where it was decided since the link to it was made."""
    known = session.get(Comment, comment_id) if comment_id is not None and comment_id <= HIGHEST_ID else None
    return waiting.find(session, known.id) if known is not None and known.status is Status.PENDING else None


def _render_queue(
    session: Session, asked: Mapping[str, str], comment: Comment | None, *, stale: StaleView | None = None
) -> ResponseReturnValue:
    """Show the queue that ``asked``, the arguments of an address, means."""
    listed = _listed(session, asked, also=comment)
    page, held = listed["page"], listed["held_by"]
    ids = [other.id for other in page.comments]
    comment = comment or next((other for other in page.comments if other.id not in held), None)
    comment = comment or next(iter(page.comments), None)
    at = ids.index(comment.id) if comment is not None and comment.id in ids else -1
    waits, newest = waiting.count_and_newest(session, listed["filters"], at_most=MOST_COUNTED + 1)
    html = render_template(
        "queue.html",
        newest=newest,
        sites=[] if newest else session.scalars(select(Site).order_by(Site.name)).all(),
        before=ids[at - 1] if at > 0 else None,
        following=next((id_ for id_ in ids[at + 1 :] if id_ not in held), None),
        waits=waits,
        chips=chips.of(session, listed["filters"]),
        tally=None if comment else day.tally(session, begin=midnight()),
        **_beside(session, comment, stale=stale, **listed),
        **_frame(session),
    )
    return html, stale.status if stale else 200


class _Listed(TypedDict):
    """A page of the queue: which part of it, in which order, its comments, and who else has which of them open."""

    order: Order
    filters: Filters
    after: str | None
    page: Page
    held_by: dict[int, Claim]


def _listed(session: Session, asked: Mapping[str, str], *, also: Comment | None = None) -> _Listed:
    """The page that ``asked`` means; who has it open is said of the comment ``also``, too, wherever it stands."""
    order, filters, after = _order(asked.get("order")), Filters.parse(asked, beside=BESIDE), asked.get("after") or None
    page = waiting.page(session, filters, order=order, after=after)
    shown = [other.id for other in (*page.comments, also) if other]
    held = waiting.held_by_others(session, shown, moderator=me(session))
    return {"order": order, "filters": filters, "after": after, "page": page, "held_by": held}


@blueprint.get("/queue/list")
def listed() -> ResponseReturnValue:
    """Show the list alone, for a page that has decided on most of its own."""
    with reading() as session:
        return render_template("_listed.html", comment=None, **_listed(session, request.args))


def _beside(
    session: Session,
    comment: Comment | None,
    *,
    held_by: Mapping[int, Claim],
    stale: StaleView | None = None,
    **place: object,
) -> dict[str, object]:
    """What a card shows: the comment, what stands around it, and what changed since it was looked at."""
    draft = browser.get("draft") or {}
    return {
        "comment": comment,
        "context": waiting.context(session, comment) if comment else None,
        "held_by": held_by,
        "held": held_by.get(comment.id) if comment else None,
        "draft": draft.get("note") if comment and draft.get("comment") == comment.id else None,
        "stale": stale,
        "was_old": browser.pop("was_old", False),
        "changes": _changes(comment) if comment and stale else None,
        **place,
    }


def _changes(comment: Comment) -> list[wording.Change] | None:
    """What is different from the text that was looked at."""
    given = request.form.get("revision", "")
    if not given.isascii() or not given.isdigit() or int(given[:18]) >= comment.revision:
        return None
    return wording.changes(comment.text_of(int(given[:18])), comment.text)


@blueprint.get(f"/queue/cards/<{ID}:comment_id>")
def card(comment_id: int) -> ResponseReturnValue:
    """Show the card alone, for a page that has the rest; NotFound where the comment waits no more."""
    with reading() as session:
        comment = _pending(session, comment_id)
        if comment is None:
            raise NotFound(f"The comment {comment_id} does not wait.")
        beside = _beside(
            session,
            comment,
            held_by=waiting.held_by_others(session, [comment.id], moderator=me(session)),
            order=_order(request.args.get("order")),
            after=request.args.get("after") or None,
            filters=Filters.parse(request.args, beside=BESIDE),
        )
        return render_template("_place.html", page=True, following=None, **beside)


@blueprint.get("/queue/filters")
def filters() -> ResponseReturnValue:
    """Ask which of the waiting comments are wanted."""
    with reading() as session:
        chosen = Filters.parse(request.args, beside=BESIDE)
        return render_template(
            "filters.html",
            filters=chosen,
            order=_order(request.args.get("order")),
            choices=chips.choices(session),
            names=NAMES,
            label=wording.filter_name,
            **_frame(session),
        )


@blueprint.get("/search")
def search() -> ResponseReturnValue:
    """Find comments, wherever they stand, and articles by their words."""
    wanted = request.args.get("words", "")[:200]
    with reading() as session:
        return render_template("search.html", wanted=wanted, **waiting.search(session, wanted), **_frame(session))


def _frame(session: Session) -> dict[str, object]:
    """What every page of the desk shows: what the moderator can still undo."""
    return {"undoable": undoing.latest(session)}


@blueprint.get("/approved", defaults={"status": Status.APPROVED}, endpoint="approved")
@blueprint.get("/deleted", defaults={"status": Status.DELETED}, endpoint="deleted")
def decided(status: Status) -> ResponseReturnValue:
    """List what was decided, newest first."""
    with reading() as session:
        page = waiting.decided(session, status, after=request.args.get("after") or None)
        latest = decisions.latest(session, [comment.id for comment in page.comments])
        return render_template("decided.html", page=page, status=status, latest=latest, **_frame(session))


@blueprint.get(f"/comments/<{ID}:comment_id>")
def comment(comment_id: int) -> ResponseReturnValue:
    """Show one comment, wherever it stands, with its thread and all that was decided."""
    with reading() as session:
        return _render_comment(session, waiting.find(session, comment_id))


def _render_comment(session: Session, found: Comment, *, stale: StaleView | None = None) -> ResponseReturnValue:
    html = render_template(
        "comment.html",
        comment=found,
        context=waiting.context(session, found),
        thread=_thread(session, found),
        stale=stale,
        **_frame(session),
    )
    return html, stale.status if stale else 200


@blueprint.get(f"/comments/<{ID}:comment_id>/thread")
def thread(comment_id: int) -> ResponseReturnValue:
    """Show the comments around one, for a card that has the rest."""
    with reading() as session:
        found = waiting.find(session, comment_id)
        return render_template("_thread.html", comment=found, thread=_thread(session, found))


def _thread(session: Session, comment: Comment) -> list[threads.Entry]:
    """The comments around one as trees; answers may have been sent before what they answer came here."""
    return threads.arrange(sorted(waiting.thread(session, comment), key=lambda one: (one.submitted_at, one.id)))


@blueprint.post(f"/comments/<{ID}:comment_id>/decision")
def decide(comment_id: int) -> ResponseReturnValue:
    """Approve or delete a comment as it was seen, and go on to the next; 409 and what changed on a stale view."""
    outcome, seen = _outcome(), _seen()
    telemetry.note(comment_id)
    with services().database.session() as session:
        session.expire_on_commit = False  # what was decided is shown as it is, not asked for again
        moderator = me(session)
        try:
            decision = decisions.decide(
                session,
                comment_id,
                outcome,
                moderator=moderator,
                seen=seen,
                rule_id=_rule() if outcome is Outcome.DELETE else None,
            )
        except StaleView as stale:
            session.rollback()
            return _show_again(session, comment_id, stale)
        following = request.form.get("following", type=int)
        if following is not None and following <= HIGHEST_ID:
            waiting.claim(session, following, moderator=moderator)
        undo_seconds = decision.comment.site.undo_seconds
        session.commit()
        told = _told(session, decision) if _is_part() else None
    services().bell.ring("deliver", after=undo_seconds)
    if told is not None:
        return told
    if request.form.get("from") == "comment":
        return redirect(url_for("desk.comment", comment_id=comment_id), 303)
    return redirect(_back(following), 303)


def _is_part() -> bool:
    """Whether the desk's script asks, which has the rest of the page."""
    return request.headers.get("X-Part") == "1"


def _told(session: Session, decision: Decision) -> str:
    """What was just done, with the button that takes it back."""
    undoable = undoing.after(session, decision)
    return render_template("_undo.html", undoable=undoable) if undoable else ""


def _back(comment_id: int | None) -> str:
    """The queue as it was, with another card."""
    return with_arguments(local(request.form.get("back")) or url_for("desk.queue"), comment=comment_id)


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
        raise BadInput("`rule` must be the id of a house rule.", code="unknown_rule", field="rule")
    return int(given)


def _seen() -> Seen:
    try:
        return Seen(int(request.form["revision"]) % HIGHEST_ID, Status(request.form.get("status", Status.PENDING)))
    except (KeyError, ValueError):
        raise BadInput("`revision` and `status` must say what you saw.", field="revision") from None


def _show_again(session: Session, comment_id: int, stale: StaleView) -> ResponseReturnValue:
    """Show the comment as it is now, and say what changed."""
    found = waiting.find(session, comment_id)
    if _is_part():
        return render_template("_stale.html", comment=found, stale=stale, changes=_changes(found)), stale.status
    if found.status is not Status.PENDING:
        return _render_comment(session, found, stale=stale)
    return _render_queue(session, arguments(request.form.get("back")), found, stale=stale)


@blueprint.post(f"/decisions/<{ID}:decision_id>/undo")
def undo(decision_id: int) -> ResponseReturnValue:
    """Take a decision back, and show its comment again."""
    with services().database.session() as session:
        comment_id = decisions.undo(session, decision_id, moderator=me(session)).id
        session.commit()
    return redirect(url_for("desk.queue", comment=comment_id), 303)


@blueprint.post(f"/decisions/<{ID}:decision_id>/reverse")
def reverse(decision_id: int) -> ResponseReturnValue:
    """Decide the opposite of what the site was told, and have it told that."""
    with services().database.session() as session:
        decision = decisions.reverse(session, decision_id, moderator=me(session))
        comment_id, undo_seconds = decision.comment_id, decision.comment.site.undo_seconds
        session.commit()
    services().bell.ring("deliver", after=undo_seconds)
    return redirect(url_for("desk.comment", comment_id=comment_id), 303)


@blueprint.post(f"/comments/<{ID}:comment_id>/deferral")
def defer(comment_id: int) -> ResponseReturnValue:
    """Put a comment off with a note, and go on to the next."""
    with services().database.session() as session:
        try:
            waiting.defer(session, comment_id, moderator=me(session), note=request.form.get("note", ""))
        except StaleView as stale:
            session.rollback()
            return _show_again(session, comment_id, stale)
        session.commit()
    browser.pop("draft", None)
    return ("", 204) if _is_part() else redirect(_back(request.form.get("following", type=int)), 303)


@blueprint.post(f"/comments/<{ID}:comment_id>/take-up")
def take_up(comment_id: int) -> ResponseReturnValue:
    """Put a comment that was put off back in the queue, and show it."""
    with services().database.session() as session:
        waiting.take_up(session, comment_id)
        session.commit()
    return redirect(url_for("desk.queue", comment=comment_id), 303)


@blueprint.post(f"/comments/<{ID}:comment_id>/claim")
def claim(comment_id: int) -> ResponseReturnValue:
    """Say that the moderator has this comment open."""
    with services().database.session() as session:
        moderator = me(session)
        if not waiting.claim(session, comment_id, moderator=moderator):
            raise NotFound(f"There is no comment {comment_id}.")
        held = waiting.held_by_others(session, [comment_id], moderator=moderator).get(comment_id)
        session.commit()
        return jsonify(by=held.moderator.name if held else None)


@blueprint.post(f"/comments/<{ID}:comment_id>/deliveries/<{ID}:delivery_id>")
def send_again(comment_id: int, delivery_id: int) -> ResponseReturnValue:
    """Put a delivery that failed on its way once more."""
    with services().database.session() as session:
        delivery.try_again(session, delivery_id)
        session.commit()
    services().bell.ring("deliver")
    return redirect(url_for("desk.comment", comment_id=comment_id), 303)
