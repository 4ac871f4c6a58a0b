"""Trains relevance: comments under their own article against comments that do not belong there."""

import itertools
from collections.abc import Sequence
from dataclasses import replace
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray
from sklearn.linear_model import LogisticRegression

from moderation.figures import auc, calibration_error, interval
from moderation.judge.adapted import PATTERNS
from moderation.judge.encoder import Encoder
from moderation.judge.interaction import Interaction
from moderation.judge.lexical import Rarity
from moderation.judge.likeness import Centre, base_features, reply_features
from moderation.judge.network import DIMENSION, Floats, Ints
from moderation.judge.relevance import LANGUAGES
from training import word_pieces
from training.corpus import Split
from training.samples import FOLDS, Place, Sample, centred, samples

ROUNDS = 4
"""How often the model of replies is learned anew from what it said of the replies that are answered."""


def registers_of(places: Sequence[Place], public: Sequence[Floats]) -> Floats:
    """Return the directions in which ways of writing differ: orthonormal, (k, 512).

    They span the means of comments and of articles that teach, by language, and of each of the public sets. Measured:
    without them a thread of real comments, none of which had taught, was told from others with an area of 0.81 rather
    than 0.76.
    """
    means = [vectors.mean(axis=0) for vectors in public]
    for language in LANGUAGES:
        comment, article = _means(places, language)
        means += [comment, article]
    return np.linalg.qr(np.array(means, dtype=np.float64).T)[0].T.astype(np.float32)


def _means(places: Sequence[Place], language: str) -> tuple[Floats, Floats]:
    own = [p for p in places if p.language == language and p.labelled and p.split is Split.TRAIN]
    comment = np.mean([comment.vector for place in own for comment in place.comments], axis=0)
    article = np.concatenate([vectors for place in own for vectors in (place.title, place.head, place.passages)])
    return comment, article.mean(axis=0)


def centre_of(places: Sequence[Place], language: str, registers: Floats) -> Centre:
    """Return what the labelled articles and comments of a language that teach have in common."""
    own = [p for p in places if p.language == language and p.labelled and p.split is Split.TRAIN]
    bare = Centre(language, *_means(places, language), np.zeros((0, DIMENSION), dtype=np.float32), registers)
    return replace(bare, background=np.concatenate([bare.articles(place.title) for place in own]))


def train(
    places: Sequence[Place], rarity: Rarity, public: Sequence[Floats], encoder: Encoder
) -> tuple[dict[str, NDArray[np.generic]], dict[str, float]]:
    """Return the weights, and figures on articles held out: of those that teach in folds, and of dev and test.

    ``public`` are vectors of texts from public sets, (n, 512) for each way of writing.
    """
    registers = registers_of(places, public)
    centres = {language: centre_of(places, language, registers) for language in LANGUAGES}
    words = word_pieces.learn(*_words_that_teach(places), encoder)
    interaction = Interaction(words, encoder.embeddings)
    found = samples([centred(place, centres[place.language], interaction) for place in places])
    weights: dict[str, NDArray[np.generic]] = {"rarity": rarity, "registers": registers} | words
    for language, centre in centres.items():
        weights[f"comment_{language}"] = centre.comment.astype(np.float32)
        weights[f"article_{language}"] = centre.article.astype(np.float32)
        weights[f"background_{language}"] = centre.background.astype(np.float16)
    figures: dict[str, float] = {}
    replies: list[Reply] = []
    for name in PATTERNS:
        here = [s for s in found if len(s.there.passages) or not name.startswith("body")]
        own = np.array([base_features(s.comment, s.sight(name), rarity) for s in here], dtype=np.float32)
        weights[name], held, line = _learn(own, here, replies=False)
        figures |= _report(name, held, here)
        answering = [(i, s) for i, s in enumerate(here) if s.answered]
        asked = [(s, comment) for _, s in answering for comment in s.answered]
        features = np.array([base_features(comment, s.sight(name), rarity) for s, comment in asked])
        said = iter(_held_out(own, here, features, [s for s, _ in asked]) * line[1] + line[0])
        last = [Reply(s, [float(held[i]), *itertools.islice(said, len(s.answered))]) for i, s in answering]
        replies += last
    weights["reply"], held = _learn_replies(replies)
    figures |= _report("replies, body_thread", held[-len(last) :], [reply.sample for reply in last])
    return weights, figures


class Reply(NamedTuple):
    """An answer, and the base models' log-odds of it, of what it answers, of what that answers, and so on."""

    sample: Sample
    logits: list[float]

    def features(self, weights: Floats | None) -> Floats:
        """Return what the reply model reads: of what is answered, what it says with ``weights``, if it has any."""
        comments = [self.sample.comment, *self.sample.answered]
        said = self.logits[1]
        if weights is not None:
            said = self.logits[-1]
            for at in reversed(range(1, len(comments) - 1)):
                numbers = reply_features(self.logits[at], said, comments[at], comments[at + 1])
                said = float(numbers @ weights[1:] + weights[0])
        return reply_features(self.logits[0], said, comments[0], comments[1])


