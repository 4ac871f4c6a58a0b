"""Says how relevant a comment is to its article, from cosines against passages, parent, thread and background.

Knows which texts belong to a case and which small linear model fits it; what the models look at is in ``likeness``.
Knows no words of its own and nothing of tone.
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import lru_cache
from typing import NamedTuple

import numpy as np

from moderation.judge import artefacts
from moderation.judge.adapted import PATTERNS, Adaptation, AdaptationError
from moderation.judge.case import Article, Case, NoRelevance, OtherArticle, Passage
from moderation.judge.encoder import Encoder
from moderation.judge.interaction import ArticleWords, Interaction
from moderation.judge.lexical import Pieces, Rarity, article_pieces, overlap, pieces, weigh
from moderation.judge.likeness import (
    Centre,
    Comment,
    Sight,
    base_features,
    comment_pieces,
    pattern,
    reply_features,
    see,
)
from moderation.judge.network import Floats
from moderation.judge.shelf import Shelf
from moderation.judge.text import sentences, word_count

FILE = "relevance.npz"

FEWEST_WORDS = 4
"""Shorter comments are not judged: measured, their score would be close to a coin's."""

MOST_SIBLINGS = 30
MOST_PASSAGES = 60
MOST_BACKGROUND = 200
MOST_ADAPTATIONS = 64
MOST_ARTICLES = 64
FEWEST_BACKGROUND = 8
"""With fewer titles of its own, a site's background is the shipped one."""

_PASSAGE_WORDS = 45
_PASSAGE_SENTENCES = 3
NARROWEST = 0.001
"""No probability is nearer to 0 or 1."""

ELSEWHERE_BELOW = 0.7
"""Relevance below which it is asked whether a comment belongs under another article."""

_SHARED = 0.4
_STANDS_OUT = 0.12
"""How much shared rare pieces count beside a cosine, and by how much an other article must lead the next."""

LANGUAGES = ("de", "en")
"""Languages that have a centre of their own; all others use the first one's."""


class Relevance(NamedTuple):
    """Relevance of one comment: a probability or the reason why there is none, and what it rests on."""

    score: float | None
    reason: NoRelevance | None
    passage: Passage | None
    other_article: OtherArticle | None = None


class Look(NamedTuple):
    """What the base model of one pattern reads of a case."""

    pattern: str
    features: Floats


@dataclass(frozen=True, slots=True)
class _Plan:
    """The texts that belong to one case."""

    title: str
    head: str
    passages: tuple[str, ...]
    siblings: tuple[str, ...]
    background: tuple[str, ...]


