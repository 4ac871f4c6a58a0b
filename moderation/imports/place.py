"""How far a file has been read, so that a later run can go on there."""

from dataclasses import dataclass

from moderation.contract import CommentData
from moderation.imports.archive import LoneArticle


@dataclass(frozen=True, slots=True)
class Place:
    """Where reading stands: after so many bytes and lines of the file, and after so many comments and articles.

    Lines of text are found again by their bytes, elements of XML by counting. ``items`` of Isso is the id of the
    comment that was last.
    """

    read: int = 0
    lines: int = 0
    items: int = 0


START = Place()


@dataclass(frozen=True, slots=True)
class Found:
    """A comment or an article of a file, and the place behind it."""

    item: CommentData | LoneArticle
    place: Place
