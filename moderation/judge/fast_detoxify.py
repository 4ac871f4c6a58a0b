"""A fast runtime for a Detoxify checkpoint: ONNX Runtime, int8, one text at a time; built once, beside the checkpoint.

The checkpoint's own scores are the measure: a build that is more than 0.01 off on the probe texts is not used.
"""

import json
import tempfile
from collections.abc import Callable
from dataclasses import dataclass
from importlib.metadata import version
from pathlib import Path
from typing import Any, Self

import numpy as np

from moderation.judge.checkpoint import LONGEST, ModelError, digest, read_checkpoint
from moderation.judge.text import legible

TOLERANCE = 0.01

PROBES = (
    "",
    "👍",
    "Danke für den ausgewogenen Artikel, da habe ich etwas gelernt.",
    "Du Trottel hast den Text doch gar nicht gelesen!",
    "Wer so etwas schreibt, gehört entlassen. Schämt euch, ihr Lügner.",
    "You are an idiot and everybody here knows it.",
    "I disagree: the council voted on this in May, and the budget was public.",
    "Quel article stupide, honte au journaliste.",
    "Все они одинаковые, гнать их надо.",
    "Der Radweg ist zu schmal, und das war vorher bekannt. Die Stadt hat trotzdem gebaut. " * 12,
    "blöd " * 900,
)
"""What both are asked: short and long, friendly and rude, in five languages."""


@dataclass(frozen=True, slots=True)
class Built:
    """What was built, and how far its scores are from the checkpoint's at most; for int8 also where it was refused."""

    path: Path
    precision: str
    difference: float
    int8_difference: float


class OnnxRuntime:
    """A network in ONNX Runtime, one text at a time on one thread."""

    batch = 1

    def __init__(self, session: Any, folder: Path) -> None:
        """Take what `_open` returned, and the folder where the tokenizer lies. Raises ModelError."""
        # Not by transformers, which would bring torch along, and a quarter of a gigabyte with it.
        from tokenizers import Tokenizer  # noqa: PLC0415

        self._session = session
        self.about = _about(session)
        self.name = f"onnxruntime {version('onnxruntime')} {self.about.get('precision', '')}".strip()
        path = folder / "tokenizer.json"
        if not path.exists():
            raise ModelError(f"{path} is missing; put it there, or pull the model again.")
        self._tokenizer = Tokenizer.from_file(str(path))
        self._tokenizer.enable_truncation(LONGEST)
        self._tokenizer.no_padding()

    @classmethod
    def load(cls, checkpoint: Path, sha256: str) -> Self:
        """Open what was built from a checkpoint with this digest. Raises ModelError."""
        path = path_of(checkpoint)
        session = _open(path)
        about = _about(session)
        if about.get("checkpoint") != sha256:
            raise ModelError(
                f"{path} was not built from {checkpoint} as it is now. Run `moderation models build {checkpoint}`."
            )
        return cls(session, checkpoint.parent / about["folder"])

    @property
    def labels(self) -> list[str]:
        """What the first outputs mean."""
        return [str(label) for label in json.loads(self.about["labels"])]

    def probabilities(self, texts: list[str]) -> list[list[float]]:
        """Return the probability of each of the network's outputs, for each text."""
        scores = []
        for text in texts:
            pieces = np.array([self._tokenizer.encode(legible(text)).ids], dtype=np.int64)
            scores.append(self._session.run(None, {"input_ids": pieces})[0][0].tolist())
        return scores


def _open(path: Path, threads: int = 1) -> Any:
    try:
        import onnxruntime  # noqa: PLC0415
        from onnxruntime.capi import onnxruntime_pybind11_state as errors  # noqa: PLC0415
    except ImportError as error:
        raise ModelError("ONNX Runtime is not installed. Run `pip install 'hausordnung[detoxify]'`.") from error
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = threads
    try:
        return onnxruntime.InferenceSession(path, options, providers=["CPUExecutionProvider"])
    except (errors.Fail, errors.InvalidProtobuf, errors.InvalidGraph) as error:
        raise ModelError(f"{path} is damaged. Delete it and run `moderation models build` again.") from error


