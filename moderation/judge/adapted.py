"""What a site's own traffic changes in how relevance is judged there: where its texts lie, and a few weights.

Plain numbers in a safe format. Learned without labels by ``moderation.learning.adapt``, applied by ``relevance``.
"""

import io
from dataclasses import dataclass
from typing import Any, Self

import numpy as np

from moderation.judge.artefacts import UNREADABLE
from moderation.judge.network import DIMENSION, Floats

FORMAT = 1

PATTERNS = ("title", "title_thread", "body", "body_thread")


class AdaptationError(ValueError):
    """The bytes are no adaptation that this version can read."""


@dataclass(frozen=True, slots=True, eq=False)
class Adaptation:
    """One site's: the means of its comments and articles, (512,) each, and weights by pattern that replace ours.

    ``version`` names the weights it was learned beside, by their checksum; it fits no others.
    """

    version: str
    comment: Floats
    article: Floats
    weights: dict[str, Floats]

    def to_bytes(self) -> bytes:
        """Return it as a compressed npz without pickles, under twenty kilobytes."""
        content = io.BytesIO()
        arrays: dict[str, Any] = {
            f"weights_{pattern}": values.astype(np.float32) for pattern, values in self.weights.items()
        }
        arrays |= {"comment": self.comment, "article": self.article}
        np.savez_compressed(content, format=np.array(FORMAT), version=np.array(self.version), **arrays)
        return content.getvalue()

    @classmethod
    def from_bytes(cls, content: bytes, lengths: dict[str, int]) -> Self:
        """Read one; ``lengths`` says how many weights a pattern has now. AdaptationError where it does not fit."""
        try:
            with np.load(io.BytesIO(content), allow_pickle=False) as archive:
                version = str(archive["version"])
                found = {name: np.asarray(archive[name], np.float32) for name in archive.files if name != "version"}
            weights = {name: found[f"weights_{name}"] for name in PATTERNS if f"weights_{name}" in found}
            shapes_hold = all(found[name].shape == (DIMENSION,) for name in ("comment", "article"))
            finite = all(bool(np.isfinite(values).all()) for values in found.values())
            fits = all(values.shape == (lengths[name],) for name, values in weights.items())
            if int(found["format"]) != FORMAT or not (shapes_hold and finite and fits):
                raise AdaptationError("The adaptation is of another version; it is made anew.")
        except UNREADABLE as error:
            raise AdaptationError("The adaptation is damaged or of another version; it is made anew.") from error
        return cls(version, found["comment"], found["article"], weights)
