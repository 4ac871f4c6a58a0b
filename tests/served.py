"""The application as gunicorn serves it, behind the doorman, with as many threads as it has by default."""

import json
import os
import re
import signal
import socket
import subprocess
import sys
from pathlib import Path

import httpx
from prometheus_client.parser import text_string_to_metric_families

from moderation import auth
from moderation.config import Settings
from moderation.models import Site
from tests.integration.ports import free_port
from tests.senders import comment, signed
from tests.waiting import listening, until

METRICS_TOKEN = "a token that is long enough"


class Served:
    """A gunicorn of its own, until it is closed."""

    def __init__(self, settings: Settings, site: Site, *, files: int = 4096, workers: int = 1) -> None:
        self.port = free_port()
        self.secret = auth.signing_secrets(site)[0]
        self.numbers = iter(range(10_000))
        env = os.environ | {
            "MODERATION_HOME": str(settings.home),
            "MODERATION_DATABASE_URL": settings.database_url,
            "MODERATION_SECRET_KEY": settings.require_secret_key(),
            "MODERATION_METRICS_TOKEN": METRICS_TOKEN,
        }
        command = ["gunicorn", "moderation:create_app()", "--bind", f"127.0.0.1:{self.port}"]
        command += ["--config", "python:moderation.serving", "--workers", str(workers)]
        self.process = subprocess.Popen(
            ["prlimit", f"--nofile={files}", sys.executable, "-m", *command], env=env, start_new_session=True
        )
        try:
            until(lambda: listening(self.port), within=180)
        except BaseException:
            self.close()
            raise

    def connect(self, words: bytes = b"") -> socket.socket:
        opened = socket.create_connection(("127.0.0.1", self.port), timeout=20)
        opened.sendall(words)
        return opened

    def say(self, words: bytes) -> bytes:
        """Say something and return the whole answer, up to the end of the connection."""
        with self.connect(words) as opened:
            return b"".join(iter(lambda: opened.recv(65_536), b""))

    def send_comment(self, **options: object) -> httpx.Response:
        body = json.dumps({"type": "comment.created", "data": comment(id=f"c{next(self.numbers)}")})
        return self.send(body, **options)

    def send(self, body: str, **options: object) -> httpx.Response:
        url = f"http://127.0.0.1:{self.port}/webhooks/foerdeblick/comments"
        headers = signed(self.secret, body)
        content = iter([body.encode()]) if options.get("in_chunks") else body.encode()
        return httpx.post(url, content=content, headers=headers, trust_env=False, timeout=20)

    def errors(self) -> dict[tuple[str, str, str], float]:
        """What any process says was refused or failed, by door, status and code."""
        bearer = {"Authorization": f"Bearer {METRICS_TOKEN}", "Connection": "close"}
        answer = httpx.get(f"http://127.0.0.1:{self.port}/metrics", headers=bearer, trust_env=False, timeout=20)
        return {
            (sample.labels["door"], sample.labels["status"], sample.labels["code"]): sample.value
            for family in text_string_to_metric_families(answer.text)
            for sample in family.samples
            if sample.name == "hausordnung_errors_total"
        }

    def at_work(self, about: str) -> list[int]:
        """What `ps` says of the processes at work."""
        asked = ["ps", "-o", f"{about}=", "--ppid", str(self.process.pid)]
        answer = subprocess.run(asked, capture_output=True, text=True, check=False)  # which fails while there are none
        return [int(line) for line in answer.stdout.split()]

    def memory(self) -> int:
        """Megabytes that the process at work has in memory."""
        return sum(self.at_work("rss")) // 1024

    def most_memory(self) -> int:
        """Megabytes that the process at work had in memory when it had most (Linux)."""
        (worker,) = self.at_work("pid")
        found = re.search(r"VmHWM:\s+(\d+) kB", Path(f"/proc/{worker}/status").read_text())
        assert found
        return int(found[1]) // 1024

    def open_files(self) -> int:
        """Files that the process at work has open (Linux)."""
        (worker,) = self.at_work("pid")
        return len(list(Path(f"/proc/{worker}/fd").iterdir()))

    def close(self) -> None:
        if self.process.poll() is None:
            os.killpg(self.process.pid, signal.SIGTERM)
        self.process.wait(20)
