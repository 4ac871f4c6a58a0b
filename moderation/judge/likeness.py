"""What relevance looks at: how alike a comment is to its article, its thread and to what stands elsewhere, as numbers.

Vectors are compared after the mean of their sort (comments, articles; by language) and what tells registers apart
(newspaper readers, tweets, articles, written examples) has been taken off: a way of writing is no subject, and what all
comments have in common would otherwise hide what each speaks of.
"""

import math
from dataclasses import dataclass
from functools import lru_cache
from typing import NamedTuple

import numpy as np

from moderation.judge.interaction import NUMBERS, ArticleWords
from moderation.judge.lexical import Pieces, Rarity, Weighed, overlap, pieces, weigh
from moderation.judge.network import Floats, Ints
from moderation.judge.text import word_count

FEWEST_SIBLINGS = 3

_READ = 4000
_NEAREST = 3
_PRODUCT = 6.8
"""Scale of the products of single dimensions: below that of the cosines, so that training shrinks them harder."""

_BODY = 7 + NUMBERS
_THREAD = 13


class Sight(NamedTuple):
    """What a comment is compared with, as centred unit vectors, (k, 512) each, and as word pieces.

    ``title`` and ``head`` (title and lead) have one row, the others may have none. ``pieces`` are those of the whole
    article, ``thread_pieces`` those of each sibling, ``words`` those of the encoder, where there is a body.
    """

    title: Floats
    head: Floats
    passages: Floats
    siblings: Floats
    background: Floats
    head_pieces: Pieces
    pieces: Pieces
    thread_pieces: tuple[Pieces, ...]
    words: ArticleWords | None


class Comment(NamedTuple):
    """A comment as relevance sees it: centred vector (512,), word pieces, those of the encoder, number of words."""

    vector: Floats
    pieces: Pieces
    words: Ints
    length: int


@dataclass(frozen=True, slots=True, eq=False)
class Centre:
    """What comments and articles of a language have in common, (512,) each, and titles to hold a comment against.

    ``registers`` (k, 512), orthonormal, are the directions in which ways of writing differ.
    """

    language: str
    comment: Floats
    article: Floats
    background: Floats
    registers: Floats

    @classmethod
    def of(cls, weights: dict[str, Floats], language: str) -> "Centre":
        """Return the shipped centre of a language."""
        names = (f"comment_{language}", f"article_{language}", f"background_{language}", "registers")
        return cls(language, *(weights[name].astype(np.float32) for name in names))

    def comments(self, vectors: Floats) -> Floats:
        """Return vectors of comments, (512,) or (n, 512), without what they have in common, at length one."""
        return self._bare(vectors - self.comment)

    def articles(self, vectors: Floats) -> Floats:
        """Return vectors of titles or passages without what they have in common, at length one."""
        return self._bare(vectors - self.article)

    def _bare(self, vectors: Floats) -> Floats:
        return unit(np.asarray(vectors - (vectors @ self.registers.T) @ self.registers, dtype=np.float32))


def unit(vectors: Floats) -> Floats:
    """Bring vectors, (512,) or (n, 512), to length one."""
    lengths = np.sqrt(np.vecdot(vectors, vectors))[..., None]
    result: Floats = vectors / np.maximum(lengths, 1e-6)
    return result


def see(text: str, vector: Floats, words: Ints) -> Comment:
    """Return what relevance looks at in a comment."""
    return Comment(vector, comment_pieces(text), words, word_count(text[:_READ]))


@lru_cache(maxsize=2048)  # a comment is a sibling of all others under its article
def comment_pieces(text: str) -> Pieces:
    """Return the word pieces of a comment."""
    return pieces(text[:_READ])


def pattern(sight: Sight) -> str:
    """Return the name of the model that fits what is in sight."""
    body = "body" if len(sight.passages) else "title"
    return body + ("_thread" if len(sight.siblings) >= FEWEST_SIBLINGS else "")


