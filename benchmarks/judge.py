"""How fast the judge is, beside stock Detoxify: one process, one thread, German comments under articles with thread.

    python -m benchmarks.judge [--stock FOLDER] [--rounds N]

The comments are the corpus' own (``training/corpus``), all of a thread in their order, short and long as they come;
each sees its article with body, its parent and the comments before it. "cold": articles are read within the measured
time; "known": they were read before, as they are for all but the first comments of an article. Before each round the
judge forgets all texts. What is counted is processor time, so that others on the machine matter less.

With ``--stock``, the arms take turns with a checkpoint of the architecture of Detoxify's ``multilingual`` (XLM-R base,
random weights: what they cost does not depend on their values), which is made in FOLDER where there is none yet
(1.4 GB, some minutes): through the genuine package, eager, and through our fast runtime.
"""

import os

os.environ["OPENBLAS_NUM_THREADS"] = "1"
os.environ["OMP_NUM_THREADS"] = "1"

import argparse
import resource
import statistics
import subprocess
import sys
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace
from functools import partial
from pathlib import Path

from rich.console import Console
from rich.table import Table

from moderation.judge import Case, Judge
from training.corpus import load_threads

THREADS = Path(__file__).resolve().parent.parent / "training" / "corpus" / "threads"
ARTICLES = 8
COMMENTS = 40
BATCH = 32
THREAD_SIZE = 30
STOCK_COMMENTS = 64
STOCK_ALONE = 32


@dataclass
class Arm:
    """One way to judge comments, and how many of them it judged a second, round by round."""

    name: str
    comments: int
    run: Callable[[], float]
    speeds: list[float] = field(default_factory=list)

    @property
    def speed(self) -> float:
        """The median, in comments a second."""
        return statistics.median(self.speeds)


def cases() -> list[Case]:
    """Return cases as the service makes them: the comments before each are its thread."""
    threads = [thread for thread in load_threads(THREADS) if thread.article.language == "de"]
    chosen = []
    for thread in threads[:: len(threads) // ARTICLES][:ARTICLES]:
        background = tuple(other.article.title for other in threads if other is not thread)
        for row in range(COMMENTS):
            before = [comment.text for comment in thread.comments[max(0, row - THREAD_SIZE) : row]]
            chosen.append(replace(thread.case(row, background), thread=tuple(reversed(before))))
    return chosen


def embedded_arm(judge: Judge, given: Sequence[Case], batch: int, *, known: bool) -> Arm:
    """Return the embedded judge, everything on."""

    def run() -> float:
        judge.forget()
        if known:
            judge.assess([replace(case, text="Das sehe ich anders.", parent=None, thread=()) for case in given])
        started = time.process_time()
        for first in range(0, len(given), batch):
            judge.assess(given[first : first + batch])
        return time.process_time() - started

    name = f"batches of {batch}" if batch > 1 else "one at a time"
    return Arm(f"embedded, {name}, articles {'known' if known else 'cold'}", len(given), run)


def detoxify_arms(folder: Path, texts: Sequence[str]) -> list[Arm]:
    """Return stock Detoxify and our runtime of the same checkpoint, each with lists and with single comments."""
    import torch
    from detoxify import Detoxify

    from benchmarks.stock import make_checkpoint
    from moderation.judge import fast_detoxify
    from moderation.judge.detoxify import DetoxifyModel

    checkpoint = folder / "multilingual.ckpt"
    if not checkpoint.exists():
        make_checkpoint(folder)
    if not fast_detoxify.path_of(checkpoint).exists():
        fast_detoxify.build(checkpoint, print)
    torch.set_num_threads(1)
    stock, fast = Detoxify(checkpoint=str(checkpoint)), DetoxifyModel.load(checkpoint)

    def run(predict: Callable[[list[str]], object], lists: Sequence[list[str]]) -> float:
        started = time.process_time()
        for batch in lists:
            predict(batch)
        return time.process_time() - started

    together = [list(texts[first : first + BATCH]) for first in range(0, STOCK_COMMENTS, BATCH)]
    alone = [[text] for text in texts[:: STOCK_COMMENTS // STOCK_ALONE]]
    return [
        Arm(f"{name}, {how}", sum(map(len, lists)), partial(run, predict, lists))
        for name, predict in (("stock Detoxify", stock.predict), ("Detoxify, our runtime", fast.score))
        for how, lists in ((f"batches of {BATCH}", together), ("one at a time", alone))
    ]


def show(arms: Sequence[Arm], given: Sequence[Case], engine: str, console: Console) -> None:
    """Print speeds and, where stock ran too, how many times as fast as it each arm is."""
    lengths = sorted(len(case.text) for case in given)
    quarter = len(lengths) // 4
    console.print(
        f"{engine}; {len(given)} comments, characters: mean {statistics.mean(lengths):.0f}, quartiles "
        f"{lengths[quarter]}, {lengths[2 * quarter]}, {lengths[3 * quarter]}, longest {lengths[-1]}"
    )
    stock = [arm for arm in arms if arm.name.startswith("stock")]
    table = Table()
    table.add_column("")
    for column in ("comments/s", "slowest", "fastest", *(f"× {arm.name}" for arm in stock)):
        table.add_column(column, justify="right")
    for arm in arms:
        digits = 0 if arm.speed >= 100 else 1
        figures = (f"{value:.{digits}f}" for value in (arm.speed, min(arm.speeds), max(arm.speeds)))
        table.add_row(arm.name, *figures, *(f"{arm.speed / other.speed:.1f}" for other in stock))
    console.print(table)


def show_memory(given: Sequence[Case]) -> None:
    """Print how long loading takes and what a process holds that has judged everything once."""
    started = time.perf_counter()
    judge = Judge.load()
    loaded = time.perf_counter() - started
    for first in range(0, len(given), BATCH):
        judge.assess(given[first : first + BATCH])
    memory = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    print(f"embedded, in a process of its own: loads in {loaded:.1f} s, holds {memory:.0f} MB at most")


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--stock", type=Path, help="folder of the checkpoint that stock Detoxify runs")
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--memory", action="store_true", help=argparse.SUPPRESS)
    options = parser.parse_args()
    given = cases()
    if options.memory:
        show_memory(given)
        return
    subprocess.run([sys.executable, "-m", "benchmarks.judge", "--memory"], check=True)
    judge = Judge.load()
    judge.assess(given[:4])
    ways = ((64, True), (BATCH, True), (BATCH, False), (1, True), (1, False))
    arms = [embedded_arm(judge, given, batch, known=known) for batch, known in ways]
    if options.stock:
        arms += detoxify_arms(options.stock, [case.text for case in given[:: len(given) // STOCK_COMMENTS]])
    for _ in range(options.rounds):
        for arm in arms:
            arm.speeds.append(arm.comments / arm.run())
    show(arms, given, judge.engine, Console(width=150))


if __name__ == "__main__":
    main()
