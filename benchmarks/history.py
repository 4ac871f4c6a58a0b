"""How fast `moderation import` takes a history in, from each form of file, into SQLite or PostgreSQL.

    python benchmarks/history.py [--comments 20000] [--server postgresql+psycopg://postgres@127.0.0.1/postgres]

Writes a made-up history (one article for twenty comments, all decided), runs the command itself on a database of its
own, and prints comments a second by the clock and of processor time, the start of the program included. What is due
is judged later, by the workers.
"""

import argparse
import json
import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from xml.sax.saxutils import escape

from alembic import command
from sqlalchemy import create_engine, make_url, text

from moderation import sites
from moderation.db import Database
from moderation.migrations import config

ARTICLE_SIZE = 20
BODY = "Die Brücke wird ein Jahr lang gesperrt, der Verkehr fährt über den Nordring. " * 40


def text_of(number: int) -> str:
    """Return a comment's text, about as long as readers' are."""
    return f"Zwölf Minuten Umweg über den Nordring, Nummer {number}, das schaffen wir. Hauptsache, die Brücke hält."


def jsonl(comments: int) -> Iterator[str]:
    """Yield a history as JSON Lines."""
    for number in range(comments):
        article = number // ARTICLE_SIZE
        yield (
            json.dumps(
                {
                    "id": str(number),
                    "text": text_of(number),
                    "submitted_at": "2024-03-01T12:00:00Z",
                    "commenter": {"name": f"Leserin {number % 500}", "email": f"l{number % 500}@paper.example"},
                    "article": {
                        "id": str(article),
                        "url": f"https://paper.example/{article}",
                        "title": f"Artikel {article}",
                        "body": BODY,
                    },
                    "outcome": "delete" if number % 7 == 0 else "approve",
                    "decided_at": "2024-03-01T13:00:00Z",
                },
                ensure_ascii=False,
            )
            + "\n"
        )


def csv(comments: int) -> Iterator[str]:
    """Yield a history as CSV."""
    yield "id,text,submitted_at,article_id,article_url,article_title,outcome,decided_at\n"
    for number in range(comments):
        article = number // ARTICLE_SIZE
        place = f"{article},https://paper.example/{article},Artikel {article}"
        yield f'{number},"{text_of(number)}",2024-03-01T12:00:00Z,{place},approve,2024-03-01T13:00:00Z\n'


def wordpress(comments: int) -> Iterator[str]:
    """Yield a history as WordPress exports it."""
    spaces = "".join(f' xmlns:{name}="http://{name}.example/"' for name in ("wp", "dc", "content", "excerpt"))
    yield f'<?xml version="1.0" encoding="UTF-8"?>\n<rss version="2.0"{spaces}>\n<channel>\n'
    for article in range(comments // ARTICLE_SIZE):
        yield f"<item>\n<title>Artikel {article}</title>\n<link>https://paper.example/{article}</link>\n"
        yield f"<content:encoded><![CDATA[<p>{BODY}</p>]]></content:encoded>\n<wp:post_id>{article}</wp:post_id>\n"
        yield "<wp:status>publish</wp:status>\n<wp:post_type>post</wp:post_type>\n"
        for number in range(article * ARTICLE_SIZE, (article + 1) * ARTICLE_SIZE):
            fields = {
                "id": str(number),
                "author": "Leserin",
                "date_gmt": "2024-03-01 12:00:00",
                "content": text_of(number),
                "approved": "1",
            }
            inside = "".join(
                f"<wp:comment_{name}>{escape(value)}</wp:comment_{name}>\n" for name, value in fields.items()
            )
            yield f"<wp:comment>\n{inside}</wp:comment>\n"
        yield "</item>\n"
    yield "</channel>\n</rss>\n"


FORMS: dict[str, Callable[[int], Iterator[str]]] = {"jsonl": jsonl, "csv": csv, "wordpress": wordpress}


@contextmanager
def empty(server: str | None, folder: Path) -> Iterator[str]:
    """Make a database with a site in it; drop it in the end."""
    if server is None:
        url = f"sqlite:///{folder / 'history.sqlite3'}"
        _prepare(url)
        yield url
        for file in folder.glob("history.sqlite3*"):
            file.unlink()
        return
    admin = create_engine(server, isolation_level="AUTOCOMMIT")
    with admin.connect() as connection:
        connection.execute(text("CREATE DATABASE history_benchmark"))
    url = make_url(server).set(database="history_benchmark").render_as_string(hide_password=False)
    try:
        _prepare(url)
        yield url
    finally:
        with admin.connect() as connection:
            connection.execute(text("DROP DATABASE history_benchmark WITH (FORCE)"))


def _prepare(url: str) -> None:
    command.upgrade(config(url), "head")
    database = Database(url)
    with database.session() as session:
        sites.add_site(session, slug="paper", name="Paper")
        session.commit()
    database.dispose()


def main() -> None:
    """Measure, print."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--comments", type=int, default=20_000)
    parser.add_argument("--server")
    parser.add_argument("--form", choices=FORMS, action="append")
    wanted = parser.parse_args()
    with tempfile.TemporaryDirectory() as made:
        folder = Path(made)
        for form in wanted.form or FORMS:
            file = folder / f"history.{form}"
            file.write_text("".join(FORMS[form](wanted.comments)), encoding="utf-8")
            with empty(wanted.server, folder) as url:
                first = _timed(form, file, url, folder)
                again = _timed(form, file, url, folder)
            size = file.stat().st_size / 1e6
            print(f"{form:10} {wanted.comments} comments, {size:.0f} MB")
            for what, (seconds, busy) in (("new", first), ("known", again)):
                by_clock, by_work = wanted.comments / seconds, wanted.comments / busy
                print(f"  {what:6} {by_clock:7,.0f}/s, {by_work:7,.0f} a second of processor")


def _timed(form: str, file: Path, url: str, folder: Path) -> tuple[float, float]:
    env = os.environ | {"MODERATION_DATABASE_URL": url, "MODERATION_HOME": str(folder)}
    program = [sys.executable, "-m", "moderation", "import", form, str(file), "--site", "paper"]
    before = os.times()
    started = time.perf_counter()
    subprocess.run(program, env=env, check=True, stdout=subprocess.DEVNULL)
    after = os.times()
    busy = sum(after[2:4]) - sum(before[2:4])
    return time.perf_counter() - started, busy


if __name__ == "__main__":
    main()