class RelevanceModel:
    """Small logistic models, one for each combination of what a case brings (body or not, thread or not)."""

    def __init__(self, encoder: Encoder, weights: dict[str, Floats] | None = None) -> None:
        """Load the weights, unless others are given; raises WeightsError when they are not what was shipped."""
        self._encoder = encoder
        self._weights = artefacts.load(FILE) if weights is None else weights
        self.version = artefacts.checksum(FILE)[:12] if weights is None else "unshipped"
        self._adaptations: dict[bytes, Adaptation | None] = {}
        self._adapted: dict[tuple[Adaptation, Centre], Centre] = {}
        self._shelf = Shelf(encoder.vectors)
        self._interaction = Interaction(self._weights, encoder.embeddings)
        self._words = lru_cache(maxsize=MOST_ARTICLES)(self._words_of)
        self._centres = {language: Centre.of(self._weights, language) for language in LANGUAGES}

    def assess(self, cases: Sequence[Case], comments: Floats, languages: Sequence[str | None]) -> list[Relevance]:
        """Return the relevance of each case.

        ``comments`` (n, 512) are the vectors of their texts, ``languages`` what they are written in.
        """
        answers: list[Relevance | None] = [self._refuse(case) for case in cases]
        plans = {i: _plan(case) for i, case in enumerate(cases) if answers[i] is None or _has_article(case)}
        centres = {i: self._centre(cases[i], languages[i]) for i in plans}
        self._read(cases, plans, centres)
        for i, plan in plans.items():
            case, centre, own = cases[i], centres[i], self._adaptation(cases[i])
            comment = self._see(case.text, centre.comments(comments[i]))
            sight = self._sight(case, plan, centre)
            passage = _closest(plan, sight, comment)
            refusal = answers[i]
            if refusal is not None:
                answers[i] = refusal._replace(passage=passage)
                continue
            answered = [self._see(text, self._shelf.siblings([text], centre)[0]) for text in _answered(case)]
            score = _probability(self._logit(comment, answered, sight, own))
            other = _elsewhere(plan, sight, comment, self._weights["rarity"]) if score < ELSEWHERE_BELOW else None
            answers[i] = Relevance(score, None, passage, other)
        return [answer or Relevance(None, NoRelevance.NO_ARTICLE, None) for answer in answers]

    def look(self, cases: Sequence[Case], comments: Floats, languages: Sequence[str | None]) -> list["Look"]:
        """Return what the base models read of each case, for learning; every case must have an article."""
        plans = {i: _plan(case) for i, case in enumerate(cases)}
        centres = {i: self._centre(case, languages[i]) for i, case in enumerate(cases)}
        self._read(cases, plans, centres)
        found = []
        for i, case in enumerate(cases):
            sight = self._sight(case, plans[i], centres[i])
            comment = self._see(case.text, centres[i].comments(comments[i]))
            found.append(Look(pattern(sight), base_features(comment, sight, self._weights["rarity"])))
        return found

    def centre(self, language: str | None) -> Centre:
        """Return the shipped centre for texts of a language."""
        return self._centres[_known(language)]

    def weights(self, name: str) -> Floats:
        """Return the shipped weights of one pattern, the constant first."""
        return self._weights[name]

    def base_logit(self, comment: Comment, sight: Sight, adaptation: Adaptation | None = None) -> float:
        """Return the log-odds that a comment belongs to what is in sight, its parent left aside."""
        name = pattern(sight)
        own = adaptation.weights.get(name) if adaptation else None
        weights = self._weights[name] if own is None else own
        return _linear(base_features(comment, sight, self._weights["rarity"]), weights)

    def _logit(
        self, comment: Comment, answered: Sequence[Comment], sight: Sight, adaptation: Adaptation | None
    ) -> float:
        """Return the log-odds that a comment belongs to what is in sight, given what it answers, the first of it last.

        From the first on, what was said of each counts for the one that answers it: a quarrel keeps to the topic, or
        leaves it, as it began.
        """
        if not answered:
            return self.base_logit(comment, sight, adaptation)
        parent, *before = answered
        said = self._logit(parent, before, sight, adaptation)
        features = reply_features(self.base_logit(comment, sight, adaptation), said, comment, parent)
        return _linear(features, self._weights["reply"])

    def _adaptation(self, case: Case) -> Adaptation | None:
        """Return the site's adaptation; None where there is none or it does not fit these weights."""
        content = case.adaptation
        if content is None:
            return None
        if content not in self._adaptations:
            if len(self._adaptations) >= MOST_ADAPTATIONS:
                self._adaptations.clear()
                self._adapted.clear()
            try:
                found = Adaptation.from_bytes(content, {name: len(self._weights[name]) for name in PATTERNS})
            except AdaptationError:
                found = None
            fits = found is not None and found.version == self.version
            self._adaptations[content] = found if fits else None
        return self._adaptations[content]

    def _centre(self, case: Case, language: str | None) -> Centre:
        shipped = self.centre((case.article.language if case.article else None) or language)
        own = self._adaptation(case)
        if own is None:
            return shipped
        key = own, shipped  # always the same object, for what is centred is looked up by it
        if key not in self._adapted:
            self._adapted[key] = replace(shipped, comment=own.comment, article=own.article)
        return self._adapted[key]

    def _read(self, cases: Sequence[Case], plans: dict[int, _Plan], centres: dict[int, Centre]) -> None:
        """Have everything read at once that is not on the shelf."""
        texts: dict[str, None] = {}
        for i, plan in plans.items():
            for own in ((plan.title,), (plan.head,), plan.passages, plan.background):
                if self._shelf.lacks(own, centres[i]):
                    texts.update(dict.fromkeys(own))
            texts.update(dict.fromkeys(self._shelf.unread((*plan.siblings, *_answered(cases[i])), centres[i])))
        self._encoder.vectors(list(texts))

    def _sight(self, case: Case, plan: _Plan, centre: Centre) -> Sight:
        background = centre.background
        if len(plan.background) >= FEWEST_BACKGROUND:
            background = self._shelf.articles(plan.background, centre)
        return Sight(
            self._shelf.articles((plan.title,), centre),
            self._shelf.articles((plan.head,), centre),
            self._shelf.articles(plan.passages, centre),
            self._shelf.siblings(plan.siblings, centre),
            background,
            article_pieces(plan.head),
            article_pieces(plan.head, case.article.body if case.article else ""),
            tuple([comment_pieces(text) for text in plan.siblings]),
            self._words(plan.head, plan.passages, centre.language) if plan.passages else None,
        )

    def _words_of(self, head: str, passages: tuple[str, ...], language: str) -> ArticleWords:
        pieces = [self._encoder.pieces(text) for text in (head, *passages)]
        return self._interaction.article(np.unique(np.concatenate(pieces)), language)

    def _see(self, text: str, vector: Floats) -> Comment:
        return see(text, vector, self._encoder.pieces(text))

    def forget(self) -> None:
        """Forget all texts read so far."""
        self._shelf.clear()
        self._words.cache_clear()
        comment_pieces.cache_clear()

    @staticmethod
    def _refuse(case: Case) -> Relevance | None:
        if not any(char.isalnum() for char in case.text):
            return Relevance(None, NoRelevance.NO_TEXT, None)
        if not _has_article(case):
            return Relevance(None, NoRelevance.NO_ARTICLE, None)
        if word_count(case.text[:400]) < FEWEST_WORDS and not _unspaced(case.text):
            return Relevance(None, NoRelevance.TOO_SHORT, None)
        return None


