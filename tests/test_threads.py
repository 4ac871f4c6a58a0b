"""Threads: who answered whom, where the tone turns, and a branch deleted in one step."""

import re
from datetime import timedelta

import pytest
from flask.testing import FlaskClient
from sqlalchemy import select

from moderation import threads
from moderation.db import Database, now
from moderation.models import Article, Assessment, Comment, Site, Status
from moderation.rules import Advice
from tests.conftest import csrf
from tests.stories import add_comment
from tests.test_desk import _text
from worker import tasks
from worker.app import Workshop

THREAD = [("a", None, 0.1), ("b", "a", 0.2), ("c", "b", 0.9), ("d", "c", 0.8), ("e", "c", 0.9), ("f", None, 0.1)]


@pytest.fixture
def thread(database: Database, site: Site) -> dict[str, int]:
    """A thread that turns rough at c, and a comment that stands alone; ids by name."""
    begun = now() - timedelta(hours=1)
    ids = {}
    with database.session() as session:
        for minute, (name, parent, disrespect) in enumerate(THREAD):
            comment = add_comment(
                session,
                site,
                external_id=name,
                parent_external_id=parent,
                text=f"Beitrag {name}",
                commenter_id="leser-7",
                submitted_at=begun + timedelta(minutes=minute),
            )
            session.add(Assessment(comment_id=comment.id, revision=1, disrespect=disrespect, advice=Advice.REVIEW))
            ids[name] = comment.id
        session.commit()
    return ids


def test_answers_stand_below_what_they_answer_and_the_turn_is_marked_once(
    database: Database, thread: dict[str, int]
) -> None:
    with database.session(read_only=True) as session:
        entries = threads.of_article(session, session.scalars(select(Article)).one())
    assert [(e.comment.external_id, e.depth, e.below) for e in entries] == [
        ("a", 0, 4),
        ("b", 1, 3),
        ("c", 2, 2),
        ("d", 3, 0),
        ("e", 3, 0),
        ("f", 0, 0),
    ]
    assert [e.comment.external_id for e in entries if e.turns] == ["c"]


def test_a_branch_is_deleted_under_one_rule_and_its_neighbours_stay(
    mona: FlaskClient, database: Database, site: Site, thread: dict[str, int], workshop: Workshop
) -> None:
    with database.session(read_only=True) as session:
        rule = session.get_one(Site, site.id).house_rules[1].id
    page = _text(mona.get("/articles/1").text)
    assert "Ab hier ist der Ton in diesem Strang rau" in page
    around = mona.get(f"/comments/{thread['f']}/thread").text
    assert "Ab hier ist der Ton in diesem Strang rau" in around, "beside the card, too"
    assert f"/articles/1#comment-{thread['c']}" in around
    assert re.findall(r'class="depth-(\d)"', around) == ["0", "1", "2", "3", "3", "0"]
    answer = mona.post(f"/comments/{thread['c']}/thread", data={"rule": rule, "csrf_token": csrf(mona, "/queue")})
    assert answer.status_code == 303
    tasks.batch()
    with database.session(read_only=True) as session:
        gone = session.scalars(select(Comment.external_id).where(Comment.status == Status.DELETED)).all()
    assert sorted(gone) == ["c", "d", "e"]


def test_comments_that_answer_each_other_in_a_circle_are_shown_and_deleted_once(database: Database, site: Site) -> None:
    with database.session() as session:
        first = add_comment(session, site, external_id="x", parent_external_id="y")
        add_comment(session, site, external_id="y", parent_external_id="x")
        assert len(threads.of_article(session, first.article)) == 2
        assert len(session.scalars(threads.subtree(first)).all()) == 2


def test_a_commenter_s_page_shows_their_record_and_a_missing_article_is_explained(
    mona: FlaskClient, thread: dict[str, int]
) -> None:
    page = _text(mona.get(f"/comments/{thread['a']}/commenter").text)
    assert "6 wartet" in page
    assert "Beitrag f" in page
    assert mona.get("/articles/99").status_code == 404


def test_my_decisions_can_be_undone_and_the_log_is_for_admins(mona: FlaskClient, thread: dict[str, int]) -> None:
    token = csrf(mona, "/queue")
    form = {"outcome": "approve", "revision": 1, "status": "pending", "csrf_token": token}
    mona.post(f"/comments/{thread['a']}/decision", data=form)
    page = mona.get("/decisions").text
    assert "Beitrag a" in page
    assert 'action="/decisions/1/undo"' in page
    assert "Beitrag a" in mona.get("/deliveries").text
    assert "Beitrag a" not in mona.get("/deliveries?state=failed").text
    assert mona.get("/audit").status_code == 403
