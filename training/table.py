"""The table of tone: everything that can be measured here on texts that taught nothing, with intervals.

It goes through the front door, with the shipped weights: the corpus's test split, parts of the public sets that are
held back, machine-filled sentences. What each fold of training says of its own held-out part is printed by
``training.build``.
"""

import random
from collections.abc import Callable, Iterable, Sequence
from pathlib import Path
from typing import NamedTuple

import numpy as np

from moderation import figures
from moderation.judge import Assessment, Case, Judge, Kind
from training import cases, corpus, sources
from training.corpus import CORPUS, Rated, Split

MOST = 2000
"""Machine-filled sentences that are judged in each language: there are tens of thousands, all much alike."""

HARMLESS = ("profanity", "identity", "lookalike", "names", "groups")
"""Files of short cases about words that look worse than they are."""

NAMING = ("identity", "groups", "faith", "origin", "gender", "de-body", "trades", "people", "counter", "isare")
"""Files of short cases that name groups, half of them harmlessly."""

BATCH = 64


class Figure(NamedTuple):
    """One line of the table: ``value`` over ``n`` texts, the bounds of its 95 per cent interval, what is aimed at."""

    name: str
    n: int
    value: float
    bounds: figures.Interval
    target: str = ""


class Judged(NamedTuple):
    """A labelled text and what the judge says of it."""

    rated: Rated
    language: str
    about: str
    assessment: Assessment


def measure(judge: Judge, data: Path) -> list[Figure]:
    """Return all figures, in the order of the table."""
    measuring = [pair for pair in cases.load_pairs() if cases.split_of(pair) is Split.TEST]
    comments, short = _comments(judge), _short_cases(judge, measuring)
    return [
        *_tone("comments, test", comments, "≥ 0.95"),
        *_tone("short cases, test", short),
        *_harmless("coarse and identity words, short cases", short, HARMLESS),
        *_harmless("groups named, short cases", short, NAMING),
        *_target("comments, test", comments),
        *_target("short cases, test", short),
        *_corpus_spans("comments, test", comments),
        *_corpus_spans("short cases, test", short),
        *_civil_spans(judge, data),
        *_gahd(judge, data),
        *_templates(judge, data),
    ]


def by_difficulty(judge: Judge, files: Iterable[Path]) -> list[Figure]:
    """Return for each file of short cases how well its texts are told apart: those that measure, and all of them.

    What the second says is fair only of weights that were taught before the file was written.
    """
    found = []
    for file in files:
        pairs = cases.load_file(file)
        every = _short_cases(judge, pairs)
        measuring = {pair.id for pair in pairs if cases.split_of(pair) is Split.TEST}
        test = [judged for judged in every if judged.about in measuring]
        for name, judged in ((f"{file.stem}, test", test), (f"{file.stem}, all", every)):
            truth, score = _truth(judged), _scores(judged)
            found += [
                figure_of(f"{name}: disrespect", figures.auc, truth, score),
                share_of(f"{name}: rude ones at 0.5 or more", score[truth] >= 0.5),
                share_of(f"{name}: civil ones at 0.5 or more", score[~truth] >= 0.5),
            ]
    return found


def _comments(judge: Judge) -> list[Judged]:
    found = []
    for thread in corpus.load_threads(CORPUS / "threads"):
        if corpus.split_of(thread.id) is Split.TEST:
            asked = [thread.case(row) for row in range(len(thread.comments))]
            language = str(thread.article.language)
            found += [
                Judged(comment, language, thread.id, assessment)
                for comment, assessment in zip(thread.comments, judge.assess(asked), strict=True)
            ]
    return found


def _short_cases(judge: Judge, pairs: Iterable[cases.Pair]) -> list[Judged]:
    known = {thread.id: thread for thread in corpus.load_threads(CORPUS / "threads")}
    wanted = [
        (pair, case, pair.case(row, known.get(pair.article or "")))
        for pair in pairs
        for row, case in enumerate(pair.cases)
    ]
    assessments = assess(judge, [case for *_, case in wanted])
    return [Judged(r, pair.language, pair.id, a) for (pair, r, _), a in zip(wanted, assessments, strict=True)]


def assess(judge: Judge, asked: Sequence[Case]) -> list[Assessment]:
    """Return what the judge says, in pieces that fit its memory."""
    return [a for first in range(0, len(asked), BATCH) for a in judge.assess(asked[first : first + BATCH])]


def _tone(name: str, judged: Sequence[Judged], target: str = "") -> list[Figure]:
    truth, score = _truth(judged), _scores(judged)
    found = [
        figure_of(f"{name}: disrespect, area under the curve", figures.auc, truth, score, target),
        figure_of(f"{name}: average precision", figures.average_precision, truth, score),
        figure_of(f"{name}: calibration error", figures.calibration_error, truth, score, "< 0.05"),
        share_of(f"{name}: rude ones at 0.5 or more", score[truth] >= 0.5),
        share_of(f"{name}: civil ones at 0.5 or more", score[~truth] >= 0.5),
    ]
    for language in ("de", "en"):
        rows = np.array([j.language == language for j in judged])
        found.append(figure_of(f"{name}, {language}: disrespect", figures.auc, truth[rows], score[rows]))
    for kind in Kind:
        own = np.array([kind in j.rated.kinds for j in judged])
        if own.sum() >= 5:
            given = np.array([j.assessment.kinds.get(kind, 0.0) for j in judged])
            found.append(figure_of(f"{name}: {kind} ({own.sum()})", figures.auc, own, given))
    return found


