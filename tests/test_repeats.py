"""Texts that say nearly the same are found by index, whoever wrote them; short and different ones are not."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from moderation import bulk, repeats
from moderation.contract import parse_event
from moderation.db import Database
from moderation.models import Site
from tests.senders import comment
from tests.stories import add_comment

SLOGAN = "Wacht endlich auf! Die da oben stecken alle unter einer Decke, und die Brücke ist nur der Anfang."


def _find(database: Database, site: Site, earlier_text: str, text: str, least: float = 0.8) -> list[float]:
    with database.session() as session:
        first = add_comment(session, site, text=earlier_text, commenter_name="Eins")
        repeats.remember(session, first)
        second = add_comment(session, site, text=text, commenter_name="Zwei")
        repeats.remember(session, second)
        session.commit()
        found = repeats.find(session, second, least=least)
        assert all(one.comment.id == first.id for one in found)
        return [one.similarity for one in found]


@pytest.mark.parametrize(
    "again",
    [
        SLOGAN,
        SLOGAN.upper(),
        SLOGAN.replace("!", " …") + " 😀😀",
        SLOGAN.replace("Die da oben", "die da oben,") + " Danke.",
        "Wacht endlich auf!\n\nDie da oben stecken alle unter einer Decke, und die Brücke ist erst der Anfang.",
    ],
)
def test_the_same_in_other_clothes_is_found(database: Database, site: Site, again: str) -> None:
    assert len(_find(database, site, SLOGAN, again)) == 1


@pytest.mark.parametrize(
    ("one", "other"), [("Danke!", "Danke!"), (SLOGAN, "Die Brücke braucht neue Pfeiler, das Gutachten ist eindeutig.")]
)
def test_short_and_different_texts_are_not(database: Database, site: Site, one: str, other: str) -> None:
    assert _find(database, site, one, other, least=0.6) == []


def test_an_edited_comment_is_known_by_its_new_text_only(database: Database, site: Site) -> None:
    with database.session() as session:
        for number, words in enumerate([SLOGAN, "Das war mir ein Anliegen, nichts für ungut, schönen Abend."]):
            kind = "comment.updated" if number else "comment.created"
            event = parse_event({"type": kind, "data": comment(text=words)})
            bulk.accept_one(session, site, event, webhook_id=f"msg_{number}", max_characters=1000)
        session.flush()
        again = add_comment(session, site, text=SLOGAN)
        assert repeats.find(session, again) == []
        session.rollback()


def test_another_sites_comments_are_not_looked_at(database: Database, site: Site) -> None:
    from moderation import sites

    with database.session() as session:
        repeats.remember(session, add_comment(session, sites.add_site(session, slug="anderswo", name="A"), text=SLOGAN))
        assert repeats.find(session, add_comment(session, site, text=SLOGAN)) == []
        session.rollback()


def test_only_what_came_before_where_that_is_asked(database: Database, site: Site) -> None:
    with database.session() as session:
        first, second = (add_comment(session, site, text=SLOGAN) for _ in range(2))
        for one in (first, second):
            repeats.remember(session, one)
        assert [found.comment.id for found in repeats.find(session, first)] == [second.id]
        assert repeats.find(session, first, earlier=True) == []
        session.rollback()


@given(st.text(max_size=200))
def test_every_text_has_a_fingerprint_or_none_and_is_like_itself(text: str) -> None:
    assert len(repeats.fingerprint(text)) in {0, repeats.MINIMA // repeats.ROWS}
    assert repeats.similarity(text, text) in {0.0, 1.0}
