"""The desk at 10,000 and at 5,000,000 comments on PostgreSQL: pages, their SQL at any depth, many deciding at once.

    python benchmarks/desk.py --server postgresql+psycopg://postgres@127.0.0.1/postgres all

Makes two databases of its own on the server, fills them by SQL (one comment in fifty waits; every comment is judged),
measures, prints, and drops them; `fill`, `measure` and `drop` do one of these alone. Pages are timed inside the server,
decisions and the streams of live news over HTTP against gunicorn with two workers.
"""

import argparse
import os
import random
import re
import statistics
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing, contextmanager, suppress

import httpx
from alembic import command
from flask import Flask
from flask.testing import FlaskClient
from sqlalchemy import Engine, create_engine, make_url, text
from sqlalchemy.dialects import postgresql

from moderation import create_app, sites
from moderation.config import Settings
from moderation.db import Database
from moderation.migrations import config
from moderation.queue import Filters, Order, page
from moderation.queue.pages import statement

SIZES = (10_000, 5_000_000)
PENDING = 50
"""One comment in so many waits."""

ARTICLES = 2000
MODERATORS = 8
PASSWORD = "for-benchmarks-only"
SECRET = "a secret key for benchmarks, long enough"
PORT = 8799

FILL = (
    "SET session_replication_role = replica; SET synchronous_commit = off",
    """INSERT INTO article (id, site_id, external_id, url, title, lead, body, authors, stated_at, created_at)
       SELECT n, 1, 'a' || n, 'https://paper.example/' || n, 'Artikel ' || n, 'Worum es geht.',
              repeat('Ein Satz aus dem Artikel. ', 60), '[]', now(), now() FROM generate_series(1, :articles) n""",
    """INSERT INTO comment (id, site_id, article_id, external_id, text, revision, submitted_at, received_at, stated_at,
                            status, concern, uncertainty, attempts, commenter_id, commenter_name)
       SELECT n, 1, 1 + (n % :articles * 7919) % :articles, 'c' || n,
              'Zwölf Minuten Umweg über den Nordring, das schaffen wir. Hauptsache, die Brücke hält danach.' || n,
              1, moment, moment, moment, CASE WHEN n % :pending = 0 THEN 'pending' WHEN n % 7 = 0 THEN 'deleted'
              ELSE 'approved' END, round(random()::numeric, 4), round(random()::numeric, 4), 0,
              'u' || n % 40000, 'Leserin ' || n % 40000
       FROM (SELECT n, now() - (:size - n) * interval '3 seconds' AS moment FROM generate_series(1, :size) n) made""",
    """INSERT INTO assessment (comment_id, revision, language, relevance, disrespect, kinds, spans, sentences, engine,
                               advice, reasons, assessed_at)
       SELECT n, 1, 'de', 0.01 + 0.98 * random(), 0.01 + 0.98 * random(), '{}', '[]', '[]', 'benchmark', 'review', '[]',
              now() FROM generate_series(1, :size) n""",
    """INSERT INTO decision (comment_id, revision, outcome, maker, moderator_id, decided_at)
       SELECT n, 1, 'approve', 'moderator', 1 + n % :moderators, now() - (:size - n) * interval '3 seconds'
       FROM generate_series(greatest(1, :size - 500000), :size) n WHERE n % :pending <> 0""",
    "SELECT setval(pg_get_serial_sequence('comment', 'id'), :size)",
    "ANALYZE",
)


