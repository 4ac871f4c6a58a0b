"""The people who decide, as admins see them: who is in, with which rights, and since when not any more."""

from flask import Blueprint, redirect, render_template, request, url_for
from flask.typing import ResponseReturnValue
from sqlalchemy import func, select
from sqlalchemy.orm import Session

from moderation import sites
from moderation.auth import require_admin
from moderation.errors import BadInput, NotFound
from moderation.models import Moderator, Role, SignIn
from moderation.reading import reading
from moderation.views import me, services
from moderation.views.desk import ID

blueprint = Blueprint("moderators", __name__, url_prefix="/moderators")
blueprint.before_request(require_admin)


@blueprint.get("")
def show() -> ResponseReturnValue:
    """List everybody who decides or did."""
    with reading() as session:
        return _page(session)


@blueprint.post("")
def add() -> ResponseReturnValue:
    """Let somebody in, and show their password this one time."""
    with services().database.session() as session:
        name = request.form.get("name", "")
        password = sites.let_in(session, name, _role(), by=me(session))
        session.commit()
        return _page(session, name=name.strip(), password=password)


@blueprint.post(f"/<{ID}:moderator_id>")
def change(moderator_id: int) -> ResponseReturnValue:
    """Give somebody other rights, shut them out, or let them in again."""
    with services().database.session() as session:
        enabled = "enabled" in request.form
        sites.change_moderator(session, _find(session, moderator_id), role=_role(), enabled=enabled, by=me(session))
        session.commit()
    return redirect(url_for("moderators.show"), 303)


@blueprint.post(f"/<{ID}:moderator_id>/password")
def password(moderator_id: int) -> ResponseReturnValue:
    """Give somebody who cannot get in any more a new password, and show it this one time."""
    with services().database.session() as session:
        found = _find(session, moderator_id)
        given = sites.new_password(session, found, by=me(session))
        session.commit()
        return _page(session, name=found.name, password=given)


def _page(session: Session, *, name: str = "", password: str = "") -> str:
    seen = dict(
        session.execute(select(SignIn.moderator_id, func.max(SignIn.seen_at)).group_by(SignIn.moderator_id)).all()
    )
    everybody = session.scalars(select(Moderator).order_by(Moderator.disabled_at.is_not(None), Moderator.name)).all()
    return render_template("moderators.html", moderators=everybody, seen=seen, Role=Role, name=name, password=password)


def _find(session: Session, moderator_id: int) -> Moderator:
    found = session.get(Moderator, moderator_id)
    if found is None:
        raise NotFound("There is no such moderator.")
    return found


def _role() -> Role:
    try:
        return Role(request.form.get("role", ""))
    except ValueError:
        raise BadInput("`role` must be moderator or admin.", field="role") from None
