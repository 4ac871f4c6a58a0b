"""The paper: sends comments until they are taken, hears decisions in all the ways a site can be ill, keeps a ledger."""

import json
import random
import threading
import time
from collections import defaultdict
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import UTC, datetime
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from zlib import crc32

import httpx
from standardwebhooks.webhooks import Webhook

from tests.integration.ports import free_port
from tests.senders import comment, signed

READER = "Radlerin vom Nordring"

MOODS = ("well", "slow", "dripping", "500", "429", "301", "garbage", "cut off")

TEXTS = (
    "Zwölf Minuten Umweg über den Nordring, das schaffen wir. Hauptsache, die Brücke hält danach.",
    "Wer so etwas plant, ist ein Vollidiot und gehört entlassen.",
    "Und wer zahlt den Umweg für die Pendler? Im Gutachten steht dazu nichts.",
    "Mein Rezept für Pflaumenkuchen findet ihr auf meiner Seite.",
)


@dataclass(frozen=True, slots=True)
class Heard:
    """One message as it came to the site; ``taken`` says whether the site answered that it has it."""

    webhook_id: str
    comment_id: str
    outcome: str
    decided_at: str
    body: str
    taken: bool


class Receiver:
    """The site's callback. Its mood says how it behaves; whatever it hears goes into the ledger, signature checked."""

    def __init__(self) -> None:
        self.port = free_port()
        self.elsewhere = 0
        """Requests that came where only somebody who follows redirects comes."""
        self.forged = 0
        self.ledger: list[Heard] = []
        self.mood = "well"
        self.secret = ""
        self._lock = threading.Lock()
        self._server: ThreadingHTTPServer | None = None

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}/hausordnung"

    def open(self) -> None:
        receiver = self

        class Handler(BaseHTTPRequestHandler):
            def do_POST(self) -> None:
                with suppress(OSError):
                    receiver._hear(self)

            do_GET = do_POST  # noqa: N815 - the library calls it so

            def log_message(self, *_: Any) -> None:
                pass

        class Server(ThreadingHTTPServer):
            daemon_threads = True
            block_on_close = False

            def handle_error(self, *_: Any) -> None:
                pass

        self._server = Server(("127.0.0.1", self.port), Handler)
        threading.Thread(target=self._server.serve_forever, kwargs={"poll_interval": 0.05}, daemon=True).start()

    def close(self) -> None:
        if self._server is not None:
            self._server.shutdown()
            self._server.server_close()
        self._server = None

    def be(self, mood: str) -> bool:
        """Change the mood; cut off, nobody even listens. False where it is in that mood already."""
        if mood == self.mood:
            return False
        if (mood == "cut off") != (self._server is None):
            self.close() if mood == "cut off" else self.open()
        self.mood = mood
        return True

    def _hear(self, request: BaseHTTPRequestHandler) -> None:
        body = request.rfile.read(int(request.headers.get("content-length", 0))).decode()
        if not request.path.startswith("/hausordnung"):
            self.elsewhere += 1
        mood = self.mood
        status, headers = {
            "500": (500, {}),
            "429": (429, {"Retry-After": "2"}),
            "301": (301, {"Location": f"http://127.0.0.1:{self.port}/elsewhere"}),
        }.get(mood, (204, {}))
        self._note(request, body, taken=mood in {"well", "slow", "dripping"})
        if mood == "garbage":
            request.wfile.write(b"\x00\xff\xfe lp0 on fire \r\n\r\n")
            return
        if mood == "slow":
            time.sleep(3)
        if mood == "dripping":
            request.wfile.write(b"HTTP/1.1 204 No Content\r\nX-Slow: ")
            for _ in range(40):
                request.wfile.write(b".")
                time.sleep(0.2)
        request.send_response(status)
        for name, value in headers.items():
            request.send_header(name, value)
        request.end_headers()

    def _note(self, request: BaseHTTPRequestHandler, body: str, *, taken: bool) -> None:
        headers = {name.lower(): value for name, value in request.headers.items()}
        try:
            Webhook(self.secret).verify(body, headers)
        except Exception:
            self.forged += 1
            return
        data = json.loads(body)["data"]
        said = {name: value for name, value in data.items() if name != "statement_url"}  # is made anew for each try
        heard = Heard(headers["webhook-id"], data["id"], data["outcome"], data["decided_at"], json.dumps(said), taken)
        with self._lock:
            self.ledger.append(heard)


