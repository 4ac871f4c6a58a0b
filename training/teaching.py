"""Teaches the parts of tone, two at a time: each part of three is judged by what the others taught, then all teach."""

from collections.abc import Sequence
from concurrent.futures import Future, ProcessPoolExecutor
from multiprocessing import get_context
from pathlib import Path
from typing import NamedTuple

import numpy as np

from moderation.judge.aim import AIMS
from moderation.judge.tone import HEADS
from training.hearing import Learned, hear, learn
from training.tone import PARTS, Array, Data, Held, Linear, Rows, fit

PROCESSES = 2
"""How much is learned at once: as many cores as the weights are made on."""

_INHERITED: list[Data] = []
"""What a process was given when it began."""


class Judged(NamedTuple):
    """What is said of some texts, ``rows``, as `Held` has it, by models that only others taught."""

    rows: Rows
    dense: Array
    grams: Array
    said: Array
    marks: Array


def teach(data: Data, keep: Path | None) -> tuple[Held, Linear, Learned]:
    """Return what held-out models say of all that teaches, and what all of it teaches.

    ``keep`` is a folder that remembers what was learned, for one that is interrupted.
    """
    with _side_by_side(data) as pool:
        parts = _submit_parts(pool, keep)
        everything = pool.submit(_whole, keep)
        return _held(data, parts), *everything.result()


def leave_out(data: Data, sources: Sequence[str], keep: Path | None) -> Held:
    """Return what held-out models say of all that teaches, and of some sources those that only the others taught.

    ``keep`` is a folder that may remember the first.
    """
    with _side_by_side(data) as pool:
        return _held(data, [*_submit_parts(pool, keep), *(pool.submit(_without, source) for source in sources)])


def _side_by_side(data: Data) -> ProcessPoolExecutor:
    # A fork has the texts as they lie in memory, gigabytes of them; to send them would take as much again.
    return ProcessPoolExecutor(PROCESSES, get_context("fork"), _INHERITED.append, (data,))


def _submit_parts(pool: ProcessPoolExecutor, keep: Path | None) -> list[Future[Judged]]:
    return [pool.submit(_judge, part, keep) for part in range(PARTS)]


def _held(data: Data, judged: Sequence[Future[Judged]]) -> Held:
    """Write down what is said of all texts; of those that were judged twice, what was said last."""
    size, heads = len(data.labels), len(HEADS)
    held = Held(
        *(np.full((size, width), np.nan, dtype=np.float32) for width in (heads, heads, heads, len(AIMS))),
        np.full(data.lesson.marks.shape, np.nan, dtype=np.float32),
    )
    for each in judged:
        rows, dense, grams, said, marks = each.result()
        held.dense[rows], held.grams[rows] = dense, grams
        held.heard[rows], held.aims[rows] = said[:, :heads], said[:, heads:]
        held.marks[data.lesson.tokens(rows)] = marks
    return held


def _judge(part: int, keep: Path | None) -> Judged:
    data = _INHERITED[-1]
    rows = np.flatnonzero(data.taught & (data.part == part))
    file = keep / f"held-{part}.npz" if keep else None
    if file and file.exists():
        with np.load(file) as found:
            return Judged(rows, found["dense"], found["grams"], found["said"], found["marks"])
    judged = _judged(data, rows, np.flatnonzero(data.taught & (data.part != part)))
    if file:
        np.savez(file, dense=judged.dense, grams=judged.grams, said=judged.said, marks=judged.marks)
    return judged


def _without(source: str) -> Judged:
    data = _INHERITED[-1]
    mine = data.of(source)
    return _judged(data, np.flatnonzero(data.taught & mine), np.flatnonzero(data.taught & ~mine))


def _judged(data: Data, rows: Rows, others: Rows) -> Judged:
    dense, grams = fit(data, others).logits(data, rows)
    network = learn(data.lesson, others)
    heard, marks = hear(network, data.lesson, rows)
    return Judged(rows, dense, grams, network.judge(heard), marks)


def _whole(keep: Path | None) -> tuple[Linear, Learned]:
    data = _INHERITED[-1]
    rows = np.flatnonzero(data.taught)
    linear = fit(data, rows)
    file = keep / "whole.npz" if keep else None
    if file and file.exists():
        with np.load(file) as found:
            arrays = {name: found[name] for name in found.files}
        return linear, Learned(arrays, arrays.pop("heads"), arrays.pop("heads_bias"))
    network = learn(data.lesson, rows)
    if file:
        np.savez(file, heads=network.heads, heads_bias=network.heads_bias, **network.weights)  # type: ignore[arg-type]
    return linear, network
