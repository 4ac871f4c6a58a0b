"""Writes the small ONNX graphs in ``moderation/judge/graphs``: arithmetic without weights, which are given at load.

    python -m training.graphs

The graphs change only when the arithmetic does; a test holds what ships to what this writes.
"""

from pathlib import Path

import numpy as np
import onnx
from onnx import TensorProto, helper, numpy_helper

from moderation.judge.hearing import BETWEEN, LISTENERS, WIDTH
from moderation.judge.network import BRANCH, DIMENSION, FEATURES, NOTHING, ORDERS

FOLDER = Path(__file__).resolve().parent.parent / "moderation" / "judge" / "graphs"
OPSET = 18
IR_VERSION = 9
_TYPES = {"float32": TensorProto.FLOAT, "float16": TensorProto.FLOAT16, "int64": TensorProto.INT64}
_TYPES |= {"int8": TensorProto.INT8}


class Graph:
    """A graph as it is written down, node by node."""

    def __init__(self) -> None:
        """Begin an empty one."""
        self._nodes: list[onnx.NodeProto] = []
        self._constants: list[onnx.TensorProto] = []

    def add(self, operation: str, inputs: str, output: str = "", outputs: str = "", **attributes: object) -> str:
        """Add a node; names are parted by blanks, ``_`` is an input left out. Return the (first) output's name."""
        given = ["" if name == "_" else name for name in inputs.split()]
        domain = "com.microsoft" if operation == "MatMulIntegerToFloat" else ""
        made = outputs.split() or [output]
        self._nodes.append(helper.make_node(operation, given, made, domain=domain, **attributes))
        return made[0]

    def constant(self, name: str, value: object, kind: type[np.generic] = np.int64) -> str:
        """Add a number, or a few, that are part of the arithmetic."""
        self._constants.append(numpy_helper.from_array(np.array(value, dtype=kind), name))
        return name

    def given(self, name: str, kind: str, *shape: int) -> str:
        """Add weights that whoever loads the graph gives."""
        tensor = TensorProto(name=name, data_type=_TYPES[kind], dims=shape, data_location=TensorProto.EXTERNAL)
        tensor.external_data.add(key="location", value="given")
        self._constants.append(tensor)
        return name

    def write(self, path: Path, inputs: dict[str, tuple[str, list[str | int]]], outputs: list[str]) -> None:
        """Write it down; ``inputs`` have a kind and a shape."""
        graph = helper.make_graph(
            self._nodes,
            path.stem,
            [helper.make_tensor_value_info(name, _TYPES[kind], shape) for name, (kind, shape) in inputs.items()],
            [helper.make_tensor_value_info(name, TensorProto.FLOAT, None) for name in outputs],
            self._constants,
        )
        versions = [helper.make_opsetid("", OPSET), helper.make_opsetid("com.microsoft", 1)]
        model = helper.make_model(graph, opset_imports=versions, ir_version=IR_VERSION, producer_name="hausordnung")
        path.write_bytes(model.SerializeToString(deterministic=True))


