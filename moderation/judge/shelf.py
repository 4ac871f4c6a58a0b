"""Keeps the vectors that many comments are held against, ready for it: articles' and siblings', centred.

Most comments come under an article, and beside siblings, that others came under a moment ago. Bounded; by text.
"""

from collections import OrderedDict
from collections.abc import Callable, Iterable, Sequence

import numpy as np

from moderation.judge.likeness import Centre
from moderation.judge.network import DIMENSION, Floats

ARTICLE_VECTORS = 6000
"""Vectors of titles and passages that are kept (12 MB)."""

SIBLINGS = 3000
"""Comments that are kept (6 MB)."""

Vectors = Callable[[Sequence[str]], Floats]


class Shelf:
    """What has been centred lately."""

    def __init__(self, vectors: Vectors) -> None:
        self._vectors = vectors
        self._articles: OrderedDict[tuple[tuple[str, ...], Centre], Floats] = OrderedDict()
        self._siblings: OrderedDict[tuple[str, Centre], Floats] = OrderedDict()
        self._held = 0

    def lacks(self, texts: tuple[str, ...], centre: Centre) -> bool:
        """Whether these texts of an article must be read first."""
        return (texts, centre) not in self._articles

    def articles(self, texts: tuple[str, ...], centre: Centre) -> Floats:
        """Return centred vectors of titles or passages: (n, 512)."""
        key = texts, centre
        found = self._articles.get(key)
        if found is None:
            found = centre.articles(self._vectors(texts))
            self._articles[key] = found
            self._held += len(texts)
            while self._held > ARTICLE_VECTORS and len(self._articles) > 1:
                self._held -= len(self._articles.popitem(last=False)[1])
        else:
            self._articles.move_to_end(key)
        return found

    def unread(self, texts: Iterable[str], centre: Centre) -> list[str]:
        """Return the comments that must be read first."""
        return [text for text in texts if (text, centre) not in self._siblings]

    def siblings(self, texts: Sequence[str], centre: Centre) -> Floats:
        """Return centred vectors of comments: (n, 512)."""
        if not texts:
            return np.empty((0, DIMENSION), dtype=np.float32)
        new = self.unread(texts, centre)
        if new:
            self._siblings.update(
                zip([(text, centre) for text in new], centre.comments(self._vectors(new)), strict=True)
            )
        rows = np.empty((len(texts), DIMENSION), dtype=np.float32)
        for row, text in enumerate(texts):
            rows[row] = self._siblings[text, centre]
        while len(self._siblings) > SIBLINGS:
            self._siblings.popitem(last=False)
        return rows

    def clear(self) -> None:
        """Forget all of it."""
        self._articles.clear()
        self._siblings.clear()
        self._held = 0
