"""Alarms begin and end with distance between, come once, and reach chats and mailboxes bundled, seldom, wordless."""

import json
import random
from collections.abc import Callable
from datetime import datetime, timedelta
from typing import Any

import pytest
import time_machine
from click.testing import CliRunner
from flask.testing import FlaskClient
from sqlalchemy import select
from sqlalchemy.orm import Session

from moderation import alarms, channels, decisions, letters, outbound, sites
from moderation.alarms import looking, thresholds
from moderation.alarms.thresholds import Thresholds
from moderation.cli import main
from moderation.config import Settings
from moderation.db import Database, now
from moderation.decisions import Seen
from moderation.errors import BadInput
from moderation.models import (
    Alarm,
    Article,
    Assessment,
    Channel,
    Comment,
    Delivery,
    Letter,
    Moderator,
    News,
    Outcome,
    PastText,
    Role,
    Site,
)
from tests.conftest import PASSWORD, Receiver
from tests.stories import add_article, add_comment
from tests.test_rule_pages import Desk
from worker import tasks
from worker.app import Workshop

SECRET = "xyzzy123geheim"


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


def _look(database: Database) -> list[tuple[str, dict[str, Any]]]:
    with database.session() as session:
        looking.look(session)
        session.commit()
        return [(alarm.kind, alarm.detail) for alarm in alarms.open_ones(session)]


def _fill(session: Session, site: Site, article: Article, number: int, at: datetime, *, marked: int = 0) -> None:
    """Add comments under an article within the half hour before a moment; so many of them marked by rules."""
    known = {"site_id": site.id, "article_id": article.id, "text": "Na ja", "due_at": None, "status": "approved"}
    known |= {"submitted_at": at, "stated_at": at}
    made = [
        Comment(
            **known, external_id=f"{article.id} {at} {each}", received_at=at - timedelta(minutes=29 * each / number)
        )
        for each in range(number)
    ]
    session.add_all(made)
    session.flush()
    for each, comment in enumerate(made):
        advice = "review" if each < marked else "approve"
        session.add(Assessment(comment_id=comment.id, revision=1, kinds={}, advice=advice))


# What is alarming


def test_the_oldest_comment_alarms_once_and_ends_a_quarter_earlier(database: Database, site: Site) -> None:
    with database.session() as session:
        first, second = add_comment(session, site).id, add_comment(session, site).id
        start = session.get_one(Comment, first).received_at
        session.get_one(Comment, second).received_at = start + timedelta(minutes=65)
        session.commit()
    seen = {}
    for minutes in (239, 240, 250):
        with time_machine.travel(start + timedelta(minutes=minutes), tick=False):
            seen[minutes] = _look(database)
    assert seen[239] == []
    assert seen[240] == [("oldest", {"minutes": 240, "waiting": 2})]
    assert seen[250] == seen[240], "told once, with what was true then"
    with time_machine.travel(start + timedelta(minutes=250), tick=False), database.session() as session:
        session.get_one(Comment, first).status = "approved"  # type: ignore[assignment]
        session.commit()
        assert _look(database) == seen[240], "the next one waits 185 minutes: not calm yet"
        session.get_one(Comment, second).received_at = start + timedelta(minutes=75)
        session.commit()
        assert _look(database) == []


def test_a_comment_changed_or_taken_back_waits_since_then_only(
    database: Database, site: Site, moderator: Moderator
) -> None:
    with database.session() as session:
        changed, undone = add_comment(session, site), add_comment(session, site)
        for comment in (changed, undone):
            comment.received_at = now() - timedelta(days=3)
        lately = now() - timedelta(minutes=9)
        session.add(PastText(comment_id=changed.id, revision=1, text="früher", replaced_at=lately))
        mona = session.get_one(Moderator, moderator.id)
        made = decisions.decide(session, undone.id, Outcome.APPROVE, moderator=mona, seen=Seen(1))
        decisions.undo(session, made.id, moderator=mona)
        session.flush()
        assert looking.waiting(session, site.id) == looking.Waiting(2, 9, changed.id)


