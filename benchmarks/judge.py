"""How fast the judge is: one process, one thread, German comments under articles with body and thread.

``python -m benchmarks.judge`` prints a table; the comments are the corpus' own (``training/corpus``). Before each
round the judge forgets all texts. "cold": articles are read within the measured time, 20 comments to each. "known": the
articles were read before, as they are for all but the first comments of an article.
"""

import os

os.environ["OPENBLAS_NUM_THREADS"] = "1"

import resource
import statistics
import time
from dataclasses import replace
from pathlib import Path

from rich.console import Console
from rich.table import Table

from moderation.judge import Case, Judge
from training.corpus import load_threads

THREADS = Path(__file__).resolve().parent.parent / "training" / "corpus" / "threads"
ARTICLES = 12
COMMENTS = 20
ROUNDS = 5
BATCHES = (1, 32, 64)
FEWEST_WORDS = 15


def cases() -> list[Case]:
    """Return the cases of a few articles, longer comments first, to come near 60 tokens in the mean."""
    chosen = []
    threads = [thread for thread in load_threads(THREADS) if thread.article.language == "de"]
    for thread in threads[:ARTICLES]:
        long = [row for row, comment in enumerate(thread.comments) if len(comment.text.split()) >= FEWEST_WORDS]
        background = tuple(other.article.title for other in threads if other is not thread)
        for row in long[:COMMENTS]:
            case = thread.case(row, background)
            # The thread is what the service has read under this article: the other comments of the benchmark.
            others = tuple(thread.comments[other].text for other in long[:COMMENTS] if other != row)
            chosen.append(replace(case, thread=others))
    return chosen


def main() -> None:
    """Measure and print."""
    all_cases = cases()
    started = time.perf_counter()
    judge = Judge.load()
    loaded = time.perf_counter() - started
    judge.assess(all_cases[:4])
    speeds: dict[tuple[int, str], list[float]] = {(batch, arm): [] for batch in BATCHES for arm in ("cold", "known")}
    for _ in range(ROUNDS):
        for (batch, arm), values in speeds.items():
            judge.forget()
            if arm == "known":
                judge.assess([replace(case, text="Das sehe ich anders.", thread=()) for case in all_cases])
            started = time.perf_counter()
            for first in range(0, len(all_cases), batch):
                judge.assess(all_cases[first : first + batch])
            values.append(len(all_cases) / (time.perf_counter() - started))
    characters = statistics.mean(len(case.text) for case in all_cases)
    table = Table(title=f"{len(all_cases)} comments, {characters:.0f} characters in the mean, {judge.engine}")
    for column in ("batch", "articles", "comments/s (median)", "slowest", "fastest"):
        table.add_column(column, justify="right")
    for (batch, arm), values in speeds.items():
        figures = (statistics.median(values), min(values), max(values))
        table.add_row(str(batch), arm, *(f"{figure:.0f}" for figure in figures))
    console = Console()
    console.print(table)
    memory = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    console.print(f"Loading took {loaded:.1f} s; the process held {memory:.0f} MB at most.")


if __name__ == "__main__":
    main()
