"""News of alarms reaches chats and mailboxes bundled, seldom, wordless."""

import json
from collections.abc import Callable, Iterator, Sequence
from datetime import timedelta
from typing import Any

import pytest
import time_machine
from click.testing import CliRunner
from sqlalchemy import select

from moderation import alarms, channels, letters, outbound
from moderation.cli import main
from moderation.config import Settings
from moderation.db import Database, now
from moderation.errors import BadInput
from moderation.models import (
    Channel,
    Letter,
    News,
    Site,
)
from tests.conftest import Receiver
from tests.stories import add_comment
from tests.test_letters import Postbox, postbox
from worker import tasks
from worker.app import Workshop

SECRET = "xyzzy123geheim"

__all__ = ["postbox"]


@pytest.fixture(autouse=True)
def _chats_answer_200(receiver: Receiver) -> None:
    receiver.answer = lambda: (200, {})


def _mattermost(receiver: Receiver) -> str:
    return f"{receiver.url.rsplit('/', 1)[0]}/hooks/{SECRET}"


def _hookshot(receiver: Receiver) -> str:
    return f"{receiver.url.rsplit('/', 1)[0]}/webhook/{SECRET}"


def _add(database: Database, site: Site, address: str, **more: Any) -> int:
    with database.session() as session:
        made = channels.add(
            session, site, name="Redaktion", address=address, moderator=None, **{"private": True, **more}
        )
        session.commit()
        return made.id


@pytest.mark.parametrize("address", [_mattermost, _hookshot])
def test_a_chat_is_told_once_that_it_began_and_once_that_it_is_over(
    database: Database, site: Site, workshop: Workshop, receiver: Receiver, address: Callable[[Receiver], str]
) -> None:
    _add(database, site, address(receiver), minutes_apart=0)
    with database.session() as session:
        comment = add_comment(session, site, text="Du Trottel, geheim!")
        alarms.sound(session, site.id, "oldest", comment_id=comment.id, minutes=241, waiting=7)
        session.commit()
    tasks.notify()
    tasks.notify()
    (_, body), *more = receiver.got
    assert more == []
    said = json.loads(body)["text"]
    assert "Fördeblick: Neues aus den Kommentaren" in said
    assert "Der älteste Kommentar wartet seit 241 Minuten; insgesamt warten 7." in said
    assert workshop.settings.public_url in said
    assert "Trottel" not in body.decode(), "no reader's words leave the house"
    assert "icon_url" not in json.loads(body), "nobody is sent elsewhere for a picture"
    with database.session() as session:
        alarms.end(session, site.id, "oldest")
        session.commit()
    tasks.notify()
    assert "✓ Kein Kommentar wartet mehr zu lange." in json.loads(receiver.got[1][1])["text"]


def test_words_are_quoted_only_where_the_channel_allows_it(
    database: Database, site: Site, workshop: Workshop, receiver: Receiver
) -> None:
    _add(database, site, _mattermost(receiver), quotes=True)
    with database.session() as session:
        comment = add_comment(session, site, text="Das dauert\nja ewig " + "x" * 500)
        alarms.sound(session, site.id, "oldest", comment_id=comment.id, minutes=241, waiting=1)
        session.commit()
    tasks.notify()
    said = json.loads(receiver.got[0][1])["text"]
    assert "> Das dauert ja ewig xxx" in said
    assert said.count("x") <= channels.LONGEST_QUOTE


def test_a_readers_words_call_nobody_and_lead_nowhere(
    database: Database, site: Site, workshop: Workshop, receiver: Receiver
) -> None:
    _add(database, site, _mattermost(receiver), quotes=True)
    with database.session() as session:
        comment = add_comment(session, site, text="@all <!channel> [gratis](https://boese.example)")
        alarms.sound(session, site.id, "oldest", comment_id=comment.id, minutes=241, waiting=1)
        session.commit()
    tasks.notify()
    said = json.loads(receiver.got[0][1])["text"]
    assert "gratis" in said
    assert [sign for sign in ("@all", "<!", "](", "https://boese") if sign in said] == []


def test_a_storm_becomes_one_message_and_the_next_comes_after_the_pause(
    database: Database, site: Site, workshop: Workshop, receiver: Receiver
) -> None:
    start = now()
    _add(database, site, _mattermost(receiver), minutes_apart=5)
    with database.session() as session:
        for number in range(30):
            alarms.sound(session, site.id, "automation_off", f"rule {number}", why="rule_changed", title={"de": "R"})
        session.commit()
    tasks.notify()
    assert len(receiver.got) == 1
    said = json.loads(receiver.got[0][1])["text"]
    assert "30 Neuigkeiten" in said
    assert "Und 10 weitere." in said
    for minutes, messages in ((1, 1), (4, 1), (6, 2)):
        with time_machine.travel(start + timedelta(minutes=minutes)):
            with database.session() as session:
                alarms.sound(
                    session, site.id, "automation_off", f"rule x{minutes}", why="rule_changed", title={"de": "R"}
                )
                session.commit()
            tasks.notify()
            assert len(receiver.got) == messages
    assert "3 Neuigkeiten" in json.loads(receiver.got[1][1])["text"], "nothing was lost"


