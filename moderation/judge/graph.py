"""Runs small ONNX graphs on one thread, with weights that are given when they are loaded.

The graphs (``graphs/*.onnx``, written by ``training/graphs.py``) are arithmetic only. ONNX Runtime is here because it
multiplies small integers several times as fast as numpy multiplies floats.
"""

from collections.abc import Mapping, Sequence
from importlib.resources import files
from typing import Any

import numpy as np
import onnxruntime
from numpy.typing import NDArray

_ERRORS_ONLY = 3


class Graph:
    """One graph with its weights."""

    def __init__(self, name: str, weights: Mapping[str, NDArray[Any]]) -> None:
        """Load ``graphs/<name>.onnx`` and give it its weights."""
        options = onnxruntime.SessionOptions()
        options.intra_op_num_threads = options.inter_op_num_threads = 1
        options.log_severity_level = _ERRORS_ONLY
        # Plans of memory are remembered for each shape there was, and no two batches of texts have the same.
        options.enable_mem_pattern = False
        values = [onnxruntime.OrtValue.ortvalue_from_numpy(np.ascontiguousarray(array)) for array in weights.values()]
        options.add_external_initializers(list(weights), values)
        content = (files("moderation.judge") / "graphs" / f"{name}.onnx").read_bytes()
        self._session = onnxruntime.InferenceSession(content, options, providers=["CPUExecutionProvider"])

    def run(self, outputs: Sequence[str], **inputs: NDArray[Any]) -> list[Any]:
        """Return the named outputs, as arrays."""
        found: list[Any] = self._session.run(outputs, inputs)
        return found
