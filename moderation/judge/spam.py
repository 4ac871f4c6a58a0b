"""Says how likely a text is advertising or junk; knows the text alone."""

import math
import re
from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from moderation.judge import artefacts
from moderation.judge.network import Floats
from moderation.judge.ngrams import READ, Rows

FILE = "spam.npz"

_LINK = re.compile(r"https?://|www\.|\b[\w-]{2,}\.(?:com|net|org|info|biz|shop|online|site|xyz|ru|de|eu|uk)\b")
_MAIL = re.compile(r"\b[\w.+-]+@[\w-]+\.\w{2,}")
_PHONE = re.compile(r"(?:\+|00)?\d[\d /().-]{6,}\d")
_MONEY = re.compile(r"[€$£]|\b(?:euro|eur|usd|dollar|bitcoin|krypto|crypto|gratis|free|rabatt|discount|%)")
_CALL = re.compile(
    r"\b(?:klick\w*|click|hier|here|jetzt|now|besuch\w*|visit|kauf\w*|buy|verdien\w*|earn|angebot\w*|offer|whatsapp|"
    r"telegram|kredit\w*|loan|casino|shop|webseite|website|homepage|kontakt\w*|contact)\b",
)

NAMES = ("link", "links", "mail", "phone", "money", "call", "capitals", "signs", "digits", "short", "letters")
"""What is counted in a text, in the order of the columns of ``signs``."""

_NARROWEST = 0.001


def signs(text: str) -> Floats:
    """Return what can be counted in a text, each between 0 and about 1: (len(NAMES),) float32."""
    text = text[:READ]
    size = max(1, len(text))
    small = text.lower()  # many times as fast as patterns that ignore case
    letters = sum(map(str.isalpha, text))
    links = len(_LINK.findall(small))
    return np.array(
        [
            min(1, links),
            math.log1p(links) / 3,
            bool(_MAIL.search(text)),
            bool(_PHONE.search(text)),
            math.log1p(len(_MONEY.findall(small))) / 3,
            math.log1p(len(_CALL.findall(small))) / 3,
            sum(map(str.isupper, text)) / max(1, letters),
            math.log1p(text.count("!") + text.count("*") + text.count("→")) / 3,
            sum(map(str.isdigit, text)) / size,
            size < 12,
            letters / size,
        ],
        dtype=np.float32,
    )


class SpamModel:
    """One linear model over sentence vector, hashed n-grams and what can be counted."""

    def __init__(self) -> None:
        """Load the weights; raises WeightsError when they are not what was shipped."""
        weights = artefacts.load(FILE)
        self._vector: Floats = weights["vector"].astype(np.float32)
        self._signs: Floats = weights["signs"].astype(np.float32)
        self._grams: Floats = weights["grams"].astype(np.float32)
        self._bias = float(weights["bias"][0])

    def assess(self, texts: Sequence[str], vectors: NDArray[np.float32], grams: Rows) -> list[float]:
        """Return for each text the probability, 0.001 to 0.999, that it is spam.

        ``vectors`` is (n, 512), ``grams`` holds the n-grams of the same texts.
        """
        logits = vectors @ self._vector + np.stack([signs(text) for text in texts]) @ self._signs + self._bias
        logits += grams.sums(self._grams)
        scores = 1 / (1 + np.exp(-np.clip(logits, -30, 30)))
        return [float(score) for score in np.clip(scores, _NARROWEST, 1 - _NARROWEST)]