def test_what_could_not_be_told_is_told_later_without_a_word_of_the_address(
    database: Database, site: Site, workshop: Workshop, receiver: Receiver, caplog: Any, capsys: Any
) -> None:
    start = now()
    receiver.answer = lambda: (500, {})
    id_ = _add(database, site, _mattermost(receiver))
    with database.session() as session:
        alarms.sound(session, site.id, "deliveries", failing=2)
        session.commit()
    tasks.notify()
    with database.session(read_only=True) as session:
        assert session.get_one(Channel, id_).last_error == "answered 500"
        assert session.scalars(select(News.told_at)).one() is None
    receiver.answer = lambda: (200, {})
    with time_machine.travel(start + timedelta(minutes=2)):
        tasks.notify()
    with database.session(read_only=True) as session:
        assert session.get_one(Channel, id_).last_error is None
        assert session.scalars(select(News.told_at)).one() is not None
    assert len(receiver.got) == 2
    assert SECRET not in caplog.text + capsys.readouterr().out


def test_a_channel_with_nothing_to_tell_is_left_alone(
    database: Database, site: Site, workshop: Workshop, receiver: Receiver
) -> None:
    id_ = _add(database, site, _mattermost(receiver))
    with database.session() as session:
        session.get_one(Channel, id_).due_at = now()
        session.commit()
    tasks.notify()
    assert receiver.got == []
    with database.session(read_only=True) as session:
        assert session.get_one(Channel, id_).due_at is None


def test_a_channel_may_be_taken_away_while_it_is_being_told(
    database: Database, site: Site, workshop: Workshop, receiver: Receiver
) -> None:
    id_ = _add(database, site, _mattermost(receiver))
    with database.session() as session:
        channels.try_out(session, session.get_one(Channel, id_))
        session.commit()

    def meanwhile() -> tuple[int, dict[str, str]]:
        with database.session() as session:
            channels.remove(session, site, id_, moderator=None)
            session.commit()
        return 500, {}

    receiver.answer = meanwhile
    tasks.notify()
    assert len(receiver.got) == 1
    with database.session(read_only=True) as session:
        assert session.scalars(select(Channel)).all() == []


def test_a_private_address_is_refused_unless_the_site_allows_it(
    database: Database, site: Site, workshop: Workshop, receiver: Receiver
) -> None:
    id_ = _add(database, site, _mattermost(receiver), private=False)
    with database.session() as session:
        channels.try_out(session, session.get_one(Channel, id_))
        session.commit()
    tasks.notify()
    assert receiver.got == []
    with database.session(read_only=True) as session:
        assert session.get_one(Channel, id_).last_error == "private 127.0.0.1"


def test_a_redirect_is_not_followed(receiver: Receiver) -> None:
    receiver.answer = lambda: (302, {"location": receiver.url})
    address = channels.as_apprise(_mattermost(receiver))
    assert outbound.notify(address, "T", "x", private=True, timeout=5) == "answered 302"
    assert len(receiver.got) == 1


@pytest.mark.parametrize(
    ("given", "kept"),
    [
        ("https://chat.example/hooks/abc123def", "mmosts://chat.example/abc123def"),
        ("http://chat.example:8065/team/hooks/abc123def", "mmost://chat.example:8065/team/abc123def"),
        (
            "https://hooks.slack.com/services/T1JJ3T3L2/A1BRTD4JD/TIiajkdnlazkcOXrIdevi7FQ",
            "slack://T1JJ3T3L2/A1BRTD4JD/TIiajkdnlazkcOXrIdevi7FQ",
        ),
        ("https://m.example/webhook/abc-def", "matrixs://m.example/abc-def?mode=hookshot&path=/webhook"),
        ("mailto:desk@example.org", "mailto:desk@example.org"),
    ],
)
def test_addresses_are_taken_as_chats_show_them(given: str, kept: str) -> None:
    assert channels.as_apprise(given) == kept
    assert "abc" not in channels.readable(kept)
    assert "TIiajk" not in channels.readable(kept)


