"""Makes the judge's weights: ``python -m training.build --data DIR``; DIR holds the public sets (see README.md)."""

import argparse
import hashlib
import io
import json
import os
from pathlib import Path

os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")  # one thread: same sums in the same order, same bytes

import numpy as np
from numpy.typing import NDArray

from moderation.judge.artefacts import FORMAT, MANIFEST
from moderation.judge.encoder import Encoder
from moderation.judge.lexical import rarity_of
from training import relevance, tone
from training.corpus import load_threads
from training.sources import load_examples

ROOT = Path(__file__).resolve().parent.parent
WEIGHTS = ROOT / "moderation" / "judge" / "weights"
THREADS = ROOT / "training" / "corpus" / "threads"
VERSION = "2026.11.1"


def build(data: Path, out: Path) -> None:
    """Train everything, write weights and manifest to ``out``, print the dev figures."""
    encoder = Encoder()
    threads = load_threads(THREADS)
    print(f"{len(threads)} threads, {sum(len(thread.comments) for thread in threads)} comments")

    examples = load_examples(data)
    spoken = [example.text for example in examples if example.labels.get("disrespect") == 0]
    spoken += [comment.text for thread in threads for comment in thread.comments]
    relevance_weights, figures = relevance.train(relevance.prepare(threads, encoder), rarity_of(spoken))
    show("relevance", figures)

    prepared = tone.prepare(examples, threads, encoder)
    tone_weights, figures, _ = tone.train(prepared)
    show("tone", figures)
    write(out, {"relevance.npz": relevance_weights, "tone.npz": tone_weights})


def show(what: str, figures: dict[str, float]) -> None:
    """Print figures, one a line."""
    for name, value in figures.items():
        print(f"{what}  {name:60} {value:.3f}", flush=True)


def write(out: Path, parts: dict[str, dict[str, NDArray[np.generic]]]) -> None:
    """Write the weights and the manifest with their checksums."""
    out.mkdir(parents=True, exist_ok=True)
    checksums = {}
    for name, arrays in sorted(parts.items()):
        buffer = io.BytesIO()
        np.savez_compressed(buffer, allow_pickle=False, **dict(sorted(arrays.items())))
        (out / name).write_bytes(buffer.getvalue())
        checksums[name] = hashlib.sha256(buffer.getvalue()).hexdigest()
    manifest = {"format": FORMAT, "version": VERSION, "sha256": checksums}
    (out / MANIFEST).write_text(json.dumps(manifest, indent=2) + "\n", encoding="utf-8")


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--data", type=Path, required=True, help="folder of the public data sets")
    parser.add_argument("--out", type=Path, default=WEIGHTS, help="where the weights go")
    arguments = parser.parse_args()
    build(arguments.data, arguments.out)
