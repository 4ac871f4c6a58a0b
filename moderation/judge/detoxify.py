"""Detoxify as a second judge of tone: checkpoints in its format, read from disk alone. Needs the extra ``detoxify``.

Relevance, spans, target and sentences stay those of the embedded judge; disrespect and its kinds are Detoxify's, or a
blend of both. Of a text over the model's length (512 pieces) only the beginning is read.
"""

import hashlib
import math
import pickle
from collections.abc import Sequence
from dataclasses import replace
from enum import StrEnum
from importlib.metadata import version
from pathlib import Path
from typing import Any, Protocol, Self

from moderation.judge.case import Assessment, Case, Kind

KINDS = {
    "insult": Kind.INSULT,
    "obscene": Kind.PROFANITY,
    "threat": Kind.THREAT,
    "identity_attack": Kind.IDENTITY_ATTACK,
    "identity_hate": Kind.IDENTITY_ATTACK,
    "sexual_explicit": Kind.SEXUAL,
}
"""What Detoxify's labels are called here; its others say who is spoken of, or how severe it is, and are not used."""

OVERALL = ("toxicity", "toxic")

DETOXIFYS_SHARE = 0.5
"""How much Detoxify counts in a blend: not fitted, for want of its weights where this was built."""

_ARCHITECTURES = frozenset({"Bert", "Albert", "Roberta", "XLMRoberta"})
_LONGEST = 512
_NARROWEST = 0.001
_BATCH_ON_GPU = 32


class ToneSource(StrEnum):
    """Whose word on tone counts."""

    EMBEDDED = "embedded"
    DETOXIFY = "detoxify"
    BLEND = "blend"


class ModelError(RuntimeError):
    """A checkpoint that cannot be used; the message names the file and the remedy."""


class Assessing(Protocol):
    """The embedded judge, or what stands in for it."""

    def assess(self, cases: Sequence[Case]) -> list[Assessment]:
        """Return one assessment for each case, in the same order."""


class DetoxifyModel:
    """A checkpoint, ready to score texts: in float32, one text at a time on a processor, because padding costs more."""

    def __init__(self, model: Any, tokenizer: Any, labels: Sequence[str], name: str) -> None:
        """Take what `load` has read."""
        self._model = model
        self._tokenizer = tokenizer
        self.labels = tuple(labels)
        self.name = name

    @classmethod
    def load(cls, checkpoint: Path, *, device: str = "cpu") -> Self:
        """Read a checkpoint; its configuration and tokenizer lie in a folder beside it. Raises ModelError.

        The folder is named like the model it was trained from, without the owner ("xlm-roberta-base"), and holds
        `config.json`, `tokenizer.json` and `tokenizer_config.json`. The network is never asked, nor is code run that a
        file brings along.
        """
        try:
            import torch  # noqa: PLC0415
            import transformers  # noqa: PLC0415
        except ImportError as error:
            raise ModelError("Detoxify is not installed. Run `pip install 'hausordnung[detoxify]'`.") from error
        loaded = _read(checkpoint, torch, device)
        architecture = loaded["config"]["arch"]["args"]
        name = str(architecture["model_name"])
        if name.removesuffix("ForSequenceClassification") not in _ARCHITECTURES:
            raise ModelError(f"{checkpoint}: {name} is no architecture of Detoxify's.")
        folder = checkpoint.parent / Path(str(architecture["model_type"])).name
        if not (folder / "config.json").exists() or not (folder / "tokenizer.json").exists():
            raise ModelError(f"{checkpoint}: config.json and tokenizer.json are missing; put them into {folder}.")
        labels = loaded["config"]["dataset"]["args"]["classes"]
        model_class = getattr(transformers, name)
        config = model_class.config_class.from_pretrained(folder, num_labels=len(labels), local_files_only=True)
        model = model_class(config)
        missing, unknown = model.load_state_dict(loaded["state_dict"], strict=False)
        if missing or [key for key in unknown if not key.endswith("position_ids")]:
            raise ModelError(f"{checkpoint}: the weights do not fit the configuration in {folder}.")
        tokenizer = transformers.AutoTokenizer.from_pretrained(folder, local_files_only=True)
        return cls(model.eval().to(device), tokenizer, labels, f"detoxify {checkpoint.stem} {_digest(checkpoint)}")

    @property
    def engine(self) -> str:
        """Name of the model with the first eight digits of its SHA-256, and what runs it."""
        return f"{self.name}, torch {version('torch')}"

    def score(self, texts: Sequence[str]) -> list[dict[str, float]]:
        """Return the probability of each label for each text, in the same order; for any text."""
        order = sorted(range(len(texts)), key=lambda row: len(texts[row]))
        size = 1 if self._model.device.type == "cpu" else _BATCH_ON_GPU
        found: list[dict[str, float]] = [{}] * len(texts)
        for first in range(0, len(order), size):
            rows = order[first : first + size]
            for row, scores in zip(rows, self._probabilities([texts[row] for row in rows]), strict=True):
                found[row] = dict(zip(self.labels, scores, strict=True))
        return found

    def _probabilities(self, texts: list[str]) -> list[list[float]]:
        import torch  # noqa: PLC0415

        read = self._tokenizer(texts, return_tensors="pt", truncation=True, max_length=_LONGEST, padding=True)
        with torch.inference_mode():
            logits = self._model(**read.to(self._model.device)).logits
        scores: list[list[float]] = torch.sigmoid(logits).tolist()
        return scores


