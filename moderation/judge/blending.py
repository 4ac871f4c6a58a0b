"""How the embedded judge's word on tone and Detoxify's become one, by language.

Log-odds of disrespect are ``bias + embedded * the embedded judge's + detoxify * Detoxify's``; kinds are weighed in the
same proportion, without the bias. Weights that were fitted lie in a file beside the checkpoint.
"""

import hashlib
import json
import math
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, NamedTuple, Self

from moderation.judge.checkpoint import ModelError

FORMAT = 1

OTHERS = ""
"""Stands for all languages that have no weights of their own."""

NARROWEST = 0.001
"""No score comes closer to 0 or 1: that much doubt always stays."""


class Weights(NamedTuple):
    """How much each of the two counts, and where their scale begins."""

    bias: float
    embedded: float
    detoxify: float


EVEN = Weights(0.0, 0.5, 0.5)
"""What is used where nothing was fitted."""

DETOXIFY_ALONE = Weights(0.0, 0.0, 1.0)


@dataclass(frozen=True, slots=True)
class Blend:
    """Weights by language, and a name for what they are."""

    name: str
    weights: Mapping[str, Weights]

    @classmethod
    def of(cls, checkpoint: Path) -> Self:
        """Return the blend that was fitted for a checkpoint, an even one where there is none. Raises ModelError."""
        path = path_of(checkpoint)
        if not path.exists():
            return cls("even", {OTHERS: EVEN})
        try:
            content = path.read_bytes()
            weights = _weights(json.loads(content))
        except OSError as error:
            raise ModelError(f"{path} cannot be read: {error.strerror or error}.") from error
        except (ValueError, KeyError, TypeError, AttributeError) as error:
            raise ModelError(
                f"{path} holds no weights of a blend. Delete it, or run `moderation models fit-blend`."
            ) from error
        return cls(f"fitted {hashlib.sha256(content).hexdigest()[:8]}", weights)

    def disrespect(self, language: str | None, embedded: float, detoxify: float) -> float:
        """Return the disrespect of a comment, as a probability, from what the two say of it."""
        bias, one, other = self._of(language)
        return probability(bias + one * log_odds(embedded) + other * log_odds(detoxify))

    def kind(self, language: str | None, embedded: float, detoxify: float) -> float:
        """Return how likely a kind is from what the two say of it."""
        _, one, other = self._of(language)
        share = other / (one + other) if one + other else 0.5
        return probability((1 - share) * log_odds(embedded) + share * log_odds(detoxify))

    def _of(self, language: str | None) -> Weights:
        return self.weights.get(language or OTHERS, self.weights[OTHERS])


ALONE = Blend("detoxify alone", {OTHERS: DETOXIFY_ALONE})


def path_of(checkpoint: Path) -> Path:
    """Return where the weights that were fitted for a checkpoint lie."""
    return checkpoint.with_suffix(".blend.json")


def save(checkpoint: Path, weights: Mapping[str, Weights]) -> Path:
    """Write weights, those of ``OTHERS`` among them, beside the checkpoint."""
    path = path_of(checkpoint)
    rows = {language: weights[language]._asdict() for language in sorted(weights)}
    path.write_text(json.dumps({"format": FORMAT, "weights": rows}, indent=2) + "\n", encoding="utf-8")
    return path


def _weights(found: Any) -> dict[str, Weights]:
    if found["format"] != FORMAT:
        raise ValueError(found["format"])
    weights = {
        language: Weights(*(float(row[name]) for name in Weights._fields)) for language, row in found["weights"].items()
    }
    _ = weights[OTHERS]
    return weights


def log_odds(score: float) -> float:
    """Return the log-odds of a probability, bounded at about seven."""
    bounded = min(1 - NARROWEST, max(NARROWEST, score))
    return math.log(bounded / (1 - bounded))


def probability(odds: float) -> float:
    """Return the probability of log-odds, away from 0 and 1."""
    return min(1 - NARROWEST, max(NARROWEST, 1 / (1 + math.exp(-min(30.0, max(-30.0, odds))))))
