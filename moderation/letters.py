"""Mail that leaves the house: written into the database, sent by a worker, tried again, its address then forgotten."""

import re
import smtplib
import ssl
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from email.errors import MessageError
from email.headerregistry import Address
from email.message import EmailMessage
from functools import cache, partial
from typing import Any
from urllib.parse import unquote, urlsplit

from babel.numbers import format_decimal, format_percent
from babel.support import Translations
from jinja2 import Environment, FileSystemLoader, StrictUndefined
from sqlalchemy import select
from sqlalchemy.orm import Session

from moderation import privacy
from moderation.db import claim as claim_due
from moderation.db import now, shared_now
from moderation.folders import TEMPLATES, TRANSLATIONS
from moderation.models import Decision, Letter, ShiftLink
from moderation.notices.links import Links

STEPS = tuple(timedelta(minutes=minutes) for minutes in (1, 5, 30, 120, 480, 1440))
"""Waits between tries; after the last the letter has failed."""

_MAILBOX = re.compile(r"""[^\s@<>()\[\],;:\\"\x00-\x1f\x7f]+@[^\s@<>()\[\],;:\\"\x00-\x1f\x7f]+""")

NOT_AN_ADDRESS = "not an address"
"""The problem of a letter that can be sent nowhere."""


@dataclass(frozen=True, slots=True)
class Mail:
    """One letter, ready to be sent without the database."""

    letter_id: int
    message: EmailMessage


def is_mailbox(address: str) -> bool:
    """Whether an address names one mailbox and nothing else.

    Of what strangers give as one, mail's heads may say more than that, or cannot be written at all.
    """
    try:
        return bool(_MAILBOX.fullmatch(address)) and Address(addr_spec=address).addr_spec == address
    except (ValueError, IndexError, MessageError):
        return False


def write(
    session: Session,
    kind: str,
    address: str,
    language: str,
    *,
    not_before: datetime | None = None,
    decision_id: int | None = None,
    **values: Any,
) -> Letter:
    """Put a letter on its way; ``values`` are what its template needs, ready for JSON."""
    letter = Letter(
        kind=kind,
        address=address,
        language=language,
        values=values,
        decision_id=decision_id,
        due_at=not_before or now(),
    )
    session.add(letter)
    return letter


def tell_reasons(session: Session, decision: Decision, *, not_before: datetime) -> None:
    """Write to the commenter why their comment was deleted, if the site wishes that and there is an address."""
    comment = decision.comment
    address = privacy.readable(comment.commenter_email)
    if not comment.site.mails_reasons or address is None:
        return
    language = (comment.language or comment.site.language).partition("-")[0]
    write(
        session,
        "statement",
        address,
        language,
        not_before=not_before,
        decision_id=decision.id,
        statement=decision.id,
        site=comment.site.name,
        article=comment.article.title,
    )


def claim(session: Session, *, limit: int, lease: timedelta) -> list[int]:
    """Take letters that are due; return their ids. Commit at once."""
    return claim_due(session, Letter, limit=limit, lease=lease)


def compose(session: Session, letter_ids: Sequence[int], *, links: Links, sender: str) -> list[Mail]:
    """Put together what the letters say now; drop what is overtaken by now, and give up what has no real address."""
    mails = []
    for letter in session.scalars(select(Letter).where(Letter.id.in_(letter_ids)).order_by(Letter.id)):
        if letter.address is None or letter.due_at is None:
            continue
        if _overtaken(session, letter):
            letter.due_at, letter.address = None, None
            continue
        if not is_mailbox(letter.address):
            record(session, letter.id, NOT_AN_ADDRESS)
            continue
        mails.append(Mail(letter.id, _message(letter, links, sender)))
    return mails


def _overtaken(session: Session, letter: Letter) -> bool:
    if "shift" in letter.values:
        return session.get_one(ShiftLink, letter.values["shift"]).expires_at <= now()
    if letter.decision_id is None:
        return False
    decision = session.get_one(Decision, letter.decision_id)
    return decision.comment.decisions[-1].id != decision.id


