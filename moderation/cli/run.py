"""`moderation run`: the whole service on one machine, with or without the demo paper."""

import threading
import time
from collections.abc import Callable

import click
import httpx
from alembic import command as alembic
from pydantic import SecretStr
from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn

from moderation import auth, demo, logs, queue, sites
from moderation import run as family
from moderation.config import Settings, load_settings
from moderation.db import Database
from moderation.migrations import config
from moderation.models import Role

console = Console(stderr=True, highlight=False)

PATIENCE = 60.0
"""Seconds without a single comment judged after which the demo no longer waits."""


@click.command()
@click.option("--host", default="127.0.0.1", show_default=True, help="Address to listen on.")
@click.option("--port", default=8000, show_default=True, envvar="PORT", help="Port to listen on.")
@click.option("--with-demo", is_flag=True, help="Bring the demo paper, its readers, and a sign-in made for this run.")
def run(host: str, port: int, with_demo: bool) -> None:
    """Run web and workers here, until Ctrl-C. Needs nothing else: SQLite and a folder serve as database and broker."""
    here = f"http://{host}:{port}"
    settings = _settings(here)
    family.require_free(host, port)
    alembic.upgrade(config(settings.database_url), "head")
    database = Database(settings.database_url)
    password = _prepare_demo(database) if with_demo else None

    def greet() -> None:
        threading.Thread(target=_greet, args=(database, settings.public_url, here, password), daemon=True).start()

    console.print(f"Starting … (logs are in {settings.home / 'log'})")
    logs.configure(settings)  # a line that cannot be written, because the disk is full, then ends nothing
    family.supervise(
        family.children(settings, host=host, port=port),
        when_ready=greet,
        ready_url=f"{here}/readyz",
    )
    console.print("Stopped. Nothing is lost; the next start goes on from here.")


def _settings(here: str) -> Settings:
    """Fill in what an operator would set: the secret key, and where the desk is."""
    settings = load_settings()
    settings.home.mkdir(parents=True, exist_ok=True)
    changes: dict[str, object] = {}
    if settings.secret_key is None:
        changes["secret_key"] = SecretStr(family.keep_secret_key(settings.home))
    if "public_url" not in settings.model_fields_set:
        changes["public_url"] = here
    return settings.model_copy(update=changes)


def _prepare_demo(database: Database) -> str:
    """Make sure of the demo's site and moderator; return the password for this run."""
    password = sites.make_password()
    with database.session() as session:
        demo.find_or_add(session)
        sites.add_moderator(session, name=demo.MODERATOR, password=password, role=Role.ADMIN)
        session.commit()
    return password


def _greet(database: Database, public_url: str, here: str, password: str | None) -> None:
    """Once the web answers: bring the demo's comments, and say where the desk is."""
    if password is not None:
        try:
            _bring_comments(database, here)
        except httpx.HTTPError as error:
            console.print(f"The demo's comments could not be sent: {error}. The next start sends the rest.")
    console.print(f"\n  The desk:  [bold]{public_url}/[/bold]")
    if password is not None:
        console.print(f"  Sign in:   [bold]{demo.MODERATOR}[/bold]  with  [bold]{password}[/bold]   (for this run)")
    console.print("  Stop:      Ctrl-C\n")


def _bring_comments(database: Database, url: str) -> None:
    """Send the demo's comments through the webhook and show how they are judged."""
    with database.session(read_only=True) as session:
        site = demo.find_or_add(session)
        secret = auth.signing_secrets(site)[0]
        known = demo.known(session, site)
    total = demo.count()
    columns = (TextColumn("{task.description:<28}"), BarColumn(), MofNCompleteColumn(), TimeElapsedColumn())
    with Progress(*columns, console=console) as progress:
        sending = progress.add_task("Readers send their comments", total=total, completed=len(known))
        judging = progress.add_task("The judge reads them", total=total)
        for _ in demo.send(url, secret, skip=known):
            progress.advance(sending)
            progress.update(judging, completed=progress.tasks[sending].completed - _unread(database))
        _await_judge(database, lambda unread: progress.update(judging, completed=total - unread))


def _await_judge(database: Database, show: Callable[[int], None]) -> None:
    """Wait until all comments are judged; say where to look when for a long time none is."""
    unread, since = -1, time.monotonic()
    while unread != 0:
        left = _unread(database)
        if left != unread:
            unread, since = left, time.monotonic()
        elif time.monotonic() - since > PATIENCE:
            console.print(
                "The judge does not get on; log/score.log in the home folder says why. The desk works anyway."
            )
            return
        show(unread)
        time.sleep(0.2)


def _unread(database: Database) -> int:
    with database.session(read_only=True) as session:
        return queue.waiting_to_be_judged(session)
