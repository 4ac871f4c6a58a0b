"""From 202 to the queue: how long a comment takes through the embedded service, at a steady rate.

    python benchmarks/pipeline.py --rate 50 --seconds 30

Starts `moderation run` in an empty folder, sends the demo's comments over and over (each under a new id) through the
signed webhook at the given rate, and prints how long after its 202 each was judged and in the queue.
"""

import argparse
import json
import os
import signal
import statistics
import subprocess
import sys
import tempfile
import time
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime
from pathlib import Path

import httpx
from sqlalchemy import select
from standardwebhooks.webhooks import Webhook

from moderation import auth, demo, queue, sites
from moderation.config import Settings
from moderation.db import Database
from moderation.models import Assessment, Comment


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rate", type=float, default=50, help="comments a second")
    parser.add_argument("--seconds", type=float, default=30, help="how long to send")
    parser.add_argument("--port", type=int, default=8765)
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as home:
        service = _start(Path(home), options.port)
        try:
            _measure(Path(home), f"http://127.0.0.1:{options.port}", options.rate, options.seconds)
            _print_memory(service.pid)
        finally:
            service.send_signal(signal.SIGINT)
            service.wait(30)


def _start(home: Path, port: int) -> subprocess.Popen[bytes]:
    command = [str(Path(sys.executable).parent / "moderation"), "run", "--port", str(port)]
    service = subprocess.Popen(command, env=os.environ | {"MODERATION_HOME": str(home)}, stderr=subprocess.DEVNULL)
    deadline = time.monotonic() + 60
    while time.monotonic() < deadline:
        try:
            if httpx.get(f"http://127.0.0.1:{port}/readyz", trust_env=False).is_success:
                return service
        except httpx.HTTPError:
            time.sleep(0.1)
    raise SystemExit("the service did not start")


def _measure(home: Path, url: str, rate: float, seconds: float) -> None:
    database = Database(Settings(home=home).database_url)
    with database.session() as session:
        secret = auth.signing_secrets(sites.add_site(session, slug="bench", name="Bench"))[0]
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
        began = time.perf_counter()
        for number in range(int(rate * seconds)):
            time.sleep(max(0.0, began + number / rate - time.perf_counter()))
            pool.submit(post, number)
    while _unread(database):
        time.sleep(0.05)
    with database.session(read_only=True) as session:
        rows = session.execute(
            select(Comment.external_id, Assessment.assessed_at).join(Assessment, Assessment.comment_id == Comment.id)
        )
        waited = [max(0.0, at.timestamp() - answered[name]) for name, at in rows if name != "b1000000"]
    print(
        f"{len(waited)} comments at {rate:g}/s, embedded: SQLite, a folder as broker, one web and one scoring process\n"
    )
    print(f"{'seconds':<28}{'median':>9}{'p95':>9}{'p99':>9}{'max':>9}")
    for name, values in (("webhook, sent to 202", took[1:]), ("202 to scored and in the queue", waited)):
        cuts = statistics.quantiles(values, n=100)
        print(f"{name:<31}{cuts[49]:>6.3f}{cuts[94]:>9.3f}{cuts[98]:>9.3f}{max(values):>9.3f}")


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
