"""An article is taken out of its page; what is no article's page gives none, and costs no comment."""

import time
from collections.abc import Iterator
from datetime import UTC, datetime
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import pytest

from moderation import article_page, outbound
from moderation.contract import ArticleData
from tests.serving import answering

BODY = " ".join(f"Von März an wird die alte Hafenbrücke gesperrt, Satz {number}." for number in range(30))
PAGE = """<!doctype html><html lang="de"><head><title>Die alte Hafenbrücke</title>
<meta name="author" content="Jana Petersen; Ole Thomsen"><meta name="description" content="Ein Jahr lang.">
<meta property="article:published_time" content="{date}"></head>
<body><nav>Start Sport</nav><article><h1>Die alte Hafenbrücke</h1><p>{body}</p></article></body></html>"""


class Press:
    """A newspaper's web server, with one page."""

    def __init__(self) -> None:
        self.status, self.kind, self.body, self.asked = 200, "text/html; charset=utf-8", b"", ""
        press = self

        class Handler(BaseHTTPRequestHandler):
            def do_GET(self) -> None:
                press.asked = self.headers["user-agent"]
                self.send_response(press.status)
                self.send_header("content-type", press.kind)
                self.end_headers()
                self.wfile.write(press.body)

            def log_message(self, *_: object) -> None:
                pass

        self.server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)

    def fetched(self, *, url: str | None = None, private: bool = True) -> ArticleData | None:
        url = url or f"http://127.0.0.1:{self.server.server_port}/bruecke"
        with outbound.client(private=private, timeout=5) as client:
            return article_page.fetch(client, "bruecke", url, about="https://desk.example")


@pytest.fixture
def press() -> Iterator[Press]:
    made = Press()
    with answering(made.server):
        yield made


def _page(date: str = "2026-11-01T06:00:00+00:00", **changes: str) -> str:
    return PAGE.format(**{"date": date, "body": BODY} | changes)


def test_title_lead_body_and_authors_are_found(press: Press) -> None:
    press.body = _page().encode()
    found = press.fetched()
    assert found is not None
    assert (found.title, found.lead) == ("Die alte Hafenbrücke", "Ein Jahr lang.")
    assert found.authors == ("Jana Petersen", "Ole Thomsen")
    assert "Satz 29" in found.body
    assert "Start Sport" not in found.body
    assert found.published_at == datetime(2026, 11, 1, tzinfo=UTC)
    assert "+https://desk.example" in press.asked, "whoever runs the page can read who asks"


def test_a_text_that_is_too_long_is_cut(press: Press) -> None:
    press.body = _page(body="Die Brücke wird gesperrt. " * 50_000).encode()
    found = press.fetched()
    assert found is not None
    assert len(found.body) == article_page.MOST_CHARACTERS


def test_a_page_of_countless_elements_is_not_looked_through(press: Press) -> None:
    press.body = _page(body="<p>x" * 400_000).encode()
    began = time.monotonic()
    assert press.fetched() is None
    assert time.monotonic() - began < 10, "it had taken minutes"


def test_a_page_whose_address_cannot_be_kept_is_no_article(press: Press) -> None:
    press.body = _page().encode()
    assert press.fetched(url=f"http://127.0.0.1:{press.server.server_port}/{'x' * 2000}") is None


@pytest.mark.parametrize("kind", ["hex", "idna", "nonsense"])
def test_an_encoding_that_is_none_is_no_article_or_read_as_well_as_can_be(press: Press, kind: str) -> None:
    press.kind, press.body = f"text/html; charset={kind}", _page().encode()
    press.fetched()


def test_umlauts_come_through_in_an_old_encoding_too(press: Press) -> None:
    press.kind, press.body = "text/html; charset=iso-8859-1", _page().encode("iso-8859-1")
    found = press.fetched()
    assert found is not None
    assert "März" in found.body


def test_an_encoding_that_does_not_exist_does_not_hurt(press: Press) -> None:
    press.kind, press.body = "text/html; charset=nonsense", _page().encode()
    found = press.fetched()
    assert found is not None
    assert found.title == "Die alte Hafenbrücke"


def test_of_an_endless_page_only_the_beginning_is_read(press: Press) -> None:
    press.body = _page().encode() + b"<p>x</p>" * (article_page.MOST_BYTES // 4)
    found = press.fetched()
    assert found is not None
    assert "Satz 29" in found.body


@pytest.mark.parametrize(
    ("status", "kind", "body"),
    [
        (404, "text/html", _page()),
        (200, "application/pdf", "%PDF-1.7"),
        (200, "text/html", ""),
        (200, "text/html", "kein HTML"),
        (200, "text/html", "<html></html>"),
        (200, "text/html", "<!-- -->"),
        (200, "text/html", "<html><body><p>ohne Titel</p></body></html>"),
    ],
)
def test_what_is_no_articles_page_gives_none(press: Press, status: int, kind: str, body: str) -> None:
    press.status, press.kind, press.body = status, kind, body.encode()
    assert press.fetched() is None


@pytest.mark.parametrize("url", ["http://127.0.0.1:9/", "http://[::1", "ftp://x.example/", "http://"])
def test_an_address_that_leads_nowhere_gives_none(press: Press, url: str) -> None:
    assert press.fetched(url=url) is None


def test_a_private_address_is_not_asked(press: Press) -> None:
    press.body = _page().encode()
    assert press.fetched(private=False) is None
    assert press.asked == ""
