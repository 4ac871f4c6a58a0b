"""A server of files on loopback that may cut the connection."""

import http.server
from collections import Counter
from collections.abc import Iterator, Mapping
from contextlib import contextmanager

from tests.serving import answering


class Mirror(http.server.ThreadingHTTPServer):
    """Serves files by name; sends ``most`` bytes of an answer at most, then closes."""

    allow_reuse_address = True

    def __init__(self, files: Mapping[str, bytes], *, most: int, ranges: bool, port: int) -> None:
        super().__init__(("127.0.0.1", port), _Handler)
        self.files, self.most, self.ranges = files, most, ranges
        self.asked: list[tuple[str, str | None]] = []
        self.sent: Counter[str] = Counter()
        self.url = f"http://127.0.0.1:{self.server_port}"


class _Handler(http.server.BaseHTTPRequestHandler):
    server: Mirror

    def do_GET(self) -> None:
        content = self.server.files.get(self.path.lstrip("/"))
        asked = self.headers.get("Range")
        self.server.asked.append((self.path, asked))
        if content is None:
            self.send_error(404)
            return
        first = int(asked.removeprefix("bytes=").rstrip("-")) if asked and self.server.ranges else 0
        if first and first >= len(content):
            self.send_error(416)
            return
        self.send_response(206 if first else 200)
        self.send_header("Content-Length", str(len(content) - first))
        self.end_headers()
        self.server.sent[self.path] += self.wfile.write(content[first : first + self.server.most])

    def log_message(self, *_: object) -> None:
        pass


@contextmanager
def serving(files: Mapping[str, bytes], *, most: int = 10**9, ranges: bool = True, port: int = 0) -> Iterator[Mirror]:
    server = Mirror(files, most=most, ranges=ranges, port=port)
    with answering(server):
        yield server
