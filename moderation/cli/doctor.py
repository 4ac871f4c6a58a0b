"""`moderation doctor`: what is wrong with this installation, and how to mend it."""

import sys

import click

from moderation import doctor as examination
from moderation.config import load_settings


@click.command()
def doctor() -> None:
    """Look at everything the service needs and say how to mend what is wrong; exit code 1 if anything is."""
    ill = False
    for finding in examination.examine(load_settings()):
        click.echo(f"{'ok ' if finding.is_well else 'BAD'}  {finding.what}: {finding.found}")
        if not finding.is_well:
            click.echo(f"     {finding.remedy}")
            ill = True
    sys.exit(1 if ill else 0)
