"""Reads the project's own threads: articles, the comments under them, and their labels."""

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml

from moderation.judge.case import Article, Case, Kind, Parent

ON_TOPIC = frozenset({"on_topic", "loose"})
OFF_TOPIC = frozenset({"off_topic", "spam"})

_ROUGH = frozenset({Kind.PROFANITY, Kind.SHOUTING})


@dataclass(frozen=True, slots=True)
class Comment:
    """A labelled comment; ``parent`` is the row of the comment it answers, within its thread."""

    text: str
    commenter: str
    parent: int | None
    relevance: str
    kinds: frozenset[Kind]
    quotes: tuple[tuple[Kind, str], ...]
    target: str

    @property
    def disrespectful(self) -> bool:
        """Whether it goes against persons: swearing at no one and shouting are rough, but no put-down."""
        return bool(self.kinds - _ROUGH) or (Kind.PROFANITY in self.kinds and self.target != "none")


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
        parent = None if comment.parent is None else self.comments[comment.parent]
        others = tuple(c.text for i, c in enumerate(self.comments) if i not in (row, comment.parent))
        return Case(
            text=comment.text,
            commenter=comment.commenter,
            article=self.article,
            parent=parent and Parent(parent.text, parent.commenter),
            thread=others,
            background=background,
        )


def load_threads(folder: Path) -> list[Thread]:
    """Return all threads of a folder, in the order of their file names."""
    return [_thread(yaml.safe_load(path.read_text(encoding="utf-8"))) for path in sorted(folder.glob("*.yaml"))]


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
    quotes = tuple((Kind(entry["kind"]), entry["quote"]) for entry in data.get("disrespect") or ())
    return Comment(
        text=data["text"].strip(),
        commenter=str(data["by"]),
        parent=rows.get(data["reply_to"]) if data.get("reply_to") else None,
        relevance=data["relevance"],
        kinds=frozenset(kind for kind, _ in quotes),
        quotes=quotes,
        target=data.get("target", "none"),
    )
