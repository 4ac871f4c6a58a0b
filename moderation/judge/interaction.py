"""How near the words of a comment are to those of its article, word by word, where no letter need be the same.

Late interaction (MaxSim: Khattab and Zaharia 2020, "ColBERT") over the encoder's embeddings of word pieces, which
depend on the piece alone: each rare piece of a comment looks for the nearest piece of the article, and what it would
find in any article is taken off. A sentence's vector blurs what a single word says.
"""

from collections.abc import Callable
from typing import Any

import numpy as np
from numpy.typing import NDArray

from moderation.judge.network import Floats, Ints

AXES = 128
"""Length of a piece's vector here."""

COMMON = 2.0
"""Rarity up to which a piece says nothing of the subject: it is in an eighth of all comments."""

STEP = 1 / 25
"""Step in which rarity is kept, as a small integer."""

NUMBERS = 5

KEPT = 10_000
"""Pieces whose vectors are remembered (6 MB): they come again in the next comment, and under the next article."""

LEVEL = 200.0
"""Step in which nearness is kept, as a small integer: a two-hundredth."""

_LITTLE = 4.0
_CLEARLY = (0.1, 0.15)
_TELLING = 3

Embed = Callable[[Ints], Floats]
"""Returns the embeddings of word pieces, (n, 512)."""


class Interaction:
    """What is known of the encoder's word pieces, and how near they are to those of an article."""

    def __init__(self, weights: dict[str, NDArray[Any]], embed: Embed) -> None:
        """Take ``piece_centre`` (512,), ``piece_axes`` (512, 128), and of each piece ``piece_rarity`` and more.

        ``piece_usual_de`` and so on is how near the nearest is in an average article of a language.
        """
        self._centre = weights["piece_centre"].astype(np.float32)
        self._axes = weights["piece_axes"].astype(np.float32)
        self.rarity: Floats = weights["piece_rarity"].astype(np.float32) * np.float32(STEP) - np.float32(COMMON)
        self._usual: dict[str, Floats] = {
            name.removeprefix("piece_usual_"): table.astype(np.float32) / np.float32(LEVEL)
            for name, table in weights.items()
            if name.startswith("piece_usual_")
        }
        self._embed = embed
        self._known: dict[int, Floats] = {}

    def article(self, pieces: Ints, language: str) -> "ArticleWords":
        """Return an article's pieces, made ready for comments; raises KeyError for a language without a table."""
        return ArticleWords(self, self.vectors(pieces), self._usual[language])

    def vectors(self, pieces: Ints) -> Floats:
        """Return the vectors of pieces, (n, 128) of length one; each the same whichever others are asked for."""
        wanted = pieces.tolist()
        new = [piece for piece in wanted if piece not in self._known]
        if len(self._known) + len(new) > KEPT:
            self._known.clear()
            new = wanted
        self._known.update(zip(new, self._turned(np.array(new, dtype=np.int64)), strict=True))
        return np.array([self._known[piece] for piece in wanted], dtype=np.float32).reshape(-1, AXES)

    def _turned(self, pieces: Ints) -> Floats:
        embedded = (self._embed(pieces) - self._centre)[:, None, :]
        turned: Floats = np.matmul(embedded, self._axes)[:, 0]  # piece by piece: sums must not depend on the others
        result: Floats = turned / np.maximum(np.sqrt(np.vecdot(turned, turned))[:, None], 1e-6)
        return result


class ArticleWords:
    """The pieces of an article, for many comments to be held against: what one asked, the next need not ask again."""

    def __init__(self, interaction: Interaction, vectors: Floats, usual: Floats) -> None:
        self._interaction = interaction
        self._vectors = vectors
        self._usual = usual
        self._found: dict[int, float] = {}

    def numbers(self, comment: Ints) -> list[float]:
        """Return what the rare pieces of a comment find in the article, as ``NUMBERS`` numbers of about -0.2 to 2.

        By rarity: how near the nearest is; how much nearer than in any article; the same, but only of pieces that are
        clearly nearer; the sum of that; and the mean of the three pieces that stand out most.
        """
        rarity = self._interaction.rarity[comment]
        rare, weight = comment[rarity > 0], rarity[rarity > 0]
        if not len(rare) or not len(self._vectors):
            return [0.0] * NUMBERS
        near = self._nearest(rare)
        ahead = near - self._usual[rare]
        whole = float(weight.sum()) + _LITTLE
        clear, sure = ((weight * np.maximum(ahead - least, 0)).sum() for least in _CLEARLY)
        return [
            float(weight @ near) / whole * 2,
            float(weight @ ahead) / whole * 5,
            float(clear) / whole * 5,
            float(sure) / 5,
            float(np.sort(weight * ahead)[-_TELLING:].mean()),
        ]

    def _nearest(self, pieces: Ints) -> Floats:
        wanted = pieces.tolist()
        new = [piece for piece in wanted if piece not in self._found]
        if new:
            vectors = self._interaction.vectors(np.array(new))
            near = np.matmul(self._vectors, vectors[:, :, None])[:, :, 0].max(axis=1)
            self._found.update(zip(new, near.tolist(), strict=True))
        return np.array([self._found[piece] for piece in wanted], dtype=np.float32)
