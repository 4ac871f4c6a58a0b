"""The map: where the waiting comments lie, what is in a box, and one step that decides on all of it."""

import re

import pytest
from flask.testing import FlaskClient
from sqlalchemy import select

from moderation.db import Database
from moderation.models import Assessment, Batch, Comment, Site, Status
from moderation.rules import Advice
from tests.conftest import csrf
from tests.stories import add_comment
from tests.test_desk import _text
from worker import tasks
from worker.app import Workshop


def judged(database: Database, site: Site, *scores: tuple[float, float]) -> list[int]:
    """Add waiting comments with these relevances and disrespects, each with the first rule in doubt."""
    with database.session() as session:
        rule = session.get_one(Site, site.id).house_rules[0]
        ids = []
        for number, (relevance, disrespect) in enumerate(scores):
            comment = add_comment(session, site, text=f"Beitrag {number}: Zwölf Minuten Umweg.")
            session.add(
                Assessment(
                    comment_id=comment.id,
                    revision=1,
                    relevance=relevance,
                    disrespect=disrespect,
                    advice=Advice.REVIEW,
                    rule_id=rule.id,
                )
            )
            ids.append(comment.id)
        session.commit()
    return ids


BOX = {"relevance_from": "0.5", "relevance_to": "1", "disrespect_from": "0", "disrespect_to": "0.3"}


def _looked_at(page: str) -> str:
    found = re.search(r'name="looked_at" value="([^"]+)"', page)
    assert found
    return found[1]


@pytest.fixture
def three(database: Database, site: Site) -> list[int]:
    """Two comments in the box and one outside."""
    return judged(database, site, (0.8, 0.1), (0.9, 0.2), (0.1, 0.9))


def test_a_box_shows_how_many_are_in_it_which_rules_they_touch_and_some_of_them(
    mona: FlaskClient, three: list[int]
) -> None:
    asked = _text(mona.get("/map").text)
    assert "Zieh auf der Karte einen Kasten auf" in asked
    assert "0,8 0,1 1" in asked, "the map as a table, in German numbers"
    page = _text(mona.get("/map", query_string=BOX).text)
    assert "2 Kommentare" in page
    assert "Beitrag 0" in page
    assert "Beitrag 2" not in page


def test_all_in_the_box_is_decided_in_one_step_but_not_what_came_since_or_was_left_out(
    mona: FlaskClient, database: Database, site: Site, three: list[int], workshop: Workshop
) -> None:
    page = mona.get("/map", query_string=BOX).text
    late = judged(database, site, (0.85, 0.1))
    form = BOX | {"outcome": "approve", "looked_at": _looked_at(page), "csrf_token": csrf(mona, "/map")}
    answer = mona.post("/map/batches", data=form | {"leave_out": three[1], "name": "Nachtschicht"})
    assert answer.status_code == 303
    tasks.batch()
    with database.session(read_only=True) as session:
        approved = session.scalars(select(Comment.id).where(Comment.status == Status.APPROVED)).all()
        assert approved == [three[0]]
        assert late[0] not in approved
    page = _text(mona.get(answer.headers["location"]).text)
    assert "Nachtschicht" in page
    assert "1 von 1" in page


def test_all_in_the_box_is_deleted_under_a_rule_that_none_of_it_was_suspected_of(
    mona: FlaskClient, database: Database, site: Site, three: list[int], workshop: Workshop
) -> None:
    with database.session(read_only=True) as session:
        other = session.get_one(Site, site.id).house_rules[1].id
    page = mona.get("/map", query_string=BOX).text
    form = BOX | {"looked_at": _looked_at(page), "csrf_token": csrf(mona, "/map"), "outcome": "delete"}
    assert mona.post("/map/batches", data=form | {"because": other}).status_code == 303
    tasks.batch()
    with database.session(read_only=True) as session:
        deleted = select(Comment.id).where(Comment.status == Status.DELETED).order_by(Comment.id)
        assert list(session.scalars(deleted)) == three[:2]
        assert session.scalars(select(Batch.rule_id)).all() == [other]


def test_a_batch_is_taken_back_by_one_button(
    mona: FlaskClient, database: Database, three: list[int], workshop: Workshop
) -> None:
    page = mona.get("/map", query_string=BOX).text
    token = csrf(mona, "/map")
    form = BOX | {"outcome": "approve", "looked_at": _looked_at(page), "csrf_token": token}
    place = mona.post("/map/batches", data=form).headers["location"]
    tasks.batch()
    mona.post(f"{place}/undo", data={"csrf_token": token})
    tasks.batch()
    assert "zurückgenommen :" in _text(mona.get(place).text), "nobody is named besides the maker"
    with database.session(read_only=True) as session:
        assert {comment.status for comment in session.scalars(select(Comment))} == {Status.PENDING}
    assert "1" in _text(mona.get("/batches").text)


@pytest.mark.usefixtures("three")
def test_an_empty_box_and_a_foreign_rule_are_refused(mona: FlaskClient, database: Database) -> None:
    page = mona.get("/map", query_string=BOX).text
    form = BOX | {"looked_at": _looked_at(page), "csrf_token": csrf(mona, "/map")}
    nothing = form | {"relevance_from": "0.99", "outcome": "approve"}
    assert mona.post("/map/batches", data=nothing).status_code == 422
    assert mona.post("/map/batches", data=form | {"outcome": "delete", "because": "999"}).status_code == 422
    assert mona.post("/map/batches", data=form | {"outcome": "explode"}).status_code == 422
    with database.session(read_only=True) as session:
        assert session.scalars(select(Batch)).all() == []


def test_the_map_of_an_empty_house_is_empty(mona: FlaskClient) -> None:
    assert mona.get("/map").status_code == 200
