"""Says how relevant a comment is to its article, from cosines against passages, parent, thread and background.

Knows sentence vectors and small linear models; knows no words of its own and nothing of tone.
"""

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import NamedTuple

import numpy as np

from moderation.judge import artefacts
from moderation.judge.case import Article, Case, NoRelevance, Passage
from moderation.judge.lexical import Pieces, overlap, pieces
from moderation.judge.network import Floats
from moderation.judge.text import sentences, words

FILE = "relevance.npz"

FEWEST_WORDS = 4
"""Shorter comments are not judged: measured, their score would be close to a coin's."""

MOST_SIBLINGS = 30
FEWEST_SIBLINGS = 3
MOST_PASSAGES = 60
MOST_BACKGROUND = 200
FEWEST_BACKGROUND = 8
"""With fewer titles of its own, a site's background is the shipped one."""

_READ = 4000
_PASSAGE_WORDS = 45
_PASSAGE_SENTENCES = 3
_NEAREST = 3
_NARROWEST = 0.001

Vectors = Callable[[Sequence[str]], Floats]


class Sight(NamedTuple):
    """What a comment is compared with, as unit vectors: (k, 512) each, ``title`` has one row, others may have none."""

    title: Floats
    head: Floats
    passages: Floats
    siblings: Floats
    background: Floats
    pieces: Pieces


class Comment(NamedTuple):
    """A comment as relevance sees it: its vector (512,), its word pieces, its number of words."""

    vector: Floats
    pieces: Pieces
    length: int


class Relevance(NamedTuple):
    """Relevance of one comment: a probability or the reason why there is none, and the closest passage."""

    score: float | None
    reason: NoRelevance | None
    passage: Passage | None


@dataclass(frozen=True, slots=True)
class _Plan:
    """The texts that belong to one case."""

    head: str
    passages: tuple[str, ...]
    siblings: tuple[str, ...]
    background: tuple[str, ...]


class RelevanceModel:
    """Small logistic models, one for each combination of what a case brings (body or not, thread or not)."""

    def __init__(self) -> None:
        """Load the weights; raises WeightsError when they are not what was shipped."""
        self._weights = artefacts.load(FILE)
        self._generic = {
            language: self._weights[f"background_{language}"].astype(np.float32) for language in ("de", "en")
        }

    def assess(self, cases: Sequence[Case], comments: Floats, vectors: Vectors) -> list[Relevance]:
        """Return the relevance of each case, ``comments`` (n, 512) being the vectors of their texts."""
        answers: list[Relevance | None] = [self._refuse(case) for case in cases]
        plans = {i: _plan(case) for i, case in enumerate(cases) if answers[i] is None or _has_article(case)}
        lookup = _Lookup(plans, cases, vectors)
        for i, plan in plans.items():
            case, comment = cases[i], see(cases[i].text, comments[i])
            sight = self._sight(case, plan, lookup)
            passage = _closest(plan, sight, comment.vector)
            refusal = answers[i]
            if refusal is not None:
                answers[i] = refusal._replace(passage=passage)
                continue
            logit = self.base_logit(comment, sight)
            if case.parent is not None and case.parent.text.strip():
                parent = see(case.parent.text, lookup(case.parent.text))
                features = reply_features(logit, self.base_logit(parent, sight), comment, parent)
                logit = _linear(features, self._weights["reply"])
            answers[i] = Relevance(_probability(logit), None, passage)
        return [answer or Relevance(None, NoRelevance.NO_ARTICLE, None) for answer in answers]

    def base_logit(self, comment: Comment, sight: Sight) -> float:
        """Return the log-odds that a comment belongs to what is in sight, its parent left aside."""
        return _linear(base_features(comment, sight, self._weights["rarity"]), self._weights[pattern(sight)])

    def _sight(self, case: Case, plan: _Plan, lookup: "_Lookup") -> Sight:
        background = lookup.all(plan.background)
        if len(background) < FEWEST_BACKGROUND:
            language = case.article.language if case.article else None
            background = self._generic["en" if (language or "").startswith("en") else "de"]
        title = (case.article.title if case.article else "").strip() or plan.head
        return Sight(
            lookup.all([title]),
            lookup.all([plan.head]),
            lookup.all(plan.passages),
            lookup.all(plan.siblings),
            background,
            lookup.pieces(plan.head, case.article.body if case.article else ""),
        )

    @staticmethod
    def _refuse(case: Case) -> Relevance | None:
        if not any(char.isalnum() for char in case.text):
            return Relevance(None, NoRelevance.NO_TEXT, None)
        if not _has_article(case):
            return Relevance(None, NoRelevance.NO_ARTICLE, None)
        if len(words(case.text[:400])) < FEWEST_WORDS and not _unspaced(case.text):
            return Relevance(None, NoRelevance.TOO_SHORT, None)
        return None


