"""Adapts relevance to a site from its own traffic, without labels. Pure: texts and numbers only.

A comment belongs under its own article rather than under another one of the same site; that needs nobody to say so. Two
things are learned from it: where the site's comments and articles lie among all texts, and how much each sign of
relevance says there. Both are held to the general ones while there is little evidence, and both are dropped unless they
told comments of articles that taught nothing better than the general model does.
"""

import random
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, NamedTuple

import numpy as np
from numpy.typing import NDArray
from scipy.optimize import minimize
from scipy.special import expit

from moderation.figures import auc
from moderation.judge.adapted import Adaptation
from moderation.judge.case import Article, Case
from moderation.judge.network import DIMENSION, Floats
from moderation.judge.relevance import FEWEST_WORDS, cut
from moderation.judge.text import words
from moderation.learning.figures import Doubles

if TYPE_CHECKING:
    from moderation.judge import Judge

LEAST_ARTICLES = 12
LEAST_COMMENTS = 120
LEAST_IN_THREAD = 4
MOST_COMMENTS = 500

FOLDS = 4
RIVALS = 2
SIBLINGS = 15
RESAMPLES = 200

FIRMNESS = 40.0
"""How strongly weights are held to the general ones: as many comments say as much as the prior does of one weight."""

CENTRE = 150.0
"""Texts that the general centre counts as."""

_SEED = 20260101


@dataclass(frozen=True, slots=True)
class SiteThread:
    """An article and the comments that stand or wait under it."""

    article: Article
    comments: tuple[str, ...]


class Adapted(NamedTuple):
    """What came of a night: the adaptation, None where the general model is no worse, and how both did, held out."""

    adaptation: Adaptation | None
    figures: dict[str, float]


@dataclass(frozen=True, slots=True)
class _Trial:
    """A comment in sight of an article; ``home`` and ``there`` are the articles' numbers."""

    case: Case
    home: int
    there: int


def enough(threads: Sequence[SiteThread]) -> bool:
    """Whether there are articles and comments enough to learn from."""
    usable = _usable(threads)
    return len(usable) >= LEAST_ARTICLES and sum(len(thread.comments) for thread in usable) >= LEAST_COMMENTS


def adapt(judge: "Judge", threads: Sequence[SiteThread], language: str | None) -> Adapted:
    """Learn a site's adaptation; `enough` must hold."""
    usable = _usable(threads)
    trials = _trials(usable)
    comment, article = _centres(judge, usable, language)
    placed = Adaptation(judge.relevance.version, comment, article, {}).to_bytes()
    general = judge.look([trial.case for trial in trials])
    own = judge.look([replace(trial.case, adaptation=placed) for trial in trials])
    belongs = np.array([trial.home == trial.there for trial in trials])
    weights: dict[str, Floats] = {}
    before, after = np.zeros(len(trials)), np.zeros(len(trials))
    measured = np.zeros(len(trials), dtype=bool)
    for pattern in sorted({look.pattern for look in own}):
        rows = np.array([i for i, look in enumerate(own) if look.pattern == pattern])
        shipped = judge.relevance.weights(pattern).astype(np.float64)
        seen = np.array([own[i].features for i in rows], dtype=np.float64)
        before[rows] = np.array([general[i].features for i in rows]) @ shipped[1:] + shipped[0]
        folds = np.array([(trials[i].home % FOLDS, trials[i].there % FOLDS) for i in rows])
        for fold in range(FOLDS):
            teaches = (folds != fold).all(axis=1)
            asked = (folds == fold).all(axis=1)
            if not asked.any() or not belongs[rows[teaches]].any():
                continue
            fitted = _fit(seen[teaches], belongs[rows[teaches]], shipped)
            after[rows[asked]] = seen[asked] @ fitted[1:] + fitted[0]
            measured[rows[asked]] = True
        fitted = _fit(seen, belongs[rows], shipped)
        mine = belongs[rows]
        weights[pattern] = _on_scale(fitted, seen[mine], before[rows][mine]).astype(np.float32)
    figures = _figures(belongs[measured], before[measured], after[measured], _homes(trials, measured))
    figures |= {"articles": float(len(usable)), "comments": float(sum(len(t.comments) for t in usable))}
    better = figures["gain_low"] > 0
    return Adapted(Adaptation(judge.relevance.version, comment, article, weights) if better else None, figures)


