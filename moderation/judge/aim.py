"""Says whom a rude comment goes against: what was heard in its tokens, and signs read off the text and its place."""

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from moderation.judge.address import SIGNS, signs
from moderation.judge.case import Case, Target
from moderation.judge.lexicon import Hit
from moderation.judge.network import Floats

AIMS = (Target.READER, Target.AUTHOR, Target.THIRD_PARTY)
"""Whom disrespect may go against, in the order of the weights' columns."""

FEATURES = len(AIMS) + len(SIGNS) + 1
"""How many numbers the target is told from."""


def features(heard: Floats, case: Case, hits: Sequence[Hit]) -> Floats:
    """Return what the target is told from: logits of ``AIMS`` as heard, the signs near strong words, and 1: (12,)."""
    places = [(hit.start, hit.end) for hit in hits if hit.strength >= 1]
    return np.array([*np.clip(heard, -8, 8), *signs(case, places), 1.0], dtype=np.float32)


class AimModel:
    """One small linear model over three answers."""

    def __init__(self, weights: Mapping[str, NDArray[Any]]) -> None:
        """Take ``target`` (12, 3) from the weights of tone."""
        self._weights: Floats = weights["target"].astype(np.float32)

    def target(self, heard: Floats, case: Case, hits: Sequence[Hit]) -> Target:
        """Return whom a comment that is disrespectful goes against; ``hits`` are its word hits."""
        return AIMS[int(np.argmax(features(heard, case, hits) @ self._weights))]
