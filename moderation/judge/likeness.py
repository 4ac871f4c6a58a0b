"""What relevance looks at: how alike a comment is to its article, its thread and to what stands elsewhere, as numbers.

Vectors are compared after the mean of their sort (comments, articles; by language) and what tells registers apart
(newspaper readers, tweets, articles, written examples) has been taken off: a way of writing is no subject, and what all
comments have in common would otherwise hide what each speaks of.
"""

import math
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np

from moderation.judge.lexical import Pieces, Rarity, Weighed, overlap, pieces, weigh
from moderation.judge.network import Floats
from moderation.judge.text import word_count

FEWEST_SIBLINGS = 3

_READ = 4000
_NEAREST = 3
_PRODUCT = 6.8
"""Scale of the products of single dimensions: below that of the cosines, so that training shrinks them harder."""

_BODY = 7
_THREAD = 13


class Sight(NamedTuple):
    """What a comment is compared with, as centred unit vectors, (k, 512) each, and as word pieces.

    ``title`` and ``head`` (title and lead) have one row, the others may have none. ``pieces`` are those of the whole
    article, ``thread_pieces`` those of each sibling.
    """

    title: Floats
    head: Floats
    passages: Floats
    siblings: Floats
    background: Floats
    head_pieces: Pieces
    pieces: Pieces
    thread_pieces: tuple[Pieces, ...]


class Comment(NamedTuple):
    """A comment as relevance sees it: its centred vector (512,), its word pieces, its number of words."""

    vector: Floats
    pieces: Pieces
    length: int


@dataclass(frozen=True, slots=True)
class Centre:
    """What comments and articles of a language have in common, (512,) each, and titles to hold a comment against.

    ``registers`` (k, 512), orthonormal, are the directions in which ways of writing differ.
    """

    comment: Floats
    article: Floats
    background: Floats
    registers: Floats

    @classmethod
    def of(cls, weights: dict[str, Floats], language: str) -> "Centre":
        """Return the shipped centre of a language."""
        names = (f"comment_{language}", f"article_{language}", f"background_{language}", "registers")
        return cls(*(weights[name].astype(np.float32) for name in names))

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
    lengths = np.sqrt((vectors * vectors).sum(axis=-1, keepdims=True))
    result: Floats = vectors / np.maximum(lengths, 1e-6)
    return result


def see(text: str, vector: Floats) -> Comment:
    """Return what relevance looks at in a comment."""
    return Comment(vector, pieces(text[:_READ]), word_count(text[:_READ]))


def pattern(sight: Sight) -> str:
    """Return the name of the model that fits what is in sight."""
    body = "body" if len(sight.passages) else "title"
    return body + ("_thread" if len(sight.siblings) >= FEWEST_SIBLINGS else "")


def base_features(comment: Comment, sight: Sight, rarity: Rarity) -> Floats:
    """Return the numbers a base model reads: cosines, shared word pieces, length, products by dimension.

    What is missing (body, thread) is 0, and ``pattern`` picks a model that was trained so. Every number also comes
    multiplied by the length: what little a short comment says should count for less. The products let training say
    which dimensions of the vectors tell subjects apart.
    """
    background = sight.background @ comment.vector
    mean, spread = float(background.mean()), float(background.std()) + 0.02
    title, head = float(sight.title[0] @ comment.vector), float(sight.head[0] @ comment.vector)
    numbers = [title * 5, head * 5, mean * 5, (title - mean) / spread / 2, (head - mean) / spread / 2]
    weighed = weigh(comment.pieces, rarity)
    numbers += overlap(weighed, sight.head_pieces)
    numbers += _body(comment, sight, weighed, mean, spread) if len(sight.passages) else [0.0] * _BODY
    in_thread = len(sight.siblings) >= FEWEST_SIBLINGS
    numbers += _thread(comment, sight, weighed, title, head) if in_thread else [0.0] * _THREAD
    size = _size(comment)
    values = [*numbers, size, *(number * size for number in numbers)]
    return np.concatenate([np.array(values), comment.vector * sight.head[0] * _PRODUCT])


def _body(comment: Comment, sight: Sight, weighed: Weighed, mean: float, spread: float) -> list[float]:
    """Return how close a comment is to the passages, in themselves and against the background, and shared pieces."""
    similar = sight.passages @ comment.vector
    near = _nearest(similar)
    cosines = [near * 5, float(similar.max()) * 5, float(similar.mean()) * 10, (near - mean) / spread / 2]
    return cosines + overlap(weighed, sight.pieces)


def _thread(comment: Comment, sight: Sight, weighed: Weighed, title: float, head: float) -> list[float]:
    """Return how close a comment is to its siblings, and whether closer than they are to each other and the article.

    Threads differ in how closely they keep together; a comment is at home where it is as close as the others are.
    """
    siblings = sight.siblings
    shared = frozenset().union(*(comment.pieces & those for those in sight.thread_pieces))
    similar = siblings @ comment.vector
    near, mean = _nearest(similar), float(similar.mean())
    middle = unit(siblings.sum(axis=0))
    among = siblings @ siblings.T
    count = len(siblings)
    together = (float(among.sum()) - count) / (count * (count - 1))
    among.flat[:: count + 1] = -1
    nearest = np.sort(among, axis=1)[:, -min(_NEAREST, count - 1) :]
    return [
        near * 5,
        float(similar.max()) * 5,
        mean * 10,
        float(middle @ comment.vector) * 5,
        together * 10,
        (mean - together) * 10,
        (near - float(nearest.mean())) * 5,
        (title - float((siblings @ sight.title[0]).mean())) * 5,
        (head - float((siblings @ sight.head[0]).mean())) * 5,
        float(middle @ sight.head[0]) * 5,
        *overlap(weighed, shared),
    ]


def reply_features(own: float, parent_own: float, comment: Comment, parent: Comment) -> Floats:
    """Return the numbers the reply model reads: both base log-odds, how close the two are, and the length."""
    similarity = float(comment.vector @ parent.vector) * 5
    size = _size(comment)
    return np.array([own, parent_own, similarity, size, own * size, parent_own * size])


def _size(comment: Comment) -> float:
    """Return the length of a comment on a logarithmic scale, about -1.5 to 2.3."""
    return math.log1p(min(comment.length, 200)) - 3


def _nearest(similarities: Floats) -> float:
    return float(np.sort(similarities)[-_NEAREST:].mean())