def tokens(path: Path) -> None:
    """Write ``network.Network``'s pass: pieces and their places to the features of each token."""
    graph = Graph()
    graph.constant("orders", [order for order, _ in ORDERS])
    graph.constant("branches", [BRANCH] * len(ORDERS))
    graph.constant("second", [1])
    graph.constant("step", 1, np.float32)
    graph.constant("nothing", NOTHING, np.uint8)
    graph.constant("outside", np.full((1, len(ORDERS) * BRANCH), NOTHING), np.uint8)
    graph.add("Split", "slots orders", outputs="slots_0 slots_1 slots_2", axis=1)
    graph.add("Split", "windows orders", outputs="windows_0 windows_1 windows_2", axis=1)

    for branch in range(len(ORDERS)):  # the first convolution is a sum of what is remembered of the pieces around
        graph.add("Gather", f"added slots_{branch}", f"around_{branch}", axis=0)
        graph.add("Cast", f"around_{branch}", f"wide_{branch}", to=TensorProto.FLOAT)
        graph.add("ReduceSum", f"wide_{branch} second", f"sum_{branch}", keepdims=0)
    graph.add("Concat", "sum_0 sum_1 sum_2", "sums", axis=1)
    graph.add("Relu", "sums", "first")
    graph.add("Gather", "projected places", "own_half", axis=0)
    graph.add("Cast", "own_half", "own", to=TensorProto.FLOAT)
    graph.add("Add", "first own", "rows")

    graph.add("QuantizeLinear", "rows step nothing", "small")
    graph.add("Concat", "small outside", "smalls", axis=0)
    graph.add("Split", "smalls branches", outputs="small_0 small_1 small_2", axis=1)
    for branch, (order, _) in enumerate(ORDERS):  # the second one is a product of small integers
        kernel = graph.given(f"kernel_{branch}", "int8", order * BRANCH, BRANCH)
        scale = graph.given(f"scale_{branch}", "float32", BRANCH)
        bias = graph.given(f"bias_{branch}", "float32", BRANCH)
        graph.constant(f"wide_{branch}_shape", [-1, order * BRANCH])
        graph.add("Gather", f"small_{branch} windows_{branch}", f"near_{branch}", axis=0)
        graph.add("Reshape", f"near_{branch} wide_{branch}_shape", f"window_{branch}")
        given = f"window_{branch} {kernel} step {scale} nothing _ {bias}"
        graph.add("MatMulIntegerToFloat", given, f"product_{branch}")
    graph.add("Concat", "product_0 product_1 product_2", "products", axis=1)
    graph.add("Relu", "products", "second_values")
    graph.add("Mul", f"rows {graph.given('unit', 'float32', len(ORDERS) * BRANCH)}", "rows_to_scale")
    graph.add("Add", "second_values rows_to_scale", "branches_values")
    graph.add("Gather", "embedded places", "embedding_half", axis=0)
    graph.add("Cast", "embedding_half", "embedding", to=TensorProto.FLOAT)
    graph.add("Concat", "embedding branches_values", "values", axis=1)
    gain, shift = graph.given("gain", "float32", FEATURES), graph.given("shift", "float32", FEATURES)
    graph.add("LayerNormalization", f"values {gain} {shift}", "features", axis=-1, epsilon=1e-12)
    width = len(ORDERS) * BRANCH
    slots = sum(order for order, _ in ORDERS)
    inputs: dict[str, tuple[str, list[str | int]]] = {
        "added": ("float16", ["slots", BRANCH]),
        "projected": ("float16", ["pieces", width]),
        "embedded": ("float16", ["pieces", DIMENSION]),
        "places": ("int64", ["tokens"]),
        "slots": ("int64", ["tokens", slots]),
        "windows": ("int64", ["tokens", slots]),
    }
    graph.write(path, inputs, ["features", "rows"])


def hearing_alone(path: Path) -> None:
    """Write what ``hearing.Hearing`` does first: features of tokens to values, and to what each asks of the others."""
    graph = Graph()
    graph.constant("outside", np.zeros((1, WIDTH)), np.float32)
    graph.constant("side_by_side", [-1, 3 * WIDTH])
    _layer(graph, "first", "features", FEATURES, WIDTH, "first_sum")
    graph.add("Relu", "first_sum", "alone")
    near = _beside(graph, "alone")
    graph.add("Add", f"alone {near}", "values")
    _layer(graph, "asked", _normalise(graph, "self_norm", "values"), WIDTH, 3 * WIDTH, "asks")
    inputs: dict[str, tuple[str, list[str | int]]] = {
        "features": ("float32", ["tokens", FEATURES]),
        "neighbours": ("int64", ["tokens", 3]),
    }
    graph.write(path, inputs, ["values", "asks"])


