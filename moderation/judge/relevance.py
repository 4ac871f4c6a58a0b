"""Says how relevant a comment is to its article, from cosines against passages, parent, thread and background.

Knows sentence vectors and small linear models; knows no words of its own and nothing of tone. Vectors are compared
after the mean of their sort (comments, articles; by language) has been taken off: what all comments have in common
would otherwise hide what each speaks of.
"""

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import NamedTuple

import numpy as np

from moderation.judge import artefacts
from moderation.judge.case import Article, Case, NoRelevance, OtherArticle, Passage
from moderation.judge.lexical import Pieces, article_pieces, overlap, pieces
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
_PRODUCT = 6.8
"""Scale of the products of single dimensions: below that of the cosines, so that training shrinks them harder."""

ELSEWHERE_BELOW = 0.7
"""Relevance below which it is asked whether a comment belongs under another article."""

LANGUAGES = ("de", "en")
"""Languages that have a centre of their own; all others use the first one's."""

Vectors = Callable[[Sequence[str]], Floats]


class Sight(NamedTuple):
    """What a comment is compared with, as centred unit vectors, (k, 512) each.

    ``title`` and ``head`` have one row, the others may have none.
    """

    title: Floats
    head: Floats
    passages: Floats
    siblings: Floats
    background: Floats
    pieces: Pieces


class Comment(NamedTuple):
    """A comment as relevance sees it: its centred vector (512,), its word pieces, its number of words."""

    vector: Floats
    pieces: Pieces
    length: int


