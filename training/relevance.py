"""Trains relevance: comments under their own article against comments that do not belong there."""

import random
from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray
from sklearn.linear_model import LogisticRegression

from moderation.figures import auc, calibration_error, interval
from moderation.judge.adapted import PATTERNS
from moderation.judge.encoder import Encoder
from moderation.judge.interaction import ArticleWords, Interaction
from moderation.judge.lexical import Pieces, Rarity, pieces
from moderation.judge.likeness import Centre, Comment, Sight, base_features, reply_features, see
from moderation.judge.network import DIMENSION, Floats, Ints
from moderation.judge.relevance import FEWEST_WORDS, LANGUAGES, MOST_SIBLINGS, cut
from training import word_pieces
from training.corpus import OFF_TOPIC, ON_TOPIC, Split, Thread, split_of

SEED = 20260101
FOLDS = 5
OTHERS = 3
"""Foreign articles each comment is held against."""

HARD = 2.0
"""How much a comment that a person called off topic counts; a foreign article's comment counts once per OTHERS."""

UNLABELLED = 1.0
"""How much a comment counts of which nobody said whether it is on topic: they are the only real ones there are."""

BARE = 0.5
"""How often the lead is hidden where there is no body: sites that send a title alone send just that."""

SIBLINGS = (3, 5, 10, 15, MOST_SIBLINGS)
"""How many other comments are in sight, each as often."""


@dataclass
class Place:
    """One article as vectors, with its comments; ``labelled`` says whether people judged them.

    ``words`` are the encoder's pieces of title, lead and body, ``held`` the same where comments are held against them.
    """

    title: Floats
    head: Floats
    passages: Floats
    pieces: Pieces
    head_pieces: Pieces
    title_pieces: Pieces
    words: Ints
    held: ArticleWords | None
    comments: list[Comment]
    parents: list[int | None]
    labels: list[bool | None]
    section: str
    language: str
    split: Split
    labelled: bool


@dataclass
class Sample:
    """A comment seen from an article: what the judge would see of each, whether it belongs there, whose it is.

    ``bare``: where there is no body, there is no lead either. ``fold`` and ``home`` are the folds of the article and
    of the comment's own one.
    """

    sight: Sight
    title_pieces: Pieces
    bare: bool
    comment: Comment
    parent: Comment | None
    label: bool
    weight: float
    fold: int
    home: int
    own: bool
    same_section: bool
    language: str
    split: Split
    labelled: bool


def prepare(threads: Sequence[Thread], unlabelled: Sequence[Thread], encoder: Encoder) -> list[Place]:
    """Encode articles and comments; those without labels only teach."""
    places = [_place(thread, encoder, split_of(thread.id), labelled=True) for thread in threads]
    return places + [_place(thread, encoder, Split.TRAIN, labelled=False) for thread in unlabelled]


def _place(thread: Thread, encoder: Encoder, split: Split, *, labelled: bool) -> Place:
    article = thread.article
    head = f"{article.title}\n{article.lead}".strip()
    texts = [comment.text for comment in thread.comments]
    passages = cut(article.body)
    seen_ = zip(texts, encoder.vectors(texts), strict=True)
    return Place(
        title=encoder.vectors([article.title]),
        head=encoder.vectors([head]),
        passages=encoder.vectors(passages),
        pieces=pieces(head, article.body),
        head_pieces=pieces(head),
        title_pieces=pieces(article.title),
        words=np.unique(np.concatenate([encoder.pieces(text) for text in (head, *passages)])),
        held=None,
        comments=[see(text, vector, encoder.pieces(text)) for text, vector in seen_],
        parents=[comment.parent for comment in thread.comments],
        labels=[
            True if c.relevance in ON_TOPIC else False if c.relevance in OFF_TOPIC else None for c in thread.comments
        ],
        section=thread.section,
        language=str(article.language),
        split=split,
        labelled=labelled,
    )


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


def centred(place: Place, centre: Centre, interaction: Interaction) -> Place:
    """Return a place with all its vectors as relevance compares them, and its words ready."""
    return replace(
        place,
        held=interaction.article(place.words, place.language) if len(place.passages) else None,
        title=centre.articles(place.title),
        head=centre.articles(place.head),
        passages=centre.articles(place.passages),
        comments=[comment._replace(vector=centre.comments(comment.vector)) for comment in place.comments],
    )


