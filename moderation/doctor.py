"""Look at everything the service needs, and say of what is wrong how to mend it."""

import shutil
import smtplib
from collections.abc import Iterator
from dataclasses import dataclass
from urllib.parse import urlsplit
from zoneinfo import ZoneInfo

import httpx
from alembic.script import ScriptDirectory
from kombu.exceptions import OperationalError
from sqlalchemy import func, select, text
from sqlalchemy.exc import SQLAlchemyError

from moderation import letters, outbound
from moderation.broker import make_celery
from moderation.checkpoints import RELEASED
from moderation.config import Settings
from moderation.db import Database, now
from moderation.errors import ModerationError
from moderation.judge import Judge
from moderation.judge.case import ToneSource
from moderation.judge.fast_detoxify import path_of as runtime_of
from moderation.migrations import config
from moderation.models import Moderator, Role, Site
from moderation.service_judge import checkpoint_of

FREE_BYTES = 500_000_000

MOST_OFF = 5.0
"""Seconds by which a clock may be off: what is due a little early or late does no harm."""


@dataclass(frozen=True, slots=True)
class Finding:
    """What was looked at and found; ``remedy`` is empty where all is well."""

    what: str
    found: str
    remedy: str = ""

    @property
    def is_well(self) -> bool:
        """Whether nothing is to be done."""
        return not self.remedy


def examine(settings: Settings) -> Iterator[Finding]:
    """Look at one thing after another; what needs the database is left out where there is none."""
    yield from _home(settings)
    yield from _secret_key(settings)
    yield _time_zone(settings)
    database = Database(settings.database_url)
    try:
        schema = list(_database(database, settings))
        yield from schema
        if all(finding.is_well for finding in schema):
            yield from _people(database)
            yield from _receivers(database)
    finally:
        database.dispose()
    yield from _broker(settings)
    yield from _weights()
    yield from _detoxify(settings)
    yield from _mail(settings)


def _home(settings: Settings) -> Iterator[Finding]:
    try:
        settings.home.mkdir(parents=True, exist_ok=True)
        (settings.home / ".written").write_text("")
        (settings.home / ".written").unlink()
    except OSError as error:
        yield Finding(
            "home", f"{settings.home}: {error.strerror}", "Set MODERATION_HOME to a folder that can be written."
        )
        return
    free = shutil.disk_usage(settings.home).free
    remedy = "" if free >= FREE_BYTES else "Make room on the disk, or set MODERATION_HOME to another one."
    yield Finding("home", f"{settings.home}, {free / 1e9:.1f} GB free", remedy)


def _secret_key(settings: Settings) -> Iterator[Finding]:
    try:
        settings.require_secret_key()
    except ModerationError as error:
        # `moderation run` makes a key of its own and keeps it in the home folder.
        if not (settings.home / "secret_key").exists():
            yield Finding("secret key", "not set", error.message)
            return
    yield Finding("secret key", "set")


def _time_zone(settings: Settings) -> Finding:
    """That there is such a time zone, its setting has seen to; that it is the right one, whoever reads this sees."""
    here = now().astimezone(ZoneInfo(settings.time_zone))
    return Finding("time zone", f"{settings.time_zone}, where it is {here:%H:%M}")


def _database(database: Database, settings: Settings) -> Iterator[Finding]:
    try:
        with database.session(read_only=True) as session:
            version = session.execute(text("SELECT version_num FROM alembic_version")).scalar()
    except SQLAlchemyError as error:
        kind = type(error).__name__
        remedy = "Check MODERATION_DATABASE_URL and that the server runs, then `moderation db upgrade`."
        yield Finding("database", f"cannot be read ({kind})", remedy)
        return
    head = ScriptDirectory.from_config(config(settings.database_url)).get_current_head()
    remedy = "" if version == head else "Run `moderation db upgrade`."
    yield Finding("database", f"tables of version {version}, newest is {head}", remedy)
    yield _clock(database)