def _usable(threads: Sequence[SiteThread]) -> list[SiteThread]:
    """Return the threads that can teach, each with the comments that can, no more than the limit in all."""
    found = []
    for thread in threads:
        long = tuple(dict.fromkeys(text for text in thread.comments if len(words(text[:400])) >= FEWEST_WORDS))
        if len(long) >= LEAST_IN_THREAD and thread.article.title.strip():
            found.append(SiteThread(thread.article, long))
    most = max(LEAST_IN_THREAD, MOST_COMMENTS // max(1, len(found)))
    return [SiteThread(thread.article, thread.comments[:most]) for thread in found]


def _trials(threads: Sequence[SiteThread]) -> list[_Trial]:
    """Hold each comment against its own article and others, of its fold and elsewhere, with a thread and without."""
    chooser = random.Random(_SEED)  # noqa: S311
    titles = [thread.article.title for thread in threads]
    found = []
    for home, own in enumerate(threads):
        kin = [i for i in range(len(threads)) if i != home and i % FOLDS == home % FOLDS]
        far = [i for i in range(len(threads)) if i % FOLDS != home % FOLDS]
        for text in own.comments:
            rivals = [*chooser.sample(kin, min(len(kin), RIVALS - 1)), chooser.choice(far)]
            for there in [home, *rivals]:
                article = threads[there].article
                others = [t for t in threads[there].comments if t != text]
                siblings = tuple(chooser.sample(others, min(SIBLINGS, len(others))))
                background = tuple(title for i, title in enumerate(titles) if i not in (home, there))
                for thread in (siblings, ()):
                    found.append(_Trial(Case(text, article=article, thread=thread, background=background), home, there))
    return found


def _centres(judge: "Judge", threads: Sequence[SiteThread], language: str | None) -> tuple[Floats, Floats]:
    """Return the means of comments and of articles, drawn to the general ones where they are few."""
    shipped = judge.relevance.centre(language)
    comments = [judge.vectors(thread.comments).mean(axis=0) for thread in threads]
    articles = [judge.vectors((thread.article.title, *cut(thread.article.body))).mean(axis=0) for thread in threads]
    return (
        _drawn(comments, [len(thread.comments) for thread in threads], shipped.comment),
        _drawn(articles, [1 + len(cut(thread.article.body)) for thread in threads], shipped.article),
    )


def _drawn(means: Sequence[Floats], sizes: Sequence[int], shipped: Floats) -> Floats:
    # Each article counts alike, however many comment on it: else the talk of the week would be taken for the site.
    mine = np.mean(means, axis=0)
    size = float(sum(sizes))
    return np.asarray((mine * size + shipped * CENTRE) / (size + CENTRE), dtype=np.float32)


def _fit(features: Doubles, belongs: NDArray[np.bool_], shipped: Doubles) -> Doubles:
    """Return the weights that tell own from other best while near the shipped ones; products by dimension stay put."""
    free = features.shape[1] - DIMENSION
    weight = np.where(belongs, 0.5 / belongs.mean(), 0.5 / (1 - belongs.mean()))
    start = features @ shipped[1:] + shipped[0]
    seen = np.concatenate([np.ones((len(features), 1)), features[:, :free]], axis=1)
    sign = np.where(belongs, 1.0, -1.0)

    def loss(delta: Doubles) -> tuple[float, Doubles]:
        margin = sign * (start + seen @ delta)
        slope = -weight * sign * expit(-margin)
        value = float((weight * np.logaddexp(0, -margin)).sum() + FIRMNESS / 2 * (delta @ delta))
        return value, seen.T @ slope + FIRMNESS * delta

    found = minimize(loss, np.zeros(free + 1), jac=True, method="L-BFGS-B", options={"maxiter": 100})
    result = shipped.copy()
    result[: free + 1] += found.x
    return result


def _on_scale(fitted: Doubles, seen: Doubles, general: Doubles) -> Doubles:
    """Return the weights so scaled that the site's own comments keep the mean and spread they had.

    Contrasts say what is likelier, not how likely: the probabilities stay those that the general model was held to.
    """
    said = seen @ fitted[1:] + fitted[0]
    slope = float(np.clip(general.std() / max(said.std(), 1e-6), 0.5, 2.0))
    result = fitted * slope
    result[0] += general.mean() - slope * said.mean()
    return result


def _homes(trials: Sequence[_Trial], chosen: NDArray[np.bool_]) -> NDArray[np.int64]:
    return np.array([trial.home for trial in trials], dtype=np.int64)[chosen]


def _figures(
    belongs: NDArray[np.bool_],
    before: Doubles,
    after: Doubles,
    homes: NDArray[np.int64],
) -> dict[str, float]:
    """Return both areas under the curve and the bounds of the gain, drawing whole articles."""
    chooser = np.random.default_rng(_SEED)
    rows = [np.flatnonzero(homes == home) for home in np.unique(homes)]
    gains = []
    for _ in range(RESAMPLES):
        drawn = np.concatenate([rows[i] for i in chooser.integers(len(rows), size=len(rows))])
        gains.append(auc(belongs[drawn], after[drawn]) - auc(belongs[drawn], before[drawn]))
    low, high = np.percentile(gains, [2.5, 97.5])
    return {
        "auc_general": auc(belongs, before),
        "auc_adapted": auc(belongs, after),
        "gain_low": float(low),
        "gain_high": float(high),
    }
