"""What the database is asked."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any, NamedTuple

from sqlalchemy import Engine, event


class Asked(NamedTuple):
    """A statement, and the values that went with it."""

    statement: str
    values: Any


@contextmanager
def heard(engine: Engine) -> Iterator[list[Asked]]:
    """Collect all statements that go over an engine meanwhile."""
    asked: list[Asked] = []

    def listen(_connection: Any, _cursor: Any, statement: str, values: Any, *_: Any) -> None:
        asked.append(Asked(statement, values))

    event.listen(engine, "before_cursor_execute", listen)
    try:
        yield asked
    finally:
        event.remove(engine, "before_cursor_execute", listen)
