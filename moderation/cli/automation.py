"""`moderation automation`: which house rules decide by themselves, and the brake for all of them at once."""

import click
from sqlalchemy.orm import Session

from moderation import auth
from moderation.automation import acting, watch
from moderation.cli.session import open_session
from moderation.models import Automation


@click.group()
def automation() -> None:
    """The house rules that decide by themselves."""


_SITE = click.option("--site", "slug", help="Only this site's rules.")


def _running(session: Session, slug: str | None) -> list[Automation]:
    site_id = auth.site_by_slug(session, slug).id if slug is not None else None
    return list(watch.running(session, site_id=site_id))


@automation.command("status")
@_SITE
def automation_status(slug: str | None) -> None:
    """Say which rules decide by themselves now, on what promise, and how often people agree."""
    with open_session(read_only=True) as session:
        found = _running(session, slug)
        for one in found:
            measured = watch.measure(session, one)
            click.echo(
                f"{one.site.slug}: {one.rule.key} ({one.outcome}), promised {one.promise:.1%}; people agreed with "
                f"{measured.right} of {measured.checked} checks, kept {measured.kept} of {measured.decided} decisions; "
                f"{acting.today(session, one)} today"
            )
        if not found:
            click.echo("No rule decides by itself.")


@automation.command("stop")
@_SITE
def automation_stop(slug: str | None) -> None:
    """Switch off every rule that decides by itself, at once; what is decided stays decided."""
    with open_session() as session:
        found = _running(session, slug)
        for one in found:
            watch.switch_off(session, one, "command")
            click.echo(f"{one.site.slug}: {one.rule.key} is off.")
        session.commit()
    if not found:
        click.echo("No rule decides by itself.")
