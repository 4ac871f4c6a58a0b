"""Loads the trained weights that ship with the judge, and refuses what is not exactly what was shipped."""

import hashlib
import io
import json
import zlib
from importlib.resources import files
from importlib.resources.abc import Traversable
from tokenize import TokenError
from typing import Any
from zipfile import BadZipFile

import numpy as np
from numpy.typing import NDArray

FORMAT = 1
"""What this code can read; ``training`` writes the same number into the manifest."""

MANIFEST = "manifest.json"


UNREADABLE = (OSError, ValueError, KeyError, EOFError, RuntimeError, BadZipFile, TokenError, zlib.error)
"""What may be raised where bytes are no arrays, or damaged: one wrong bit may say that they are encrypted."""


class WeightsError(RuntimeError):
    """A file of weights is missing, damaged or of another version; the message names it and the remedy."""


def folder() -> Traversable:
    """Return where the weights lie."""
    return files("moderation.judge") / "weights"


def version(where: Traversable | None = None) -> str:
    """Return the version of the weights, from their manifest."""
    return str(_manifest(where or folder())["version"])


def checksum(name: str, where: Traversable | None = None) -> str:
    """Return the SHA-256 of one file of weights, from their manifest."""
    return str(_manifest(where or folder())["sha256"][name])


def load(name: str, where: Traversable | None = None) -> dict[str, NDArray[Any]]:
    """Return the arrays of one file of weights; raises WeightsError when it is not the one in the manifest."""
    where = where or folder()
    expected = _manifest(where)["sha256"].get(name)
    if expected is None:
        raise _refusal(name, "is not listed in the manifest")
    try:
        content = (where / name).read_bytes()
    except OSError as error:
        raise _refusal(name, "cannot be read") from error
    if hashlib.sha256(content).hexdigest() != expected:
        raise _refusal(name, "has a wrong checksum")
    with np.load(io.BytesIO(content), allow_pickle=False) as archive:
        return {key: archive[key] for key in archive.files}


def _manifest(where: Traversable) -> dict[str, Any]:
    try:
        manifest = json.loads((where / MANIFEST).read_text(encoding="utf-8"))
    except (OSError, ValueError) as error:
        raise _refusal(MANIFEST, "cannot be read") from error
    if not isinstance(manifest, dict) or manifest.get("format") != FORMAT:
        raise _refusal(MANIFEST, f"is not of format {FORMAT}")
    return manifest


def _refusal(name: str, fault: str) -> WeightsError:
    return WeightsError(f"moderation/judge/weights/{name} {fault}. Run `make train` or install the package again.")
