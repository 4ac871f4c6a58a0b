"""`moderation db`: the database's tables."""

import click
from alembic import command as alembic

from moderation.config import load_settings
from moderation.migrations import config


@click.group()
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
