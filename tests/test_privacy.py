"""What is kept of a commenter: sealed, for a time, shown to them, erased for them."""

import json
from datetime import timedelta
from typing import Any

import pytest
import time_machine
from click.testing import CliRunner
from flask import Flask
from sqlalchemy import delete, func, select

from moderation import decisions, privacy, scoring, search, sites
from moderation.cli import main
from moderation.config import Settings
from moderation.db import Base, Database, now
from moderation.decisions import Seen
from moderation.judge import Judge
from moderation.models import (
    Appeal,
    AuditEntry,
    Comment,
    CoralComment,
    Decision,
    Delivery,
    Fingerprint,
    HouseRule,
    Moderator,
    Outcome,
    PastText,
    Role,
    Site,
    Status,
    Traits,
)
from moderation.notices import appeals
from tests.conftest import PASSWORD
from tests.desks import Person
from tests.senders import ARTICLE, Paper
from tests.stories import add_assessment, add_comment
from worker import tasks
from worker.app import Workshop

PERSON = {"id": "88", "name": "Radlerin", "email": "Radlerin@example.org", "ip": "192.0.2.7"}


def send(paper: Paper, id_: str = "1", **person: str) -> None:
    data = {"id": id_, "text": f"Zwölf Minuten Umweg, das schaffen wir schon. {id_}", "submitted_at": now().isoformat()}
    answer = paper.send("comment.created", data | {"commenter": PERSON | person, "article": ARTICLE})
    assert answer.status_code == 202


def only(database: Database) -> Comment:
    with database.session(read_only=True) as session:
        return session.scalars(select(Comment)).one()


def test_addresses_arrive_sealed(paper: Paper, database: Database) -> None:
    send(paper)
    comment = only(database)
    assert comment.commenter_email is not None
    assert comment.commenter_email.startswith("~")
    assert "example" not in comment.commenter_email
    assert comment.commenter_ip != PERSON["ip"]
    assert privacy.readable(comment.commenter_email) is None


def test_the_same_address_is_sealed_alike_within_a_site_and_otherwise_elsewhere(site: Site) -> None:
    other = Site(slug="other", name="Other", pepper="another", keeps_addresses=False)
    assert privacy.seal(site, "a@example.org") == privacy.seal(site, " A@Example.org ")
    assert privacy.seal(site, "a@example.org") != privacy.seal(other, "a@example.org")
    assert privacy.seal(site, privacy.seal(site, "a@example.org")) == privacy.seal(site, "a@example.org")
    assert privacy.seal(site, None) is None


def test_a_site_may_want_them_readable(paper: Paper, database: Database, site: Site) -> None:
    with database.session() as session:
        session.get_one(Site, site.id).keeps_addresses = True
        session.commit()
    send(paper)
    assert only(database).commenter_ip == "192.0.2.7"


