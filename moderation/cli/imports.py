"""`moderation import`: take in a site's history, decisions and all, from files of any size."""

from itertools import islice
from pathlib import Path

import click
from rich.console import Console
from rich.progress import open as open_with_progress

from moderation import auth, imports
from moderation.cli.session import open_session
from moderation.errors import BadInput
from moderation.imports.lines import read_csv, read_jsonl

BATCH = 200


@click.command("import")
@click.argument("form", type=click.Choice(["jsonl", "csv"]))
@click.argument("file", type=click.Path(exists=True, dir_okay=False, path_type=Path))
@click.option("--site", "slug", required=True, help="The site whose history it is.")
def import_(form: str, file: Path, slug: str) -> None:
    """Take in the comments of FILE, and what was decided on them, as labels to learn from.

    At a bad line it stops, says which and why, and ends with 1; all before it is kept. Run it again: what is known
    already changes nothing.
    """
    read = {"jsonl": read_jsonl, "csv": read_csv}[form]
    console = Console(stderr=True)
    taken, problem = 0, None
    with (
        open_with_progress(
            file, "rb", description="Importing", console=console, disable=not console.is_terminal
        ) as opened,
        open_session() as session,
    ):
        comments = read(opened)
        while problem is None:
            site = auth.site_by_slug(session, slug)
            before = taken
            try:
                for comment in islice(comments, BATCH):
                    imports.take(session, site, comment)
                    taken += 1
            except BadInput as error:
                problem = error
            session.commit()
            if taken == before:
                break
    click.echo(f"{taken} comments taken in.")
    if problem is not None:
        raise click.ClickException(problem.message)