def main() -> None:
    """Fill, measure and drop, or one of these."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("step", choices=("all", "fill", "measure", "drop"))
    parser.add_argument("--server", required=True, help="SQLAlchemy URL of a database whose user may make others")
    options = parser.parse_args()
    admin = create_engine(options.server, isolation_level="AUTOCOMMIT")
    if options.step in {"all", "fill"}:
        for size in SIZES:
            _fill(admin, size)
    if options.step in {"all", "measure"}:
        _measure(admin)
    if options.step in {"all", "drop"}:
        for size in SIZES:
            _run(admin, f"DROP DATABASE IF EXISTS {_name(size)} WITH (FORCE)")


def _name(size: int) -> str:
    return f"hausordnung_desk_{size}"


def _url(admin: Engine, size: int) -> str:
    return make_url(admin.url).set(database=_name(size)).render_as_string(hide_password=False)


def _run(engine: Engine, sql: str) -> None:
    with engine.connect() as connection:
        connection.execute(text(sql))


def _fill(admin: Engine, size: int) -> None:
    begun = time.monotonic()
    _run(admin, f"DROP DATABASE IF EXISTS {_name(size)} WITH (FORCE)")
    _run(admin, f"CREATE DATABASE {_name(size)}")
    url = _url(admin, size)
    command.upgrade(config(url), "head")
    database = Database(url)
    with database.session() as session:
        sites.add_site(session, slug="paper", name="Paper")
        for number in range(MODERATORS):
            sites.add_moderator(session, name=f"m{number}", password=PASSWORD)
        session.commit()
    database.dispose()
    numbers = {"size": size, "articles": ARTICLES, "pending": PENDING, "moderators": MODERATORS}
    engine = create_engine(url)
    with engine.begin() as connection:
        for sql in FILL:
            connection.execute(text(sql), {name: number for name, number in numbers.items() if f":{name}" in sql})
    engine.dispose()
    print(f"filled {size:>9,} comments in {time.monotonic() - begun:.0f} s", flush=True)


def _measure(admin: Engine) -> None:
    print(
        "\n| what | " + " | ".join(f"{size:,} comments" for size in SIZES) + " |\n|---" * 1 + "|---" * len(SIZES) + "|"
    )
    columns = [_pages(_url(admin, size)) for size in SIZES]
    for name in columns[0]:
        print(f"| {name} | " + " | ".join(column[name] for column in columns) + " |", flush=True)
    with _served(_url(admin, SIZES[-1])) as address:
        _decide(address)
        _listen(address)


def _settings(url: str) -> Settings:
    return Settings(database_url=url, secret_key=SECRET)  # type: ignore[arg-type]


def _pages(url: str) -> dict[str, str]:
    """Time whole pages inside the server, and the statement of the list alone inside the database."""
    app = create_app(_settings(url))
    client = _signed_in(app)
    found = {"first page, whole": _of_times(_times(lambda: client.get("/queue"), 200))}
    packed = len(_gzip(client.get("/queue").data)) / 1000
    found["first page, compressed"] = f"{packed:.1f} kB"
    for order in Order:
        cursor = _middle(app, order)
        found[f"`{order}`, page in the middle, whole"] = _of_times(
            _times(lambda order=order, cursor=cursor: client.get(f"/queue?order={order}&after={cursor}"), 60)  # type: ignore[misc]
        )
        found[f"`{order}`, SQL, first page"] = _of_times(_sql_times(app, order, None))
        found[f"`{order}`, SQL, in the middle"] = _of_times(_sql_times(app, order, cursor))
    app.extensions["moderation"].feed.close()
    app.extensions["moderation"].database.dispose()
    return found


def _gzip(body: bytes) -> bytes:
    import gzip

    return gzip.compress(body, 6)


def _signed_in(app: Flask) -> FlaskClient:
    client = app.test_client()
    client.post(
        "/sign-in", data={"name": "m0", "password": PASSWORD, "csrf_token": _token(client.get("/sign-in").text)}
    )
    return client


def _token(html: str) -> str:
    found = re.search(r'name="csrf_token"[^>]*value="([^"]+)"', html)
    assert found
    return found[1]


def _middle(app: Flask, order: Order) -> str:
    """The cursor half-way down the queue."""
    with app.extensions["moderation"].database.session(read_only=True) as session:
        half = session.execute(text("SELECT count(*) / 2 FROM comment WHERE status = 'pending'")).scalar_one()
        listed = page(session, order=order, limit=half)
        return str(listed.next)


def _sql_times(app: Flask, order: Order, after: str | None) -> list[float]:
    """Milliseconds inside the database, as it says itself."""
    wanted = statement(Filters(), order=order, after=after).limit(31)
    sql = wanted.compile(dialect=postgresql.dialect(), compile_kwargs={"literal_binds": True})  # type: ignore[no-untyped-call]
    explained = text(f"EXPLAIN (ANALYZE, TIMING OFF, SUMMARY ON, FORMAT JSON) {sql}".replace(":", r"\:"))
    with app.extensions["moderation"].database.session(read_only=True) as session:
        plans = [session.execute(explained).scalar_one()[0] for _ in range(60)]
    return [plan["Execution Time"] for plan in plans]


def _times(do: Callable[[], object], number: int) -> list[float]:
    do()
    times = []
    for _ in range(number):
        begun = time.perf_counter()
        do()
        times.append(1000 * (time.perf_counter() - begun))
    return times


def _of_times(times: Sequence[float]) -> str:
    """Median and 95th percentile, in milliseconds."""
    return f"{statistics.median(times):.2f} ms (p95 {statistics.quantiles(times, n=20)[-1]:.2f})"


@contextmanager
def _served(url: str) -> Iterator[str]:
    command_ = [sys.executable, "-m", "gunicorn", "moderation:create_app()", "--bind", f"127.0.0.1:{PORT}"]
    command_ += ["--workers", "2", "--config", "python:moderation.serving"]
    env = os.environ | {"MODERATION_DATABASE_URL": url, "MODERATION_SECRET_KEY": SECRET}
    env["MODERATION_SIGN_INS_PER_MINUTE"] = "1000"
    server = subprocess.Popen(command_, env=env, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    address = f"http://127.0.0.1:{PORT}"
    try:
        for _ in range(300):
            with suppress(httpx.HTTPError):
                if httpx.get(f"{address}/readyz", trust_env=False).is_success:
                    break
            time.sleep(0.1)
        yield address
    finally:
        server.terminate()
        server.wait()


def _visitor(address: str, number: int) -> httpx.Client:
    client = httpx.Client(base_url=address, trust_env=False, timeout=30)
    token = _token(client.get("/sign-in").text)
    client.post("/sign-in", data={"name": f"m{number}", "password": PASSWORD, "csrf_token": token})
    return client


def _decide(address: str) -> None:
    """Each moderator decides about once a second, from a part of the queue of their own."""

    def work(number: int) -> list[float]:
        dice = random.Random(number)
        with closing(_visitor(address, number)) as client:
            token = _token(client.get("/queue").text)
            times = []
            for turn in range(25):
                time.sleep(dice.uniform(0.5, 1.5))
                comment = PENDING * (1 + number + MODERATORS * turn)
                form = {"csrf_token": token, "outcome": "approve", "revision": 1, "status": "pending"}
                begun = time.perf_counter()
                answer = client.post(f"/comments/{comment}/decision", data=form, headers={"X-Part": "1"})
                times.append(1000 * (time.perf_counter() - begun))
                assert answer.status_code == 200, answer.status_code
            return times

    with ThreadPoolExecutor(MODERATORS) as pool:
        times = [one for part in pool.map(work, range(MODERATORS)) for one in part]
    print(f"\ndecision, {MODERATORS} moderators at once, over HTTP: {_of_times(times)}", flush=True)


def _listen(address: str) -> None:
    """What open streams cost those who work."""
    with closing(_visitor(address, 0)) as client:
        alone = _times(lambda: client.get("/queue"), 100)
        asked = {"known": "50", "newest": "1"}
        etag = client.get("/queue/news", params=asked).headers["ETag"]
        polls = _times(lambda: client.get("/queue/news", params=asked, headers={"If-None-Match": etag}), 100)
        done = threading.Event()
        streams = [threading.Thread(target=_hold, args=(address, number, done)) for number in range(20)]
        for stream in streams:
            stream.start()
        time.sleep(3)
        beside = _times(lambda: client.get("/queue"), 100)
        done.set()
        for stream in streams:
            stream.join()
    print(f"queue page over HTTP: {_of_times(alone)}; beside 20 desks that listen: {_of_times(beside)}")
    print(f"asking for news when nothing happened: {_of_times(polls)}", flush=True)


def _hold(address: str, number: int, done: threading.Event) -> None:
    with closing(_visitor(address, number % MODERATORS)) as client, client.stream("GET", "/queue/bell") as answer:
        for _ in answer.iter_lines():
            if done.is_set():
                return


if __name__ == "__main__":
    main()
