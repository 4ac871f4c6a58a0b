"""Checkpoints in Detoxify's format, read from disk alone and as plain data: no code that a file brings along is run."""

import hashlib
import pickle
from pathlib import Path
from typing import Any, NamedTuple

LONGEST = 512
"""Pieces of a text that are read at most, its beginning."""

_ARCHITECTURES = frozenset({"Bert", "Albert", "Roberta", "XLMRoberta"})


class ModelError(RuntimeError):
    """A model that cannot be used; the message names the file and the remedy."""


class Checkpoint(NamedTuple):
    """What a checkpoint and the folder beside it hold; the network may have more outputs than there are labels."""

    network: Any
    tokenizer: Any
    labels: list[str]
    folder: Path


def digest(path: Path) -> str:
    """Return the SHA-256 of a file in hexadecimal. Raises ModelError where it cannot be read."""
    try:
        with path.open("rb") as file:
            return hashlib.file_digest(file, "sha256").hexdigest()
    except OSError as error:
        raise ModelError(f"{path} cannot be read: {error.strerror or error}.") from error


def read_checkpoint(checkpoint: Path, device: str = "cpu") -> Checkpoint:
    """Return network, tokenizer and labels. Raises ModelError."""
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
    model_class = getattr(transformers, name)
    # Some of the released models have outputs for who is spoken of, of which their list of labels knows nothing.
    outputs = int(architecture["num_classes"])
    tokenizer = read_tokenizer(checkpoint, folder)
    network = model_class(model_class.config_class.from_pretrained(folder, num_labels=outputs, local_files_only=True))
    try:
        missing, unknown = network.load_state_dict(loaded["state_dict"], strict=False)
    except RuntimeError as error:
        raise ModelError(f"{checkpoint}: the weights do not fit the configuration in {folder}.") from error
    if missing or [key for key in unknown if not key.endswith("position_ids")]:
        raise ModelError(f"{checkpoint}: the weights do not fit the configuration in {folder}.")
    labels = [str(label) for label in loaded["config"]["dataset"]["args"]["classes"]]
    return Checkpoint(network.eval().to(device), tokenizer, labels, folder)


def read_tokenizer(checkpoint: Path, folder: Path) -> Any:
    """Return the tokenizer from the folder beside a checkpoint. Raises ModelError."""
    if not (folder / "config.json").exists() or not (folder / "tokenizer.json").exists():
        raise ModelError(f"{checkpoint}: config.json and tokenizer.json are missing; put them into {folder}.")
    from transformers import AutoTokenizer  # noqa: PLC0415

    return AutoTokenizer.from_pretrained(folder, local_files_only=True)


def _read(checkpoint: Path, torch: Any, device: str) -> dict[str, Any]:
    try:
        loaded = torch.load(checkpoint, map_location=device, weights_only=True)
        architecture = loaded["config"]["arch"]["args"]
        _ = loaded["state_dict"], loaded["config"]["dataset"]["args"]["classes"], architecture["num_classes"]
    except OSError as error:
        raise ModelError(f"{checkpoint} cannot be read: {error.strerror or error}.") from error
    except (RuntimeError, ValueError, KeyError, TypeError, EOFError, pickle.UnpicklingError) as error:
        raise ModelError(f"{checkpoint} is no checkpoint in Detoxify's format, or is damaged.") from error
    return dict(loaded)
