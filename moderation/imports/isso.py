"""Reads Isso's database: threads are articles, comments come with what was decided on them."""

import sqlite3
from collections.abc import Iterator
from contextlib import closing
from datetime import UTC, datetime
from pathlib import Path
from typing import Any
from urllib.parse import urljoin

from pydantic import ValidationError

from moderation.contract import CommentData, DecidedCommentData, first_problem
from moderation.errors import BadInput
from moderation.imports.place import START, Found, Place

NEEDED = {
    "threads": ("id", "uri", "title"),
    "comments": ("tid", "id", "parent", "created", "mode", "remote_addr", "text", "author", "email"),
}
DECIDED = {1: "approve", 4: "delete"}
PENDING = 2

_ALL = """SELECT c.id, c.parent, c.created, c.mode, c.remote_addr, c.text, c.author, c.email, t.uri, t.title
    FROM comments c JOIN threads t ON t.id = c.tid WHERE c.id > ? ORDER BY c.id"""


def count(file: Path, after: Place = START) -> int:
    """Return how many comments there are behind a place; BadInput where the file is no database of Isso's."""
    with closing(_open(file)) as database:
        return int(database.execute("SELECT count(*) FROM comments WHERE id > ?", (after.items,)).fetchone()[0])


def read_isso(file: Path, address: str, after: Place = START) -> Iterator[Found]:
    """Yield the comments, oldest first; ``address`` is where the site is, for Isso keeps paths only.

    Isso does not say when it was decided: the moment of the comment stands for it. BadInput names the comment that is
    wrong.
    """
    size = file.stat().st_size
    with closing(_open(file)) as database:
        for row in database.execute(_ALL, (after.items,)):
            yield Found(_comment(dict(row), address), Place(size, items=row["id"]))


def _open(file: Path) -> sqlite3.Connection:
    database = sqlite3.connect(f"{file.absolute().as_uri()}?mode=ro", uri=True)
    database.row_factory = sqlite3.Row
    try:
        _require_columns(database)
    except sqlite3.DatabaseError as error:
        database.close()
        raise BadInput(f"{file.name} cannot be read: {error}.") from None
    except BadInput:
        database.close()
        raise
    return database


def _require_columns(database: sqlite3.Connection) -> None:
    for table, columns in NEEDED.items():
        there = {row["name"] for row in database.execute(f"PRAGMA table_info({table})")}
        missing = [name for name in columns if name not in there]
        if missing:
            raise BadInput(f"The table {table!r} lacks {', '.join(missing)}: this is no database of Isso's.")


def _comment(row: dict[str, Any], address: str) -> CommentData:
    outcome = DECIDED.get(row["mode"])
    if outcome is None and row["mode"] != PENDING:
        raise BadInput(f"Comment {row['id']}: mode is {row['mode']!r}, known are 1, 2 and 4.")
    try:
        submitted = datetime.fromtimestamp(row["created"], UTC)
        url = urljoin(address, row["uri"])
        values = {
            "id": row["id"],
            "text": row["text"] or "",
            "commenter": {"name": row["author"], "email": row["email"], "ip": row["remote_addr"]},
            "parent_id": row["parent"],
            "submitted_at": submitted,
            "article": {"id": row["uri"], "url": url, "title": row["title"] or url},
        }
        if outcome is None:
            return CommentData.model_validate(values)
        return DecidedCommentData.model_validate(values | {"outcome": outcome, "decided_at": submitted})
    except ValidationError as error:
        field, sentence = first_problem(error)
        raise BadInput(f"Comment {row['id']}: {field}: {sentence}.") from None
    except (TypeError, ValueError, OverflowError, OSError):
        raise BadInput(f"Comment {row['id']}: created is {row['created']!r}, which is no time.") from None