def test_an_alarm_that_just_ended_is_not_raised_again_at_once(database: Database, site: Site) -> None:
    start = now()
    with database.session() as session:
        assert alarms.sound(session, site.id, "oldest", minutes=1, waiting=1)
        assert alarms.end(session, site.id, "oldest")
        assert alarms.sound(session, site.id, "oldest", minutes=1, waiting=1) is None
        with time_machine.travel(start + timedelta(minutes=31)):
            assert alarms.sound(session, site.id, "oldest", minutes=1, waiting=1)


def test_decisions_that_do_not_arrive_alarm_until_all_do(database: Database, site: Site, moderator: Moderator) -> None:
    with database.session() as session:
        comment = add_comment(session, site)
        mona = session.get_one(Moderator, moderator.id)
        made = decisions.decide(session, comment.id, Outcome.APPROVE, moderator=mona, seen=Seen(1))
        session.flush()
        sent = session.scalars(select(Delivery).where(Delivery.decision_id == made.id)).one()
        sent.attempts = 2
        session.commit()
        assert _look(database) == []
        sent.attempts = 3
        session.commit()
        assert _look(database) == [("deliveries", {"failing": 1})]
        sent.due_at, sent.failed_at = None, now()
        session.commit()
        assert [kind for kind, _ in _look(database)] == ["deliveries"]
        sent.delivered_at, sent.failed_at = now(), None
        session.commit()
    assert _look(database) == []


def test_an_article_that_heats_up_alarms_and_is_calm_only_at_half(
    database: Database, site: Site, moment: datetime
) -> None:
    with database.session() as session:
        for each in range(10):
            _fill(session, site, add_article(session, site, external_id=f"a{each}"), 20, moment - timedelta(days=3))
        hot = add_article(session, site, external_id="hot", title="Brücke gesperrt")
        _fill(session, site, hot, 14, moment)
        session.commit()
        with time_machine.travel(moment, tick=False):
            assert _look(database) == [], "one fewer than the least that alarms"
        _fill(session, site, hot, 4, moment - timedelta(seconds=1))
        session.commit()
        id_ = hot.id
    with time_machine.travel(moment, tick=False):
        ((kind, detail),) = _look(database)
    assert (kind, detail["article"], detail["why"], detail["recent"]) == ("hot", id_, "rate", 18)
    with time_machine.travel(moment + timedelta(minutes=15), tick=False):
        assert _look(database), "eight or more are left: not calm"
    with time_machine.travel(moment + timedelta(minutes=20), tick=False):
        assert _look(database) == []


def test_an_article_where_rules_mark_far_more_than_usual_alarms(
    database: Database, site: Site, moment: datetime
) -> None:
    with database.session() as session:
        for each in range(8):
            usual = add_article(session, site, external_id=f"a{each}")
            _fill(session, site, usual, 60, moment - timedelta(days=1, hours=each), marked=6)
        rough = add_article(session, site, external_id="rough")
        rough.created_at = moment - timedelta(days=2)
        for hours in range(1, 20):
            _fill(session, site, rough, 20, moment - timedelta(hours=hours), marked=1)
        _fill(session, site, rough, 16, moment, marked=12)
        session.commit()
    with time_machine.travel(moment, tick=False):
        ((kind, detail),) = _look(database)
    assert (kind, detail["why"], detail["marked"], detail["judged"]) == ("hot", "marks", 12, 16)


def test_a_history_sent_in_one_go_heats_nothing_nor_does_what_nobody_can_compare(
    database: Database, site: Site, moment: datetime
) -> None:
    with database.session() as session:
        old = add_article(session, site, external_id="old")
        _fill(session, site, old, 200, moment)
        for number, comment in enumerate(session.scalars(select(Comment))):
            comment.submitted_at = moment - timedelta(hours=2 + number)
        session.commit()
        with time_machine.travel(moment, tick=False):
            assert _look(database) == []
        fresh = add_article(session, site, external_id="fresh")
        _fill(session, site, fresh, 40, moment)
        session.commit()
    with time_machine.travel(moment, tick=False):
        assert _look(database) == [], "a site with two articles has no past to compare with"


def test_chance_alone_hardly_ever_alarms() -> None:
    """Of 20,000 half hours in which an article gets as many comments as is usual, twenty at most may alarm."""
    from scipy import stats

    chooser = random.Random(7)
    for usual in (0.5, 3.0, 8.0, 20.0):
        numbers = stats.poisson.rvs(usual, size=5000, random_state=chooser.randrange(1000))
        loud = sum(looking.Heat(int(number), usual, 0, 0, 0.1).rises(among=1) for number in numbers if number >= 15)
        assert loud <= 5
        marks = stats.binom.rvs(20, 0.15, size=5000, random_state=chooser.randrange(1000))
        assert sum(looking.Heat(20, 20, 20, int(number), 0.15).turns(among=1) for number in marks) <= 5


