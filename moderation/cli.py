"""The `moderation` command."""

from collections.abc import Iterator
from contextlib import contextmanager

import click
from alembic import command as alembic
from sqlalchemy import select
from sqlalchemy.orm import Session

from moderation import __version__, auth, sites
from moderation.cli_run import run
from moderation.cli_score import score
from moderation.config import load_settings
from moderation.db import Database
from moderation.errors import ModerationError
from moderation.migrations import config
from moderation.models import Moderator, Role, Site


@contextmanager
def _session(*, read_only: bool = False) -> Iterator[Session]:
    """A session with the configured database, closed for good afterwards."""
    database = Database(load_settings().database_url)
    try:
        with database.session(read_only=read_only) as session:
            yield session
    finally:
        database.dispose()


class _Group(click.Group):
    """Shows the service's own errors as one line, not as a traceback."""

    def invoke(self, ctx: click.Context) -> object:
        try:
            return super().invoke(ctx)
        except ModerationError as error:
            raise click.ClickException(error.message) from error


@click.group(cls=_Group)
@click.version_option(__version__)
def main() -> None:
    """Hausordnung: readers' comments, moderated by the site's own stated rules."""


main.add_command(run)
main.add_command(score)


@main.group()
def db() -> None:
    """The database's tables."""


@db.command()
def upgrade() -> None:
    """Bring the tables to the newest version."""
    settings = load_settings()
    settings.home.mkdir(parents=True, exist_ok=True)
    alembic.upgrade(config(settings.database_url), "head")
    click.echo("The database is up to date.")


@db.command()
@click.argument("revision")
def downgrade(revision: str) -> None:
    """Take the tables back to an older REVISION."""
    alembic.downgrade(config(load_settings().database_url), revision)


@main.group()
def site() -> None:
    """The sites that send comments."""


@site.command("add")
@click.argument("slug")
@click.option("--name", required=True, help="As readers know it.")
@click.option("--language", default="de", show_default=True, help="Main language of its articles.")
@click.option("--callback-url", help="Where decisions are sent; without it, the site fetches them.")
@click.option("--callback-private", is_flag=True, help="The callback may be at a private address.")
def site_add(slug: str, name: str, language: str, callback_url: str | None, callback_private: bool) -> None:
    """Add a site, with the house rules to start with, and print its keys. The token is shown only now."""
    with _session() as session:
        made = sites.add_site(session, slug=slug, name=name, language=language, callback_url=callback_url)
        made.callback_private = callback_private
        token = auth.new_token(made)
        session.commit()
        click.echo(f"Webhook address: /webhooks/{made.slug}/comments")
        click.echo(f"Signing secret:  {auth.signing_secrets(made)[0]}")
        click.echo(f"API token:       {token}")


@site.command("set")
@click.argument("slug")
@click.option("--name", help="As readers know it.")
@click.option("--callback-url", help="Where decisions are sent; 'none': the site fetches them.")
@click.option("--callback-private/--callback-public", default=None, help="Whether that may be a private address.")
@click.option("--undo-seconds", type=click.IntRange(0, 86_400), help="How long a decision waits before it is sent.")
def site_set(slug: str, **changes: object) -> None:
    """Change what is known of a site; what is left out stays as it is."""
    with _session() as session:
        sites.change_site(auth.site_by_slug(session, slug), **changes)
        session.commit()
    click.echo(f"{slug} is changed.")


@site.command("show")
@click.argument("slug")
def site_show(slug: str) -> None:
    """Show a site with its signing secret."""
    with _session(read_only=True) as session:
        found = auth.site_by_slug(session, slug)
        click.echo(f"Name:            {found.name}")
        click.echo(f"Webhook address: /webhooks/{found.slug}/comments")
        for secret in auth.signing_secrets(found):
            click.echo(f"Signing secret:  {secret}")
        click.echo(f"Decisions go to: {found.callback_url or '(the site fetches them)'}")
        click.echo(f"Undo window:     {found.undo_seconds} s")


@site.command("token")
@click.argument("slug")
def site_token(slug: str) -> None:
    """Make another API token for a site and print it; those it has stay valid."""
    with _session() as session:
        token = auth.new_token(auth.site_by_slug(session, slug))
        session.commit()
    click.echo(token)


@site.command("list")
def site_list() -> None:
    """List the sites."""
    with _session(read_only=True) as session:
        for found in session.scalars(select(Site).order_by(Site.slug)):
            click.echo(f"{found.slug}\t{found.name}\t{found.callback_url or 'fetches its decisions'}")


@main.group()
def moderator() -> None:
    """The people who decide."""


@moderator.command("add")
@click.argument("name")
@click.option("--role", type=click.Choice([role.value for role in Role]), default="moderator", show_default=True)
@click.password_option(help="Asked for when left out.")
def moderator_add(name: str, role: str, password: str) -> None:
    """Add a moderator, or give the one of that NAME a new password and role."""
    with _session() as session:
        sites.add_moderator(session, name=name, password=password, role=Role(role))
        session.commit()
    click.echo(f"{name} can sign in now.")


@moderator.command("list")
def moderator_list() -> None:
    """List the moderators."""
    with _session(read_only=True) as session:
        for found in session.scalars(select(Moderator).order_by(Moderator.name)):
            click.echo(f"{found.name}\t{found.role}\t{'disabled' if found.disabled_at else ''}".rstrip())