@dataclass
class Desk:
    """Where the comments go, and what came of each: its ledger of promises."""

    urls: list[str]
    secret: str
    chance: random.Random
    promised: dict[str, str] = field(default_factory=dict)
    """What was answered with 202: the comment's text, by its id."""
    refused: list[str] = field(default_factory=list)
    tries: dict[str, int] = field(default_factory=lambda: defaultdict(int))
    _stop: threading.Event = field(default_factory=threading.Event)
    _threads: list[threading.Thread] = field(default_factory=list)
    _lock: threading.Lock = field(default_factory=threading.Lock)

    def send_all(self, number: int, *, threads: int, per_second: float) -> None:
        """Begin to send so many comments; ``unsent`` says whether it is still at it."""
        numbers = iter(range(number))
        began = time.monotonic()

        def work(chance: random.Random) -> None:
            with httpx.Client(trust_env=False, timeout=5) as client:
                while not self._stop.is_set():
                    with self._lock:
                        mine = next(numbers, None)
                    if mine is None:
                        return
                    self._stop.wait(max(0.0, began + mine / per_second - time.monotonic()))
                    self._say(client, f"c{mine}", chance)

        for _ in range(threads):
            thread = threading.Thread(target=work, args=(random.Random(self.chance.random()),), daemon=True)
            self._threads.append(thread)
            thread.start()

    def say(self, name: str) -> None:
        """Begin to send one comment more, now."""

        def work() -> None:
            with httpx.Client(trust_env=False, timeout=5) as client:
                self._say(client, name, self.chance)

        self._threads.append(threading.Thread(target=work, daemon=True))
        self._threads[-1].start()

    def unsent(self) -> int:
        """How many threads still have something to send."""
        return sum(thread.is_alive() for thread in self._threads)

    def stop(self) -> None:
        self._stop.set()

    def _say(self, client: httpx.Client, name: str, chance: random.Random) -> None:
        """Send a comment; now and then twice; now and then another text after it."""
        text = f"{chance.choice(TEXTS)} ({name})"
        self._send(client, chance, "comment.created", name, text, f"msg_{name}_1")
        if chance.random() < 0.1:
            self._send(client, chance, "comment.created", name, text, f"msg_{name}_1")
        if chance.random() < 0.05:
            changed = f"{chance.choice(TEXTS)} ({name}, verbessert)"
            self._send(client, chance, "comment.updated", name, changed, f"msg_{name}_2")

    def _send(
        self, client: httpx.Client, chance: random.Random, kind: str, name: str, text: str, webhook_id: str
    ) -> None:
        """Send an event again and again, to whichever web process, until it is taken, as any site should."""
        reader = {"name": READER, "ip": f"2001:db8:{crc32(name.encode()) & 0xFFFF:x}::1"}  # each a household
        data = comment(id=name, text=text, commenter=reader)
        body = json.dumps({"type": kind, "timestamp": datetime.now(UTC).isoformat(), "data": data})
        while not self._stop.is_set():
            self.tries[webhook_id] += 1
            url = chance.choice(self.urls)
            headers = signed(self.secret, body, webhook_id=webhook_id)
            try:
                answer = client.post(f"{url}/webhooks/zeitung/comments", content=body.encode(), headers=headers)
            except httpx.HTTPError:
                self._stop.wait(0.2)
                continue
            if answer.status_code == 202:
                self.promised[name] = text
                return
            if answer.status_code < 500 and answer.status_code != 429:
                self.refused.append(f"{webhook_id}: {answer.status_code} {answer.text[:200]}")
                return
            self._stop.wait(0.2)
