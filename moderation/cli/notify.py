"""`moderation notify`: whether the newsroom's mailboxes and chats can be told."""

from datetime import timedelta

import click
from sqlalchemy import select
from sqlalchemy.orm import Session

from moderation import auth, channels, letters
from moderation.cli.session import open_session
from moderation.config import Settings, load_settings
from moderation.db import now
from moderation.models import Channel, Letter, Site

MINE = timedelta(minutes=1)
"""How long no worker takes what is being sent here."""


@click.group()
def notify() -> None:
    """The mailboxes and chats that are told of alarms."""


@notify.command("test")
@click.option("--site", "slug", help="Only this site's channels.")
def notify_test(slug: str | None) -> None:
    """Send a test to every channel now, and say of each what came of it; ends with 1 if one cannot be told."""
    settings = load_settings()
    with open_session() as session:
        chosen = select(Channel).join(Site).order_by(Site.slug, Channel.id)
        if slug is not None:
            chosen = chosen.where(Channel.site_id == auth.site_by_slug(session, slug).id)
        found = session.scalars(chosen).all()
        if not found:
            click.echo("There is no channel; add one at the desk, under Alarms and shifts.")
        well = [_try(session, channel, settings) for channel in found]
    if not all(well):
        raise SystemExit(1)


def _try(session: Session, channel: Channel, settings: Settings) -> bool:
    channels.try_out(session, channel)
    channel.due_at = now() + MINE
    messages = channels.compose(session, [channel.id], desk=settings.public_url)
    problem = _mail(session, channel, settings) if not messages else None
    session.commit()
    for message in messages:
        problem = channels.send(message, timeout=settings.delivery_timeout)
        channels.record(session, message, problem)
        session.commit()
    click.echo(f"{channel.site.slug}: {channel.name} ({channels.readable(channel.address)}): {problem or 'told'}")
    return problem is None


def _mail(session: Session, channel: Channel, settings: Settings) -> str | None:
    """Send the letter that was just written to the mailbox; return what went wrong, or None."""
    if settings.smtp_url is None:
        return "MODERATION_SMTP_URL is not set"
    newest = select(Letter).where(Letter.address == channels.mailbox(channel.address)).order_by(Letter.id.desc())
    letter = session.scalars(newest.limit(1)).one()
    letter.due_at = now() + MINE
    mails = letters.compose(session, [letter.id], links=settings.links, sender=settings.mail_from)
    session.commit()
    ((_, problem),) = letters.send_all(mails, settings.smtp_url.get_secret_value())
    letters.record(session, letter.id, problem)
    return problem
