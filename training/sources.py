"""Reads the public sets that tone is trained on, and says what each may teach which head.

A label is 1, 0 or None ("this set does not say"). Why each set teaches what it does: see README.md beside this file.
"""

import ast
import csv
import html
import json
import random
import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

from moderation.judge.case import Article, Kind
from moderation.judge.lexicon import find
from training.corpus import Comment, Thread

SEED = 20260101
CIVIL_HELD_BACK = range(5000, 6500)
DAVIDSON_POSITIVE = 600
DAVIDSON_NEGATIVE = 2500
REGISTER = 3000

_MENTION = re.compile(r"@\w+")
_RETWEET = re.compile(r"^[!\"\s]*RT\s+@?\w*:?\s*")
_NOTHING = dict.fromkeys(("disrespect", *map(str, Kind)), 0)


@dataclass(frozen=True, slots=True)
class Example:
    """A text, its language, the labels it teaches by head, and how much it counts.

    ``marks`` are the characters that carry a put-down (None: nobody said); what shares a ``group`` stays together in a
    fold.
    """

    text: str
    language: str
    source: str
    labels: dict[str, int] = field(default_factory=dict)
    weight: float = 1.0
    marks: frozenset[int] | None = None
    group: str = ""


def load_examples(folder: Path) -> list[Example]:
    """Return all public examples, in a fixed order."""
    return [*_germeval(folder), *_gahd(folder), *_civil(folder), *_davidson(folder), *_fox_news(folder)]


def _germeval(folder: Path) -> Iterator[Example]:
    for line in (folder / "germeval2018" / "train.tsv").read_text(encoding="utf-8").splitlines():
        text, _, fine = line.split("\t")
        text = _MENTION.sub("@name", text).replace("|LBR|", "\n")
        labels = {
            "OTHER": _NOTHING,
            "INSULT": {"disrespect": 1, "insult": 1, "threat": 0},
            "ABUSE": {"disrespect": 1, "identity_attack": 1},
            "PROFANITY": {"profanity": 1, "insult": 0, "identity_attack": 0},
        }[fine]
        yield Example(text, "de", "germeval", labels, 2.5, frozenset() if fine == "OTHER" else None)


def _gahd(folder: Path) -> Iterator[Example]:
    with (folder / "gahd" / "train.csv").open(encoding="utf-8", newline="") as file:
        for row in csv.DictReader(file):
            # A text and the twin that was written against it stay together.
            twin = min(row["gahd_id"], row["contrastive_gahd_id"] or row["gahd_id"])
            yield Example(row["text"], "de", "gahd", {"identity_attack": int(row["label"])}, 0.6, group=twin)


def gahd_held_back(folder: Path) -> list[tuple[str, int]]:
    """Return texts and labels (1: hate) of the set's development part; they teach nothing."""
    with (folder / "gahd" / "dev.csv").open(encoding="utf-8", newline="") as file:
        return [(row["text"], int(row["label"])) for row in csv.DictReader(file)]


def _civil(folder: Path) -> Iterator[Example]:
    rows = _civil_rows(folder)
    # What relevance and spam take for harmless English is not to change with what tone learns which words from.
    more = [(text, toxic) for text, toxic in rows[CIVIL_HELD_BACK.stop :] if toxic]
    for text, toxic in rows[: CIVIL_HELD_BACK.start] + more:
        if not toxic:
            # All of these comments were called toxic by somebody: where nobody could say which words, they are no
            # example of civility.
            yield Example(text, "en", "civil", {}, marks=frozenset())
            continue
        # Annotators marked characters, not kinds: the words they marked say which kinds those are.
        hits = find(text, "en")
        marked = {hit.kind for hit in hits if hit.plain >= 1 and hit.start in toxic}
        labels = {"disrespect": 1, "insult": 1} if Kind.INSULT in marked or not hits else {"disrespect": 1}
        for kind in (Kind.PROFANITY, Kind.THREAT, Kind.SEXUAL):
            if kind in marked:
                labels[str(kind)] = 1
            elif all(hit.kind is not kind for hit in hits):
                labels[str(kind)] = 0
        yield Example(text, "en", "civil", labels, 0.7, frozenset(toxic))