def hearing_together(path: Path) -> None:
    """Write what it does then: what tokens were answered to their new values, and to what is heard of each text."""
    graph = Graph()
    graph.constant("shares", [-1, LISTENERS, WIDTH // LISTENERS])
    graph.constant("flat", [-1, WIDTH])
    graph.constant("last", [2])
    graph.constant("second", [1])
    graph.constant("parts", [WIDTH, WIDTH, LISTENERS])
    graph.constant("lowest", -60, np.float32)
    graph.constant("highest", 60, np.float32)
    graph.add("ReduceSum", "of second", "lengths", keepdims=1)
    _layer(graph, "told", "answered", WIDTH, WIDTH, "told_sum")
    graph.add("Add", "alone told_sum", "informed")
    _layer(graph, "feed_in", _normalise(graph, "feed_norm", "informed"), WIDTH, BETWEEN, "between_sum")
    graph.add("Relu", "between_sum", "between")
    _layer(graph, "feed_out", "between", BETWEEN, WIDTH, "made_of_it")
    graph.add("Add", "informed made_of_it", "values")
    graph.add("Identity", _listen(graph, "values"), "heard")
    inputs: dict[str, tuple[str, list[str | int]]] = {
        "alone": ("float32", ["tokens", WIDTH]),
        "answered": ("float32", ["tokens", WIDTH]),
        "of": ("float32", ["of_texts", "tokens"]),
    }
    graph.write(path, inputs, ["values", "heard"])


def _layer(graph: Graph, name: str, values: str, width: int, out: int, output: str) -> None:
    weights, bias = graph.given(name, "float32", width, out), graph.given(f"{name}_bias", "float32", out)
    graph.add("Gemm", f"{values} {weights} {bias}", output)


def _beside(graph: Graph, values: str) -> str:
    """Add a convolution over a token and its two neighbours, and return its output's name."""
    graph.add("Concat", f"{values} outside", "near_all", axis=0)
    graph.add("Gather", "near_all neighbours", "near_around", axis=0)
    graph.add("Reshape", "near_around side_by_side", "near_window")
    _layer(graph, "near", "near_window", 3 * WIDTH, WIDTH, "near_sum")
    return graph.add("Relu", "near_sum", "near_values")


def _normalise(graph: Graph, name: str, values: str) -> str:
    gain, shift = graph.given(name, "float32", WIDTH), graph.given(f"{name}_bias", "float32", WIDTH)
    return graph.add("LayerNormalization", f"{values} {gain} {shift}", f"{name}_values", axis=-1, epsilon=1e-5)


def _listen(graph: Graph, values: str) -> str:
    """Add attention over the tokens of each text; return the name of what it finds, and their mean: (texts, 256)."""
    _layer(graph, "listen", values, WIDTH, LISTENERS, "listen_logits")
    # Bounded rather than less its maximum: no attention comes near, and so it needs no look at which text it is of.
    graph.add("Clip", "listen_logits lowest highest", "listen_bounded")
    graph.add("Exp", "listen_bounded", "listen_weight")
    graph.add("Reshape", f"{values} shares", "listen_shares")
    graph.add("Unsqueeze", "listen_weight last", "listen_weights")
    graph.add("Mul", "listen_shares listen_weights", "listen_weighed_shares")
    graph.add("Reshape", "listen_weighed_shares flat", "listen_weighed")
    graph.add("Concat", f"listen_weighed {values} listen_weight", "listen_summands", axis=1)
    graph.add("MatMul", "of listen_summands", "listen_sums")
    split = "listen_attended listen_total listen_whole"
    graph.add("Split", "listen_sums parts", outputs=split, axis=1)
    graph.add("Reshape", "listen_attended shares", "listen_attended_shares")
    graph.add("Unsqueeze", "listen_whole last", "listen_wholes")
    graph.add("Div", "listen_attended_shares listen_wholes", "listen_found_shares")
    graph.add("Reshape", "listen_found_shares flat", "listen_found")
    graph.add("Div", "listen_total lengths", "listen_mean")
    return graph.add("Concat", "listen_found listen_mean", "listen_heard", axis=1)


def main() -> None:
    """Write all of them."""
    tokens(FOLDER / "tokens.onnx")
    hearing_alone(FOLDER / "hearing_alone.onnx")
    hearing_together(FOLDER / "hearing_together.onnx")


if __name__ == "__main__":
    main()