class Relevance(NamedTuple):
    """Relevance of one comment: a probability or the reason why there is none, and what it rests on."""

    score: float | None
    reason: NoRelevance | None
    passage: Passage | None
    other_article: OtherArticle | None = None


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
        self._centres = {language: Centre.of(self._weights, language) for language in LANGUAGES}

    def assess(
        self, cases: Sequence[Case], comments: Floats, vectors: Vectors, languages: Sequence[str | None]
    ) -> list[Relevance]:
        """Return the relevance of each case.

        ``comments`` (n, 512) are the vectors of their texts, ``languages`` what they are written in.
        """
        answers: list[Relevance | None] = [self._refuse(case) for case in cases]
        plans = {i: _plan(case) for i, case in enumerate(cases) if answers[i] is None or _has_article(case)}
        lookup = _Lookup(plans, cases, vectors)
        for i, plan in plans.items():
            case, centre = cases[i], self._centre(cases[i], languages[i])
            comment = see(case.text, centre.comments(comments[i]))
            sight = self._sight(case, plan, lookup, centre)
            passage = _closest(plan, lookup, comments[i])
            refusal = answers[i]
            if refusal is not None:
                answers[i] = refusal._replace(passage=passage)
                continue
            logit = self.base_logit(comment, sight)
            if case.parent is not None and case.parent.text.strip():
                parent = see(case.parent.text, centre.comments(lookup(case.parent.text)))
                features = reply_features(logit, self.base_logit(parent, sight), comment, parent)
                logit = _linear(features, self._weights["reply"])
            score = _probability(logit)
            other = _elsewhere(plan, sight, comment) if score < ELSEWHERE_BELOW else None
            answers[i] = Relevance(score, None, passage, other)
        return [answer or Relevance(None, NoRelevance.NO_ARTICLE, None) for answer in answers]

    def base_logit(self, comment: Comment, sight: Sight) -> float:
        """Return the log-odds that a comment belongs to what is in sight, its parent left aside."""
        return _linear(base_features(comment, sight, self._weights["rarity"]), self._weights[pattern(sight)])

    def _centre(self, case: Case, language: str | None) -> "Centre":
        stated = (case.article.language if case.article else None) or language or ""
        return self._centres["en" if stated.startswith("en") else "de"]

    def _sight(self, case: Case, plan: _Plan, lookup: "_Lookup", centre: "Centre") -> Sight:
        background = lookup.articles(plan.background, centre)
        if len(background) < FEWEST_BACKGROUND:
            background = centre.background
        title = (case.article.title if case.article else "").strip() or plan.head
        return Sight(
            lookup.articles((title,), centre),
            lookup.articles((plan.head,), centre),
            lookup.articles(plan.passages, centre),
            lookup.siblings(plan.siblings, centre),
            background,
            article_pieces(plan.head, case.article.body if case.article else ""),
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


@dataclass(frozen=True, slots=True)
class Centre:
    """What comments and articles of a language have in common, (512,) each, and titles to hold a comment against."""

    comment: Floats
    article: Floats
    background: Floats

    @classmethod
    def of(cls, weights: dict[str, Floats], language: str) -> "Centre":
        """Return the shipped centre of a language."""
        names = ("comment", "article", "background")
        return cls(*(weights[f"{name}_{language}"].astype(np.float32) for name in names))

    def comments(self, vectors: Floats) -> Floats:
        """Return vectors of comments, (512,) or (n, 512), without what they have in common, at length one."""
        return unit(vectors - self.comment)

    def articles(self, vectors: Floats) -> Floats:
        """Return vectors of titles or passages without what they have in common, at length one."""
        return unit(vectors - self.article)


def unit(vectors: Floats) -> Floats:
    """Bring vectors, (512,) or (n, 512), to length one."""
    lengths = np.sqrt((vectors * vectors).sum(axis=-1, keepdims=True))
    result: Floats = vectors / np.maximum(lengths, 1e-6)
    return result


class _Lookup:
    """Vectors of all texts of a batch, each encoded once; those of an article or thread are centred once."""

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
        self._articles: dict[tuple[tuple[str, ...], int], Floats] = {}

    def __call__(self, text: str) -> Floats:
        row: Floats = self._vectors[self._rows[text]]
        return row

    def all(self, texts: Sequence[str]) -> Floats:
        """Return the vectors of texts as the encoder gives them."""
        return self._vectors[[self._rows[text] for text in texts]]

    def articles(self, texts: tuple[str, ...], centre: Centre) -> Floats:
        """Return centred vectors of titles or passages."""
        key = texts, id(centre)
        if key not in self._articles:
            self._articles[key] = centre.articles(self.all(texts))
        return self._articles[key]

    def siblings(self, texts: tuple[str, ...], centre: Centre) -> Floats:
        """Return centred vectors of comments."""
        return centre.comments(self.all(texts))


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


def base_features(comment: Comment, sight: Sight, rarity: Floats) -> Floats:
    """Return the numbers a base model reads: cosines, shared word pieces, length, products by dimension.

    What is missing (body, thread) is 0, and ``pattern`` picks a model that was trained so. Every cosine also comes
    multiplied by the length: what little a short comment says should count for less. The products let training say
    which dimensions of the vectors tell subjects apart.
    """
    background = sight.background @ comment.vector
    mean, spread = float(background.mean()), float(background.std()) + 0.02
    title, head = float(sight.title[0] @ comment.vector), float(sight.head[0] @ comment.vector)
    numbers = [title * 5, head * 5, mean * 5, (max(title, head) - mean) / spread / 2]
    numbers += [*_near(sight.passages @ comment.vector), *_near(sight.siblings @ comment.vector)]
    numbers += overlap(comment.pieces, sight.pieces, rarity)
    size = _size(comment)
    thread = sight.siblings.mean(axis=0) if len(sight.siblings) else np.zeros_like(comment.vector)
    products = [comment.vector * sight.head[0] * _PRODUCT, comment.vector * thread * _PRODUCT]
    return np.concatenate([np.array([*numbers, size, *(number * size for number in numbers)]), *products])


def _near(similarities: Floats) -> list[float]:
    """Return how close the nearest few, the nearest, and all together are; zeros where there is nothing."""
    if not len(similarities):
        return [0.0, 0.0, 0.0]
    return [_nearest(similarities) * 5, float(similarities.max()) * 5, float(similarities.mean()) * 10]


def reply_features(own: float, parent_own: float, comment: Comment, parent: Comment) -> Floats:
    """Return the numbers the reply model reads: both base log-odds, how close the two are, and the length."""
    similarity = float(comment.vector @ parent.vector) * 5
    size = _size(comment)
    return np.array([own, parent_own, similarity, size, own * size, parent_own * size])


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


def _closest(plan: _Plan, lookup: _Lookup, comment: Floats) -> Passage | None:
    texts = plan.passages or ((plan.head,) if plan.head else ())
    if not texts:
        return None
    similarities = lookup.all(texts) @ comment
    best = int(similarities.argmax())
    return Passage(texts[best], float(np.clip(similarities[best], -1, 1)))


def _elsewhere(plan: _Plan, sight: Sight, comment: Comment) -> OtherArticle | None:
    """Return the site's other article that is closest, where it is closer than all of the comment's own."""
    if len(sight.background) != len(plan.background):  # these are the shipped titles, no site's
        return None
    others = sight.background @ comment.vector
    best = int(others.argmax())
    own = np.concatenate([sight.title, sight.head, sight.passages]) @ comment.vector
    if others[best] <= own.max():
        return None
    return OtherArticle(plan.background[best], float(np.clip(others[best], -1, 1)))


def _nearest(similarities: Floats) -> float:
    return float(np.sort(similarities)[-_NEAREST:].mean())


def _linear(features: Floats, weights: Floats) -> float:
    return float(np.dot(weights[1:], features) + weights[0])


def _probability(logit: float) -> float:
    return min(1 - _NARROWEST, max(_NARROWEST, 1 / (1 + math.exp(-min(30.0, max(-30.0, logit))))))
