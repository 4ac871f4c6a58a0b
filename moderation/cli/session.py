"""What every command that talks to the database begins with."""

from collections.abc import Iterator
from contextlib import contextmanager

from sqlalchemy.orm import Session

from moderation.config import load_settings
from moderation.db import Database


@contextmanager
def open_session(*, read_only: bool = False) -> Iterator[Session]:
    """A session with the configured database, closed for good afterwards."""
    database = Database(load_settings().database_url)
    try:
        with database.session(read_only=read_only) as session:
            yield session
    finally:
        database.dispose()
