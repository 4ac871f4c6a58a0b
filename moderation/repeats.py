"""Find comments that say nearly the same, whoever wrote them: by fingerprints that are kept and looked up by index.

A text is folded and cut into overlapping pieces of four characters. Sixteen minima of their hashes, taken two by two,
make its fingerprint (minhash); texts that share one of the eight pairs are candidates, and then compared in full.
"""

import hashlib
import itertools
import re
import unicodedata
from dataclasses import dataclass
from functools import lru_cache

from sqlalchemy import delete, insert, select
from sqlalchemy.orm import Session

from moderation.models import Comment, Fingerprint

GRAM = 4
SHORTEST = 20
"""Letters below which a text has no fingerprint: that two people say "Danke!" means nothing."""

MINIMA, ROWS = 16, 2
CANDIDATES = 60
"""Newest candidates that are compared in full, so that a text that came ten thousand times costs no more."""

LEAST_SIMILARITY = 0.6

_SEPARATORS = re.compile(r"[\W_]+")


@dataclass(frozen=True, slots=True)
class Similar:
    """Another comment of the site and how similar its text is, 0 to 1: the share of pieces both have."""

    comment: Comment
    similarity: float


def fingerprint(text: str) -> tuple[int, ...]:
    """Return the pieces of a text's fingerprint, as signed 64-bit numbers; none where it is too short to tell."""
    folded = _fold(text)
    if len(folded) < SHORTEST:
        return ()
    minima: list[int | None] = [None] * MINIMA
    for gram in _grams(folded):
        value = _hashed(gram)
        at, rest = value % MINIMA, value // MINIMA
        known = minima[at]
        if known is None or rest < known:
            minima[at] = rest
    filled = _filled(minima)
    return tuple(
        int.from_bytes(
            hashlib.blake2b(repr((at, filled[at : at + ROWS])).encode("ascii"), digest_size=8).digest(),
            "big",
            signed=True,
        )
        for at in range(0, MINIMA, ROWS)
    )


@lru_cache(maxsize=1 << 16)  # most of a text's pieces have been in others
def _hashed(gram: str) -> int:
    return int.from_bytes(hashlib.blake2b(gram.encode("utf-8", "surrogatepass"), digest_size=8).digest(), "big")


def _fold(text: str) -> str:
    """The text in small letters without accents, signs and line ends, so that these make no difference."""
    plain = unicodedata.normalize("NFKD", text.casefold())
    letters = "".join(letter for letter in plain if letter.isascii() or not unicodedata.combining(letter))
    return _SEPARATORS.sub(" ", letters).strip()


def _grams(folded: str) -> set[str]:
    return {folded[at : at + GRAM] for at in range(len(folded) - GRAM + 1)}


def _filled(minima: list[int | None]) -> list[int]:
    """Give an empty place what the next one has, as short texts leave places empty."""
    ring = itertools.islice(itertools.cycle(reversed(minima)), 2 * len(minima))
    last, filled = 0, []
    for value in ring:
        last = value if value is not None else last
        filled.append(last)
    return filled[: len(minima) - 1 : -1]


def similarity(one: str, other: str) -> float:
    """Return the share of pieces that two texts have in common, 0 to 1."""
    mine, theirs = _grams(_fold(one)), _grams(_fold(other))
    return len(mine & theirs) / len(mine | theirs) if mine or theirs else 0.0


def remember(session: Session, *comments: Comment) -> None:
    """Keep the fingerprints of comments' texts as they are now, instead of those they had."""
    session.execute(delete(Fingerprint).where(Fingerprint.comment_id.in_([comment.id for comment in comments])))
    rows = [
        {"site_id": comment.site_id, "piece": piece, "comment_id": comment.id}
        for comment in comments
        for piece in set(fingerprint(comment.text))
    ]
    if rows:
        session.execute(insert(Fingerprint), rows)


def find(session: Session, comment: Comment, *, least: float = 0.8, earlier: bool = False) -> list[Similar]:
    """Return the site's other comments whose text is at least that similar, most similar first, then newest.

    ``earlier``: only what came before the comment. Below ``LEAST_SIMILARITY`` many are missed.
    """
    pieces = fingerprint(comment.text)
    if not pieces:
        return []
    shared = select(Fingerprint.comment_id).where(
        Fingerprint.site_id == comment.site_id, Fingerprint.piece.in_(pieces), Fingerprint.comment_id != comment.id
    )
    if earlier:
        shared = shared.where(Fingerprint.comment_id < comment.id)
    newest = shared.distinct().order_by(Fingerprint.comment_id.desc()).limit(CANDIDATES)
    mine = _grams(_fold(comment.text))
    found = []
    for other in session.scalars(select(Comment).where(Comment.id.in_(newest))):
        theirs = _grams(_fold(other.text))
        alike = len(mine & theirs) / len(mine | theirs)
        if alike >= least:
            found.append(Similar(other, alike))
    return sorted(found, key=lambda similar: (-similar.similarity, -similar.comment.id))
