"""The people who decide, as admins see them: who is in, with which rights, and since when not any more."""

from flask import Blueprint, redirect, render_template, request, url_for
from flask.typing import ResponseReturnValue
from sqlalchemy import func, select
from sqlalchemy.orm import Session

from moderation import sites
from moderation.auth import require_admin
from moderation.errors import BadInput, NotFound
from moderation.models import Moderator, Role, SignIn, Site
from moderation.reading import reading
from moderation.views import me, services
from moderation.views.desk import ID

blueprint = Blueprint("moderators", __name__, url_prefix="/moderators")
blueprint.before_request(require_admin)

CONFINED = "confined"
"""What is chosen in place of a role for whoever is to see certain sites only."""


@blueprint.get("")
def show() -> ResponseReturnValue:
    """List everybody who decides or did."""
    with reading() as session:
        return _page(session)


@blueprint.post("")
def add() -> ResponseReturnValue:
    """Let somebody in, and show their password this one time."""
    with services().database.session() as session:
        name, wish = request.form.get("name", "").strip(), request.form.get("role", "")
        role = Role.MODERATOR if wish == CONFINED else _role()
        password = sites.let_in(session, name, role, by=me(session))
        if wish == CONFINED:  # to no site yet: which ones is asked on their own page
            sites.confine_moderator(session, _named(session, name), {}, by=me(session))
        session.commit()
        return _page(session, name=name, password=password)


@blueprint.post(f"/<{ID}:moderator_id>")
def change(moderator_id: int) -> ResponseReturnValue:
    """Give somebody other rights, shut them out, or let them in again."""
    with services().database.session() as session:
        enabled = "enabled" in request.form
        sites.change_moderator(session, _find(session, moderator_id), role=_role(), enabled=enabled, by=me(session))
        session.commit()
    return redirect(url_for("moderators.show"), 303)


@blueprint.get(f"/<{ID}:moderator_id>")
def one(moderator_id: int) -> ResponseReturnValue:
    """Ask whether somebody is to see the whole house, or which sites, and what they may do there."""
    with reading() as session:
        return _one(session, _find(session, moderator_id))


def _one(session: Session, found: Moderator, *, wrong: dict[str, Role] | None = None) -> str:
    """The form as it stands, or as it was filled in, if that says neither or both."""
    kept = {site.slug: role for site, role in sites.roles_of(session).get(found.id, {}).items()}
    return render_template(
        "moderator.html",
        one=found,
        all_sites=session.scalars(select(Site).order_by(Site.name)).all(),
        roles=kept if wrong is None else wrong,
        Role=Role,
        wrong=wrong is not None,
    )


@blueprint.post(f"/<{ID}:moderator_id>/sites", endpoint="sites")
def set_sites(moderator_id: int) -> ResponseReturnValue:
    """Let somebody see the whole house, or the sites that were chosen only."""
    with services().database.session() as session:
        found = _find(session, moderator_id)
        chosen, is_whole = _chosen(), request.form.get("reach") == "house"
        if (not is_whole and not chosen) or (is_whole and chosen and not found.confined):
            session.rollback()
            return _one(session, found, wrong=chosen), 422
        if is_whole:
            sites.open_house(session, found, _role(), by=me(session))
        else:
            sites.confine_moderator(session, found, chosen, by=me(session))
        session.commit()
    return redirect(url_for("moderators.show"), 303)


def _chosen() -> dict[str, Role]:
    """The sites for which a role was chosen, by slug."""
    prefix = "site-"
    try:
        return {
            name.removeprefix(prefix): Role(value)
            for name, value in request.form.items()
            if name.startswith(prefix) and value
        }
    except ValueError:
        raise BadInput("A role at a site must be moderator or admin.", field="role") from None


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
    return render_template(
        "moderators.html",
        moderators=everybody,
        seen=seen,
        roles=sites.roles_of(session),
        Role=Role,
        CONFINED=CONFINED,
        name=name,
        password=password,
    )


def _named(session: Session, name: str) -> Moderator:
    return session.scalars(select(Moderator).where(Moderator.name == name)).one()


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
