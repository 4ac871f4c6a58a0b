"""Makes what relevance learns from: comments seen from their own article, and from others where they do not belong."""

import random
from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np

from moderation.judge.case import MOST_ANSWERED
from moderation.judge.encoder import Encoder
from moderation.judge.interaction import ArticleWords, Interaction
from moderation.judge.lexical import Pieces, pieces
from moderation.judge.likeness import Centre, Comment, Sight, see
from moderation.judge.network import DIMENSION, Floats, Ints
from moderation.judge.relevance import FEWEST_WORDS, MOST_SIBLINGS, cut
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

    def answered(self, row: int) -> list[Comment]:
        """Return what a comment answers, what that answers, and so on, as far back as the judge looks."""
        found: list[Comment] = []
        parent = self.parents[row]
        while parent is not None and len(found) < MOST_ANSWERED:
            found.append(self.comments[parent])
            parent = self.parents[parent]
        return found


@dataclass
class Sample:
    """A comment seen from an article, ``there``: what the judge would see of each, and whether it belongs there.

    ``answered`` is what it answers, what that answers, and so on, the first last. ``siblings`` are rows of comments
    there, ``titles`` those of other articles. ``bare``: where there is no body, there is no lead either.
    ``fold`` and ``home`` are the folds of the article and of the comment's own one.
    """

    there: Place
    titles: list[Floats]
    siblings: list[int]
    bare: bool
    comment: Comment
    answered: tuple[Comment, ...]
    label: bool
    weight: float
    fold: int
    home: int
    own: bool
    same_section: bool
    language: str
    split: Split
    labelled: bool

    def sight(self, name: str) -> Sight:
        """Return what is in sight when only what the named pattern has is there."""
        there, none = self.there, np.zeros((0, DIMENSION), dtype=np.float32)
        thread = name.endswith("_thread")
        near = [there.comments[i] for i in self.siblings] if thread else []
        sight = Sight(
            title=there.title,
            head=there.head,
            passages=there.passages,
            siblings=np.stack([comment.vector for comment in near]) if near else none,
            background=np.concatenate(self.titles),
            head_pieces=there.head_pieces,
            pieces=there.pieces,
            thread_pieces=tuple([comment.pieces for comment in near]),
            words=there.held,
        )
        if name.startswith("body"):
            return sight
        sight = sight._replace(passages=none, pieces=there.head_pieces, words=None)
        if self.bare:
            sight = sight._replace(head=there.title, head_pieces=there.title_pieces, pieces=there.title_pieces)
        return sight


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
    answered = own.answered(row)
    if here != there and answered and chooser.random() < 0.5:
        # A reply that leaves the topic answers somebody who kept to it.
        parent = chooser.choice(candidates)
        answered = [other.comments[parent], *other.answered(parent)][:MOST_ANSWERED]
    kin = (own.language, own.labelled)
    titles = [p.title for i, p in enumerate(places) if i not in (here, there) and (p.language, p.labelled) == kin]
    return Sample(
        there=other,
        titles=titles,
        siblings=siblings,
        bare=chooser.random() < BARE,
        comment=own.comments[row],
        answered=tuple(answered),
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
