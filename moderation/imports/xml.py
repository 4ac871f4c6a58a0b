"""Reads big XML files of strangers element by element, and knows the line: no entities, no DTD, no deep nesting."""

from collections.abc import Collection, Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import IO
from xml.etree.ElementTree import Element, ParseError

from defusedxml.common import DefusedXmlException
from defusedxml.ElementTree import iterparse

from moderation.imports.lines import bad_line
from moderation.imports.place import Place

DEEPEST = 100


@dataclass(frozen=True, slots=True)
class Ended:
    """An element that is complete: its name and those around it, without namespaces.

    ``line`` is the one it ended on, ``read`` the bytes up to that line's end.
    """

    path: tuple[str, ...]
    element: Element
    line: int
    read: int

    def place(self, items: int) -> Place:
        """Return the place behind it, which makes so many comments and articles."""
        return Place(self.read, self.line, items)


class _Lines:
    """Gives out a file line by line, so that what was just parsed is known to be on the line that was just read."""

    def __init__(self, file: IO[bytes]) -> None:
        self._file = file
        self.number = 1
        self.bytes = 0
        self._ended = False

    def read(self, most: int = -1, /) -> bytes:
        """Return the next line, or the next piece of a long one."""
        piece = self._file.readline(most)
        self.number += self._ended
        self.bytes += len(piece)
        self._ended = piece.endswith(b"\n")
        return piece


def elements(file: IO[bytes], *, root: str, dropped: Collection[tuple[str, ...]]) -> Iterator[Ended]:
    """Yield each element when it is complete; those at the paths ``dropped`` take no more room after that.

    BadInput names the line where the file is no XML, ends too early, has another root, or tries an attack.
    """
    lines = _Lines(file)
    open_: list[Element] = []
    path: tuple[str, ...] = ()
    try:
        for kind, element in iterparse(lines, events=("start", "end"), forbid_dtd=True):
            if kind == "start":
                path = (*path, local(element.tag))
                open_.append(element)
                _require_sense(path, root, lines.number)
                continue
            open_.pop()
            yield Ended(path, element, lines.number, lines.bytes)
            if path in dropped:
                open_[-1].remove(element)
            path = path[:-1]
    except DefusedXmlException as error:
        raise bad_line(lines.number, f"{type(error).__name__}: an export has no DTD and no entities") from None
    except ParseError as error:
        number = error.position[0] if error.position else lines.number
        raise bad_line(number, f"not well-formed XML, or cut off: {error}") from None
    except (LookupError, UnicodeError) as error:
        raise bad_line(lines.number, f"unreadable: {error}") from None


def _require_sense(path: tuple[str, ...], root: str, line: int) -> None:
    if path[0] != root:
        raise bad_line(line, f"the file begins with <{path[0]}>, not with <{root}>")
    if len(path) > DEEPEST:
        raise bad_line(line, f"elements within elements, {DEEPEST} deep")


def local(tag: str) -> str:
    """Return a name without its namespace."""
    return tag.rpartition("}")[2]


def texts(element: Element) -> dict[str, str]:
    """Return the texts of an element's children by their names."""
    return {local(child.tag): (child.text or "").strip() for child in element}


def utc(value: str) -> datetime | None:
    """Read `2024-03-01 12:00:00`, or the same in ISO 8601, as UTC; None where it is nothing, or all noughts."""
    if not value or value.startswith("0000"):
        return None
    read = datetime.fromisoformat(value)
    return read if read.tzinfo else read.replace(tzinfo=UTC)
