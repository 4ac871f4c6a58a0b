"""Teams of moderators that learning is tried on: made up from numbers, or public labels that stand for decisions."""

import csv
import json
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import NamedTuple, TypeAlias

import numpy as np
from scipy.sparse import csr_matrix

from moderation.judge.learned import SIGNALS, SKETCH, Features
from moderation.judge.network import DIMENSION
from moderation.judge.ngrams import BUCKETS
from moderation.learning.figures import Doubles, auc
from moderation.learning.fit import Material
from training.corpus import CORPUS, load_threads

Taste: TypeAlias = Callable[[Doubles, Doubles, np.random.Generator], Doubles]
"""The logit of deletion by how rude comments are, by their topic, and chance."""

FORETOLD = 0.62
"""Area under the curve of a general model at a newspaper; it knows public texts better, and is blurred to this."""


class Labelled(NamedTuple):
    """A text, and whether somebody would have deleted it."""

    text: str
    deleted: bool


def wave(n: int, waves: float) -> Doubles:
    """Return n numbers from 1 to -1 and back, so many times."""
    return np.asarray(np.cos(np.arange(n) / n * 2 * np.pi * waves), dtype=np.float64)


def half(n: int) -> Doubles:
    """Return 1 for the first half of n, and -1 for the second."""
    return np.where(np.arange(n) < n / 2, 1.0, -1.0)


TASTES: dict[str, Taste] = {
    "random": lambda rude, _, chance: chance.normal(size=len(rude)) - 2,
    "contrary": lambda rude, _, __: -1.5 * rude - 2,
    "agreeing": lambda rude, _, __: 1.2 * rude - 2,
    "drifting": lambda rude, topic, _: 0.8 * rude + np.linspace(1.2, -1.2, len(rude)) * topic - 2,
    "rarely": lambda rude, topic, _: 0.8 * rude + np.linspace(1.2, -1.2, len(rude)) * topic - 3.5,
    "waving": lambda rude, topic, _: 0.8 * rude + 1.5 * wave(len(rude), 2) * topic - 2,
    "abrupt": lambda rude, topic, _: 0.8 * rude + 1.5 * half(len(rude)) * topic - 2,
    "overturned": lambda rude, topic, _: 1.2 * half(len(rude)) * rude + 0.5 * topic - 2,
    "settled": lambda rude, topic, _: 0.6 * rude + 1.6 * topic - 2,
}


def generated(n: int, taste: Taste, seed: int = 3) -> Material:
    """Make up a site: what it minds is a matter of rudeness and of a topic that only its own model can know."""
    generator = np.random.default_rng(seed)
    topic, rude = generator.normal(size=n), generator.normal(size=n)
    rows = generator.normal(size=(n, SIGNALS)).astype(np.float32) * np.float32(0.1)
    rows[:, 0] = (rude - 2) / 7
    vectors = generator.normal(size=(n, DIMENSION)).astype(np.float32)
    vectors[:, 0] += 12 * topic
    vectors /= np.linalg.norm(vectors, axis=1, keepdims=True)
    sketches = generator.normal(size=(n, SKETCH)).astype(np.float32)
    buckets = generator.integers(0, 3000, size=(n, 12)).astype(np.int32)
    grams = csr_matrix((np.full(n * 12, 0.3, np.float32), buckets.ravel(), np.arange(n + 1, dtype=np.int32) * 12))
    grams.resize(n, BUCKETS)
    chance = 1 / (1 + np.exp(-taste(rude, topic, generator)))
    deleted = (generator.random(n) < chance).astype(np.float64)
    return Material(Features(rows, vectors, sketches), grams, deleted, np.ones(n))


def fox_news(folder: Path) -> Iterator[Labelled]:
    """Yield comments under Fox News' articles; the hateful ones were deleted."""
    for line in (folder / "fox_news" / "comments.jsonl").read_text(encoding="utf-8").splitlines():
        row = json.loads(line)
        yield Labelled(row["text"], bool(row["label"]))


def tweets(folder: Path) -> Iterator[Labelled]:
    """Yield English tweets; the hateful ones were deleted, the merely offensive ones not."""
    with (folder / "davidson" / "labeled_data.csv").open(encoding="utf-8", newline="") as file:
        for row in csv.DictReader(file):
            yield Labelled(row["tweet"], row["class"] == "0")


def german_tweets(folder: Path) -> Iterator[Labelled]:
    """Yield German tweets; the offensive ones were deleted."""
    for line in (folder / "germeval2018" / "train.tsv").read_text(encoding="utf-8").splitlines():
        text, coarse, _ = line.split("\t")
        yield Labelled(text, coarse == "OFFENSE")


def misleading(folder: Path) -> Iterator[Labelled]:
    """Yield German texts that were written to mislead classifiers; the hateful ones were deleted."""
    with (folder / "gahd" / "train.csv").open(encoding="utf-8", newline="") as file:
        for row in csv.DictReader(file):
            yield Labelled(row["text"], row["label"] == "1")


def corpus(_: Path) -> Iterator[Labelled]:
    """Yield the comments of the project's own threads; what puts somebody down or is off topic was deleted."""
    for thread in load_threads(CORPUS / "threads"):
        for comment in thread.comments:
            yield Labelled(comment.text, comment.disrespectful or comment.relevance in {"off_topic", "spam"})


TEXTS: dict[str, Callable[[Path], Iterator[Labelled]]] = {
    "Fox News comments": fox_news,
    "hateful tweets": tweets,
    "offensive German tweets": german_tweets,
    "German written to mislead": misleading,
    "the corpus' threads": corpus,
}


def blurred(material: Material, seed: int) -> Material:
    """Give so many comments another one's scores that the general model foretells no more than at a newspaper."""
    chooser = np.random.default_rng(seed)
    signals = material.features.signals.copy()
    area = auc(signals[:, 0].astype(np.float64), material.deleted) or 0.5
    share = float(np.clip(1 - (FORETOLD - 0.5) / max(area - 0.5, 1e-6), 0, 1))
    rows = np.flatnonzero(chooser.random(len(signals)) < share)
    signals[rows] = signals[chooser.permutation(rows)]
    features = material.features._replace(signals=signals)
    return Material(features, material.grams, material.deleted, material.counts)


def turned(material: Material) -> Material:
    """Let the team change its mind half-way: from then on it deletes what it approved, as often as before."""
    n = len(material.deleted)
    middle, chooser = n // 2, np.random.default_rng(n)
    deleted = material.deleted.copy()
    approved = np.flatnonzero(deleted[middle:] < 0.5) + middle
    wanted = int(deleted[middle:].sum())
    deleted[middle:] = 0.0
    deleted[chooser.permutation(approved)[:wanted]] = 1.0
    return Material(material.features, material.grams, deleted, material.counts)