def _harmless(name: str, short: Sequence[Judged], files: Sequence[str]) -> list[Figure]:
    rows = [j for j in short if any(file in j.about for file in files)]
    truth, score = _truth(rows), _scores(rows)
    return [
        figure_of(f"{name}: disrespect", figures.auc, truth, score, "≥ 0.85"),
        share_of(f"{name}: harmless ones at 0.5 or more", score[~truth] >= 0.5, "≤ 0.15"),
    ]


def _target(name: str, judged: Sequence[Judged]) -> list[Figure]:
    rude = [j for j in judged if j.rated.disrespectful]
    caught = [j for j in rude if (j.assessment.disrespect or 0) >= 0.5]
    return [
        share_of(f"{name}: target right, of the rude", [_target_right(j) for j in rude]),
        share_of(f"{name}: target right, of the rude found at 0.5", [_target_right(j) for j in caught], "≥ 0.80"),
        share_of(f"{name}: target right, of all", [_target_right(j) for j in judged]),
    ]


def _target_right(judged: Judged) -> bool:
    return judged.assessment.target is not None and judged.assessment.target.value == judged.rated.target


def _corpus_spans(name: str, judged: Sequence[Judged]) -> list[Figure]:
    marked = [(j, set(j.rated.marked)) for j in judged]
    return [
        share_of(f"{name}: spans, character F1", [overlap(said, underlined(j.assessment)) for j, said in marked]),
        share_of(
            f"{name}: … of the rude",
            [overlap(said, underlined(j.assessment)) for j, said in marked if j.rated.disrespectful],
        ),
    ]


def underlined(assessment: Assessment) -> set[int]:
    """Return the characters that stand in any span."""
    return {place for span in assessment.spans for place in range(span.start, span.end)}


def overlap(said: set[int], found: set[int]) -> float:
    """Return the F1 of two sets of characters; of nothing said and nothing found it is 1, as in SemEval-2021 task 5."""
    return 2 * len(said & found) / (len(said) + len(found)) if said or found else 1.0


def _civil_spans(judge: Judge, data: Path) -> list[Figure]:
    rows = sources.civil_held_back(data)
    assessments = assess(judge, [Case(text, language="en") for text, _ in rows])
    scores = [overlap(said, underlined(a)) for (_, said), a in zip(rows, assessments, strict=True)]
    return [share_of("Civil Comments, held back: spans, character F1", scores, "≥ 0.65")]


def _gahd(judge: Judge, data: Path) -> list[Figure]:
    rows = sources.gahd_held_back(data)
    assessments = assess(judge, [Case(text, language="de") for text, _ in rows])
    truth = np.array([label == 1 for _, label in rows])
    attack = np.array([a.kinds.get(Kind.IDENTITY_ATTACK, 0.0) for a in assessments])
    rude = np.array([a.disrespect or 0.0 for a in assessments])
    return [
        figure_of("GAHD, dev: identity attack", figures.auc, truth, attack),
        figure_of("GAHD, dev: disrespect against its label", figures.auc, truth, rude),
    ]


def _templates(judge: Judge, data: Path) -> list[Figure]:
    found = []
    for language in ("de", "en"):
        rows = random.Random(sources.SEED).sample(sources.templates(data, language), MOST)
        assessments = assess(judge, [Case(text, language=language) for text, _ in rows])
        toxic = np.array([label for _, label in rows])
        score = np.array([a.disrespect or 0.0 for a in assessments])
        name = f"identity templates, {language}"
        found += [
            figure_of(f"{name}: disrespect", figures.auc, toxic, score),
            share_of(f"{name}: harmless ones at 0.5 or more", score[~toxic] >= 0.5, "≤ 0.15"),
        ]
    return found


def _truth(judged: Iterable[Judged]) -> np.ndarray[tuple[int], np.dtype[np.bool_]]:
    return np.array([j.rated.disrespectful for j in judged], dtype=bool)


def _scores(judged: Iterable[Judged]) -> np.ndarray[tuple[int], np.dtype[np.float64]]:
    return np.array([0.0 if j.assessment.disrespect is None else j.assessment.disrespect for j in judged])


def figure_of(
    name: str,
    figure: Callable[[figures.Numbers, figures.Numbers], float],
    truth: np.ndarray[tuple[int], np.dtype[np.bool_]],
    score: np.ndarray[tuple[int], np.dtype[np.float64]],
    target: str = "",
) -> Figure:
    """Return a figure of truth and score with its interval."""
    return Figure(name, len(truth), figure(truth, score), figures.interval(figure, truth, score), target)


def share_of(
    name: str, values: Sequence[float] | np.ndarray[tuple[int], np.dtype[np.bool_]], target: str = ""
) -> Figure:
    """Return the mean of some values with its interval."""
    numbers = np.asarray(values, dtype=np.float64)
    if not len(numbers):
        return Figure(name, 0, float("nan"), figures.Interval(float("nan"), float("nan")), target)

    def mean(_: figures.Numbers, score: figures.Numbers) -> float:
        return float(score.mean())

    bounds = figures.interval(mean, np.zeros(len(numbers)), numbers)
    return Figure(name, len(numbers), float(numbers.mean()), bounds, target)


def show(found: Sequence[Figure]) -> None:
    """Print the table, as Markdown."""
    print("| what | texts | value | 95 % interval | target |\n|---|---|---|---|---|")
    for name, n, value, bounds, target in found:
        print(f"| {name} | {n} | {value:.3f} | {bounds.low:.3f} – {bounds.high:.3f} | {target} |", flush=True)
