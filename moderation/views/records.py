"""What was done: a moderator's own decisions, the deliveries to the sites, and the audit log."""

from flask import Blueprint, redirect, render_template, request, url_for
from flask.typing import ResponseReturnValue
from flask_login import current_user
from sqlalchemy import select
from sqlalchemy.orm import Session, joinedload

from moderation import audit, auth, delivery
from moderation.db import now
from moderation.models import Closing, Comment, Decision, Delivery, Moderator
from moderation.reading import reading
from moderation.views import services
from moderation.views.desk import HIGHEST_ID, ID
from moderation.wording import deeds

blueprint = Blueprint("records", __name__)
PAGE = 50


def _before() -> int:
    """The id that the entries of the page are older than."""
    return max(0, min(request.args.get("before", HIGHEST_ID, type=int), HIGHEST_ID))


@blueprint.get("/decisions")
def mine() -> ResponseReturnValue:
    """List what the moderator decided, newest first, or only what can still be undone."""
    undoable = request.args.get("state") == "undoable"
    with reading() as session:
        found = select(Decision).where(Decision.moderator_id == current_user.id, Decision.id < _before())
        if undoable:
            ripe = (Delivery.cancelled_at.is_(None), Delivery.attempts == 0, Delivery.not_before > now())
            found = found.join(Decision.delivery).where(*ripe)
        found = found.options(joinedload(Decision.comment).joinedload(Comment.site), joinedload(Decision.delivery))
        made = session.scalars(found.order_by(Decision.id.desc()).limit(PAGE)).all()
        following = made[-1].id if len(made) == PAGE else None
        return render_template("mine.html", decisions=made, undoable_only=undoable, next=following)


@blueprint.get("/deliveries")
def deliveries() -> ResponseReturnValue:
    """List the deliveries, newest first, or only those that failed."""
    failed = request.args.get("state") == "failed"
    with reading() as session:
        sent = _deliveries(session, failed=failed)
        following = sent[-1].id if len(sent) == PAGE else None
        return render_template("deliveries.html", deliveries=sent, failed=failed, next=following)


def _deliveries(session: Session, *, failed: bool) -> list[Delivery]:
    comment = joinedload(Delivery.decision).joinedload(Decision.comment)
    closing = joinedload(Delivery.closing).joinedload(Closing.article)
    found = select(Delivery).where(Delivery.id < _before()).options(comment, closing, joinedload(Delivery.site))
    if failed:
        found = found.where(Delivery.failed_at.is_not(None))
    return list(session.scalars(found.order_by(Delivery.id.desc()).limit(PAGE)))


@blueprint.post(f"/deliveries/<{ID}:delivery_id>")
def send_again(delivery_id: int) -> ResponseReturnValue:
    """Put a delivery that failed on its way once more."""
    with services().database.session() as session:
        delivery.try_again(session, delivery_id)
        session.commit()
    services().bell.ring("deliver")
    return redirect(url_for("records.deliveries", state=request.form.get("state") or None), 303)


@blueprint.get("/audit")
def log() -> ResponseReturnValue:
    """Show admins who did what."""
    auth.require_admin()
    with reading() as session:
        entries = audit.page(session, before=_before(), limit=PAGE)
        following = entries[-1].id if len(entries) == PAGE else None
        moderators = {moderator.id: moderator.name for moderator in session.scalars(select(Moderator))}
        return render_template(
            "audit.html", entries=entries, next=following, deeds=deeds, moderators=moderators, address=_address
        )


def _address(subject: str) -> str | None:
    """Where that is shown to which something was done; None where it has no page."""
    noun, _, name = subject.partition(" ")
    if noun == "site" and not name.isdigit():
        return url_for("sites.show", slug=name)
    pages = {
        "comment": lambda number: url_for("desk.comment", comment_id=number),
        "article": lambda number: url_for("articles.article", article_id=number),
        "batch": lambda number: url_for("map.batch", batch_id=number),
    }
    return pages[noun](int(name)) if noun in pages and name.isdigit() else None
