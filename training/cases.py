"""Reads the corpus's short cases: texts that differ as little as possible and yet carry different labels."""

import zlib
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from moderation.judge.case import Case, Parent
from training import corpus
from training.corpus import CORPUS, Rated, Split, Thread

CASES = CORPUS / "cases"

_TRAIN, _DEV = 66, 14  # per cent of the pairs that stand under no article; the rest is test


@dataclass(frozen=True, slots=True)
class ShortCase(Rated):
    """One text of a pair; ``relevance`` is None where there is no article to hold it against."""

    relevance: str | None


@dataclass(frozen=True, slots=True)
class Pair:
    """Two to four texts told apart by their labels; ``article`` is the id of the thread they stand under, if any."""

    id: str
    language: str
    about: str
    article: str | None
    reply_to: str | None
    cases: tuple[ShortCase, ...]

    def case(self, row: int, thread: Thread | None = None, background: tuple[str, ...] = ()) -> Case:
        """Return a text as the service would hand it to the judge, under the article of ``thread``."""
        return Case(
            text=self.cases[row].text,
            article=thread and thread.article,
            parent=Parent(self.reply_to) if self.reply_to else None,
            thread=tuple(c.text for c in thread.comments if c.text != self.reply_to) if thread else (),
            background=background,
        )


def load_pairs(folder: Path = CASES) -> list[Pair]:
    """Return all pairs of a folder, in the order of the files and within them."""
    return [pair for file in sorted(folder.glob("*.yaml")) for pair in load_file(file)]


def load_file(file: Path) -> list[Pair]:
    """Return the pairs of one file, which is one difficulty."""
    data = corpus.read(file)
    return [_pair(pair, data) for pair in data["pairs"]]


def split_of(pair: Pair) -> Split:
    """Return the split of a pair: that of the article it stands under, otherwise a fixed share by its id."""
    if pair.article:
        return corpus.split_of(pair.article)
    share = zlib.crc32(pair.id.encode()) % 100
    return Split.TRAIN if share < _TRAIN else Split.DEV if share < _TRAIN + _DEV else Split.TEST


def _pair(data: dict[str, Any], file: dict[str, Any]) -> Pair:
    return Pair(
        id=data["id"],
        language=file["language"],
        about=file["about"],
        article=data.get("article"),
        reply_to=data.get("reply_to"),
        cases=tuple(_case(case) for case in data["cases"]),
    )


def _case(data: dict[str, Any]) -> ShortCase:
    return ShortCase(
        text=data["text"].strip(),
        quotes=corpus.quotes_of(data),
        target=data.get("target", "none"),
        relevance=data.get("relevance"),
    )
