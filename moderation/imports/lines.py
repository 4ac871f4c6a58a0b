"""Reads JSON Lines and CSV: one comment a line, and of a bad one says which line it is and what is wrong with it."""

import codecs
import csv
import io
import json
from collections.abc import Iterator, Sequence
from typing import IO, Any, TypeVar

from pydantic import BaseModel, ValidationError

from moderation.contract import CommentData, DecidedCommentData, first_problem
from moderation.errors import BadInput
from moderation.imports.archive import ArchivedComment, LoneArticle
from moderation.imports.place import START, Found, Place

NEEDED = ("id", "text", "submitted_at", "article_id", "article_url", "article_title")
COLUMNS = (
    *NEEDED,
    *("html", "parent_id", "language", "commenter_id", "commenter_name", "commenter_email"),
    *("article_lead", "article_body", "article_language", "article_section"),
    *("outcome", "decided_at"),
)
"""What a CSV file may have in its first line. ``commenter_…`` and ``article_…`` belong to those."""

LONGEST_FIELD = 1_000_000

Item = TypeVar("Item", bound=BaseModel)


def read_jsonl(file: IO[bytes], after: Place = START) -> Iterator[Found]:
    """Yield the comments of JSON Lines, one a line: the ``data`` of ``comment.created`` or ``comment.decided``, or what
    ``moderation.imports.archive`` wrote.

    BadInput at the first line that is none.
    """
    file.seek(after.read)
    read, number = after.read, after.lines
    for line in file:
        read += len(line)
        number += 1
        if not line.strip():
            continue
        try:
            value = json.loads(line.decode("utf-8-sig"))
        except UnicodeDecodeError:
            raise bad_line(number, "not UTF-8") from None
        except (ValueError, RecursionError) as error:
            raise bad_line(number, f"not JSON: {error}") from None
        if not isinstance(value, dict):
            raise bad_line(number, "not a JSON object")
        yield Found(validated(_kind(value), value, number), Place(read, number))


class _Lines:
    """The lines of a text file in UTF-8, from a place on; ``read`` are the bytes up to the end of the last one."""

    def __init__(self, file: IO[bytes], start: int) -> None:
        file.seek(start)
        self._text = io.TextIOWrapper(file, encoding="utf-8", newline="")
        self.read = start

    def __iter__(self) -> Iterator[str]:
        return self

    def __next__(self) -> str:
        line = self._text.readline()
        if not line:
            raise StopIteration
        self.read += len(line.encode("utf-8"))
        return line

    def close(self) -> None:
        """Let go of the file without closing it."""
        self._text.detach()


def read_csv(file: IO[bytes], after: Place = START) -> Iterator[Found]:
    """Yield the comments of a CSV file with a first line of ``COLUMNS``, separated by commas or semicolons.

    BadInput where columns are missing or unknown, and at the first line that is no comment.
    """
    csv.field_size_limit(LONGEST_FIELD)
    names, separator, begin = _first_line(file)
    before = max(after.lines, 1)
    lines = _Lines(file, max(after.read, begin))
    rows = csv.reader(lines, delimiter=separator, strict=True)
    try:
        for row in rows:
            number = before + rows.line_num
            if not row:
                continue
            if len(row) != len(names):
                raise bad_line(number, f"{len(row)} fields, but {len(names)} columns")
            nested = _nested(names, row)
            item = validated(DecidedCommentData if nested.get("outcome") else CommentData, nested, number)
            yield Found(item, Place(lines.read, number))
    except UnicodeDecodeError:
        raise bad_line(before + rows.line_num + 1, "not UTF-8, there or shortly after") from None
    except csv.Error as error:
        raise bad_line(before + rows.line_num, f"not CSV: {error}") from None
    finally:
        lines.close()


def _first_line(file: IO[bytes]) -> tuple[list[str], str, int]:
    """Return the names of the columns, what separates them, and where the rows begin."""
    mark = file.read(len(codecs.BOM_UTF8))
    lines = _Lines(file, len(mark) if mark == codecs.BOM_UTF8 else 0)
    try:
        first = next(lines, "")
        separator = ";" if first.count(";") > first.count(",") else ","
        names = next(csv.reader([first], delimiter=separator), [])
    except UnicodeDecodeError:
        raise bad_line(1, "not UTF-8, there or shortly after") from None
    except csv.Error as error:
        raise bad_line(1, f"not CSV: {error}") from None
    finally:
        lines.close()
    _require_columns(names)
    return names, separator, lines.read


def _require_columns(names: Sequence[str]) -> None:
    missing = [name for name in NEEDED if name not in names]
    unknown = [name for name in names if name not in COLUMNS]
    twice = sorted({name for name in names if names.count(name) > 1})
    for problem, found in (("missing", missing), ("unknown", unknown), ("there twice", twice)):
        if found:
            raise bad_line(1, f"columns {problem}: {', '.join(found)}; known are {', '.join(COLUMNS)}")


def _nested(names: Sequence[str], row: Sequence[str]) -> dict[str, Any]:
    """A row as JSON would have it; empty fields are left out."""
    nested: dict[str, Any] = {"article": {}, "commenter": {}}
    for name, value in zip(names, row, strict=True):
        if value == "" and name != "text":
            continue
        room, _, rest = name.partition("_")
        if room in {"article", "commenter"}:
            nested[room][rest] = value
        else:
            nested[name] = value
    return nested


def _kind(value: dict[str, Any]) -> type[CommentData | LoneArticle]:
    if "decisions" in value:
        return ArchivedComment
    if value.keys() == {"article"}:
        return LoneArticle
    return DecidedCommentData if value.get("outcome") else CommentData


def validated(kind: type[Item], value: dict[str, Any], number: int) -> Item:
    """Make a comment of what was read; BadInput names the line and the first field that is wrong."""
    try:
        return kind.model_validate(value)
    except ValidationError as error:
        field, sentence = first_problem(error)
        raise bad_line(number, f"{field}: {sentence}") from None


def bad_line(number: int, problem: str) -> BadInput:
    """Say which line of a file is wrong, and how."""
    return BadInput(f"Line {number}: {problem}.", code="bad_line")
