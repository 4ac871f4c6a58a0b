"""How many comments a scoring worker takes through: claimed, gathered, judged, recorded, committed.

    python -m benchmarks.worker --server postgresql+psycopg://postgres@127.0.0.1:5432/postgres

Makes a database of its own on the server (or a SQLite file without ``--server``), with the comments of
``benchmarks.judge`` waiting under their articles, and runs the worker's own task, in this process, until none is left.
Nothing has been read before: the first comment of an article pays for reading it.
"""

import os

os.environ["OPENBLAS_NUM_THREADS"] = "1"
os.environ["OMP_NUM_THREADS"] = "1"

import argparse
import statistics
import tempfile
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from datetime import timedelta
from pathlib import Path

from alembic import command
from sqlalchemy import create_engine, text, update

from benchmarks.judge import cases
from moderation import sites
from moderation.config import Settings
from moderation.db import Database, now
from moderation.judge import Assessment as Judgement
from moderation.judge import Case, Judge
from moderation.judge.learned import Features
from moderation.migrations import config
from moderation.models import Article, Comment, Site

ROUNDS = 5


class Timed:
    """The judge, and how much processor time it took."""

    def __init__(self, judge: Judge, batch: int) -> None:
        self.judge = judge
        self.batch = batch
        self.seconds = 0.0

    def tend(self) -> None:
        """There is nothing to fetch."""

    def close(self) -> None:
        """There is nothing to stop."""

    def study(self, given: Sequence[Case]) -> tuple[list[Judgement], Features]:
        """Judge, and count the time."""
        started = time.process_time()
        try:
            return self.judge.study(given)
        finally:
            self.seconds += time.process_time() - started


@contextmanager
def database_on(server: str | None) -> Iterator[str]:
    """Yield the address of an empty database with tables, which is gone afterwards."""
    if server is None:
        with tempfile.TemporaryDirectory() as folder:
            url = f"sqlite:///{Path(folder, 'bench.sqlite3')}"
            command.upgrade(config(url), "head")
            yield url
        return
    name = f"hausordnung_bench_{os.getpid()}"
    admin = create_engine(server, isolation_level="AUTOCOMMIT")
    with admin.connect() as connection:
        connection.execute(text(f"CREATE DATABASE {name}"))
    try:
        url = admin.url.set(database=name).render_as_string(hide_password=False)
        command.upgrade(config(url), "head")
        yield url
    finally:
        with admin.connect() as connection:
            connection.execute(text(f"DROP DATABASE {name} WITH (FORCE)"))
        admin.dispose()


def fill(database: Database) -> int:
    """Put the comments of the judge's benchmark into the database; return how many."""
    given = cases()
    with database.session() as session:
        site: Site = sites.add_site(session, slug="bench", name="Bench")
        session.flush()
        articles: dict[str, Article] = {}
        ids: dict[str, str] = {}
        moment = now()
        for number, case in enumerate(given):
            about = case.article
            assert about is not None
            if about.title not in articles:
                articles[about.title] = Article(
                    site_id=site.id,
                    external_id=f"a{len(articles)}",
                    url=f"https://paper.example/{len(articles)}",
                    title=about.title,
                    lead=about.lead,
                    body=about.body,
                    authors=list(about.authors),
                    language=about.language,
                    stated_at=moment,
                )
                session.add(articles[about.title])
                session.flush()
            ids[case.text] = f"c{number}"
            session.add(
                Comment(
                    site_id=site.id,
                    article_id=articles[about.title].id,
                    external_id=f"c{number}",
                    parent_external_id=ids.get(case.parent.text) if case.parent else None,
                    text=case.text,
                    commenter_name=case.commenter,
                    submitted_at=moment + timedelta(seconds=number),
                    stated_at=moment,
                )
            )
        session.commit()
    return len(given)


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--server", help="a PostgreSQL server's address; SQLite without it")
    options = parser.parse_args()
    with database_on(options.server) as url, tempfile.TemporaryDirectory() as home:
        os.environ |= {"MODERATION_HOME": home, "MODERATION_DATABASE_URL": url}
        from worker import tasks  # reads the settings

        judge = Timed(Judge.load(), Settings().score_batch)
        workshop = tasks.workshop
        workshop.__dict__["service_judge"] = judge
        comments = fill(workshop.database)
        rates, shares = [], []
        for _ in range(ROUNDS):
            judge.judge.forget()
            judge.seconds = 0.0
            started, began = time.process_time(), time.perf_counter()
            tasks.score()
            took, wall = time.process_time() - started, time.perf_counter() - began
            rates.append((comments / took, comments / wall))
            shares.append(judge.seconds / took)
            with workshop.database.session() as session:
                session.execute(update(Comment).values(due_at=now(), attempts=0))
                session.commit()
        workshop.close()
    of_processor, of_wall = (statistics.median(rate) for rate in zip(*rates, strict=True))
    name = "SQLite" if options.server is None else "PostgreSQL"
    share = 100 * statistics.median(shares)
    print(f"{comments} comments, {judge.batch} together, {name}:")
    print(f"{of_processor:.0f} a second of this process's processor time, {of_wall:.0f} by the clock")
    print(f"of the processor time the judge takes {share:.0f} %")


if __name__ == "__main__":
    main()
