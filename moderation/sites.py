"""Set up sites, with the house rules a new one starts with, and the moderators who look after them."""

import re
import secrets
from collections.abc import Mapping
from pathlib import Path

from sqlalchemy import delete, select
from sqlalchemy.orm import Session

from moderation import audit, auth, rulebook
from moderation.access import passwords, resetting, sign_ins
from moderation.db import now
from moderation.errors import BadInput, Forbidden
from moderation.models import Moderator, Role, Site, SiteRole
from moderation.rulebook import StatedRule, files

_SLUG = re.compile(r"[a-z0-9][a-z0-9-]{0,59}")


def add_site(
    session: Session,
    *,
    slug: str,
    name: str,
    language: str = "de",
    callback_url: str | None = None,
    by: Moderator | None = None,
) -> Site:
    """Create a site with a signing key of its own and the house rules to start with; None is whoever may run commands.

    BadInput where the slug is taken or no slug (small letters, digits, hyphens), or the callback is no http address.
    """
    if not _SLUG.fullmatch(slug):
        raise BadInput(f"{slug!r} cannot be a slug: small letters, digits and hyphens, at most 60.", field="slug")
    if session.scalars(select(Site).where(Site.slug == slug)).one_or_none() is not None:
        raise BadInput(f"There is a site {slug!r} already.", code="taken", field="slug")
    site = Site(slug=slug, name=name, language=language, undo_seconds=10)
    change_site(site, callback_url=callback_url)
    session.add(site)
    auth.new_signing_key(site)
    session.flush()
    audit.note(session, "site_added", moderator=by, subject=f"site {slug}")
    rulebook.save(session, site, starting_rules(), moderator=by)
    return site


def change_site(site: Site, **changes: object) -> None:
    """Set what is given and not None; ``callback_url`` may be "none", and the site fetches its decisions.

    BadInput where the callback is no http address.
    """
    callback_url = changes.get("callback_url")
    if callback_url == "none":
        changes.pop("callback_url")
        site.callback_url = None
    elif callback_url is not None and not re.match(r"https?://\S+$", str(callback_url)):
        raise BadInput(f"{callback_url!r} is no http or https address.", field="callback_url")
    for name, value in changes.items():
        if value is not None:
            setattr(site, name, value)


def starting_rules() -> list[StatedRule]:
    """Return the house rules a new site starts with."""
    return files.read_file(Path(__file__).parent / "house_rules.yaml").rules


def add_moderator(
    session: Session, *, name: str, password: str, role: Role = Role.MODERATOR, by: Moderator | None = None
) -> Moderator:
    """Create a moderator, or give the one of that name a new password and role, which ends all their sign-ins.

    Who is confined to sites stays so; BadInput where they would be an admin of the house.
    """
    moderator = session.scalars(select(Moderator).where(Moderator.name == name)).one_or_none()
    deed = "moderator_added" if moderator is None else "password_given"
    if moderator is None:
        moderator = Moderator(name=name, role=role)
        session.add(moderator)
    moderator.password_hash = passwords.hashed(password)
    _set_role(moderator, role)
    moderator.disabled_at = None
    passwords.forget_wrong(moderator)
    session.flush()
    sign_ins.end_all(session, moderator)
    audit.note(session, deed, moderator=by, subject=f"moderator {moderator.id}", role=str(role))
    return moderator


def _is_admin_still(session: Session, by: Moderator | None) -> None:
    """Forbidden unless whoever asked is an admin of the house by now; None is whoever may run commands here.

    Two admins who take each other's rights at the same moment wait here, so that the house keeps one of them.
    """
    if by is None:
        return
    are_admins = (Moderator.role == Role.ADMIN, Moderator.confined.is_(False), Moderator.disabled_at.is_(None))
    admins = select(Moderator.id).where(*are_admins).order_by(Moderator.id)
    if by.id not in session.scalars(admins.with_for_update(key_share=True)).all():
        raise Forbidden("Only an admin may do this.")