class _Lookup:
    """Vectors of all texts of a batch, each encoded once."""

    def __init__(self, plans: dict[int, _Plan], cases: Sequence[Case], vectors: Vectors) -> None:
        texts: dict[str, None] = {}
        for i, plan in plans.items():
            article, parent = cases[i].article, cases[i].parent
            own = [plan.head, (article.title if article else "").strip() or plan.head]
            texts.update(dict.fromkeys([*own, *plan.passages, *plan.siblings, *plan.background]))
            if parent is not None:
                texts[parent.text] = None
        self._rows = {text: row for row, text in enumerate(texts)}
        self._vectors = vectors(list(texts))
        self._pieces: dict[tuple[str, ...], Pieces] = {}

    def __call__(self, text: str) -> Floats:
        row: Floats = self._vectors[self._rows[text]]
        return row

    def all(self, texts: Sequence[str]) -> Floats:
        return self._vectors[[self._rows[text] for text in texts]]

    def pieces(self, *texts: str) -> Pieces:
        """Return the word pieces of an article, cut once for all its comments in the batch."""
        if texts not in self._pieces:
            self._pieces[texts] = pieces(*texts)
        return self._pieces[texts]


@lru_cache(maxsize=64)  # an article's comments come one after the other
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


def see(text: str, vector: Floats) -> Comment:
    """Return what relevance looks at in a comment."""
    return Comment(vector, pieces(text[:_READ]), len(words(text[:_READ])))


def base_features(comment: Comment, sight: Sight, rarity: Floats) -> list[float]:
    """Return the numbers a base model reads: cosines against the background, shared word pieces, length.

    What is missing (body, thread) stands at the background's mean, and ``pattern`` picks a model that was trained so.
    Every number also comes multiplied by the length: what little a short comment says should count for less.
    """
    background = sight.background @ comment.vector
    mean, spread = float(background.mean()), float(background.std()) + 0.02
    title, head = float(sight.title[0] @ comment.vector), float(sight.head[0] @ comment.vector)
    near = _nearest(sight.passages @ comment.vector) if len(sight.passages) else mean
    thread = _nearest(sight.siblings @ comment.vector) if len(sight.siblings) else mean
    size = _size(comment)
    numbers = [(title - mean) * 5, (head - mean) * 5, (max(title, head, near) - mean) / spread / 2, (near - mean) * 5]
    numbers += [(thread - mean) * 5, mean * 5, *overlap(comment.pieces, sight.pieces, rarity)]
    return [*numbers, size, *(number * size for number in numbers)]


def reply_features(own: float, parent_own: float, comment: Comment, parent: Comment) -> list[float]:
    """Return the numbers the reply model reads: both base log-odds, how close the two are, and the length."""
    similarity = float(comment.vector @ parent.vector) * 5
    size = _size(comment)
    return [own, parent_own, similarity, size, own * size, parent_own * size]


def _size(comment: Comment) -> float:
    """Return the length of a comment on a logarithmic scale, about -1.5 to 2.3."""
    return math.log1p(min(comment.length, 200)) - 3


def pattern(sight: Sight) -> str:
    """Return the name of the model that fits what is in sight."""
    body = "body" if len(sight.passages) else "title"
    return body + ("_thread" if len(sight.siblings) >= FEWEST_SIBLINGS else "")


def _plan(case: Case) -> _Plan:
    article = case.article or Article()
    head = "\n".join(part for part in (article.title.strip(), article.lead.strip()) if part)
    body = cut(article.body)
    title = article.title.strip()
    background = tuple(dict.fromkeys(t for t in case.background if t.strip() and t.strip() != title))
    siblings = tuple(dict.fromkeys(t for t in case.thread if t != case.text and len(t.split()) >= FEWEST_WORDS))
    return _Plan(head or (body[0] if body else ""), body, siblings[:MOST_SIBLINGS], background[:MOST_BACKGROUND])


def _has_article(case: Case) -> bool:
    article = case.article
    return article is not None and any(part.strip() for part in (article.title, article.lead, article.body))


def _unspaced(text: str) -> bool:
    """Whether a text is in a script that puts no space between words and is long enough to be judged."""
    return sum("\u0e00" <= char <= "\u0e7f" or "\u3040" <= char <= "\u9fff" for char in text[:400]) >= 2 * FEWEST_WORDS


def _closest(plan: _Plan, sight: Sight, comment: Floats) -> Passage | None:
    texts = plan.passages or ((plan.head,) if plan.head else ())
    if not texts:
        return None
    similarities = (sight.passages if plan.passages else sight.head) @ comment
    best = int(similarities.argmax())
    return Passage(texts[best], float(np.clip(similarities[best], -1, 1)))


def _nearest(similarities: Floats) -> float:
    return float(np.sort(similarities)[-_NEAREST:].mean())


def _linear(features: list[float], weights: Floats) -> float:
    return float(np.dot(weights[1:], features) + weights[0])


def _probability(logit: float) -> float:
    return min(1 - _NARROWEST, max(_NARROWEST, 1 / (1 + math.exp(-min(30.0, max(-30.0, logit))))))
