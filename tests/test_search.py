"""Search: by whole words and how they begin, in comments and articles, as they are now."""

import pytest
from sqlalchemy import select

from moderation import privacy, search
from moderation.db import Database
from moderation.models import Article, Comment, Site
from moderation.queue import Filters, page
from tests.senders import ARTICLE, Paper, comment
from tests.stories import add_comment
from worker import tasks
from worker.app import Workshop


def _found(database: Database, wanted: str) -> set[str]:
    with database.session(read_only=True) as session:
        return {found.external_id for found in session.scalars(select(Comment).where(search.comments_with(wanted)))}


@pytest.fixture
def three(database: Database, site: Site) -> None:
    with database.session() as session:
        add_comment(session, site, external_id="detour", text="Zwölf Minuten UMWEG über den Nordring!")
        add_comment(session, site, external_id="bridge", text="Die Hafenbrücke hält; der Umweg nicht.")
        add_comment(session, site, external_id="odd", text="x" * 20_000 + " ' \" :* & | ! ( Ende")
        session.commit()


@pytest.mark.usefixtures("three")
@pytest.mark.parametrize(
    ("wanted", "found"),
    [
        ("umweg", {"detour", "bridge"}),
        ("Umweg Nordring", {"detour"}),
        ("hafen", {"bridge"}),
        ("HAFENBRÜCKE", {"bridge"}),
        ("ende", {"odd"}),
        ("brücke", set()),
        ("", set()),
        ("'; DROP TABLE comment; --", set()),
        ("\" * NEAR( umweg':* & !", set()),
        ("- : *", set()),
        ("umweg " * 500, {"detour", "bridge"}),
    ],
)
def test_comments_are_found_by_their_words(database: Database, wanted: str, found: set[str]) -> None:
    assert _found(database, wanted) == found


@pytest.mark.usefixtures("three")
def test_the_queue_is_filtered_by_words(database: Database) -> None:
    with database.session(read_only=True) as session:
        found = page(session, Filters.parse({"words": "umweg hält"})).comments
        assert [comment.external_id for comment in found] == ["bridge"]


def test_a_changed_text_is_found_by_its_new_words_only(database: Database, paper: Paper, workshop: Workshop) -> None:
    paper.send("comment.created", comment(text="Alles Murks, sage ich."))
    tasks.score()
    assert _found(database, "murks") == {"c1"}
    paper.send("comment.updated", comment(text="Alles gut, sage ich."))
    tasks.score()
    assert (_found(database, "murks"), _found(database, "gut")) == (set(), {"c1"})


def test_what_is_erased_is_found_no_more(database: Database, site: Site) -> None:
    with database.session() as session:
        made = add_comment(session, site, text="Murks")
        privacy.erase(session, [made])
        session.commit()
    assert _found(database, "murks") == set()


def test_articles_are_found_by_title_lead_and_body_as_they_are_now(database: Database, paper: Paper) -> None:
    def found(wanted: str) -> list[str]:
        with database.session(read_only=True) as session:
            return [article.title for article in session.scalars(select(Article).where(search.articles_with(wanted)))]

    paper.send("comment.created", comment())
    assert found("hafenbrücke gutachten pfeiler") == [ARTICLE["title"]]
    paper.send("article.updated", {**ARTICLE, "title": "Der Fähranleger"})
    assert (found("fähr"), found("gesperrt fährt")) == (["Der Fähranleger"], [])