def test_each_alarm_can_be_switched_off(database: Database, site: Site) -> None:
    with database.session() as session:
        kept = session.get_one(Site, site.id)
        assert thresholds.of(kept) == Thresholds()
        thresholds.keep(kept, Thresholds(oldest_minutes=None, hot_comments=None, failing=None))
        add_comment(session, site).received_at = now() - timedelta(days=9)
        session.commit()
    assert _look(database) == []


# Who is told, and how


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
    ["", "nonsense", "https://example.org/anything", "file:///etc/passwd", "syslog://", "json://a.example", "mailto:x"],
)
def test_other_addresses_are_refused_with_what_would_do(database: Database, site: Site, address: str) -> None:
    with pytest.raises(BadInput, match=r"mailto:somebody@example\.org"):
        _add(database, site, address)


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


# The page


@pytest.fixture
def desk(client: FlaskClient, database: Database, site: Site, moderator: Moderator) -> Desk:
    with database.session() as session:
        sites.add_moderator(session, name="ada", password=PASSWORD, role=Role.ADMIN)
        session.commit()
    made = Desk(client)
    made.sign_in("ada")
    return made


def test_thresholds_and_channels_are_set_at_the_desk(
    desk: Desk, database: Database, site: Site, receiver: Receiver, workshop: Workshop
) -> None:
    form = {"site": site.slug, "oldest_minutes": "60", "hot_comments": "", "failing": "3"}
    assert desk.post("/alarms/thresholds", **form).status_code == 303
    with database.session(read_only=True) as session:
        assert thresholds.of(session.get_one(Site, site.id)) == Thresholds(
            oldest_minutes=60, hot_comments=None, failing=3
        )
    wrong = desk.post("/alarms/thresholds", **form | {"oldest_minutes": "2"})
    assert wrong.status_code == 422
    assert "At least 5." in wrong.text
    chat = {"site": site.slug, "name": "Chat", "address": _mattermost(receiver), "private": "1", "minutes_apart": "5"}
    chat["csrf_token"] = desk.token("/rules")
    assert desk.client.post("/alarms/channels", data=chat).status_code == 303
    tasks.notify()
    assert len(receiver.got) == 1, "a test is sent at once"
    page = desk.client.get("/alarms").text
    assert SECRET not in page
    assert "mmost://127.0.0.1/…" in page
    refused = desk.client.post("/alarms/channels", data=chat | {"address": "ftp://x"})
    assert refused.status_code == 422
    assert "neither a mailbox" in refused.text
    with database.session(read_only=True) as session:
        id_ = session.scalars(select(Channel.id)).one()
    assert desk.post(f"/alarms/channels/{id_}", do="remove").status_code == 303
    assert desk.post(f"/alarms/channels/{id_}", do="remove").status_code == 404
    desk.post("/sign-out")
    desk.sign_in("mona")
    assert desk.post("/alarms/thresholds", **form).status_code == 403
    assert desk.client.get("/alarms").status_code == 200


def test_an_open_alarm_is_one_line_at_the_queue_and_told_in_whole_on_its_page(
    desk: Desk, database: Database, site: Site
) -> None:
    with database.session() as session:
        article = add_article(session, site, title="Brücke <b>zu</b>")
        detail = {"article": article.id, "title": article.title, "recent": 30, "usual": 2.5, "minutes": 30}
        alarms.sound(session, site.id, "hot", f"article {article.id}", why="rate", **detail)
        article_id = article.id
        session.commit()
    assert "1 article is heating up" in desk.client.get("/queue").text
    assert "heating up" not in desk.client.get("/rules").text
    page = desk.client.get("/alarms").text
    assert "“Brücke &lt;b&gt;zu&lt;/b&gt;” is heating up: 30 comments in 30 minutes; usual are 2.5." in page
    assert f'href="/articles/{article_id}"' in page
    with database.session(read_only=True) as session:
        assert session.scalars(select(Alarm.over_at)).one() is None
