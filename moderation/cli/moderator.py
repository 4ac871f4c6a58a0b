"""`moderation moderator`: the people who decide."""

from collections.abc import Sequence

import click
from sqlalchemy import select
from sqlalchemy.orm import Session

from moderation import sites
from moderation.access import resetting
from moderation.cli.session import open_session
from moderation.models import Moderator, Role

ROLES = click.Choice([role.value for role in Role])


@click.group()
def moderator() -> None:
    """The people who decide."""


@moderator.command("add")
@click.argument("name")
@click.option("--role", type=ROLES, default="moderator", show_default=True, help="In the whole house.")
@click.option("--site", "only", multiple=True, metavar="SLUG[:admin]", help="Only this site; may be given again.")
@click.password_option(help="Asked for when left out.")
def moderator_add(name: str, role: str, only: tuple[str, ...], password: str) -> None:
    """Add a moderator, or give the one of that NAME a new password and role.

    Whoever is confined to sites stays so; `moderation moderator sites` changes that.
    """
    if only and role == Role.ADMIN:
        raise click.UsageError("An admin of the house sees all sites; say --site SLUG:admin for one of a site.")
    with open_session() as session:
        made = sites.add_moderator(session, name=name, password=password, role=Role(role))
        if only:
            sites.confine_moderator(session, made, _roles(only), by=None)
        session.commit()
    click.echo(f"{name} can sign in now.")


@moderator.command("sites")
@click.argument("name")
@click.argument("only", nargs=-1, metavar="[SLUG[:admin]]...")
@click.option("--whole-house", is_flag=True, help="Let NAME see all sites, those to come, too.")
@click.option("--role", type=ROLES, default="moderator", show_default=True, help="With --whole-house.")
def moderator_sites(name: str, only: tuple[str, ...], *, whole_house: bool, role: str) -> None:
    """Let NAME see these sites only, as a moderator or as an admin of them, or the whole house."""
    if bool(only) == whole_house:
        raise click.UsageError("Say either which sites, or --whole-house.")
    with open_session() as session:
        found = _find(session, name)
        if whole_house:
            sites.open_house(session, found, Role(role), by=None)
        else:
            sites.confine_moderator(session, found, _roles(only), by=None)
        session.commit()
    click.echo(f"{name} sees {'the whole house' if whole_house else ', '.join(only)} from the next page on.")


def _roles(given: Sequence[str]) -> dict[str, Role]:
    roles = {}
    for one in given:
        slug, _, role = one.partition(":")
        if role not in {"", *Role}:
            raise click.UsageError(f"{one!r} must be a site's short name, or that and :admin.")
        roles[slug] = Role(role or Role.MODERATOR)
    return roles


@moderator.command("reset-access")
@click.argument("name")
def moderator_reset_access(name: str) -> None:
    """Take all of NAME's second factors away and sign them out everywhere: for whoever lost their phone."""
    with open_session() as session:
        resetting.reset(session, _find(session, name), by=None)
        session.commit()
    click.echo(f"{name} signs in with the password alone now, and should set up a new second factor.")


def _find(session: Session, name: str) -> Moderator:
    found = session.scalars(select(Moderator).where(Moderator.name == name)).one_or_none()
    if found is None:
        raise click.ClickException(f"There is no moderator {name!r}; `moderation moderator list` names them.")
    return found


@moderator.command("list")
def moderator_list() -> None:
    """List the moderators: role, sites of those who are confined, and who is shut out."""
    with open_session(read_only=True) as session:
        roles = sites.roles_of(session)
        for found in session.scalars(select(Moderator).order_by(Moderator.name)):
            there = [f"{site.slug}:{role}" for site, role in roles.get(found.id, {}).items()]
            role = (" ".join(there) or "no site") if found.confined else found.role
            click.echo(f"{found.name}\t{role}\t{'disabled' if found.disabled_at else ''}".rstrip())
