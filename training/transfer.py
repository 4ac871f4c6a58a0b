"""How tone does where nothing of the kind taught it: ``python -m training.transfer --data DIR --keep FOLDER``.

What is held out of a source is judged by models that the rest of that source taught. No site's comments are among the
sources: so here a source of real comments is left out as a whole and judged by what all others teach. FOLDER is what
a build remembers (``training.build --keep``); without it three networks more are learned.
"""

import argparse
import os
from pathlib import Path

os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")

import numpy as np

from moderation import figures
from moderation.judge.encoder import Encoder
from moderation.judge.tone import HEADS, sigmoid
from training import table, teaching, tone
from training.cases import load_pairs
from training.corpus import CORPUS, load_threads
from training.sources import load_examples
from training.table import Figure, figure_of, share_of
from training.tone import Data, Held
from training.verdict import reach

SOURCES = {"germeval": "disrespect", "fox_news": "identity_attack"}
"""Sources of comments that people really wrote, all of them judged, and the head that their label names."""


def measure(data: Data, held: Held, source: str) -> list[Figure]:
    """Return the figures of a source that is left out, by part, put together as the others say.

    ``held`` has what models say of it that it did not teach.
    """
    mine, head = data.of(source), HEADS.index(SOURCES[source])
    verdict = reach(data, held, data.taught & ~mine)
    rows = np.flatnonzero(mine & ~np.isnan(data.labels[:, head]))
    truth = data.labels[rows, head] == 1
    score = sigmoid(verdict.context(data, held) @ verdict.calibration)[rows]
    said = {
        "vector and token features": held.dense[rows, head],
        "n-grams": held.grams[rows, head],
        "network": held.heard[rows, head],
        "put together": verdict.logits(data, held)[rows, head],
    }
    name = f"left out, {source}: {HEADS[head]}"
    return [
        *(figure_of(f"{name}, {part}", figures.auc, truth, logits) for part, logits in said.items()),
        figure_of(f"{name}, by the overall score", figures.auc, truth, score),
        share_of(f"{name}, at 0.5 or more", score[truth] >= 0.5),
        share_of(f"{name}, others at 0.5 or more", score[~truth] >= 0.5),
    ]


def main() -> None:
    """Read the command line, learn, print."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--data", type=Path, required=True, help="folder of the public data sets")
    parser.add_argument("--keep", type=Path, help="what a build of tone remembered")
    arguments = parser.parse_args()
    examples, threads = load_examples(arguments.data), load_threads(CORPUS / "threads")
    data = tone.prepare(examples, threads, load_pairs(), Encoder())
    held = teaching.leave_out(data, list(SOURCES), arguments.keep)
    table.show([figure for source in SOURCES for figure in measure(data, held, source)])


if __name__ == "__main__":
    main()
