"""Alarms begin and end with distance between, come once, and stand at the desk until they are over."""

import random
from datetime import datetime, timedelta
from typing import Any

import pytest
import time_machine
from sqlalchemy import select
from sqlalchemy.orm import Session

from moderation import alarms, decisions
from moderation.alarms import looking, thresholds
from moderation.alarms.thresholds import Thresholds
from moderation.db import Database, now
from moderation.decisions import Seen
from moderation.models import (
    Alarm,
    Article,
    Assessment,
    Channel,
    Comment,
    Delivery,
    Moderator,
    Outcome,
    PastText,
    Site,
)
from tests.conftest import Receiver
from tests.desks import Desk
from tests.stories import add_article, add_comment
from worker import tasks
from worker.app import Workshop


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
        session.get_one(Site, site.id).alarms = {"failing": 2}
        session.commit()
        assert [kind for kind, _ in _look(database)] == ["deliveries"], "too few to begin with, and yet not over"
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


@pytest.fixture
def desk(moderator: Moderator, desk: Desk) -> Desk:
    return desk


def test_thresholds_and_channels_are_set_at_the_desk(
    desk: Desk, database: Database, site: Site, receiver: Receiver, workshop: Workshop
) -> None:
    secret = "xyzzy123geheim"
    receiver.answer = lambda: (200, {})
    form = {"site": site.slug, "oldest_minutes": "60", "hot_comments": "", "failing": "3"}
    assert desk.post("/alarms/thresholds", **form).status_code == 303
    with database.session(read_only=True) as session:
        assert thresholds.of(session.get_one(Site, site.id)) == Thresholds(
            oldest_minutes=60, hot_comments=None, failing=3
        )
    wrong = desk.post("/alarms/thresholds", **form | {"oldest_minutes": "2"})
    assert wrong.status_code == 422
    assert "At least 5." in wrong.text
    address = f"{receiver.url.rsplit('/', 1)[0]}/hooks/{secret}"
    chat = {"site": site.slug, "name": "Chat", "address": address, "private": "1", "minutes_apart": "5"}
    chat["csrf_token"] = desk.token("/rules")
    assert desk.client.post("/alarms/channels", data=chat).status_code == 303
    tasks.notify()
    assert len(receiver.got) == 1, "a test is sent at once"
    page = desk.client.get("/alarms").text
    assert secret not in page
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