def civil_held_back(folder: Path) -> list[tuple[str, set[int]]]:
    """Return texts of the toxic spans set that teach nothing, and which characters of each are marked as toxic."""
    return _civil_rows(folder)[CIVIL_HELD_BACK.start : CIVIL_HELD_BACK.stop]


def _civil_rows(folder: Path) -> list[tuple[str, set[int]]]:
    with (folder / "civil_toxic_spans" / "tsd_train.csv").open(encoding="utf-8", newline="") as file:
        rows = [(row["text"], set(ast.literal_eval(row["spans"]))) for row in csv.DictReader(file)]
    return random.Random(SEED).sample(rows, len(rows))


def templates(folder: Path, language: str) -> list[tuple[str, bool]]:
    """Return machine-filled sentences with identity terms, and whether each is rude; they teach nothing."""
    name = f"{language}_sentence_templates.csv"
    with (folder / "identity_templates" / name).open(encoding="utf-8", newline="") as file:
        return [(row["phrase"], row["toxicity"] == "toxic") for row in csv.DictReader(file)]


def _davidson(folder: Path) -> Iterator[Example]:
    with (folder / "davidson" / "labeled_data.csv").open(encoding="utf-8", newline="") as file:
        rows = [(int(row["class"]), html.unescape(row["tweet"])) for row in csv.DictReader(file)]
    rows = [(label, _MENTION.sub("@name", _RETWEET.sub("", tweet))) for label, tweet in rows]
    chooser = random.Random(SEED)
    for text in chooser.sample([tweet for label, tweet in rows if label == 2], DAVIDSON_NEGATIVE):
        yield Example(text, "en", "davidson", _NOTHING, 0.7, frozenset())
    for text in chooser.sample([tweet for label, tweet in rows if label == 0], DAVIDSON_POSITIVE):
        yield Example(text, "en", "davidson", {"disrespect": 1, "identity_attack": 1}, 0.5)
    for text in chooser.sample([tweet for label, tweet in rows if label == 1], DAVIDSON_POSITIVE):
        yield Example(text, "en", "davidson", {"profanity": 1, "identity_attack": 0}, 0.5)


def _fox_news(folder: Path) -> Iterator[Example]:
    for row in _json_lines(folder / "fox_news" / "comments.jsonl"):
        hateful = int(row["label"])
        labels = (
            {"disrespect": 1, "identity_attack": 1} if hateful else {"identity_attack": 0, "threat": 0, "sexual": 0}
        )
        yield Example(row["text"], "en", "fox_news", labels, group=row["title"])


def load_fox_threads(folder: Path) -> list[Thread]:
    """Return the articles of the Fox News set, title and summary, with the comments under each."""
    found: dict[tuple[str, str], dict[str, None]] = {}
    for row in _json_lines(folder / "fox_news" / "comments.jsonl"):
        found.setdefault((row["title"], row["meta"]), {})[row["text"]] = None
    return [
        Thread(
            id=f"fox-{number}",
            section="",
            article=Article(title=title, lead=lead, language="en"),
            # Nobody said what is off topic there; nearly nothing is, and against other articles that does no harm.
            comments=tuple(Comment(text, (), "none", "", None, "on_topic") for text in texts),
        )
        for number, ((title, lead), texts) in enumerate(found.items())
    ]


def load_registers(folder: Path) -> list[list[str]]:
    """Return texts of three ways of writing: readers of English newspapers, German tweets, German written for GAHD."""
    with (folder / "civil_toxic_spans" / "comments.csv").open(encoding="utf-8", newline="") as file:
        readers = [row["comment_text"] for row in csv.DictReader(file)]
    return [
        readers[:REGISTER],
        [example.text for example in _germeval(folder)][:REGISTER],
        [example.text for example in _gahd(folder)][:REGISTER],
    ]


def _json_lines(path: Path) -> Iterator[dict[str, str]]:
    for line in path.read_text(encoding="utf-8").splitlines():
        if line.strip():
            yield json.loads(line)