def let_in(session: Session, name: str, role: Role, *, by: Moderator) -> str:
    """Create a moderator and return the password to hand over; BadInput where the name is empty, long or taken."""
    _is_admin_still(session, by)
    name = name.strip()
    if not 1 <= len(name) <= 80:
        raise BadInput("A name has between 1 and 80 characters.", field="name", code="name_length")
    if session.scalars(select(Moderator.id).where(Moderator.name == name)).first():
        raise BadInput(f"There is a moderator {name!r} already.", field="name", code="name_taken")
    password = make_password()
    add_moderator(session, name=name, password=password, role=role, by=by)
    return password


def new_password(session: Session, moderator: Moderator, *, by: Moderator) -> str:
    """Return a new password for somebody, who loses second factors and sign-ins and may come in again."""
    _is_admin_still(session, by)
    password = make_password()
    add_moderator(session, name=moderator.name, password=password, role=moderator.role, by=by)
    resetting.reset(session, moderator, by=by)
    return password


def change_moderator(session: Session, moderator: Moderator, *, role: Role, enabled: bool, by: Moderator) -> None:
    """Give a moderator another role, shut them out, which ends all their sign-ins, or let them in again.

    BadInput where somebody would take the admin's rights from themselves: a house needs one; or where whoever is
    confined to sites would be an admin of the house.
    """
    _is_admin_still(session, by)
    session.refresh(moderator)  # who waited sees what the other did
    if moderator.id == by.id and (role is not Role.ADMIN or not enabled):
        raise BadInput("Somebody else has to do this: an admin cannot take the rights from themselves.", code="oneself")
    _set_role(moderator, role)
    moderator.disabled_at = None if enabled else moderator.disabled_at or now()
    if not enabled:
        sign_ins.end_all(session, moderator)
    audit.note(
        session, "moderator_changed", moderator=by, subject=f"moderator {moderator.id}", role=str(role), enabled=enabled
    )


def _set_role(moderator: Moderator, role: Role) -> None:
    if moderator.confined and role is Role.ADMIN:
        raise BadInput(
            f"{moderator.name} is confined to sites; open the whole house to them first.", code="confined", field="role"
        )
    moderator.role = role


def confine_moderator(
    session: Session, moderator: Moderator, roles: Mapping[str, Role], *, by: Moderator | None
) -> None:
    """Let a moderator see these sites only, by slug, and be moderator or admin there; from their next request on.

    NotFound where there is no such site; BadInput where somebody would do so to themselves.
    """
    if by is not None and by.id == moderator.id:
        raise BadInput("Somebody else has to do this: an admin cannot take the rights from themselves.", code="oneself")
    _is_admin_still(session, by)
    found = {slug: auth.site_by_slug(session, slug) for slug in roles}
    session.execute(delete(SiteRole).where(SiteRole.moderator_id == moderator.id))
    moderator.confined, moderator.role = True, Role.MODERATOR
    session.add_all(
        SiteRole(moderator_id=moderator.id, site_id=found[slug].id, role=role) for slug, role in roles.items()
    )
    said = {slug: str(role) for slug, role in roles.items()}
    audit.note(session, "moderator_confined", moderator=by, subject=f"moderator {moderator.id}", sites=said)


def open_house(session: Session, moderator: Moderator, role: Role, *, by: Moderator | None) -> None:
    """Let a moderator who was confined see the whole house, with a role in it."""
    _is_admin_still(session, by)
    session.execute(delete(SiteRole).where(SiteRole.moderator_id == moderator.id))
    moderator.confined, moderator.role = False, role
    audit.note(session, "moderator_released", moderator=by, subject=f"moderator {moderator.id}", role=str(role))


def roles_of(session: Session) -> dict[int, dict[Site, Role]]:
    """Return what confined moderators may do at which sites, by moderator, each in the order of the sites' names."""
    rows = session.execute(
        select(SiteRole.moderator_id, Site, SiteRole.role).join(Site, Site.id == SiteRole.site_id).order_by(Site.name)
    )
    found: dict[int, dict[Site, Role]] = {}
    for moderator_id, site, role in rows:
        found.setdefault(moderator_id, {})[site] = role
    return found


def make_password() -> str:
    """Return a password that can be read out on the telephone."""
    letters = "abcdefghjkmnpqrstuvwxyz23456789"
    return "-".join("".join(secrets.choice(letters) for _ in range(4)) for _ in range(4))
