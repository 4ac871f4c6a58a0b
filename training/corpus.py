"""Reads the project's own threads: articles, the comments under them, and their labels."""

from dataclasses import dataclass
from enum import StrEnum
from functools import cache
from pathlib import Path
from typing import Any

import yaml

from moderation.judge.case import Article, Case, Kind, Parent

CORPUS = Path(__file__).parent / "corpus"

ON_TOPIC = frozenset({"on_topic", "loose"})
OFF_TOPIC = frozenset({"off_topic", "spam"})

_ROUGH = frozenset({Kind.PROFANITY, Kind.SHOUTING})


class Split(StrEnum):
    """What a text may be used for: teaching, choosing on the way, or only ever measuring."""

    TRAIN = "train"
    DEV = "dev"
    TEST = "test"


@dataclass(frozen=True, slots=True)
class Rated:
    """A text and who is put down in it, how, and in which words."""

    text: str
    quotes: tuple[tuple[Kind, str], ...]
    target: str

    @property
    def kinds(self) -> frozenset[Kind]:
        """The kinds of disrespect in it."""
        return frozenset(kind for kind, _ in self.quotes)

    @property
    def marked(self) -> frozenset[int]:
        """The characters that carry disrespect; shouting is how something is said, and marks none."""
        places: set[int] = set()
        for kind, quote in self.quotes:
            start = self.text.find(quote)
            if kind is not Kind.SHOUTING and start >= 0:
                places.update(range(start, start + len(quote)))
        return frozenset(places)

    @property
    def disrespectful(self) -> bool:
        """Whether it goes against persons: swearing at no one and shouting are rough, but no put-down."""
        return bool(self.kinds - _ROUGH) or (Kind.PROFANITY in self.kinds and self.target != "none")


@dataclass(frozen=True, slots=True)
class Comment(Rated):
    """A labelled comment; ``parent`` is the row of the comment it answers, within its thread."""

    commenter: str
    parent: int | None
    relevance: str


@dataclass(frozen=True, slots=True)
class Thread:
    """One article and the comments under it."""

    id: str
    section: str
    article: Article
    comments: tuple[Comment, ...]

    def case(self, row: int, background: tuple[str, ...] = ()) -> Case:
        """Return a comment as the service would hand it to the judge."""
        comment = self.comments[row]
        others = tuple(c.text for i, c in enumerate(self.comments) if i not in (row, comment.parent))
        return Case(
            text=comment.text,
            commenter=comment.commenter,
            article=self.article,
            parent=self._answered(comment),
            thread=others,
            background=background,
        )

    def _answered(self, comment: Comment) -> Parent | None:
        if comment.parent is None:
            return None
        parent = self.comments[comment.parent]
        return Parent(parent.text, parent.commenter, self._answered(parent))


def read(file: Path) -> Any:
    """Return what a YAML file holds."""
    return yaml.load(file.read_text(encoding="utf-8"), Loader=yaml.CSafeLoader)


def load_threads(folder: Path) -> list[Thread]:
    """Return all threads of a folder, in the order of their file names."""
    return [_thread(read(file)) for file in sorted(folder.glob("*.yaml"))]


def split_of(thread: str) -> Split:
    """Return the split of a thread of the corpus (``corpus/split.yaml``); KeyError when it has none."""
    return _splits()[thread]


@cache
def _splits() -> dict[str, Split]:
    return {thread: Split(split) for split, threads in read(CORPUS / "split.yaml").items() for thread in threads}


def quotes_of(data: dict[str, Any]) -> tuple[tuple[Kind, str], ...]:
    """Return the labelled places of a comment or case as it stands in a file."""
    return tuple((Kind(entry["kind"]), entry["quote"]) for entry in data.get("disrespect") or ())


def _thread(data: dict[str, Any]) -> Thread:
    rows = {comment["id"]: row for row, comment in enumerate(data["comments"])}
    article = data["article"]
    return Thread(
        id=data["id"],
        section=data.get("section", ""),
        article=Article(
            title=article["title"],
            lead=article.get("lead", ""),
            body=article.get("body", ""),
            authors=tuple(article.get("authors", ())),
            language=data["language"],
        ),
        comments=tuple(_comment(comment, rows) for comment in data["comments"]),
    )


def _comment(data: dict[str, Any], rows: dict[int, int]) -> Comment:
    return Comment(
        text=data["text"].strip(),
        quotes=quotes_of(data),
        target=data.get("target", "none"),
        commenter=str(data["by"]),
        parent=rows.get(data["reply_to"]) if data.get("reply_to") else None,
        relevance=data["relevance"],
    )
