"""`moderation import` and `export`: a site's history, decisions and all, from and to files of any size."""

import json
from collections.abc import Iterator
from contextlib import contextmanager
from itertools import islice
from pathlib import Path
from typing import Any, TextIO

import click
from rich.console import Console
from rich.progress import open as open_with_progress
from rich.progress import track
from sqlalchemy.orm import Session

from moderation import auth
from moderation.cli.session import open_session
from moderation.errors import BadInput
from moderation.imports import archive, isso, taking, unfinished
from moderation.imports.disqus import read_disqus
from moderation.imports.isso import read_isso
from moderation.imports.lines import read_csv, read_jsonl
from moderation.imports.place import START, Found, Place
from moderation.imports.unfinished import Beginning
from moderation.imports.wordpress import read_wordpress

BATCH = 500

FROM_FILES = {"jsonl": read_jsonl, "csv": read_csv, "wordpress": read_wordpress, "disqus": read_disqus}


@click.command("import")
@click.argument("form", type=click.Choice([*FROM_FILES, "isso"]))
@click.argument("file", type=click.Path(exists=True, dir_okay=False, path_type=Path))
@click.option("--site", "slug", required=True, help="The site whose history it is.")
@click.option("--url", "address", help="Where the site is, as https://blog.example; for isso.")
def import_(form: str, file: Path, slug: str, address: str | None) -> None:
    """Take in the comments of FILE, and what was decided on them, as labels to learn from.

    FILE is JSON Lines, CSV, an export of WordPress or Disqus, or the database of Isso. At a bad line it stops, says
    which and why, and ends with 1; all before it is kept. Run it again, whatever stopped it: it goes on where it was.
    """
    if form == "isso" and not (address or "").startswith(("http://", "https://")):
        raise click.UsageError("Isso keeps paths only: say where the site is with --url https://blog.example.")
    beginning = Beginning(file)
    with open_session() as session:
        after = unfinished.place(session, auth.site_by_slug(session, slug), form, beginning)
        session.rollback()  # nobody should wait while the file is read
        if after != START:
            click.echo("An import of this file was begun before; it goes on where that stopped.")
        with _reading(form, file, address, after) as found:
            read, new, problem = _take_all(session, slug, form, found, beginning)
    click.echo(f"{read} comments and articles read, {new} of them new.")
    if problem is not None:
        raise click.ClickException(problem.message)


@contextmanager
def _reading(form: str, file: Path, address: str | None, after: Place) -> Iterator[Iterator[Found]]:
    """What a file holds behind a place, with a bar on the screen that says how far it is read."""
    console = Console(stderr=True)
    shown: dict[str, Any] = {"description": "Importing", "console": console, "disable": not console.is_terminal}
    if form == "isso":
        yield iter(track(read_isso(file, str(address), after), total=isso.count(file, after), **shown))
        return
    with open_with_progress(file, "rb", **shown) as opened:
        yield FROM_FILES[form](opened, after)


def _take_all(
    session: Session, slug: str, form: str, found: Iterator[Found], beginning: Beginning
) -> tuple[int, int, BadInput | None]:
    """Take in what is found, committing as it goes; return how much that was, how much of it new, what stopped it."""
    read = new = 0
    while True:
        batch, problem = _next(found)
        site = auth.site_by_slug(session, slug)
        if batch:
            place = batch[-1].place
            new += taking.take(session, site, [each.item for each in batch])
            unfinished.keep(session, site, form, place, beginning.digest(place.read))
            read += len(batch)
        elif problem is None:
            unfinished.end(session, site, form)
        session.commit()
        if problem is not None or not batch:
            return read, new, problem


def _next(found: Iterator[Found]) -> tuple[list[Found], BadInput | None]:
    """The next batch, and what is wrong behind it."""
    batch: list[Found] = []
    try:
        for each in islice(found, BATCH):
            batch.append(each)
    except BadInput as error:
        return batch, error
    return batch, None


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
