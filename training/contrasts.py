"""Where relevance loses: comments under their own article against others, with more and less in sight.

``python -m training.contrasts --data DIR`` holds the shipped model and a plain recipe against the same comments: those
of the corpus that taught nothing, and those of ``fox_news`` under a model that never saw them (corpus only).
``--split test`` measures, and is for reports; choose by ``dev``.
"""

import argparse
import json
import random
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np

from moderation.figures import auc
from moderation.judge.case import Article, Case
from moderation.judge.encoder import Encoder
from moderation.judge.network import Floats
from moderation.judge.relevance import FEWEST_WORDS, RelevanceModel
from moderation.judge.text import words
from training import relevance, samples
from training.build import THREADS, rarity_for, vectors_of_registers
from training.corpus import OFF_TOPIC, ON_TOPIC, Split, Thread, load_threads, split_of
from training.sources import load_examples, load_fox_threads

SEED = 20260102
RIVALS = 11
SIBLINGS = 15
MOST_EACH = 60
"""Comments of an article that are tried: a few articles with many say no more."""

BATCH = 500
RESAMPLES = 300
CONDITIONS = ("title", "title, thread", "body", "body, thread")
LENGTHS = ((4, 8), (8, 12), (12, 20), (20, 50), (50, 10_000))


@dataclass(frozen=True, slots=True)
class Trial:
    """A comment in sight of an article, its own (``rival`` 0) or one of the others; ``kept``: nobody called it off."""

    case: Case
    comment: tuple[str, int]
    rival: int
    kept: bool
    same_section: bool
    length: int


def trials(threads: Sequence[Thread], pool: Sequence[Thread], condition: str) -> list[Trial]:
    """Return each comment's trials: its own article first, then rivals of its language, those of its section before.

    ``pool`` gives the titles of the background, without those of the two articles.
    """
    chooser = random.Random(SEED)
    found = []
    for own in threads:
        rivals = [t for t in threads if t is not own and t.article.language == own.article.language]
        for row, comment in enumerate(own.comments[:MOST_EACH]):
            judged = comment.relevance in ON_TOPIC | OFF_TOPIC
            length = len(words(comment.text))
            if not judged or length < FEWEST_WORDS:
                continue
            kept = comment.relevance in ON_TOPIC
            chosen = chooser.sample(rivals, min(RIVALS, len(rivals))) if kept else []
            for number, there in enumerate([own, *chosen]):
                same = bool(own.section) and there.section == own.section and there is not own
                case = _case(own, row, there, pool, condition, chooser)
                found.append(Trial(case, (own.id, row), number, kept, same, length))
    return found


def _case(own: Thread, row: int, there: Thread, pool: Sequence[Thread], condition: str, chooser: random.Random) -> Case:
    article = there.article
    if condition.startswith("title"):
        article = Article(title=article.title, language=article.language)
    hidden = (row, own.comments[row].parent) if there is own else ()
    others = [c.text for i, c in enumerate(there.comments) if i not in hidden and len(words(c.text)) >= FEWEST_WORDS]
    thread = tuple(chooser.sample(others, min(SIBLINGS, len(others)))) if condition.endswith("thread") else ()
    language = there.article.language
    titles = tuple(t.article.title for t in pool if t not in (own, there) and t.article.language == language)
    return Case(own.comments[row].text, article=article, thread=thread, background=titles)


def by_model(model: RelevanceModel, found: Sequence[Trial], encoder: Encoder) -> Floats:
    """Return the model's scores, as the judge gives them."""
    scores: list[float] = []
    for first in range(0, len(found), BATCH):
        cases = [trial.case for trial in found[first : first + BATCH]]
        languages = [case.article.language if case.article else None for case in cases]
        answers = model.assess(cases, encoder.vectors([case.text for case in cases]), languages)
        scores += [0.5 if answer.score is None else answer.score for answer in answers]
    return np.array(scores, dtype=np.float32)


def by_recipe(found: Sequence[Trial], encoder: Encoder) -> Floats:
    """Return the plain recipe's scores: title against other titles in standard deviations, plus 3 nearest siblings.

    With a body, the three nearest passages less those of the background titles take the title's place.
    """
    return np.array([_recipe(trial.case, encoder.vectors) for trial in found], dtype=np.float32)


