"""`moderation moderator`: the people who decide."""

import click
from sqlalchemy import select

from moderation import sites
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


@moderator.command("list")
def moderator_list() -> None:
    """List the moderators."""
    with open_session(read_only=True) as session:
        for found in session.scalars(select(Moderator).order_by(Moderator.name)):
            click.echo(f"{found.name}\t{found.role}\t{'disabled' if found.disabled_at else ''}".rstrip())
