"""`moderation audit`: whether the log of who did what is as it was written."""

import click

from moderation import audit as log
from moderation.cli.session import open_session


@click.group()
def audit() -> None:
    """The log of who did what."""


@audit.command("verify")
@click.option("--known", metavar="NUMBER:SEAL", help="A seal that was printed earlier and kept elsewhere.")
def audit_verify(known: str | None) -> None:
    """Check that no entry was changed, put in or taken out; ends with 1 where one was, and says which."""
    with open_session(read_only=True) as session:
        found = log.verify(session, known=known)
    if found.problem:
        raise click.ClickException(found.problem)
    click.echo(
        f"{found.sealed} entries are as they were written; {found.waiting} wait for the next sweep to be sealed."
    )
    if found.head:
        click.echo(f"Keep this elsewhere, for --known: {found.head}")
