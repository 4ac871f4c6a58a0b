"""Trains relevance: comments under their own article against comments that do not belong there."""

import random
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from sklearn.linear_model import LogisticRegression
from sklearn.metrics import roc_auc_score

from moderation.figures import calibration_error
from moderation.judge.encoder import Encoder
from moderation.judge.lexical import Pieces, Rarity, pieces
from moderation.judge.network import DIMENSION, Floats
from moderation.judge.relevance import (
    FEWEST_WORDS,
    MOST_SIBLINGS,
    Comment,
    Sight,
    base_features,
    cut,
    reply_features,
    see,
)
from training.corpus import OFF_TOPIC, ON_TOPIC, Thread

SEED = 20260101
FOLDS = 5
OTHERS = 3
"""Foreign articles each comment is held against."""

HARD = 3.0
"""How much a comment that a person called off topic counts; a foreign article's comment counts once per OTHERS."""

PATTERNS = ("title", "title_thread", "body", "body_thread")


@dataclass
class Place:
    """One article as vectors, with its comments."""

    title: Floats
    head: Floats
    passages: Floats
    pieces: Pieces
    head_pieces: Pieces
    comments: list[Comment]
    parents: list[int | None]
    labels: list[bool | None]
    section: str
    language: str


@dataclass
class Sample:
    """A comment seen from an article: what the judge would see of each, whether it belongs there, whose it is."""

    sight: Sight
    head_pieces: Pieces
    comment: Comment
    parent: Comment | None
    label: bool
    weight: float
    group: int
    own: bool
    same_section: bool
    language: str


def prepare(threads: Sequence[Thread], encoder: Encoder) -> list[Place]:
    """Encode articles and comments."""
    places = []
    for thread in threads:
        article = thread.article
        head = f"{article.title}\n{article.lead}".strip()
        texts = [comment.text for comment in thread.comments]
        places.append(
            Place(
                encoder.vectors([article.title]),
                encoder.vectors([head]),
                encoder.vectors(cut(article.body)),
                pieces(head, article.body),
                pieces(head),
                [see(text, vector) for text, vector in zip(texts, encoder.vectors(texts), strict=True)],
                [c.parent for c in thread.comments],
                [
                    True if c.relevance in ON_TOPIC else False if c.relevance in OFF_TOPIC else None
                    for c in thread.comments
                ],
                thread.section,
                str(article.language),
            )
        )
    return places


def samples(places: Sequence[Place]) -> list[Sample]:
    """Hold each comment against its own article and against others."""
    chooser = random.Random(SEED)
    found = []
    for here, place in enumerate(places):
        foreign = [i for i, other in enumerate(places) if i != here and other.language == place.language]
        near = [i for i in foreign if places[i].section == place.section]
        for row, label in enumerate(place.labels):
            if label is None or place.comments[row].length < FEWEST_WORDS:
                continue
            found.append(_sample(places, here, here, row, chooser))
            if label:
                far = chooser.sample(foreign, OTHERS - bool(near))
                for there in [*far, *(chooser.sample(near, 1) if near else [])]:
                    found.append(_sample(places, here, there, row, chooser))
    return found


def _sample(places: Sequence[Place], here: int, there: int, row: int, chooser: random.Random) -> Sample:
    own, other = places[here], places[there]
    label = here == there and bool(own.labels[row])
    weight = 1 / OTHERS if here != there else 1.0 if label else HARD
    candidates = [i for i, comment in enumerate(other.comments) if comment.length >= FEWEST_WORDS]
    if here == there:
        candidates = [i for i in candidates if i not in (row, own.parents[row])]
    siblings = chooser.sample(candidates, min(len(candidates), chooser.randint(5, MOST_SIBLINGS)))
    parent = own.parents[row]
    answered = None if parent is None else own.comments[parent]
    if here != there and parent is not None and chooser.random() < 0.5:
        # A reply that leaves the topic answers somebody who kept to it.
        answered = other.comments[chooser.choice(candidates)]
    titles = np.concatenate(
        [p.title for i, p in enumerate(places) if i not in (here, there) and p.language == own.language]
    )
    near = np.stack([other.comments[i].vector for i in siblings])
    sight = Sight(other.title, other.head, other.passages, near, titles, other.pieces)
    return Sample(
        sight=sight,
        head_pieces=other.head_pieces,
        comment=own.comments[row],
        parent=answered,
        label=label,
        weight=weight,
        group=there,
        own=here == there,
        same_section=own.section == other.section,
        language=own.language,
    )


