"""The guide for static sites, done as it says, in a real browser: a plain page of another host gets comments."""

from collections.abc import Callable, Iterator
from dataclasses import replace
from functools import partial
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest
from flask import Flask
from playwright.sync_api import Browser, Page
from sqlalchemy import select

from moderation.db import Database, now
from moderation.judge import Judge
from moderation.models import Article, Comment, Status
from tests.browser.conftest import windows
from tests.guides import blocks
from tests.serving import answering

AXE = Path(__file__).parent / "axe.min.js"
SCRIPT = Path(__file__).parents[2] / "moderation" / "static" / "comments.js"
PAGE = """<!doctype html>
<html lang="{lang}"><head><meta charset="utf-8"><meta name="viewport" content="width=device-width, initial-scale=1">
<link rel="icon" href="data:,">
<title>Die Brücke wird gesperrt</title>
<style>body {{ font: 18px/1.5 Georgia, serif; max-width: 40rem; margin: 2rem auto; padding: 0 1rem }}</style></head>
<body><main><article><h1>Die Brücke wird gesperrt</h1><p>Von März an ist die alte Hafenbrücke für ein Jahr gesperrt. Die
Umleitung für Autos führt über den Nordring und kostet etwa zwölf Minuten. Fußgänger bekommen eine Behelfsbrücke.</p>
<p>Die Bauarbeiten kosten achtzehn Millionen Euro, die Hälfte davon zahlt das Land.</p></article>
{snippet}</main></body></html>
"""


class _Quiet(SimpleHTTPRequestHandler):
    def log_message(self, *_: object) -> None:
        pass


class Blog:
    """A folder of pages, served by another host than the service."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        handler = partial(_Quiet, directory=str(folder))
        self.server = ThreadingHTTPServer(("127.0.0.1", 0), handler)
        self.url = f"http://127.0.0.1:{self.server.server_port}"

    def write(self, name: str, snippet: str, lang: str) -> str:
        (self.folder / name).write_text(PAGE.format(snippet=snippet, lang=lang), encoding="utf-8")
        return f"{self.url}/{name}"


@pytest.fixture
def blog(tmp_path: Path) -> Iterator[Blog]:
    folder = tmp_path / "blog"
    folder.mkdir()
    made = Blog(folder)
    with answering(made.server):
        yield made


@pytest.fixture
def guided(app: Flask, judge: Judge, blog: Blog, command: Callable[[str], str], address: str) -> str:
    """What the guide says, done: the commands run, and the lines of HTML for the page."""
    app.extensions["moderation"] = replace(app.extensions["moderation"], judge=judge)
    (commands,) = blocks("static-sites.md", "sh")
    for line in commands.strip().splitlines():
        command(line.replace("https://blog.example", blog.url))
    command("moderation site set myblog --callback-private")  # pages on this machine may be read
    return blocks("static-sites.md", "html")[0].replace("https://moderation.example", address)


@pytest.fixture
def page(browser: Browser) -> Iterator[Page]:
    complaints: list[str] = []
    with windows(browser) as window:
        context = window(viewport={"width": 390, "height": 900})
        opened = context.new_page()
        opened.on("console", lambda said: complaints.append(said.text) if said.type == "error" else None)
        opened.on("pageerror", lambda error: complaints.append(str(error)))
        yield opened
        assert context.cookies() == []
    assert complaints == []


def _accessible(page: Page) -> None:
    page.evaluate(AXE.read_text(encoding="utf-8"))
    found = page.evaluate("axe.run().then(said => said.violations.map(one => one.id + ': ' + one.nodes[0].html))")
    assert found == []


def _approve(database: Database) -> Comment:
    with database.session() as session:
        made = session.scalars(select(Comment).order_by(Comment.id.desc())).first()
        assert made is not None
        made.status = Status.APPROVED
        session.commit()
        session.refresh(made)
        assert made.article
        return made


def test_a_plain_page_gets_comments_as_the_guide_says(blog: Blog, guided: str, page: Page, database: Database) -> None:
    page.goto(blog.write("bruecke.html", guided, "de"))
    page.get_by_text("Noch hat niemand etwas geschrieben.").wait_for()
    page.get_by_label("Name").fill("Jörg")
    page.get_by_label("Kommentar", exact=True).fill("Du Vollidiot hast den Artikel nicht gelesen. 👋")
    page.get_by_role("button", name="Absenden").click()
    page.get_by_text("Würdest du das auch von Angesicht zu Angesicht sagen?").wait_for()
    assert page.get_by_text("Niemand wird kleingemacht").count() == 1
    _accessible(page)
    with database.session(read_only=True) as session:
        assert session.scalars(select(Comment)).first() is None, "nothing is sent yet"

    page.get_by_role("button", name="Noch einmal ändern").click()
    page.get_by_label("Kommentar", exact=True).fill("Wie kommen die Radfahrer über die Behelfsbrücke? 👋")
    page.get_by_role("button", name="Absenden").click()
    page.get_by_text("Danke! Dein Kommentar erscheint").wait_for()
    first = _approve(database)
    assert (first.text, first.commenter_name) == ("Wie kommen die Radfahrer über die Behelfsbrücke? 👋", "Jörg")
    assert first.article.external_id == "/bruecke.html"
    assert "Die Umleitung für Autos führt über den Nordring" in first.article.body, "it was read from the page"

    page.reload()
    page.get_by_role("heading", name="Jörg").wait_for()
    page.get_by_role("button", name="Antworten: Jörg").click()
    page.get_by_text("Antwort an Jörg").wait_for()
    page.get_by_label("Kommentar", exact=True).fill("Zu Fuß, nehme ich an.")
    page.keyboard.press("Tab")
    page.keyboard.press("Enter")
    page.get_by_text("Danke! Dein Kommentar erscheint").wait_for()
    second = _approve(database)
    assert second.parent_external_id == first.external_id
    page.reload()
    page.locator("li li", has_text="Zu Fuß, nehme ich an.").wait_for()
    _accessible(page)

    with database.session() as session:
        session.get_one(Article, first.article_id).closed_at = now()
        session.commit()
    page.reload()
    page.get_by_text("Unter diesem Artikel kann man nicht mehr kommentieren.").wait_for()
    page.locator("li li", has_text="Zu Fuß, nehme ich an.").wait_for()
    assert not any(button.is_visible() for button in page.get_by_role("button").all())
    _accessible(page)


def test_in_english_and_when_the_service_is_away_it_says_so(blog: Blog, guided: str, browser: Browser) -> None:
    with windows(browser) as window:
        page = window().new_page()
        page.route("**/forms/**", lambda route: route.abort())
        page.goto(blog.write("bridge.html", guided, "en"))
        page.get_by_text("The comments cannot be reached just now.").wait_for()
        page.get_by_label("Comment", exact=True).fill("Still there?")
        page.get_by_role("button", name="Send").click()
        page.get_by_text("Your text is still there").wait_for()
        assert page.get_by_label("Comment", exact=True).input_value() == "Still there?"
        _accessible(page)


def test_the_script_is_small() -> None:
    assert SCRIPT.stat().st_size < 10_000