class ToneJudge:
    """The embedded judge with Detoxify's word on tone, alone or blended."""

    def __init__(self, embedded: Assessing, model: DetoxifyModel, share: float = DETOXIFYS_SHARE) -> None:
        """Blend so that ``share``, 0 to 1, of the log-odds are Detoxify's; 1 is Detoxify alone."""
        self._embedded = embedded
        self._model = model
        self._share = share

    def assess(self, cases: Sequence[Case]) -> list[Assessment]:
        """Return one assessment for each case, in the same order; never raises on any text."""
        assessments = self._embedded.assess(cases)
        told = [row for row, assessment in enumerate(assessments) if assessment.disrespect is not None]
        for row, scores in zip(told, self._model.score([cases[row].text for row in told]), strict=True):
            assessments[row] = self._toned(assessments[row], scores)
        return assessments

    def _toned(self, assessment: Assessment, scores: dict[str, float]) -> Assessment:
        overall = next((scores[label] for label in OVERALL if label in scores), max(scores.values()))
        kinds = dict(assessment.kinds)
        for label, kind in KINDS.items():
            if label in scores:
                kinds[kind] = blend(kinds.get(kind, scores[label]), scores[label], self._share)
        return replace(
            assessment,
            disrespect=blend(assessment.disrespect or _NARROWEST, overall, self._share),
            kinds=kinds,
            engine=f"{assessment.engine} + {self._model.engine}, share {self._share:g}",
        )


def blend(one: float, other: float, share: float) -> float:
    """Return the probability between two, ``share`` of the way from the one to the other on the scale of log-odds."""
    return _bounded(1 / (1 + math.exp(-(_log_odds(one) * (1 - share) + _log_odds(other) * share))))


def _log_odds(probability: float) -> float:
    bounded = _bounded(probability)
    return math.log(bounded / (1 - bounded))


def _bounded(probability: float) -> float:
    return min(1 - _NARROWEST, max(_NARROWEST, probability))


def _read(checkpoint: Path, torch: Any, device: str) -> dict[str, Any]:
    try:
        loaded = torch.load(checkpoint, map_location=device, weights_only=True)
        _ = loaded["state_dict"], loaded["config"]["arch"]["args"], loaded["config"]["dataset"]["args"]["classes"]
    except OSError as error:
        raise ModelError(f"{checkpoint} cannot be read: {error.strerror or error}.") from error
    except (RuntimeError, ValueError, KeyError, TypeError, EOFError, pickle.UnpicklingError) as error:
        raise ModelError(f"{checkpoint} is no checkpoint in Detoxify's format, or is damaged.") from error
    return dict(loaded)


def _digest(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()[:8]
