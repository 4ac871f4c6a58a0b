"""A moderator's own desk: keys of one's own, and care for who reads bad texts."""

import html
from collections import Counter

import pytest
from flask.testing import FlaskClient

from moderation.db import Database
from moderation.models import Assessment, Site, Status
from moderation.rules import Advice
from moderation.views import keyboard
from moderation.views.navigation import PAGES
from tests.conftest import csrf
from tests.stories import add_comment


def _save(client: FlaskClient, place: str, **form: str) -> tuple[int, str]:
    answer = client.post(place, data={"csrf_token": csrf(client, "/own")} | form)
    return answer.status_code, html.unescape(answer.text)


def test_no_key_does_two_things_and_no_letter_leads_to_two_pages() -> None:
    keys = Counter(key for action in keyboard.ACTIONS for key in action.keys)
    letters = Counter("f" + "".join(page.letters for page in PAGES))  # f: the filters, in the queue
    assert {name: times for name, times in (keys + letters).items() if keys[name] > 1 or letters[name] > 1} == {}
    assert [page.endpoint for page in PAGES if not page.letters] == []


def test_a_key_of_ones_own_takes_the_place_of_the_desks(mona: FlaskClient, site: Site, database: Database) -> None:
    with database.session() as session:
        add_comment(session, site)
        session.commit()
    assert _save(mona, "/own/keys", approve="X")[0] == 303
    page = mona.get("/queue").text
    assert "Freigeben <kbd>X</kbd>" in page
    assert "<kbd>F</kbd>" not in page
    assert _save(mona, "/own/keys", back="1")[0] == 303
    assert "Freigeben <kbd>F</kbd>" in mona.get("/queue").text


@pytest.mark.parametrize(
    ("form", "why"),
    [
        ({"approve": "d"}, "„D“ ist vergeben: löschen"),
        ({"approve": "x", "zen": "x"}, "„X“ ist vergeben: freigeben"),
        ({"next": "7"}, "Ziffern wählen eine Regel"),
        ({"next": "?"}, "Ziffern wählen eine Regel"),
        ({"next": "ab"}, "Bitte eine einzige Taste"),
    ],
)
def test_keys_that_clash_are_explained_and_nothing_is_changed(
    mona: FlaskClient, form: dict[str, str], why: str
) -> None:
    status, page = _save(mona, "/own/keys", **form)
    assert (status, why in page) == (422, True)
    assert "vergeben" not in mona.get("/own").text


def test_a_key_given_up_may_be_used_for_something_else(mona: FlaskClient) -> None:
    assert _save(mona, "/own/keys", zen="x", undo="v")[0] == 303


def test_the_worst_texts_are_covered_for_whoever_wants_that(mona: FlaskClient, site: Site, database: Database) -> None:
    with database.session() as session:
        comment = add_comment(session, site, text="Sehr grob.")
        session.add(
            Assessment(comment_id=comment.id, revision=1, relevance=0.5, disrespect=0.9, advice=Advice.REVIEW, kinds={})
        )
        session.commit()
    assert '<details class="covered"' not in mona.get("/queue").text
    assert _save(mona, "/own", worst="covered", colours="grey", theme="dark", pause="never")[0] == 303
    page = mona.get("/queue").text
    assert '<details class="covered"' in page
    assert page.count("Sehr grob.") == 1
    assert 'data-theme="dark" data-grey' in page
    assert 'id="pause"' not in page
    assert _save(mona, "/own", worst="burnt")[0] == 422


def test_the_thread_can_be_had_without_its_page(mona: FlaskClient, site: Site, database: Database) -> None:
    with database.session() as session:
        add_comment(session, site, text="Wer zahlt das?")
        second = add_comment(session, site).id
        session.commit()
    part = mona.get(f"/comments/{second}/thread").text
    assert "Wer zahlt das?" in part
    assert "<html" not in part


def test_german_says_du_or_sie_as_one_likes(mona: FlaskClient, site: Site, database: Database) -> None:
    with database.session() as session:
        add_comment(session, site, status=Status.APPROVED)
        session.commit()
    assert "Du hast alles gelesen." in mona.get("/queue").text
    assert _save(mona, "/own", address="formal")[0] == 303
    assert "Sie haben alles gelesen." in mona.get("/queue").text
    assert "Du hast" not in mona.get("/queue").text
