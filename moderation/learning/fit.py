"""Fits a site's model: several modest experts, each cross-fitted, pooled by how well they did. Pure: numbers only.

Each expert is a logistic regression on one view of the comments: what the judge says, the sentence vector, the sketch
of the token features, the n-grams. What each says of decisions it was *not* fitted on decides how much it counts beside
the general model. The pool begins near what served best over many sites and moves with evidence, so that a few
decisions cannot do much harm.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import NamedTuple, TypeAlias

import numpy as np
from numpy.typing import NDArray
from scipy.optimize import minimize
from scipy.sparse import csr_matrix, vstack

from moderation.judge.learned import Features, SiteModel, general
from moderation.judge.ngrams import BUCKETS
from moderation.learning.figures import Doubles, auc

Matrix: TypeAlias = NDArray[np.float32] | csr_matrix

LEAST_DECISIONS = 50
"""Decisions from which on a site's own model is fitted at all."""

LEAST_OF_EACH = 4
"""Deletions, and approvals, that there must be among them."""

FOLDS = 5
FEW = 3_000
"""Decisions beyond which three folds say as much, and n-grams of two or three comments say nothing."""

MANY = 20_000
"""Decisions beyond which one held-out third, the newest, says enough."""

HALF_LIFE = 20_000
"""Decisions after which one counts half."""


class Expert(NamedTuple):
    """A view of the comments, how strongly its weights are held near 0, and its place in the pool to begin with."""

    name: str
    ridge: float
    share: float


EXPERTS = (
    Expert("signals", 3.0, 0.15),
    Expert("vectors", 1.0, 0.4),
    Expert("sketches", 4.0, 0.3),
    Expert("grams", 0.3, 0.4),
)
TRUST = 0.35
"""Place of the general model in the pool to begin with, by the same measure."""

FIRMNESS = 12.0
"""How strongly the pool is held to where it begins: the precision of a normal prior on each share."""


@dataclass(frozen=True, slots=True)
class Material:
    """Comments with their decisions, oldest first: ``deleted`` (n,) is 1 or 0, ``grams`` a sparse (n, buckets)."""

    features: Features
    grams: csr_matrix
    deleted: Doubles

    def rows(self, chosen: slice | NDArray[np.int64]) -> "Material":
        """Return some of the comments."""
        return Material(self.features.rows(chosen), self.grams[chosen], self.deleted[chosen])

    def view(self, expert: Expert) -> Matrix:
        """Return what one expert looks at."""
        if expert.name == "grams":
            return self.grams
        return np.asarray(getattr(self.features, expert.name), dtype=np.float32)


@dataclass(frozen=True, slots=True)
class Fitted:
    """A model, and what models without a decision said of it: logits (n,), NaN where nothing was held out.

    ``helps``: whether those put more deletions before approvals than the general model does.
    """

    model: SiteModel
    held_out: Doubles
    helps: bool


def sparse(texts: Sequence[tuple[NDArray[np.int64], NDArray[np.float32]]]) -> csr_matrix:
    """Put the n-grams of texts, as `grams_of` says them, into one matrix."""
    ends = np.cumsum([0, *(len(buckets) for buckets, _ in texts)])
    buckets = np.concatenate([buckets for buckets, _ in texts]).astype(np.int32)
    values = np.concatenate([values for _, values in texts])
    return csr_matrix((values, buckets, ends.astype(np.int32)), shape=(len(texts), BUCKETS))


def join(parts: Sequence[Material]) -> Material:
    """Put parts, each older than the next, into one."""
    features = Features(*(np.concatenate(columns) for columns in zip(*(part.features for part in parts), strict=True)))
    deleted = np.concatenate([part.deleted for part in parts])
    return Material(features, csr_matrix(vstack([part.grams for part in parts])), deleted)


def enough(deleted: Doubles) -> bool:
    """Whether there are decisions enough, of both kinds, to learn from."""
    deletions = int(deleted.sum())
    return len(deleted) >= LEAST_DECISIONS and min(deletions, len(deleted) - deletions) >= LEAST_OF_EACH


def recency(n: int) -> Doubles:
    """Return how much each of n decisions counts, oldest first."""
    return np.asarray(0.5 ** (np.arange(n - 1, -1, -1) / HALF_LIFE), dtype=np.float64)


def fit(material: Material) -> Fitted:
    """Fit a site's model; `enough` must hold."""
    deleted, counts = material.deleted, recency(len(material.deleted))
    folds = _folds(len(deleted))
    weights: list[Doubles] = []
    opinions = np.full((len(deleted), 1 + len(EXPERTS)), np.nan)
    opinions[:, 0] = general(material.features.signals)
    for column, expert in enumerate(EXPERTS, start=1):
        view = material.view(expert)
        used = _used(view)
        if len(used) < view.shape[1]:
            view = view[:, used]
        whole = regression(view, deleted, counts, expert.ridge)
        weights.append(np.zeros(1 + material.view(expert).shape[1]))
        weights[-1][np.append(0, used + 1)] = whole
        for held in folds:
            taught = np.setdiff1d(np.arange(len(deleted)), held)
            part = regression(view[taught], deleted[taught], counts[taught], expert.ridge, start=whole)
            opinions[held, column] = view[held] @ part[1:] + part[0]
    seen = np.concatenate(folds)
    pool = _pool(opinions[seen], deleted[seen], counts[seen])
    held_out = np.full(len(deleted), np.nan)
    held_out[seen] = opinions[seen] @ pool[1:] + pool[0]
    own, base = (auc(column, deleted[seen]) or 0.0 for column in (held_out[seen], opinions[seen, 0]))
    return Fitted(_combined(weights, pool), held_out, own > base)


