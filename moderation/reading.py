"""The session in which everything is read that one page shows: who is signed in, the page itself, what stands above it.

One session for a request means one transaction, and that nothing is read twice. It knows no table.
"""

from collections.abc import Iterator
from contextlib import contextmanager

from flask import Flask, current_app, g, request
from sqlalchemy.orm import Session

from moderation.db import Database


@contextmanager
def reading() -> Iterator[Session]:
    """Return the session of this request that only reads; it is closed when the request ends, or fails.

    A request that writes has none that lasts: what it reads after its commit must be what it committed.
    """
    database: Database = current_app.extensions["moderation"].database
    if request.method not in {"GET", "HEAD"}:
        with database.session(read_only=True) as session:
            yield session
        return
    if "reading" not in g:
        g.reading = database.session(read_only=True)
    try:
        yield g.reading
    except BaseException:
        _close()
        raise


def close_with_request(app: Flask) -> None:
    """Have the sessions of requests closed."""
    app.teardown_request(_close)


def _close(_error: BaseException | None = None) -> None:
    session = g.pop("reading", None)
    if session is not None:
        session.close()
