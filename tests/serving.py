"""The application on a real port of loopback, for browsers and for unmodified clients."""

import threading
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from socketserver import BaseServer
from typing import Any

from flask import Flask
from werkzeug.serving import WSGIRequestHandler, make_server

ANSWER = "tests.answer"


class _Handler(WSGIRequestHandler):
    timeout = 5.0
    """Seconds after which a connection that says nothing is closed, so that ending never waits for it longer."""

    def connection_dropped(self, error: BaseException, environ: dict[str, Any] | None = None) -> None:
        """Close the answer, and with it its file: werkzeug forgets it where a browser has gone on to another page."""
        if answer := (environ or {}).get(ANSWER):
            answer.close()

    def log(self, *_: object) -> None:
        pass


def _remembering(app: Flask) -> Callable[[dict[str, Any], Any], Iterable[bytes]]:
    return lambda environ, start_response: environ.setdefault(ANSWER, app(environ, start_response))


class Server:
    """Serves from its making on, until it is closed: then nothing of it is at work any more."""

    def __init__(self, app: Flask, *, port: int = 0) -> None:
        self._server = make_server("127.0.0.1", port, _remembering(app), threaded=True, request_handler=_Handler)
        self._server.daemon_threads = False  # type: ignore[attr-defined]  # closing waits for what is being answered
        self._thread = threading.Thread(target=self._server.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True)
        self._thread.start()
        self._app = app
        self.port = self._server.server_port

    def serve(self, app: Flask) -> None:
        """Serve another application from now on: one that had to know the port."""
        self._app, self._server.app = app, _remembering(app)

    def close(self) -> None:
        self._app.extensions["moderation"].feed.close()  # else the server waits until somebody hangs up
        self._server.shutdown()
        self._thread.join()


@contextmanager
def answering(server: BaseServer) -> Iterator[None]:
    """Have a small server of the standard library's kind answer as long as the context lasts."""
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True)
    thread.start()
    try:
        yield
    finally:
        server.shutdown()
        thread.join()
        server.server_close()


@contextmanager
def serving(app: Flask) -> Iterator[Server]:
    """Serve the application as long as the context lasts."""
    server = Server(app)
    try:
        yield server
    finally:
        server.close()
