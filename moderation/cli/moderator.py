"""`moderation moderator`: the people who decide."""

import click
from sqlalchemy import select

from moderation import access, sites
from moderation.cli.session import open_session
from moderation.models import Moderator, Role


@click.group()
def moderator() -> None:
    """The people who decide."""


@moderator.command("add")
@click.argument("name")
@click.option("--role", type=click.Choice([role.value for role in Role]), default="moderator", show_default=True)
@click.password_option(help="Asked for when left out.")
def moderator_add(name: str, role: str, password: str) -> None:
    """Add a moderator, or give the one of that NAME a new password and role."""
    with open_session() as session:
        sites.add_moderator(session, name=name, password=password, role=Role(role))
        session.commit()
    click.echo(f"{name} can sign in now.")


@moderator.command("reset-access")
@click.argument("name")
def moderator_reset_access(name: str) -> None:
    """Take all of NAME's second factors away and sign them out everywhere: for whoever lost their phone."""
    with open_session() as session:
        found = session.scalars(select(Moderator).where(Moderator.name == name)).one_or_none()
        if found is None:
            raise click.ClickException(f"There is no moderator {name!r}; `moderation moderator list` names them.")
        access.reset(session, found)
        session.commit()
    click.echo(f"{name} signs in with the password alone now, and should set up a new second factor.")


@moderator.command("list")
def moderator_list() -> None:
    """List the moderators."""
    with open_session(read_only=True) as session:
        for found in session.scalars(select(Moderator).order_by(Moderator.name)):
            click.echo(f"{found.name}\t{found.role}\t{'disabled' if found.disabled_at else ''}".rstrip())
