"""Letters leave through a real mail server, say what is true when they leave, and are forgotten then."""

import ipaddress
import smtplib
import ssl
from collections.abc import Iterator
from datetime import timedelta
from email import message_from_bytes
from email.message import EmailMessage
from email.policy import default
from pathlib import Path
from typing import Any

import pytest
import time_machine
from aiosmtpd.controller import Controller
from aiosmtpd.smtp import SMTP, AuthResult, LoginPassword
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID
from pydantic import SecretStr
from sqlalchemy import select

from moderation import decisions, doctor, letters
from moderation.config import Settings
from moderation.db import Database, now
from moderation.decisions import Seen
from moderation.judge import Judge
from moderation.models import Letter, Moderator, Outcome, Site
from tests.integration.ports import free_port
from tests.stories import add_comment
from worker import tasks


class Postbox:
    """A mail server that keeps what it gets, and answers as it is told."""

    def __init__(self) -> None:
        self.got: list[Any] = []
        self.answer = "250 OK"

    async def handle_DATA(self, server: SMTP, session: Any, envelope: Any) -> str:  # noqa: N802 - the library's name
        if self.answer.startswith("250"):
            self.got.append(message_from_bytes(envelope.content, policy=default))
        return self.answer


@pytest.fixture
def postbox(workshop: Any) -> Iterator[Postbox]:
    box = Postbox()
    port = free_port()
    controller = Controller(box, hostname="127.0.0.1", port=port)
    controller.start()
    workshop.settings = workshop.settings.model_copy(update={"smtp_url": SecretStr(f"smtp://127.0.0.1:{port}")})
    yield box
    controller.stop()


@pytest.fixture
def deleted(database: Database, site: Site, moderator: Moderator) -> int:
    with database.session() as session:
        session.get_one(Site, site.id).mails_reasons = True
        comment = add_comment(session, site, commenter_email="otto@example.org", language="de")
        mona = session.get_one(Moderator, moderator.id)
        decision = decisions.decide(session, comment.id, Outcome.DELETE, moderator=mona, seen=Seen(1))
        session.commit()
        return decision.id


def test_the_reasons_are_mailed_once_the_undo_window_is_over(
    postbox: Postbox, database: Database, deleted: int
) -> None:
    tasks.mail()
    assert postbox.got == []
    with time_machine.travel(now() + timedelta(minutes=1)):
        tasks.mail()
        tasks.mail()
    (mail,) = postbox.got
    assert mail["to"] == "otto@example.org"
    assert mail["subject"] == "Ihr Kommentar bei Fördeblick wurde gelöscht"
    assert "/reader/statements/" in mail.get_content()
    assert "„Die alte Hafenbrücke wird ein Jahr lang gesperrt“" in mail.get_content()
    with database.session(read_only=True) as session:
        letter = session.scalars(select(Letter)).one()
        assert letter.sent_at is not None
        assert letter.address is None


def test_a_decision_taken_back_is_not_mailed(
    postbox: Postbox, database: Database, moderator: Moderator, deleted: int
) -> None:
    with database.session() as session:
        decisions.undo(session, deleted, moderator=session.get_one(Moderator, moderator.id))
        session.commit()
    with time_machine.travel(now() + timedelta(minutes=1)):
        tasks.mail()
    assert postbox.got == []
    with database.session(read_only=True) as session:
        assert session.scalars(select(Letter.address)).one() is None


NO_MAILBOXES = [
    '"@example.org',
    "a@[.example",
    "a@example.org\n",
    "a@example.org, b@example.org",
    "a@example.org\r\nBcc: b@example.org",
    "=?utf-8?q?x=0aBcc:_b?=@example.org",
    "a@b\u2028.example",
]


@pytest.mark.parametrize("address", NO_MAILBOXES)
def test_a_letter_without_a_real_address_holds_up_no_other(
    postbox: Postbox, database: Database, deleted: int, address: str
) -> None:
    with database.session() as session:
        letter = letters.write(session, "notice_received", address, "de", notice=1)
        session.flush()
        letter_id = letter.id
        session.commit()
    with time_machine.travel(now() + timedelta(minutes=1)):
        tasks.mail()
    assert [mail["to"] for mail in postbox.got] == ["otto@example.org"]
    with database.session(read_only=True) as session:
        kept = session.get_one(Letter, letter_id)
        assert (kept.last_error, kept.address, kept.due_at) == ("not an address", None, None)


def test_a_server_that_is_busy_is_tried_again(postbox: Postbox, database: Database, deleted: int) -> None:
    postbox.answer = "451 later"
    with time_machine.travel(now() + timedelta(minutes=1)):
        tasks.mail()
    with database.session(read_only=True) as session:
        assert session.scalars(select(Letter.last_error)).one() == "answered 451"
    postbox.answer = "250 OK"
    with time_machine.travel(now() + timedelta(hours=1)):
        tasks.mail()
    assert len(postbox.got) == 1