def _learn_replies(replies: Sequence[Reply]) -> tuple[Floats, Floats]:
    """Return the reply model and the log-odds of replies held out.

    What it reads of an answered reply is what it says of that one itself, so it is learned in rounds.
    """
    weights: Floats | None = None
    for _ in range(ROUNDS):
        rows = np.array([reply.features(weights) for reply in replies])
        weights, held, _ = _learn(rows, [reply.sample for reply in replies], replies=True)
    return weights, held


def _words_that_teach(places: Sequence[Place]) -> tuple[list[Ints], dict[str, list[Ints]]]:
    """Return the word pieces of comments, and those of articles that have a body, by language."""
    teaching = [place for place in places if place.split is Split.TRAIN]
    articles = {
        language: [place.words for place in teaching if place.language == language and len(place.passages)]
        for language in LANGUAGES
    }
    return [comment.words for place in teaching for comment in place.comments], articles


def _weights(found: Sequence[Sample]) -> Floats:
    """Weigh the samples so that as large a share belongs as people said of comments under their own article."""
    label = np.array([s.label for s in found])
    weight = np.array([s.weight for s in found])
    share = label[[s.own and s.labelled for s in found]].mean()
    weight[label] *= share / (1 - share) * weight[~label].sum() / weight[label].sum()
    return weight / weight.mean()


def _learn(features: Floats, found: Sequence[Sample], *, replies: bool) -> tuple[Floats, Floats, Floats]:
    """Return a model of all that teaches, each sample's log-odds by a model that never saw its articles, and a line.

    The line (shift, slope) makes log-odds come true of labelled comments under their own article, which is what the
    judge will meet: of replies, or of all others, because answers keep to the topic more often. It is in the model and
    in the log-odds.
    """
    teaching = np.array([s.split is Split.TRAIN for s in found])
    model = _fit(features[teaching], [s for s in found if s.split is Split.TRAIN])
    held = _held_out(features, found, features, found)
    held[~teaching] = features[~teaching] @ model[1:] + model[0]
    own = teaching & np.array([s.own and s.labelled and (not s.answered or replies) for s in found])
    label = np.array([s.label for s in found])
    fitted = LogisticRegression(C=1e6).fit(held[own, None], label[own])
    line = np.array([fitted.intercept_[0], fitted.coef_[0, 0]], dtype=np.float32)
    model *= line[1]
    model[0] += line[0]
    return model, held * line[1] + line[0], line


def _held_out(features: Floats, found: Sequence[Sample], asked: Floats, samples_: Sequence[Sample]) -> Floats:
    """Return the log-odds of what is asked, by models trained on neither its article nor the comment's own."""
    result = np.zeros(len(asked))
    folds = np.array([s.fold for s in samples_])
    for fold in range(FOLDS):
        rows = [i for i, s in enumerate(found) if s.split is Split.TRAIN and fold not in (s.fold, s.home)]
        model = _fit(features[rows], [found[i] for i in rows])
        result[folds == fold] = asked[folds == fold] @ model[1:] + model[0]
    return result


def _report(name: str, held: Floats, found: Sequence[Sample]) -> dict[str, float]:
    replies = name.startswith("replies")
    label = np.array([s.label for s in found])
    own = np.array([s.own for s in found])
    same = np.array([s.same_section for s in found]) & ~own
    long = np.array([s.comment.length >= 12 for s in found])
    mine = np.array([s.labelled for s in found])
    against = (label & own) | ~own
    figures = {}
    parts = {
        f"{split} {language}": mine & np.array([(s.split, s.language) == (split, language) for s in found])
        for split in Split
        for language in LANGUAGES
    }
    for part, rows in (parts | {"fox_news": ~mine}).items():
        for what, chosen in (
            ("own against any foreign article", against),
            ("the same, 12 words or more", against & long),
            ("own against the same section", (label & own) | same),
            ("kept against called off topic", own),
        ):
            figures[f"{name}: {part}: {what} AUC"] = auc(label[rows & chosen], held[rows & chosen])
        low, high = interval(auc, label[rows & against], held[rows & against], resamples=200)
        figures[f"{name}: {part}: own against any foreign article, low"] = low
        figures[f"{name}: {part}: own against any foreign article, high"] = high
    for split in Split:
        # A reply is judged by the reply model, never by a base model alone.
        rows = own & mine & np.array([s.split is split and (replies or not s.answered) for s in found])
        error = calibration_error(label[rows], 1 / (1 + np.exp(-held[rows])))
        figures[f"{name}: {split}: calibration error on own threads"] = error
    return {what: value for what, value in figures.items() if np.isfinite(value)}


def _fit(features: Floats, found: Sequence[Sample]) -> Floats:
    model = LogisticRegression(C=1.0, max_iter=300)
    model.fit(features, [s.label for s in found], sample_weight=_weights(found))
    result: Floats = np.concatenate([model.intercept_, model.coef_[0]]).astype(np.float32)
    return result
