"""Makes the judge's weights: ``python -m training.build --data DIR``; DIR holds the public sets (see README.md).

``--only tone`` (or ``encoder``, ``relevance``, ``spam``) makes one part; ``--seal`` only writes the manifest anew.
"""

import argparse
import hashlib
import json
import os
from collections.abc import Collection, Sequence
from pathlib import Path

os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")  # one thread: same sums in the same order, same bytes

import numpy as np
from numpy.typing import NDArray

from moderation.judge.artefacts import FORMAT, MANIFEST
from moderation.judge.encoder import Encoder
from moderation.judge.lexical import BUCKETS, Rarity, pieces
from moderation.judge.network import Floats
from moderation.judge.relevance import cut
from training import folds, relevance, samples, spam, table, teaching, tone, verdict
from training.cases import load_pairs
from training.corpus import Split, Thread, load_threads, split_of
from training.encoder import units
from training.sources import Example, load_examples, load_fox_threads, load_registers

ROOT = Path(__file__).resolve().parent.parent
WEIGHTS = ROOT / "moderation" / "judge" / "weights"
THREADS = ROOT / "training" / "corpus" / "threads"
PARTS = ("encoder", "relevance", "tone", "spam")
VERSION = "2026.12.2"


def build(data: Path, out: Path, parts: Collection[str], keep: Path | None = None) -> None:
    """Train ``parts`` and print their dev figures; write weights and manifest to ``out``.

    ``keep`` is a folder that remembers what tone learned, for a build that may be interrupted.
    """
    threads = load_threads(THREADS)
    if "encoder" in parts:
        write(out / "encoder.npz", {"unit": units(spoken_and_read(threads), Encoder())})
        seal(out)
    encoder = Encoder()  # the other parts are learned with the units that ship
    print(f"{len(threads)} threads, {sum(len(thread.comments) for thread in threads)} comments")
    examples = load_examples(data)
    out.mkdir(parents=True, exist_ok=True)
    if "relevance" in parts:
        places = samples.prepare(threads, load_fox_threads(data), encoder)
        registers = vectors_of_registers(data, encoder)
        weights, figures = relevance.train(places, rarity_for(threads, examples), registers, encoder)
        show("relevance", figures)
        write(out / "relevance.npz", weights)
    if "tone" in parts:
        data_ = tone.prepare(examples, threads, load_pairs(), encoder)
        write(out / "tone.npz", teach_tone(data_, encoder, keep))
    if "spam" in parts:
        spam_weights, figures = spam.train(threads, load_pairs(), examples, encoder)
        show("spam", figures)
        write(out / "spam.npz", spam_weights)
    seal(out)


def spoken_and_read(threads: Sequence[Thread]) -> list[str]:
    """Return the corpus's comments, titles and passages."""
    comments = [comment.text for thread in threads for comment in thread.comments]
    return comments + [text for thread in threads for text in (thread.article.title, *cut(thread.article.body))]


def rarity_for(threads: Sequence[Thread], examples: Sequence[Example]) -> Rarity:
    """Return how rare word pieces are in harmless public texts and in the corpus's comments that teach: (BUCKETS,)."""
    spoken = [example.text for example in examples if example.marks == frozenset()]
    teaching = [thread for thread in threads if split_of(thread.id) is Split.TRAIN]
    documents = spoken + [comment.text for thread in teaching for comment in thread.comments]
    counts = np.zeros(BUCKETS, dtype=np.int64)
    for document in documents:
        counts[list({piece % BUCKETS for piece in pieces(document)})] += 1
    return np.log(len(documents) / (1.0 + counts)).astype(np.float32)


def vectors_of_registers(data: Path, encoder: Encoder) -> list[Floats]:
    """Return vectors of public texts, (n, 512) for each way of writing."""
    return [encoder.vectors(texts) for texts in load_registers(data)]


def teach_tone(data: tone.Data, encoder: Encoder, keep: Path | None) -> dict[str, NDArray[np.generic]]:
    """Return the weights of tone, and print what is said of texts that are held out."""
    held, linear, network = teaching.teach(data, keep)
    aimed = verdict.aim_rows(data, held)
    table.show(folds.measure(data, held, aimed))
    return verdict.weights(data, held, aimed, linear, network, encoder)


def show(what: str, figures: dict[str, float]) -> None:
    """Print figures, one a line."""
    for name, value in figures.items():
        print(f"{what}  {name:60} {value:.3f}", flush=True)


def write(path: Path, arrays: dict[str, NDArray[np.generic]]) -> None:
    """Write one file of weights, the same bytes for the same numbers."""
    np.savez_compressed(path, allow_pickle=False, **dict(sorted(arrays.items())))


def seal(out: Path) -> None:
    """Write the manifest: version and checksums of the weights in ``out``."""
    checksums = {path.name: hashlib.sha256(path.read_bytes()).hexdigest() for path in sorted(out.glob("*.npz"))}
    manifest = {"format": FORMAT, "version": VERSION, "sha256": checksums}
    (out / MANIFEST).write_text(json.dumps(manifest, indent=2) + "\n", encoding="utf-8")


def main() -> None:
    """Read the command line and build."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--data", type=Path, help="folder of the public data sets")
    parser.add_argument("--out", type=Path, default=WEIGHTS, help="where the weights go")
    parser.add_argument("--only", choices=PARTS, help="make one part, leave the others as they are")
    parser.add_argument("--keep", type=Path, help="remember what tone learned here, and go on from it")
    parser.add_argument("--seal", action="store_true", help="train nothing, write the manifest of what is there")
    arguments = parser.parse_args()
    if arguments.seal:
        seal(arguments.out)
    elif arguments.data is None:
        parser.error("--data is needed to train")
    else:
        if arguments.keep:
            arguments.keep.mkdir(parents=True, exist_ok=True)
        build(arguments.data, arguments.out, [arguments.only] if arguments.only else PARTS, arguments.keep)


if __name__ == "__main__":
    main()
