"""What a site's own model looks at in a comment, and how it is applied; knows numpy and no site, no database.

A site's model says how likely *this team of moderators* is to delete a comment. It is one linear function of what the
judge has computed anyway: its scores, the sentence vector, the pooled token features and the n-grams of the text.
"""

import io
import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import NamedTuple, Self

import numpy as np
from numpy.typing import NDArray

from moderation.judge.artefacts import UNREADABLE
from moderation.judge.case import Assessment, Kind, Target
from moderation.judge.network import DIMENSION, POOLED, Floats
from moderation.judge.ngrams import BUCKETS, grams, weights_of

SKETCH = 384
"""Length of the sketch that is kept of the pooled token features."""

SIGNALS = 16
"""Length of what is taken from an assessment."""

FORMAT = 1

_NOTHING_KNOWN = 0.03
"""Disrespect of a comment that could not be judged: that of the average comment."""


class ModelError(ValueError):
    """The bytes are no model of a site that this version can read."""


class Features(NamedTuple):
    """What is learned from, for n comments: ``signals`` (n, 16), ``vectors`` (n, 512), ``sketches`` (n, 384)."""

    signals: Floats
    vectors: Floats
    sketches: Floats

    def rows(self, chosen: NDArray[np.int64] | slice) -> "Features":
        """Return the features of some of the comments."""
        return Features(self.signals[chosen], self.vectors[chosen], self.sketches[chosen])


def pack(features: Features) -> list[bytes]:
    """Return what is kept of each comment: its row of features in half precision, 1,824 bytes."""
    return [row.tobytes() for row in np.hstack(features).astype("<f2")]


def unpack(kept: Sequence[bytes]) -> Features:
    """Return the features of comments as `pack` wrote them; raises ModelError where a row is of another version."""
    width = SIGNALS + DIMENSION + SKETCH
    if any(len(row) != 2 * width for row in kept):
        raise ModelError("What is kept of a comment is of another version; it must be read anew.")
    rows = np.frombuffer(b"".join(kept), dtype="<f2").reshape(len(kept), width).astype(np.float32)
    return Features(*np.hsplit(rows, [SIGNALS, SIGNALS + DIMENSION]))


def logit(probability: float | Floats) -> Floats:
    """Return the logits of probabilities, bounded at about seven."""
    bounded = np.clip(np.asarray(probability, dtype=np.float32), 0.001, 0.999)
    return np.asarray(np.log(bounded / (1 - bounded)), dtype=np.float32)


def signals(assessment: Assessment, length: int) -> Floats:
    """Return what is taken from an assessment of a text of ``length`` characters: (16,), each about -1 to 1."""
    kinds = [assessment.kinds.get(kind, 0.01) for kind in Kind]
    disrespect = _NOTHING_KNOWN if assessment.disrespect is None else assessment.disrespect
    known = assessment.relevance is not None
    return np.array(
        [
            *(logit(np.array([disrespect, *kinds], dtype=np.float32)) / 7),
            float(known),
            float(logit(assessment.relevance)) / 7 if assessment.relevance is not None else 0.0,
            assessment.put_down_share or 0.0,
            min(len(assessment.spans), 5) / 5,
            np.log1p(length) / 8,
            *(float(assessment.target is target) for target in Target),
        ],
        dtype=np.float32,
    )


def general(rows: Floats) -> Floats:
    """Return the general model's logits of disrespect from signals: (n,)."""
    result: Floats = rows[:, 0] * 7
    return result


def projection() -> Floats:
    """Return the matrix that makes a sketch of pooled features: (2560, 384), the same for ever on every machine."""
    # Signs from a mixed counter, not from a library's generator, whose stream may change with its version.
    state = np.arange(POOLED * SKETCH, dtype=np.uint64)
    with np.errstate(over="ignore"):
        state = (state + np.uint64(1)) * np.uint64(0x9E3779B97F4A7C15)
        state = (state ^ (state >> np.uint64(30))) * np.uint64(0xBF58476D1CE4E5B9)
        state = (state ^ (state >> np.uint64(27))) * np.uint64(0x94D049BB133111EB)
    bits = ((state ^ (state >> np.uint64(31))) & np.uint64(1)).astype(np.float32)
    return (2 * bits - 1).reshape(POOLED, SKETCH) / np.float32(np.sqrt(POOLED))


SECTION = 0.3
RECORD = 1.0
"""What section and record count beside the n-grams of a text, whose values have length one."""