def calibrate_general(logits: Doubles, deleted: Doubles) -> tuple[float, float]:
    """Return bias and slope that make the general model's logits this team's: near 0 and 1 while little is known."""
    if not len(deleted):
        return -1.0, 0.6

    def loss(point: Doubles) -> tuple[float, Doubles]:
        away = point - np.array([-1.0, 0.6])
        value, slope = _logistic(point[0] + point[1] * logits, deleted, np.ones(len(deleted)))
        gradient = np.array([slope.sum(), slope @ logits]) + np.array([0.5, 40.0]) * away
        return value + float(0.5 * (np.array([0.5, 40.0]) * away**2).sum()), gradient

    found = minimize(loss, np.array([-1.0, 0.6]), jac=True, method="L-BFGS-B", bounds=[(None, None), (0.02, None)])
    return float(found.x[0]), float(found.x[1])


def regression(
    view: Matrix, deleted: Doubles, counts: Doubles, ridge: float, *, start: Doubles | None = None
) -> Doubles:
    """Return bias and weights of a ridge logistic regression: (1 + columns,)."""

    def loss(point: Doubles) -> tuple[float, Doubles]:
        weights = point[1:].astype(np.float32)
        value, slope = _logistic(view @ weights + point[0], deleted, counts)
        gradient = np.concatenate([[slope.sum()], view.T @ slope.astype(np.float32) + ridge * point[1:]])
        return value + 0.5 * ridge * float(point[1:] @ point[1:]), gradient

    begin = np.zeros(view.shape[1] + 1) if start is None else start
    found = minimize(loss, begin, jac=True, method="L-BFGS-B", options={"maxiter": 30, "ftol": 1e-4, "maxcor": 6})
    return np.asarray(found.x, dtype=np.float64)


def _used(view: Matrix) -> NDArray[np.int64]:
    """Return the columns worth a weight: of n-grams, those that several comments share."""
    if not isinstance(view, csr_matrix):
        return np.arange(view.shape[1])
    least = 2 if view.shape[0] < FEW else 4
    return np.flatnonzero(np.bincount(view.indices, minlength=view.shape[1]) >= least)


def _logistic(logits: Doubles, deleted: Doubles, counts: Doubles) -> tuple[float, Doubles]:
    """Return the loss and its slope by each logit."""
    value = float(counts @ (np.logaddexp(0, logits) - deleted * logits))
    return value, counts * (1 / (1 + np.exp(-np.clip(logits, -30, 30))) - deleted)


def _folds(n: int) -> list[NDArray[np.int64]]:
    """Blocks of neighbours in time: what is repeated within a day must not vouch for itself."""
    blocks = np.array_split(np.arange(n), FOLDS if n < FEW else 3)
    return [blocks[-1]] if n > MANY else blocks


def _pool(opinions: Doubles, deleted: Doubles, counts: Doubles) -> Doubles:
    """Return bias and weights of the opinions: a logistic regression that begins at the experts' shares."""
    scale = np.maximum(opinions.std(axis=0), 1e-3)
    middle = opinions.mean(axis=0)
    z = (opinions - middle) / scale
    begin = np.array([0.0, TRUST, *(expert.share for expert in EXPERTS)])
    rate = (deleted.sum() + 1) / (len(deleted) + 2)
    begin[0] = np.log(rate / (1 - rate))
    held = np.array([0.1, *[FIRMNESS] * z.shape[1]])

    def loss(point: Doubles) -> tuple[float, Doubles]:
        value, slope = _logistic(z @ point[1:] + point[0], deleted, counts)
        away = point - begin
        return value + float(0.5 * (held * away**2).sum()), np.array([slope.sum(), *(slope @ z)]) + held * away

    bounds = [(None, None), *[(0.0, None)] * z.shape[1]]
    found = minimize(loss, begin, jac=True, method="L-BFGS-B", bounds=bounds)
    slopes = found.x[1:] / scale
    return np.array([found.x[0] - float(slopes @ middle), *slopes])


def _combined(weights: Sequence[Doubles], pool: Doubles) -> SiteModel:
    """Fold experts and pool into one linear function."""
    folded = {
        expert.name: (share * expert_weights[1:]).astype(np.float32)
        for expert, expert_weights, share in zip(EXPERTS, weights, pool[2:], strict=True)
    }
    bias = pool[0] + sum(share * each[0] for each, share in zip(weights, pool[2:], strict=True))
    return SiteModel(float(bias), float(pool[1]), **folded)