def seen(sample: Sample, name: str) -> Sight:
    """Return what is left of a sample's sight when only what the named pattern has is there."""
    none = np.zeros((0, DIMENSION), dtype=np.float32)
    sight = sample.sight
    if not name.startswith("body"):
        sight = sight._replace(passages=none, pieces=sample.head_pieces)
    return sight if name.endswith("_thread") else sight._replace(siblings=none)


def train(places: Sequence[Place], rarity: Rarity) -> tuple[dict[str, NDArray[np.generic]], dict[str, float]]:
    """Return the weights and the dev figures (five-fold, by article)."""
    found = samples(places)
    label = np.array([s.label for s in found])
    weight = _weights(found)
    folds = np.array([s.group % FOLDS for s in found])
    weights: dict[str, NDArray[np.generic]] = {"rarity": rarity}
    figures: dict[str, float] = {}
    replies: list[tuple[Floats, NDArray[np.int64]]] = []
    answering = np.array([i for i, s in enumerate(found) if s.parent is not None])
    for name in PATTERNS:
        own = np.array([base_features(s.comment, seen(s, name), rarity) for s in found])
        parents = np.array([base_features(s.parent or s.comment, seen(s, name), rarity) for s in found])
        weights[name] = _fit(own, label, weight)
        held, held_parents = _held_out((own, parents), label, weight, folds)
        rows = [
            reply_features(
                float(held[i]), float(held_parents[i]), found[i].comment, found[i].parent or found[i].comment
            )
            for i in answering
        ]
        replies.append((np.array(rows), answering))
        figures |= _report(name, held, found)
    _train_replies(replies, found, weights, figures)
    for language in ("de", "en"):
        titles = [place.title for place in places if place.language == language]
        weights[f"background_{language}"] = np.concatenate(titles).astype(np.float16)
    return weights, figures


def _weights(found: Sequence[Sample]) -> Floats:
    """Weigh the samples so that as large a share belongs as people said of comments under their own article."""
    label = np.array([s.label for s in found])
    weight = np.array([s.weight for s in found])
    share = label[[s.own for s in found]].mean()
    weight[label] *= share / (1 - share) * weight[~label].sum() / weight[label].sum()
    return weight / weight.mean()


def _train_replies(
    replies: Sequence[tuple[Floats, NDArray[np.int64]]],
    found: Sequence[Sample],
    weights: dict[str, NDArray[np.generic]],
    figures: dict[str, float],
) -> None:
    """Train one model for all patterns on what the base models say of threads they were not trained on."""
    features = np.concatenate([rows for rows, _ in replies])
    chosen = [found[i] for _, index in replies for i in index]
    label = np.array([s.label for s in chosen])
    weight = _weights(chosen)
    weights["reply"] = _fit(features, label, weight)
    (held,) = _held_out((features,), label, weight, np.array([s.group % FOLDS for s in chosen]))
    count = len(replies[-1][1])
    figures |= _report("replies, body_thread", held[-count:], chosen[-count:])


def _held_out(
    features: Sequence[Floats], label: NDArray[np.bool_], weight: Floats, folds: NDArray[np.int64]
) -> list[Floats]:
    """Return log-odds for each of several feature sets, by models trained on the first set of the other folds."""
    results = [np.zeros(len(label)) for _ in features]
    for fold in range(FOLDS):
        model = _fit(features[0][folds != fold], label[folds != fold], weight[folds != fold])
        for result, rows in zip(results, features, strict=True):
            result[folds == fold] = rows[folds == fold] @ model[1:] + model[0]
    return results


def _report(name: str, held: Floats, found: Sequence[Sample]) -> dict[str, float]:
    label = np.array([s.label for s in found])
    own = np.array([s.own for s in found])
    same = np.array([s.same_section for s in found]) & ~own
    length = np.array([s.comment.length for s in found])
    german = np.array([s.language == "de" for s in found])
    figures = {}
    for what, rows in (
        ("own against any foreign article", (label & own) | ~own),
        ("the same, German only", ((label & own) | ~own) & german),
        ("the same, 12 words or more", ((label & own) | ~own) & (length >= 12)),
        ("own against the same section", (label & own) | same),
        ("kept against called off topic", own),
    ):
        figures[f"{name}: {what} AUC"] = roc_auc_score(label[rows], held[rows])
    score = 1 / (1 + np.exp(-held[own]))
    figures[f"{name}: calibration error on own threads"] = calibration_error(label[own].astype(float), score)
    return figures


def _fit(features: Floats, label: NDArray[np.bool_], weight: Floats) -> Floats:
    model = LogisticRegression(C=1.0, max_iter=1000)
    model.fit(features, label, sample_weight=weight)
    result: Floats = np.concatenate([model.intercept_, model.coef_[0]]).astype(np.float32)
    return result