@pytest.mark.parametrize(
    "address",
    [
        *("", "nonsense", "https://example.org/anything", "file:///etc/passwd", "syslog://", "json://a.example"),
        *("mailto:x", 'mailto:"@example.org'),
    ],
)
def test_other_addresses_are_refused_with_what_would_do(database: Database, site: Site, address: str) -> None:
    with pytest.raises(BadInput, match=r"mailto:somebody@example\.org"):
        _add(database, site, address)


def test_a_channel_needs_a_name(database: Database, site: Site) -> None:
    with database.session() as session, pytest.raises(BadInput, match="a name by which you know it"):
        channels.add(session, site, name=" ", address="mailto:desk@example.org", moderator=None)


def test_a_mailbox_gets_a_letter(database: Database, site: Site, workshop: Workshop) -> None:
    _add(database, site, "mailto:desk@example.org")
    with database.session() as session:
        alarms.sound(session, site.id, "deliveries", failing=2)
        session.commit()
    tasks.notify()
    with database.session() as session:
        letter = session.scalars(select(Letter)).one()
        assert (letter.kind, letter.address) == ("news", "desk@example.org")
        (mail,) = letters.compose(session, [letter.id], links=workshop.settings.links, sender="a@example.org")
        assert mail.message["subject"] == "Fördeblick: Neues aus den Kommentaren"
        assert "2 Entscheidungen erreichen die Website nicht." in mail.message.get_content()
        letters.record(session, letter.id, None)
        assert letter.values == {}, "what may quote a reader is not kept"


def test_the_command_says_of_each_channel_what_came_of_it(
    database: Database, site: Site, settings: Settings, receiver: Receiver, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("MODERATION_HOME", str(settings.home))
    monkeypatch.setenv("MODERATION_DATABASE_URL", settings.database_url)
    assert "There is no channel" in CliRunner().invoke(main, ["notify", "test"]).output
    _add(database, site, _mattermost(receiver))
    well = CliRunner().invoke(main, ["notify", "test", "--site", site.slug])
    assert well.exit_code == 0, well.output
    assert f"{site.slug}: Redaktion (mmost://127.0.0.1/…): told" in well.output
    assert "Das ist ein Test" in json.loads(receiver.got[0][1])["text"]
    _add(database, site, "mailto:desk@example.org")
    badly = CliRunner().invoke(main, ["notify", "test"])
    assert badly.exit_code == 1
    assert "MODERATION_SMTP_URL is not set" in badly.output


@pytest.fixture
def post(settings: Settings, workshop: Workshop, postbox: Postbox, monkeypatch: pytest.MonkeyPatch) -> Postbox:
    """The mail server that the command's settings name."""
    assert workshop.settings.smtp_url
    monkeypatch.setenv("MODERATION_HOME", str(settings.home))
    monkeypatch.setenv("MODERATION_DATABASE_URL", settings.database_url)
    monkeypatch.setenv("MODERATION_SECRET_KEY", settings.require_secret_key())
    monkeypatch.setenv("MODERATION_SMTP_URL", workshop.settings.smtp_url.get_secret_value())
    return postbox


def test_a_mailbox_is_tried_at_once_and_what_its_server_says_is_told(
    database: Database, site: Site, post: Postbox, monkeypatch: pytest.MonkeyPatch
) -> None:
    _add(database, site, "mailto:desk@example.org", minutes_apart=0)
    well = CliRunner().invoke(main, ["notify", "test"])
    assert (well.exit_code, well.output) == (0, f"{site.slug}: Redaktion (mailto:desk@example.org): told\n")
    (mail,) = post.got
    assert mail["to"] == "desk@example.org"
    assert "Das ist ein Test" in mail.get_content()
    post.answer = "550 no such user"
    badly = CliRunner().invoke(main, ["notify", "test"])
    assert (badly.exit_code, badly.output.rstrip()[-12:]) == (1, "answered 550")
    monkeypatch.setenv("MODERATION_SMTP_URL", "mail.example.org")
    badly = CliRunner().invoke(main, ["notify", "test"])
    assert badly.exit_code == 1
    assert "MODERATION_SMTP_URL must look like smtp://" in badly.output


def test_a_worker_that_looks_at_the_same_moment_does_not_send_the_test_again(
    database: Database, site: Site, post: Postbox, monkeypatch: pytest.MonkeyPatch
) -> None:
    _add(database, site, "mailto:desk@example.org")
    send_all = letters.send_all

    def while_a_worker_looks(mails: Sequence[letters.Mail], url: str) -> Iterator[tuple[int, str | None]]:
        monkeypatch.setattr(letters, "send_all", send_all)
        tasks.mail()
        return send_all(mails, url)

    monkeypatch.setattr(letters, "send_all", while_a_worker_looks)
    assert CliRunner().invoke(main, ["notify", "test"]).exit_code == 0
    assert len(post.got) == 1