def samples(places: Sequence[Place]) -> list[Sample]:
    """Hold each comment against its own article and against others of its language, split and source."""
    chooser = random.Random(SEED)
    found = []
    for here, place in enumerate(places):
        kin = (place.language, place.split, place.labelled)
        foreign = [i for i, p in enumerate(places) if i != here and (p.language, p.split, p.labelled) == kin]
        near = [i for i in foreign if place.section and places[i].section == place.section]
        for row, label in enumerate(place.labels):
            if label is None or place.comments[row].length < FEWEST_WORDS:
                continue
            found.append(_sample(places, here, here, row, chooser))
            if label:
                far = chooser.sample(foreign, min(len(foreign), OTHERS - bool(near)))
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
    siblings = chooser.sample(candidates, min(len(candidates), chooser.choice(SIBLINGS)))
    parent = own.parents[row]
    answered = None if parent is None else own.comments[parent]
    if here != there and parent is not None and chooser.random() < 0.5:
        # A reply that leaves the topic answers somebody who kept to it.
        answered = other.comments[chooser.choice(candidates)]
    kin = (own.language, own.labelled)
    titles = [p.title for i, p in enumerate(places) if i not in (here, there) and (p.language, p.labelled) == kin]
    near = np.stack([other.comments[i].vector for i in siblings])
    return Sample(
        sight=Sight(
            other.title,
            other.head,
            other.passages,
            near,
            np.concatenate(titles),
            other.head_pieces,
            other.pieces,
            tuple(other.comments[i].pieces for i in siblings),
            other.held,
        ),
        title_pieces=other.title_pieces,
        bare=chooser.random() < BARE,
        comment=own.comments[row],
        parent=answered,
        label=label,
        weight=weight * (1.0 if own.labelled else UNLABELLED),
        fold=there % FOLDS,
        home=here % FOLDS,
        own=here == there,
        same_section=bool(own.section) and own.section == other.section,
        language=own.language,
        split=own.split,
        labelled=own.labelled,
    )


def seen(sample: Sample, name: str) -> Sight:
    """Return what is left of a sample's sight when only what the named pattern has is there."""
    none = np.zeros((0, DIMENSION), dtype=np.float32)
    sight = sample.sight
    if not name.startswith("body"):
        sight = sight._replace(passages=none, pieces=sight.head_pieces, words=None)
        if sample.bare:
            sight = sight._replace(head=sight.title, head_pieces=sample.title_pieces, pieces=sample.title_pieces)
    return sight if name.endswith("_thread") else sight._replace(siblings=none)


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
    replies: list[tuple[Floats, list[Sample]]] = []
    for name in PATTERNS:
        here = [s for s in found if len(s.sight.passages) or not name.startswith("body")]
        own = np.array([base_features(s.comment, seen(s, name), rarity) for s in here], dtype=np.float32)
        weights[name], held, line = _learn(own, here, replies=False)
        figures |= _report(name, held, here)
        answering = [(i, s, s.parent) for i, s in enumerate(here) if s.parent is not None]
        chosen = [s for _, s, _ in answering]
        parents = np.array([base_features(parent, seen(s, name), rarity) for _, s, parent in answering])
        said = _held_out(own, here, parents, chosen) * line[1] + line[0]
        rows = [
            reply_features(float(held[i]), float(logit), s.comment, parent)
            for (i, s, parent), logit in zip(answering, said, strict=True)
        ]
        replies.append((np.array(rows), chosen))
    features = np.concatenate([rows for rows, _ in replies])
    weights["reply"], held, _ = _learn(features, [s for _, chosen in replies for s in chosen], replies=True)
    last = replies[-1][1]
    figures |= _report("replies, body_thread", held[-len(last) :], last)
    return weights, figures


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
    own = teaching & np.array([s.own and s.labelled and (s.parent is None or replies) for s in found])
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
        rows = own & mine & np.array([s.split is split and (replies or s.parent is None) for s in found])
        error = calibration_error(label[rows], 1 / (1 + np.exp(-held[rows])))
        figures[f"{name}: {split}: calibration error on own threads"] = error
    return {what: value for what, value in figures.items() if np.isfinite(value)}


def _fit(features: Floats, found: Sequence[Sample]) -> Floats:
    model = LogisticRegression(C=1.0, max_iter=300)
    model.fit(features, [s.label for s in found], sample_weight=_weights(found))
    result: Floats = np.concatenate([model.intercept_, model.coef_[0]]).astype(np.float32)
    return result