def test_a_commenter_sees_all_that_is_kept(
    paper: Paper, database: Database, settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    send(paper, "1")
    send(paper, "2", id="89", email="other@example.org")
    monkeypatch.setenv("MODERATION_DATABASE_URL", settings.database_url)
    for who in (["--id", "88"], ["--email", "radlerin@example.org"]):
        told = json.loads(CliRunner().invoke(main, ["commenter", "show", "foerdeblick", *who]).output)
        assert [comment["id"] for comment in told["comments"]] == ["1"]
        assert told["comments"][0]["article"]["title"] == ARTICLE["title"]
    assert "Say who it is" in CliRunner().invoke(main, ["commenter", "show", "foerdeblick"]).output


def test_a_commenter_is_erased_and_only_numbers_remain(
    paper: Paper, database: Database, moderator: Moderator, settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    send(paper, "1")
    send(paper, "2", id="89", name="Otto", email="other@example.org", ip="192.0.2.8")
    with database.session() as session:
        mona = session.get_one(Moderator, moderator.id)
        first = session.scalars(select(Comment.id).where(Comment.external_id == "1")).one()
        decisions.decide(session, first, Outcome.DELETE, moderator=mona, seen=Seen(1))
        session.commit()
    monkeypatch.setenv("MODERATION_DATABASE_URL", settings.database_url)
    done = CliRunner().invoke(main, ["commenter", "erase", "foerdeblick", "--id", "88", "--yes"])
    assert json.loads(done.output)["comments"] == ["1"]
    with database.session(read_only=True) as session:
        comment = session.get_one(Comment, first)
        assert (comment.text, comment.commenter_id, comment.commenter_name) == ("", None, None)
        assert (comment.commenter_email, comment.commenter_ip) == (None, None)
        assert session.scalar(select(func.count()).where(Fingerprint.comment_id == first)) == 0
        assert session.scalar(select(func.count()).select_from(Decision)) == 1
        assert session.scalars(select(Comment.commenter_name).where(Comment.id != first)).all() == ["Otto"]


MARK = "Kanarienvogel"


@pytest.fixture
def marked(database: Database, site: Site, moderator: Moderator) -> int:
    """A deleted comment; its words, and who wrote it, stand wherever they can."""
    with database.session() as session:
        rule = session.scalars(select(HouseRule).where(HouseRule.site_id == site.id)).first()
        session.get_one(Site, site.id).mails_reasons = True
        email = f"{MARK}@example.org"
        comment = add_comment(session, site, commenter_id="88", commenter_email=email, text=f"{MARK} ist doof.")
        evidence = {"words": [MARK], "domains": [f"{MARK}.example"]}
        for revision in (1, 2):
            judged = add_assessment(session, comment, rule, revision=revision)
            judged.reasons = [{**judged.reasons[0], "evidence": evidence}]
        session.add(PastText(comment_id=comment.id, revision=1, text=MARK))
        session.add(CoralComment(site_id=site.id, digest="d", story_id="s", commenter_id="88", text=MARK))
        comment.revision = 2
        mona = session.get_one(Moderator, moderator.id)
        decision = decisions.decide(session, comment.id, Outcome.DELETE, moderator=mona, seen=Seen(2))
        appeals.object_to(session, decision.id, text=MARK, email=None, language="de")
        appeals.close(
            session,
            1,
            Outcome.DELETE,
            answer=MARK,
            moderator=sites.add_moderator(session, name="ada", password=PASSWORD),
        )
        session.commit()
        return comment.id


def _where(database: Database, text: str) -> set[str]:
    """The tables that hold a text."""
    found = set()
    with database.session(read_only=True) as session:
        for table in Base.metadata.sorted_tables:
            if any(text in str(row) for row in session.execute(select(table))):
                found.add(table.name)
    return found


def test_no_table_holds_a_word_of_whoever_was_erased(database: Database, marked: int) -> None:
    assert {"comment", "assessment", "past_text", "coral_comment", "appeal", "letter"} <= _where(database, MARK)
    with database.session() as session:
        told = json.dumps(privacy.tell(session, [session.get_one(Comment, marked)]))
        assert told.count(MARK) == 6, "text, past text, two addresses, objection and answer"
        privacy.erase(session, [session.get_one(Comment, marked)])
        session.commit()
    assert _where(database, MARK) == set()


def test_no_table_holds_a_word_of_what_was_deleted_long_ago(workshop: Any, database: Database, marked: int) -> None:
    with database.session() as session:
        session.execute(delete(CoralComment))  # the sweep forgets it after a month
        session.commit()
    with time_machine.travel(now() + timedelta(days=366)):
        tasks.purge()
    assert _where(database, MARK) == {"appeal"}, "what was objected and answered is kept"
    with database.session(read_only=True) as session:
        assert session.scalars(select(Appeal.email)).all() == [None]


def test_a_commenter_is_found_by_their_e_mail_however_it_is_written(database: Database, site: Site) -> None:
    with database.session() as session:
        add_comment(session, site, commenter_email="Otto@Example.org")
        found = privacy.find(session, session.get_one(Site, site.id), email=" otto@example.ORG ")
        assert len(found) == 1


def test_whoever_is_erased_while_a_worker_reads_leaves_no_traits(database: Database, site: Site, judge: Judge) -> None:
    with database.session() as session:
        comment = add_comment(session, site)
        jobs = scoring.jobs(session, [comment.id])
        judged = scoring.judge_all(judge, jobs)
        privacy.erase(session, [comment])
        scoring.keep_traits(session, [job for job, _ in judged])
        session.commit()
        assert session.scalars(select(Traits)).all() == []


def test_a_comment_that_waited_is_not_judged_after_its_commenter_was_erased(database: Database, site: Site) -> None:
    with database.session() as session:
        comment = add_comment(session, site, commenter_id="88")
        privacy.erase(session, [comment])
        assert (comment.status, comment.due_at) == (Status.WITHDRAWN, None)


@pytest.fixture
def old(database: Database, site: Site, moderator: Moderator) -> dict[str, Any]:
    """A deleted and an approved comment, both decided and delivered."""
    with database.session() as session:
        mona = session.get_one(Moderator, moderator.id)
        ids = {}
        for outcome in (Outcome.DELETE, Outcome.APPROVE):
            comment = add_comment(session, site, commenter_name="Otto", commenter_email="~x", commenter_ip="~y")
            decisions.decide(session, comment.id, outcome, moderator=mona, seen=Seen(1))
            ids[str(outcome)] = comment.id
        for delivery in session.scalars(select(Delivery)):
            delivery.delivered_at, delivery.due_at = now(), None
        session.commit()
    return ids


def test_old_addresses_texts_and_deliveries_are_forgotten_at_night(
    workshop: Any, database: Database, old: dict[str, int]
) -> None:
    tasks.purge()
    with database.session(read_only=True) as session:
        assert session.get_one(Comment, old["delete"]).text
        assert session.get_one(Comment, old["delete"]).commenter_ip
    with time_machine.travel(now() + timedelta(days=100)):
        tasks.purge()
    with database.session(read_only=True) as session:
        assert session.get_one(Comment, old["delete"]).text
        assert session.get_one(Comment, old["delete"]).commenter_ip is None
        assert session.scalars(select(Delivery)).all() == []
    with time_machine.travel(now() + timedelta(days=366)):
        tasks.purge()
    with database.session(read_only=True) as session:
        assert session.get_one(Comment, old["delete"]).text == ""
        assert session.get_one(Comment, old["approve"]).text
        words = session.get_one(Comment, old["approve"]).text
        assert session.scalars(select(Comment.id).where(search.comments_with(words))).all() == [old["approve"]]
        assert session.scalar(select(func.count()).select_from(Decision)) == 2


def test_what_is_too_much_for_one_night_is_gone_on_with_at_once(
    workshop: Workshop, database: Database, paper: Paper, monkeypatch: pytest.MonkeyPatch
) -> None:
    rung: list[str] = []
    monkeypatch.setattr(workshop.bell, "ring", rung.append)
    monkeypatch.setattr(privacy, "AT_ONCE", 2)
    for number in "123":
        send(paper, number)
    with time_machine.travel(now() + timedelta(days=366)):
        for left, bells in ((1, ["purge"]), (0, ["purge"])):
            tasks.purge()
            with database.session(read_only=True) as session:
                kept = select(func.count()).select_from(Comment).where(Comment.commenter_ip.is_not(None))
                assert session.scalar(kept) == left
            assert rung == bells


def test_an_admin_gives_and_erases_at_the_desk_with_proof(
    app: Flask, paper: Paper, database: Database, moderator: Moderator
) -> None:
    send(paper, "1")
    send(paper, "2")
    send(paper, "3", id="89", name="Otto")
    with database.session() as session:
        sites.add_moderator(session, name="ada", password=PASSWORD, role=Role.ADMIN)
        session.commit()
    mona, ada = Person(app, "mona"), Person(app, "ada")
    for desk in (mona, ada):
        desk.sign_in()
    page = "/comments/1/commenter"
    assert "/comments/1/commenter/erase" not in mona.client.get(page).text
    assert mona.client.get("/comments/1/commenter/kept").status_code == 403
    assert mona.post("/comments/1/commenter/erase", page="/access", sure="yes").status_code == 403

    assert "/comments/1/commenter/erase" in ada.client.get(page).text
    told = ada.client.get("/comments/1/commenter/kept")
    assert [comment["id"] for comment in told.json["comments"]] == ["1", "2"]
    assert told.headers["Content-Disposition"].startswith("attachment")
    assert ada.post("/comments/1/commenter/erase", page=page).status_code == 422
    proof = ada.post("/comments/1/commenter/erase", page=page, sure="yes")
    assert proof.json["comments"] == ["1", "2"]
    with database.session(read_only=True) as session:
        assert session.scalars(select(Comment.text).order_by(Comment.id)).all()[:2] == ["", ""]
        assert session.scalars(select(Comment.commenter_name).order_by(Comment.id)).all() == [None, None, "Otto"]
        entry = session.scalars(select(AuditEntry).where(AuditEntry.deed == "commenter_erased")).one()
        assert (entry.moderator_id, entry.subject) == (2, "site foerdeblick")