def grams_of(
    text: str, section: str | None = None, record: str | None = None
) -> tuple[NDArray[np.int64], NDArray[np.float32]]:
    """Return buckets and values of a text's n-grams; what else is known of it is one more of them each.

    ``section`` is where its article stands, ``record`` the word for its commenter's (`moderation.learning.record`).
    """
    buckets, values = weights_of(grams(text))
    for word, value in ((section, SECTION), (record, RECORD)):
        if word:
            place = int(grams(f"\x02{word}\x03").bucket[-1])
            buckets, values = np.append(buckets, place), np.append(values, np.float32(value))
    return buckets, values


class Bend(NamedTuple):
    """Beta calibration: a shift, and slopes where deletion is unlikely (``low``) and where it is likely (``high``)."""

    shift: float = 0.0
    low: float = 1.0
    high: float = 1.0

    def probability(self, logit: float) -> float:
        """Return how likely a deletion is of which a model says ``logit``."""
        unlikely, likely = ends(logit)
        return 1 / (1 + math.exp(-_bounded(self.shift + self.low * unlikely + self.high * likely)))


STRAIGHT = Bend()
"""What a model says is taken as it is."""


def ends(logit: float) -> tuple[float, float]:
    """Return the logarithm of a probability and that of its opposite, negated: their sum is the logit."""
    bounded = _bounded(logit)
    return -math.log1p(math.exp(-bounded)), math.log1p(math.exp(bounded))


def _bounded(logit: float) -> float:
    return max(-30.0, min(30.0, logit))


@dataclass(frozen=True, slots=True)
class SiteModel:
    """One site's model: a bias and weights for the general logit, signals, vectors, sketches and n-grams.

    ``bend`` makes its logits true probabilities, without changing the order of comments.
    """

    bias: float
    trust: float
    signals: Floats
    vectors: Floats
    sketches: Floats
    grams: Floats
    bend: Bend = STRAIGHT

    def probabilities(
        self, features: Features, texts: Sequence[tuple[NDArray[np.int64], NDArray[np.float32]]]
    ) -> NDArray[np.float64]:
        """Return how likely each comment would be deleted: (n,); ``texts`` holds what `grams_of` says of each."""
        of_grams = np.array([float(values @ self.grams[buckets]) for buckets, values in texts])
        return np.array([self.bend.probability(float(logit)) for logit in self.logits(features, of_grams)])

    def logits(self, features: Features, of_grams: NDArray[np.floating]) -> NDArray[np.float64]:
        """Return what is said of comments before it is bent: (n,); ``of_grams`` (n,) is what their n-grams add."""
        result = self.bias + self.trust * general(features.signals).astype(np.float64)
        result += features.signals @ self.signals
        result += features.vectors @ self.vectors
        result += features.sketches @ self.sketches
        return np.asarray(result + of_grams, dtype=np.float64)

    def to_bytes(self) -> bytes:
        """Return the model as a compressed npz without pickles, under a megabyte."""
        content = io.BytesIO()
        np.savez_compressed(
            content,
            format=np.array(FORMAT),
            head=np.array([self.bias, self.trust]),
            bend=np.array(self.bend),
            signals=self.signals,
            vectors=self.vectors,
            sketches=self.sketches,
            grams=self.grams.astype(np.float16),
        )
        return content.getvalue()

    @classmethod
    def from_bytes(cls, content: bytes) -> Self:
        """Read a model; raises ModelError where it is damaged or of another version."""
        try:
            with np.load(io.BytesIO(content), allow_pickle=False) as archive:
                found = {name: archive[name] for name in archive.files}
            found.setdefault("bend", np.array(STRAIGHT))  # models of before there were bends
            shapes = {"head": (2,), "bend": (3,), "signals": (SIGNALS,), "vectors": (DIMENSION,), "sketches": (SKETCH,)}
            shapes["grams"] = (BUCKETS,)
            if int(found["format"]) != FORMAT or any(found[name].shape != shape for name, shape in shapes.items()):
                raise ModelError("The model is of another version; learn it again.")
        except UNREADABLE as error:
            raise ModelError("The model is damaged or of another version; learn it again.") from error
        bias, trust = (float(value) for value in found["head"])
        arrays = {name: found[name].astype(np.float32) for name in ("signals", "vectors", "sketches", "grams")}
        return cls(bias, trust, **arrays, bend=Bend(*(float(value) for value in found["bend"])))