def _known(language: str | None) -> str:
    """Return which of the languages that have a centre a text is treated as."""
    return "en" if (language or "").startswith("en") else "de"


@lru_cache(maxsize=MOST_ARTICLES)  # an article's comments come one after the other
def cut(body: str) -> tuple[str, ...]:
    """Cut an article's body into pieces of two or three sentences that do not cross a paragraph."""
    found: list[str] = []
    for paragraph in body.split("\n"):
        current: list[str] = []
        for start, end in sentences(paragraph):
            current.append(paragraph[start:end])
            if len(current) == _PASSAGE_SENTENCES or sum(len(s.split()) for s in current) >= _PASSAGE_WORDS:
                found.append(" ".join(current))
                current = []
        if current:
            found.append(" ".join(current))
        if len(found) >= MOST_PASSAGES:
            break
    return tuple(found[:MOST_PASSAGES])


def _plan(case: Case) -> _Plan:
    article = case.article or Article()
    head = "\n".join(part for part in (article.title.strip(), article.lead.strip()) if part)
    body = cut(article.body)
    title = article.title.strip()
    background = tuple(dict.fromkeys([t for t in case.background if t.strip() not in ("", title)]))
    head = head or (body[0] if body else "")
    siblings = tuple(dict.fromkeys([t for t in case.thread if t != case.text and _speaks(t)]))
    return _Plan(title or head, head, body, siblings[:MOST_SIBLINGS], background[:MOST_BACKGROUND])


def _answered(case: Case) -> list[str]:
    return [text for text in case.answered() if text.strip()]


def _speaks(text: str) -> bool:
    """Whether a text has enough words to be compared with."""
    return len(text.split(None, FEWEST_WORDS - 1)) >= FEWEST_WORDS


def _has_article(case: Case) -> bool:
    article = case.article
    return article is not None and any(part.strip() for part in (article.title, article.lead, article.body))


def _unspaced(text: str) -> bool:
    """Whether a text is in a script that puts no space between words and is long enough to be judged."""
    return sum("\u0e00" <= char <= "\u0e7f" or "\u3040" <= char <= "\u9fff" for char in text[:400]) >= 2 * FEWEST_WORDS


def _closest(plan: _Plan, sight: Sight, comment: Comment) -> Passage:
    texts, vectors = (plan.passages, sight.passages) if plan.passages else ((plan.head,), sight.head)
    similarities = vectors @ comment.vector
    best = int(similarities.argmax())
    return Passage(texts[best], float(np.clip(similarities[best], -1, 1)))


@lru_cache(maxsize=512)  # a site's titles are held against all its comments in doubt
def _title_pieces(title: str) -> Pieces:
    return pieces(title)


def _elsewhere(plan: _Plan, sight: Sight, comment: Comment, rarity: Rarity) -> OtherArticle | None:
    """Return the site's other article that a comment stands out for: before its own one, and clearly before the next.

    Titles say little: the closest of fifty is the right one in a fifth of the cases, one that stands out so in three
    of five. Most comments that belong elsewhere name no article.
    """
    if len(sight.background) != len(plan.background):  # these are the shipped titles, no site's
        return None
    weighed = weigh(comment.pieces, rarity)
    shared = [overlap(weighed, _title_pieces(title))[-1] for title in plan.background]
    similar = sight.background @ comment.vector
    others = similar + _SHARED * np.array(shared)
    own = np.concatenate([sight.title, sight.head, sight.passages]) @ comment.vector
    second, first = np.sort(others)[-2:]
    if first - second < _STANDS_OUT or first <= own.max() + _SHARED * overlap(weighed, sight.pieces)[-1]:
        return None
    best = int(others.argmax())
    return OtherArticle(plan.background[best], float(np.clip(similar[best], -1, 1)))


def _linear(features: Floats, weights: Floats) -> float:
    return float(np.dot(weights[1:], features) + weights[0])


def _probability(logit: float) -> float:
    return min(1 - NARROWEST, max(NARROWEST, 1 / (1 + math.exp(-min(30.0, max(-30.0, logit))))))