def _message(letter: Letter, links: Links, sender: str) -> EmailMessage:
    values = dict(letter.values)
    if "statement" in values:
        values["link"] = links.statement(values["statement"])
    if "notice" in values:
        values["link"] = links.notice(values["notice"])
    if "shift" in values:
        values["link"] = links.shift(values["shift"])
    subject, body = render(letter.kind, letter.language, values)
    message = EmailMessage()
    message["From"], message["To"], message["Subject"] = sender, letter.address, subject
    message["Auto-Submitted"] = "auto-generated"
    message.set_content(body + "\n")
    return message


def render(kind: str, language: str, values: dict[str, Any]) -> tuple[str, str]:
    """Return subject and body of a kind of letter, in a language."""
    text = _environment(language).get_template(f"{kind}.txt").render(**values, language=language)
    subject, _, body = text.strip().partition("\n")
    return " ".join(subject.split()), re.sub(r"\n{3,}", "\n\n", body).strip()


@cache
def _environment(language: str) -> Environment:
    environment = Environment(  # noqa: S701 - plain text, in which an ampersand is an ampersand
        loader=FileSystemLoader(TEMPLATES / "letters"), extensions=["jinja2.ext.i18n"], undefined=StrictUndefined
    )
    translations = Translations.load(TRANSLATIONS, [language])
    environment.install_gettext_translations(translations, newstyle=True)  # type: ignore[attr-defined]
    environment.filters["numberformat"] = partial(format_decimal, locale=language)
    environment.filters["percentformat"] = partial(format_percent, locale=language)
    return environment


def connect(url: str, *, timeout: float) -> smtplib.SMTP:
    """Open a connection to a mail server: ``smtp://user:password@host:587`` (TLS where offered) or ``smtps://…``.

    SMTPNotSupportedError where a password would have to be said in the clear.
    """
    parts = urlsplit(url)
    host = parts.hostname or ""
    context = ssl.create_default_context()
    if parts.scheme == "smtps":
        server: smtplib.SMTP = smtplib.SMTP_SSL(host, parts.port or 465, timeout=timeout, context=context)
    else:
        server = smtplib.SMTP(host, parts.port or 25, timeout=timeout)
        server.ehlo()
        if server.has_extn("starttls"):
            server.starttls(context=context)
        elif parts.username:
            server.close()
            raise smtplib.SMTPNotSupportedError("The mail server offers no STARTTLS; a password needs it, or smtps://.")
    if parts.username:
        server.login(unquote(parts.username), unquote(parts.password or ""))
    return server


def send_all(mails: Sequence[Mail], url: str) -> Iterator[tuple[int, str | None]]:
    """Send letters over one connection; yield each one's id and what went wrong with it, None for nothing."""
    if not mails:
        return
    try:
        server = connect(url, timeout=15)
    except (smtplib.SMTPException, OSError) as error:
        yield from ((mail.letter_id, f"unreachable {type(error).__name__}") for mail in mails)
        return
    try:
        for mail in mails:
            yield mail.letter_id, _send(mail, server)
    finally:
        server.close()


def _send(mail: Mail, server: smtplib.SMTP) -> str | None:
    """Send one letter; return what went wrong, without any address, or None."""
    try:
        server.send_message(mail.message)
    except smtplib.SMTPRecipientsRefused as error:
        return f"refused {next(iter(error.recipients.values()))[0]}"
    except smtplib.SMTPResponseException as error:
        return f"answered {error.smtp_code}"
    except (smtplib.SMTPException, OSError) as error:
        return f"unreachable {type(error).__name__}"
    return None


def record(session: Session, letter_id: int, problem: str | None) -> None:
    """Write down what came of a try; an address is kept only as long as it is needed."""
    letter = session.get_one(Letter, letter_id, with_for_update=True)
    letter.last_error = problem
    if problem is None and letter.kind == "news":  # it may quote a reader, and nobody needs it any more
        letter.values = {}
    if problem is None:
        letter.sent_at, letter.due_at, letter.address = now(), None, None
    elif letter.attempts > len(STEPS) or problem.startswith(("refused 5", NOT_AN_ADDRESS)):
        letter.failed_at, letter.due_at, letter.address = now(), None, None
    else:
        letter.due_at = shared_now(session, STEPS[max(0, letter.attempts - 1)])
