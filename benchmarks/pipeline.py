"""From 202 to the queue: how long a comment takes at a steady rate through the embedded service; the desk meanwhile.

    python benchmarks/pipeline.py --rate 50 --seconds 30 --postgres postgresql://postgres@127.0.0.1/postgres

Starts `moderation run` in an empty folder, sends the demo's comments over and over (each under a new id) through the
signed webhook at the given rate, and prints how long after its 202 each was judged and in the queue. A moderator opens
the queue twice a second meanwhile and decides on the first comment there.
"""

import argparse
import json
import os
import re
import signal
import statistics
import subprocess
import sys
import tempfile
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime
from pathlib import Path

import httpx
from load import storage
from sqlalchemy import select
from standardwebhooks.webhooks import Webhook

from moderation import auth, demo, queue, sites
from moderation.db import Database
from moderation.models import Assessment, Comment


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rate", type=float, default=50, help="comments a second")
    parser.add_argument("--seconds", type=float, default=30, help="how long to send")
    parser.add_argument("--postgres", help="address of a PostgreSQL where databases may be made; else SQLite")
    parser.add_argument("--port", type=int, default=8765)
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as home, storage(options.postgres) as url:
        service = _start(Path(home), url, options.port)
        try:
            database = Database(url)
            _measure(database, f"http://127.0.0.1:{options.port}", options.rate, options.seconds)
            database.dispose()
            _print_memory(service.pid)
        finally:
            service.send_signal(signal.SIGINT)
            service.wait(30)


def _start(home: Path, url: str, port: int) -> subprocess.Popen[bytes]:
    command = [str(Path(sys.executable).parent / "moderation"), "run", "--port", str(port)]
    env = os.environ | {"MODERATION_HOME": str(home), "MODERATION_DATABASE_URL": url}
    service = subprocess.Popen(command, env=env, stderr=subprocess.DEVNULL)
    deadline = time.monotonic() + 60
    while time.monotonic() < deadline:
        try:
            if httpx.get(f"http://127.0.0.1:{port}/readyz", trust_env=False).is_success:
                return service
        except httpx.HTTPError:
            time.sleep(0.1)
    raise SystemExit("the service did not start")


def _measure(database: Database, url: str, rate: float, seconds: float) -> None:
    with database.session() as session:
        secret = auth.signing_secrets(sites.add_site(session, slug="bench", name="Bench"))[0]
        password = sites.make_password()
        sites.add_moderator(session, name="mona", password=password)
        session.commit()
    bodies = [json.loads(message.body) for message in demo.messages(datetime.now(UTC))]
    signer = Webhook(secret)
    answered: dict[str, float] = {}
    took: list[float] = []
    with httpx.Client(trust_env=False, timeout=30) as client, ThreadPoolExecutor(8) as pool:

        def post(number: int) -> None:
            event = bodies[number % len(bodies)]
            name = f"b{number}"
            body = json.dumps(event | {"data": event["data"] | {"id": name, "parent_id": None}}, ensure_ascii=False)
            moment = datetime.now(UTC)
            headers = {
                "content-type": "application/json",
                "webhook-id": name,
                "webhook-timestamp": str(int(moment.timestamp())),
                "webhook-signature": signer.sign(name, moment, body),
            }
            began = time.perf_counter()
            client.post(f"{url}/webhooks/bench/comments", content=body.encode(), headers=headers).raise_for_status()
            took.append(time.perf_counter() - began)
            answered[name] = time.time()

        post(10**6)  # the judge loads its weights at the first comment
        while _unread(database):
            time.sleep(0.1)
        is_over = threading.Event()
        desk = Desk(url, password)
        moderator = threading.Thread(target=desk.work, args=(is_over,))
        moderator.start()
        began = time.perf_counter()
        for number in range(int(rate * seconds)):
            time.sleep(max(0.0, began + number / rate - time.perf_counter()))
            pool.submit(post, number)
        is_over.set()
        moderator.join()
    while _unread(database):
        time.sleep(0.05)
    with database.session(read_only=True) as session:
        rows = session.execute(
            select(Comment.external_id, Assessment.assessed_at).join(Assessment, Assessment.comment_id == Comment.id)
        )
        waited = [max(0.0, at.timestamp() - answered[name]) for name, at in rows if name != "b1000000"]
    kind = database.engine.dialect.name
    print(f"{len(waited)} comments at {rate:g}/s; {kind}, a folder as broker, one scoring process\n")
    print(f"{'seconds':<34}{'times':>7}{'median':>9}{'p95':>9}{'p99':>9}{'max':>9}")
    for name, values in (
        ("webhook, sent to 202", took[1:]),
        ("202 to scored and in the queue", waited),
        ("queue page", desk.pages),
        ("decision", desk.decisions),
    ):
        cuts = statistics.quantiles(values, n=100, method="inclusive")
        figures = "".join(f"{figure:>9.3f}" for figure in (cuts[49], cuts[94], cuts[98], max(values)))
        print(f"{name:<34}{len(values):>7}{figures}")


class Desk:
    """A moderator who opens the queue and decides on what is first in it, again and again; and the seconds it takes."""

    def __init__(self, url: str, password: str) -> None:
        self._client = httpx.Client(base_url=url, trust_env=False, timeout=30, follow_redirects=True)
        self._post("/sign-in", self._client.get("/sign-in").text, name="mona", password=password)
        self.pages: list[float] = []
        self.decisions: list[float] = []

    def work(self, is_over: threading.Event) -> None:
        """Go on until it is over."""
        while not is_over.wait(0.5):
            began = time.perf_counter()
            html = self._client.get("/queue").raise_for_status().text
            self.pages.append(time.perf_counter() - began)
            first = re.search(r'action="(/comments/\d+/decision)"', html)
            if first is not None:
                began = time.perf_counter()
                self._post(first[1], html, outcome="approve", revision="1", status="pending")
                self.decisions.append(time.perf_counter() - began)

    def _post(self, path: str, html: str, **form: str) -> None:
        token = re.search(r'name="csrf_token"[^>]*value="([^"]+)"', html)
        assert token is not None
        answer = self._client.post(path, data=form | {"csrf_token": token[1]}, headers={"X-Part": "1"})
        answer.raise_for_status()


def _unread(database: Database) -> int:
    with database.session(read_only=True) as session:
        return queue.waiting_to_be_judged(session)


def _print_memory(pid: int) -> None:
    listed = subprocess.run(["ps", "-eo", "pid,ppid,rss,args"], capture_output=True, text=True, check=True).stdout
    rows = [line.split(None, 3) for line in listed.splitlines()[1:]]
    family = {str(pid)}
    print(f"\n{'process':<28}{'RSS MB':>9}")
    for own, parent, rss, arguments in rows:
        if parent in family or own in family:
            family.add(own)
            name = next((word for word in ("score@", "carry@", "gunicorn", "moderation run") if word in arguments), "?")
            print(f"{name:<28}{int(rss) / 1024:>9.0f}")


if __name__ == "__main__":
    main()
