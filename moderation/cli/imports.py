"""`moderation import` and `export`: a site's history, decisions and all, from and to files of any size."""

import json
from itertools import islice
from pathlib import Path
from typing import TextIO

import click
from rich.console import Console
from rich.progress import open as open_with_progress
from rich.progress import track

from moderation import auth, imports
from moderation.cli.session import open_session
from moderation.errors import BadInput
from moderation.imports import archive
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


@click.command("export")
@click.argument("file", type=click.File("w", encoding="utf-8", atomic=True), default="-")
@click.option("--site", "slug", required=True, help="The site whose history is wanted.")
def export(file: TextIO, slug: str) -> None:
    """Write the articles, comments and decisions of a site to FILE, or to the screen, as JSON Lines.

    `moderation import jsonl` takes them back, here or elsewhere. The file holds names and addresses of commenters.
    """
    console = Console(stderr=True)
    with open_session(read_only=True) as session:
        site = auth.site_by_slug(session, slug)
        total = archive.count(session, site)
        lines = archive.lines(session, site)
        for line in track(lines, "Exporting", total=total, console=console, disable=not console.is_terminal):
            file.write(json.dumps(line, ensure_ascii=False) + "\n")