def _recipe(case: Case, vectors: Callable[[Sequence[str]], Floats]) -> float:
    own = vectors([case.text])[0]
    article = case.article or Article()
    passages = [article.title, *relevance.cut(article.body)]
    background = vectors(case.background) @ own
    nearest = float(np.sort(vectors(passages) @ own)[-3:].mean())
    score = (nearest - float(background.mean())) / (float(background.std()) + 0.02)
    if case.thread:
        score += 10 * float(np.sort(vectors(case.thread) @ own)[-3:].mean())
    return score


def figures(found: Sequence[Trial], score: Floats) -> dict[str, float]:
    """Return areas under the curve, how often the right article comes first of twelve, and areas by length."""
    own = np.array([trial.rival == 0 for trial in found])
    kept = np.array([trial.kept for trial in found])
    same = np.array([trial.same_section for trial in found])
    length = np.array([trial.length for trial in found])
    against = kept
    result = {"own against others": auc(own[against], score[against])}
    result["low"], result["high"] = _bounds(found, score)
    result["own against the same section"] = auc(own[kept & (own | same)], score[kept & (own | same)])
    result["kept against called off topic"] = auc(kept[own], score[own])
    result["first of twelve"] = _first(found, score)
    for low, high in LENGTHS:
        rows = against & (length >= low) & (length < high)
        result[f"{low} to {high - 1} words"] = auc(own[rows], score[rows])
    result["comments"] = float((own & kept).sum())
    return {name: value for name, value in result.items() if np.isfinite(value)}


def _bounds(found: Sequence[Trial], score: Floats) -> tuple[float, float]:
    """Return 95 % bounds of the area, drawing whole articles: comments of one article stand or fall together."""
    chooser = np.random.default_rng(SEED)
    places: dict[str, list[int]] = {}
    for i, trial in enumerate(found):
        if trial.kept:
            places.setdefault(trial.comment[0], []).append(i)
    rows = [np.array(where) for where in places.values()]
    own = np.array([trial.rival == 0 for trial in found])
    areas = []
    for _ in range(RESAMPLES):
        drawn = np.concatenate([rows[i] for i in chooser.integers(len(rows), size=len(rows))])
        areas.append(auc(own[drawn], score[drawn]))
    low, high = np.percentile(areas, [2.5, 97.5])
    return float(low), float(high)


def _first(found: Sequence[Trial], score: Floats) -> float:
    best: dict[tuple[str, int], list[float]] = {}
    for trial, value in zip(found, score, strict=True):
        if trial.kept:
            best.setdefault(trial.comment, []).append(float(value))
    return float(np.mean([values[0] > max(values[1:]) for values in best.values() if len(values) > 1]))


def main() -> None:
    """Read the command line, measure and print."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--data", type=Path, required=True, help="folder of the public data sets")
    parser.add_argument("--split", choices=[Split.DEV, Split.TEST], default=Split.DEV)
    parser.add_argument("--json", action="store_true")
    arguments = parser.parse_args()
    encoder = Encoder(256 * 1024 * 1024)
    threads, fox = load_threads(THREADS), load_fox_threads(arguments.data)
    shipped = RelevanceModel(encoder)
    unseen, _ = relevance.train(
        samples.prepare(threads, [], encoder),
        rarity_for(threads, load_examples(arguments.data)),
        vectors_of_registers(arguments.data, encoder),
        encoder,
    )
    sets = [
        (language, [t for t in threads if (t.article.language, split_of(t.id)) == (language, arguments.split)], shipped)
        for language in relevance.LANGUAGES
    ] + [("fox_news", [replace(t, section="") for t in fox], RelevanceModel(encoder, unseen))]
    result: dict[str, dict[str, float]] = {}
    for name, chosen, model in sets:
        pool = fox if name == "fox_news" else threads
        for condition in CONDITIONS:
            if condition.startswith("body") and name == "fox_news":
                continue  # it has no bodies
            found = trials(chosen, pool, condition)
            for what, score in (("model", by_model(model, found, encoder)), ("recipe", by_recipe(found, encoder))):
                result[f"{name}, {condition}: {what}"] = figures(found, score)
    if arguments.json:
        print(json.dumps(result, indent=2))
        return
    for name, values in result.items():
        print(name, *(f"{what} {value:.3f}" for what, value in values.items()), sep="\n    ")


if __name__ == "__main__":
    main()