def _about(session: Any) -> dict[str, str]:
    about: dict[str, str] = session.get_modelmeta().custom_metadata_map
    return about


def path_of(checkpoint: Path) -> Path:
    """Return where the fast runtime of a checkpoint lies."""
    return checkpoint.with_suffix(".onnx")


def build(checkpoint: Path, say: Callable[[str], None] = lambda _: None) -> Built:
    """Write the fast runtime beside the checkpoint: int8 if it is faithful, else float32. Raises ModelError.

    ``say`` is told each step, in a sentence.
    """
    network, tokenizer, labels, folder = read_checkpoint(checkpoint)
    about = {"checkpoint": digest(checkpoint), "labels": json.dumps(labels), "folder": folder.name}
    expected = [_genuine(network, tokenizer, text) for text in PROBES]
    with tempfile.TemporaryDirectory(dir=checkpoint.parent) as temporary:
        full, small = Path(temporary, "float32.onnx"), Path(temporary, "int8.onnx")
        say("Exporting to ONNX.")
        _export(network, tokenizer, full)
        say("Rounding the weights to int8.")
        _quantize(full, small)
        say("Comparing with the checkpoint.")
        int8_difference = _difference(OnnxRuntime(_open(small), folder), expected)
        chosen, precision, difference = small, "int8", int8_difference
        if difference > TOLERANCE:
            chosen, precision = full, "float32"
            difference = _difference(OnnxRuntime(_open(full), folder), expected)
        if difference > TOLERANCE:
            raise ModelError(f"{checkpoint}: no faithful runtime; its scores are {difference:.3f} off. Torch is used.")
        _describe(chosen, {**about, "precision": precision, "difference": f"{difference:.6f}"})
        chosen.replace(path_of(checkpoint))
    return Built(path_of(checkpoint), precision, difference, int8_difference)


def _genuine(network: Any, tokenizer: Any, text: str) -> list[float]:
    import torch  # noqa: PLC0415

    with torch.inference_mode():
        read = tokenizer(text, return_tensors="pt", truncation=True, max_length=LONGEST)
        scores: list[float] = torch.sigmoid(network(**read).logits)[0].tolist()
    return scores


def _difference(runtime: OnnxRuntime, expected: list[list[float]]) -> float:
    pairs = zip(runtime.probabilities(list(PROBES)), expected, strict=True)
    return max(abs(mine - theirs) for one, other in pairs for mine, theirs in zip(one, other, strict=True))


def _export(network: Any, tokenizer: Any, path: Path) -> None:
    import torch  # noqa: PLC0415

    class Scores(torch.nn.Module):
        """One text's pieces to probabilities; nothing is padded, so it needs no mask."""

        def __init__(self) -> None:
            super().__init__()
            self.network = network

        def forward(self, input_ids: Any) -> Any:
            return torch.sigmoid(self.network(input_ids=input_ids).logits)

    pieces = tokenizer(PROBES[2], return_tensors="pt")["input_ids"]
    program: Any = torch.onnx.export(
        Scores().eval(),
        (pieces,),
        input_names=["input_ids"],
        output_names=["scores"],
        dynamic_shapes=({1: torch.export.Dim.DYNAMIC},),
        opset_version=18,
        dynamo=True,
        verbose=False,
    )
    program.save(path)


def _quantize(full: Path, small: Path) -> None:
    from onnxruntime.quantization import QuantType, quantize_dynamic  # noqa: PLC0415

    quantize_dynamic(full, small, weight_type=QuantType.QInt8)


def _describe(path: Path, about: dict[str, str]) -> None:
    import onnx  # noqa: PLC0415

    model = onnx.load(path)
    for key, value in about.items():
        model.metadata_props.add(key=key, value=value)
    onnx.save(model, path)