def test_a_server_that_never_answers_fails_at_last(workshop: Any, database: Database, deleted: int) -> None:
    workshop.settings = workshop.settings.model_copy(update={"smtp_url": SecretStr("smtp://127.0.0.1:9")})
    moment = now()
    for _ in range(9):
        moment += timedelta(days=2)
        with time_machine.travel(moment):
            tasks.mail()
    with database.session(read_only=True) as session:
        letter = session.scalars(select(Letter)).one()
        assert letter.failed_at is not None
        assert letter.last_error == "unreachable ConnectionRefusedError"
        assert letter.address is None


def test_without_a_server_letters_wait(workshop: Any, database: Database, deleted: int) -> None:
    with time_machine.travel(now() + timedelta(minutes=1)):
        tasks.mail()
    with database.session(read_only=True) as session:
        letter = session.scalars(select(Letter)).one()
        assert (letter.attempts, letter.address) == (0, "otto@example.org")


@pytest.mark.parametrize("kind", ["statement", "appeal_received", "appeal_closed", "notice_received", "notice_closed"])
@pytest.mark.parametrize("language", ["de", "en"])
def test_every_letter_is_written_in_both_languages(
    workshop: Any, database: Database, deleted: int, kind: str, language: str
) -> None:
    values: dict[str, Any] = {"notice": 1} if kind.startswith("notice") else {"statement": deleted}
    if kind == "statement":
        values |= {"site": "Fördeblick\nBcc: all@example.org", "article": "Die Brücke"}
    with database.session() as session:
        letter = letters.write(session, kind, "otto@example.org", language, **values)
        session.flush()
        (mail,) = letters.compose(session, [letter.id], links=workshop.settings.links, sender="a@example.org")
    assert mail.message["subject"]
    assert mail.message["bcc"] is None
    assert "/reader/" in mail.message.get_content()
    assert ("Guten Tag" in mail.message.get_content()) == (language == "de")


@pytest.fixture
def certificate(tmp_path: Path) -> tuple[ssl.SSLContext, Path]:
    """What a mail server on loopback shows, and the file of whoever trusts it."""
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "mail")])
    address = x509.SubjectAlternativeName([x509.IPAddress(ipaddress.ip_address("127.0.0.1"))])
    signed = (
        x509.CertificateBuilder(name, name, key.public_key(), x509.random_serial_number())
        .not_valid_before(now() - timedelta(days=1))
        .not_valid_after(now() + timedelta(days=1))
        .add_extension(address, critical=False)
        .sign(key, hashes.SHA256())
    )
    shown, secret = tmp_path / "mail.pem", tmp_path / "mail.key"
    shown.write_bytes(signed.public_bytes(serialization.Encoding.PEM))
    kind = (serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption())
    secret.write_bytes(key.private_bytes(*kind))
    context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    context.load_cert_chain(shown, secret)
    return context, shown


@pytest.mark.parametrize("scheme", ["smtp", "smtps"])
def test_name_and_password_are_for_the_server_that_proves_who_it_is(
    scheme: str, certificate: tuple[ssl.SSLContext, Path], monkeypatch: pytest.MonkeyPatch
) -> None:
    given: list[LoginPassword] = []

    def know(_server: object, _session: object, _envelope: object, _mechanism: str, said: LoginPassword) -> AuthResult:
        given.append(said)
        return AuthResult(success=True)

    context, trusted = certificate
    port = free_port()
    options: dict[str, Any] = {"tls_context": context, "require_starttls": True, "auth_required": True}
    if scheme == "smtps":
        options = {"ssl_context": context, "auth_require_tls": False}  # there is nothing but TLS from the first byte on
    box = Postbox()
    server = Controller(box, hostname="127.0.0.1", port=port, authenticator=know, **options)
    server.start()
    url = f"{scheme}://desk:ge%40heim@127.0.0.1:{port}"
    try:
        with pytest.raises(ssl.SSLCertVerificationError):
            letters.connect(url, timeout=5)
        assert given == []
        monkeypatch.setenv("SSL_CERT_FILE", str(trusted))
        message = EmailMessage()
        message["From"], message["To"], message["Subject"] = "desk@example.org", "otto@example.org", "Hallo"
        assert list(letters.send_all([letters.Mail(1, message)], url)) == [(1, None)]
    finally:
        server.stop()
    assert [mail["subject"] for mail in box.got] == ["Hallo"]
    assert [(said.login, said.password) for said in given] == [(b"desk", b"ge@heim")]


def test_no_password_is_said_in_the_clear(settings: Settings, judge: Judge, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(Judge, "load", classmethod(lambda cls: judge))  # the doctor looks at it, too
    given: list[object] = []

    def know(*said: object) -> AuthResult:
        given.append(said)
        return AuthResult(success=True)

    port = free_port()
    server = Controller(Postbox(), hostname="127.0.0.1", port=port, authenticator=know, auth_require_tls=False)
    server.start()
    url = f"smtp://desk:geheim@127.0.0.1:{port}"
    try:
        with pytest.raises(smtplib.SMTPNotSupportedError):
            letters.connect(url, timeout=5)
        found = {each.what: each for each in doctor.examine(settings.model_copy(update={"smtp_url": SecretStr(url)}))}
    finally:
        server.stop()
    assert given == []
    assert "no STARTTLS" in found["mail"].found
    assert "smtps://" in found["mail"].remedy