def _clock(database: Database) -> Finding:
    """Compare the clock of this machine with the database's, which all machines have in common."""
    if database.engine.dialect.name == "sqlite":
        return Finding("clock", "there is one: the database is a file")
    with database.session(read_only=True) as session:
        session.scalars(select(1)).one()  # what it takes to connect is no part of what is measured
        before = now()
        theirs = session.scalars(select(func.clock_timestamp())).one()
        off = (before + (now() - before) / 2 - theirs).total_seconds()
    remedy = (
        "Have NTP set this machine's clock and the database server's (`timedatectl set-ntp true`); until then work is "
        "taken too early or too late, and the time to undo a decision is longer or shorter."
    )
    way = "ahead of" if off > 0 else "behind"
    return Finding("clock", f"{abs(off):.1f} s {way} the database's", remedy if abs(off) > MOST_OFF else "")


def _people(database: Database) -> Iterator[Finding]:
    with database.session(read_only=True) as session:
        sites = session.scalar(select(func.count()).select_from(Site)) or 0
        admins = session.scalar(
            select(func.count())
            .select_from(Moderator)
            .where(Moderator.role == Role.ADMIN, Moderator.disabled_at.is_(None))
        )
    yield Finding("sites", str(sites), "" if sites else "Add one: `moderation site add SLUG --name NAME`.")
    yield Finding("admins", str(admins), "" if admins else "Add one: `moderation moderator add NAME --role admin`.")


def _receivers(database: Database) -> Iterator[Finding]:
    with database.session(read_only=True) as session:
        sites = [
            (s.slug, s.callback_url, s.callback_private) for s in session.scalars(select(Site).order_by(Site.slug))
        ]
    for slug, url, private in sites:
        if url is None:
            yield Finding(f"site {slug}", "fetches its decisions")
            continue
        try:
            with outbound.client(private=private, timeout=5) as client:
                status = client.head(url).status_code
        except outbound.PrivateAddress:
            remedy = f"If that is meant so: `moderation site set {slug} --callback-private`."
            yield Finding(f"site {slug}", "its callback is at a private address", remedy)
        except (httpx.HTTPError, httpx.InvalidURL) as error:
            remedy = (
                f"Check the address: `moderation site set {slug} --callback-url URL`; decisions wait until it answers."
            )
            yield Finding(f"site {slug}", f"cannot be reached ({type(error).__name__})", remedy)
        else:
            yield Finding(f"site {slug}", f"answers ({status})")


def _broker(settings: Settings) -> Iterator[Finding]:
    if settings.embedded_broker is not None:
        yield Finding("broker", "a folder; nothing to run")
        return
    parts = urlsplit(settings.broker_url)
    try:
        with make_celery(settings).connection_for_write(connect_timeout=3) as connection:
            connection.ensure_connection(max_retries=1, timeout=3)
    except (OperationalError, OSError) as error:
        remedy = "Check MODERATION_BROKER_URL and that the broker runs; comments are kept meanwhile."
        yield Finding("broker", f"{parts.scheme} cannot be reached ({type(error).__name__})", remedy)
        return
    yield Finding("broker", f"{parts.scheme} answers")


def _weights() -> Iterator[Finding]:
    try:
        engine = Judge.load().engine
    except (RuntimeError, ImportError) as error:
        yield Finding("judge", str(error), "Install the package again: its weights are not what was shipped.")
        return
    yield Finding("judge", engine)


def _detoxify(settings: Settings) -> Iterator[Finding]:
    if settings.tone is ToneSource.EMBEDDED:
        return
    checkpoint = checkpoint_of(settings)
    if runtime_of(checkpoint).exists():
        yield Finding("Detoxify", f"{settings.tone}, {checkpoint.name}")
        return
    remedy = f"Run `moderation models pull {settings.tone_model}`, or wait for the worker, whose log says more."
    if settings.tone_model not in RELEASED:
        remedy = f"Put it there and run `moderation models build {checkpoint}`."
    yield Finding("Detoxify", f"{checkpoint} is not ready; the embedded judge judges alone", remedy)


def _mail(settings: Settings) -> Iterator[Finding]:
    if settings.smtp_url is None:
        yield Finding("mail", "none; letters wait (MODERATION_SMTP_URL)")
        return
    try:
        letters.connect(settings.smtp_url.get_secret_value(), timeout=5).close()
    except smtplib.SMTPNotSupportedError as error:
        yield Finding("mail", str(error), "Take smtps:// or another server; letters wait.")
        return
    except OSError as error:
        yield Finding("mail", f"cannot be reached ({type(error).__name__})", "Check MODERATION_SMTP_URL; letters wait.")
        return
    yield Finding("mail", "answers")
