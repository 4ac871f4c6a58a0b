"""Detoxify as a second judge of tone: checkpoints in its format, read from disk alone. Needs the extra ``detoxify``.

Relevance, spans, target and sentences stay those of the embedded judge; disrespect and its kinds are Detoxify's, or a
blend of both. Of a text over the model's length (512 pieces) only the beginning is read.
"""

from collections.abc import Sequence
from dataclasses import replace
from importlib.metadata import version
from pathlib import Path
from typing import Any, Protocol, Self

from moderation.judge import fast_detoxify as fast
from moderation.judge.blending import NARROWEST, Blend
from moderation.judge.case import Assessment, Case, Kind
from moderation.judge.checkpoint import LONGEST, digest, read_checkpoint

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

_BATCH_ON_GPU = 32


class Assessing(Protocol):
    """The embedded judge, or what stands in for it."""

    def assess(self, cases: Sequence[Case]) -> list[Assessment]:
        """Return one assessment for each case, in the same order."""


class Runtime(Protocol):
    """What computes: a network with its tokenizer."""

    name: str
    batch: int
    """How many texts it takes at once with profit."""

    def probabilities(self, texts: list[str]) -> list[list[float]]:
        """Return the probability of each of the network's outputs, for each text."""


class TorchRuntime:
    """The network as the package runs it: float32, one text at a time on a processor, because padding costs more."""

    def __init__(self, model: Any, tokenizer: Any) -> None:
        """Take a network and its tokenizer."""
        self._model = model
        self._tokenizer = tokenizer
        self.name = f"torch {version('torch')}"
        self.batch = 1 if model.device.type == "cpu" else _BATCH_ON_GPU

    def probabilities(self, texts: list[str]) -> list[list[float]]:
        """Return the probability of each of the network's outputs, for each text."""
        import torch  # noqa: PLC0415

        read = self._tokenizer(texts, return_tensors="pt", truncation=True, max_length=LONGEST, padding=True)
        with torch.inference_mode():
            logits = self._model(**read.to(self._model.device)).logits
        scores: list[list[float]] = torch.sigmoid(logits).tolist()
        return scores


class DetoxifyModel:
    """A checkpoint, ready to score texts."""

    def __init__(self, runtime: Runtime, labels: Sequence[str], name: str) -> None:
        """Take what `load` has read; outputs of the network beyond the labels are ignored, as the package does."""
        self._runtime = runtime
        self.labels = tuple(labels)
        self.name = name

    @classmethod
    def load(cls, checkpoint: Path, *, device: str = "cpu") -> Self:
        """Read a checkpoint, or the fast runtime built from it where one lies beside it. Raises ModelError.

        Configuration and tokenizer lie in a folder beside the checkpoint, named like the model it was trained from,
        without the owner ("xlm-roberta-base"): `config.json`, `tokenizer.json` and `tokenizer_config.json`. The network
        is never asked, nor is code run that a file brings along.
        """
        sha256 = digest(checkpoint)
        name = f"detoxify {checkpoint.stem} {sha256[:8]}"
        if device == "cpu" and fast.path_of(checkpoint).exists():
            runtime = fast.OnnxRuntime.load(checkpoint, sha256)
            return cls(runtime, runtime.labels, name)
        read = read_checkpoint(checkpoint, device)
        return cls(TorchRuntime(read.network, read.tokenizer), read.labels, name)

    @property
    def engine(self) -> str:
        """Name of the model with the first eight digits of its SHA-256, and what runs it."""
        return f"{self.name}, {self._runtime.name}"

    def score(self, texts: Sequence[str]) -> list[dict[str, float]]:
        """Return the probability of each label for each text, in the same order; for any text."""
        order = sorted(range(len(texts)), key=lambda row: len(texts[row]))
        found: list[dict[str, float]] = [{}] * len(texts)
        for first in range(0, len(order), self._runtime.batch):
            rows = order[first : first + self._runtime.batch]
            for row, scores in zip(rows, self._runtime.probabilities([texts[row] for row in rows]), strict=True):
                found[row] = dict(zip(self.labels, scores, strict=False))
        return found


class ToneJudge:
    """The embedded judge with Detoxify's word on tone, alone or blended."""

    def __init__(self, embedded: Assessing, model: DetoxifyModel, blend: Blend) -> None:
        """Take both, and how they become one."""
        self._embedded = embedded
        self._model = model
        self._blend = blend

    def assess(self, cases: Sequence[Case]) -> list[Assessment]:
        """Return one assessment for each case, in the same order; never raises on any text."""
        assessments = self._embedded.assess(cases)
        told = [row for row, assessment in enumerate(assessments) if assessment.disrespect is not None]
        for row, scores in zip(told, self._model.score([cases[row].text for row in told]), strict=True):
            assessments[row] = self._toned(assessments[row], scores)
        return assessments

    def _toned(self, assessment: Assessment, scores: dict[str, float]) -> Assessment:
        language, kinds = assessment.language, dict(assessment.kinds)
        for label, kind in KINDS.items():
            if label in scores:
                kinds[kind] = self._blend.kind(language, kinds.get(kind, scores[label]), scores[label])
        return replace(
            assessment,
            disrespect=self._blend.disrespect(language, assessment.disrespect or NARROWEST, overall(scores)),
            kinds=kinds,
            engine=f"{assessment.engine} + {self._model.engine}, {self._blend.name}",
        )


def overall(scores: dict[str, float]) -> float:
    """Return what Detoxify's labels say of disrespect as a whole."""
    return next((scores[label] for label in OVERALL if label in scores), max(scores.values()))