def base_features(comment: Comment, sight: Sight, rarity: Rarity) -> Floats:
    """Return the numbers a base model reads: cosines, shared and related word pieces, length, products by dimension.

    What is missing (body, thread) is 0, and ``pattern`` picks a model that was trained so. Every number also comes
    multiplied by the length: what little a short comment says should count for less. The products let training say
    which dimensions of the vectors tell subjects apart.
    """
    mean, spread = _mean_and_spread(sight.background @ comment.vector)
    title, head = float(sight.title[0] @ comment.vector), float(sight.head[0] @ comment.vector)
    numbers = [title * 5, head * 5, mean * 5, (title - mean) / spread / 2, (head - mean) / spread / 2]
    weighed = weigh(comment.pieces, rarity)
    numbers += overlap(weighed, sight.head_pieces)
    if sight.words is None:
        numbers += [0.0] * _BODY
    else:
        numbers += [*_body(comment, sight, weighed, mean, spread), *sight.words.numbers(comment.words)]
    in_thread = len(sight.siblings) >= FEWEST_SIBLINGS
    numbers += _thread(comment, sight, weighed, title, head) if in_thread else [0.0] * _THREAD
    size = _size(comment)
    values = [*numbers, size, *[number * size for number in numbers]]
    return np.concatenate([np.array(values), comment.vector * sight.head[0] * _PRODUCT])


def _body(comment: Comment, sight: Sight, weighed: Weighed, mean: float, spread: float) -> list[float]:
    """Return how close a comment is to the passages, in themselves and against the background, and shared pieces."""
    similar = np.sort(sight.passages @ comment.vector)
    near = _nearest(similar)
    mean_of_all = float(np.add.reduce(similar)) / len(similar)
    cosines = [near * 5, float(similar[-1]) * 5, mean_of_all * 10, (near - mean) / spread / 2]
    return cosines + overlap(weighed, sight.pieces)


def _thread(comment: Comment, sight: Sight, weighed: Weighed, title: float, head: float) -> list[float]:
    """Return how close a comment is to its siblings, and whether closer than they are to each other and the article.

    Threads differ in how closely they keep together; a comment is at home where it is as close as the others are.
    """
    siblings = sight.siblings
    count = len(siblings)
    shared = frozenset().union(*[comment.pieces & those for those in sight.thread_pieces])
    similar = np.sort(siblings @ comment.vector)
    near, mean = _nearest(similar), float(np.add.reduce(similar)) / count
    among = siblings @ siblings.T
    together = (float(np.add.reduce(among, axis=None)) - count) / (count * (count - 1))
    among.flat[:: count + 1] = -1
    kept = min(_NEAREST, count - 1)
    among.partition(count - kept, axis=1)
    nearest = float(np.add.reduce(among[:, count - kept :], axis=None)) / (count * kept)
    total = np.add.reduce(siblings, axis=0)
    size = max(math.sqrt(float(total @ total)), 1e-6)
    to_title, to_head = float(total @ sight.title[0]), float(total @ sight.head[0])
    return [
        near * 5,
        float(similar[-1]) * 5,
        mean * 10,
        float(total @ comment.vector) / size * 5,
        together * 10,
        (mean - together) * 10,
        (near - nearest) * 5,
        (title - to_title / count) * 5,
        (head - to_head / count) * 5,
        to_head / size * 5,
        *overlap(weighed, shared),
    ]


def reply_features(own: float, parent_own: float, comment: Comment, parent: Comment) -> Floats:
    """Return the numbers the reply model reads: both log-odds, how close the two are, and how long they are."""
    numbers = [own, parent_own, float(comment.vector @ parent.vector) * 5]
    sizes = [_size(comment), _size(parent)]
    return np.array([*numbers, *sizes, *[number * size for size in sizes for number in numbers]])


def _size(comment: Comment) -> float:
    """Return the length of a comment on a logarithmic scale, about -1.5 to 2.3."""
    return math.log1p(min(comment.length, 200)) - 3


def _nearest(ordered: Floats) -> float:
    """Return the mean of the largest of numbers in rising order."""
    largest = ordered[-_NEAREST:]
    return float(np.add.reduce(largest)) / len(largest)


def _mean_and_spread(numbers: Floats) -> tuple[float, float]:
    mean = float(np.add.reduce(numbers)) / len(numbers)
    apart = numbers - np.float32(mean)
    return mean, math.sqrt(float(apart @ apart) / len(numbers)) + 0.02
