"""Fits a site's model: several modest experts, each cross-fitted, pooled, and trusted as far as the evidence goes.

Each expert is a logistic regression on one view of the comments: what the judge says, the sentence vector, the sketch
of the token features, the n-grams. What each says of decisions it was *not* fitted on is pooled, and the pool moves
the order of comments away from the general model's only as far as it foretold those decisions better. Without evidence
the order is the general model's own, so that a team without tastes, or with few decisions, loses nothing. Pure:
numbers only.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import NamedTuple, TypeAlias

import numpy as np
from numpy.typing import NDArray
from scipy.optimize import minimize
from scipy.sparse import csr_matrix, vstack
from threadpoolctl import threadpool_limits

from moderation.judge.learned import Features, SiteModel, general
from moderation.judge.ngrams import BUCKETS
from moderation.learning.figures import Doubles

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

POOLED_FROM = 300
"""Decisions from which on the pool's shares move at all."""

FREEDOM = 3.0
"""By how much the log loss of a pool with moving shares is better by chance, where its shares were fitted."""

FIRST_HUNDRED = 100
EARLY_EVIDENCE = 0.5
"""Standard errors of evidence that are asked for before anything of a site's own model counts, in its first hundred."""

RAMP = 0.7
"""Standard errors of evidence over which the trust in a site's own model grows from nothing to all."""


@dataclass(frozen=True, slots=True)
class Material:
    """Comments with their decisions, oldest first: ``deleted`` (n,) is 1 or 0, ``grams`` a sparse (n, buckets).

    ``counts`` (n,) says for how many decisions like it each stands, where some were left out.
    """

    features: Features
    grams: csr_matrix
    deleted: Doubles
    counts: Doubles

    def rows(self, chosen: slice | NDArray[np.int64]) -> "Material":
        """Return some of the comments."""
        return Material(self.features.rows(chosen), self.grams[chosen], self.deleted[chosen], self.counts[chosen])

    def view(self, expert: Expert) -> Matrix:
        """Return what one expert looks at."""
        if expert.name == "grams":
            return self.grams
        return np.asarray(getattr(self.features, expert.name), dtype=np.float32)

    def logits(self, model: SiteModel) -> Doubles:
        """Return what a model says of the comments: (n,)."""
        return model.logits(self.features, self.grams @ model.grams)


@dataclass(frozen=True, slots=True)
class Fitted:
    """A model whose logits are calibrated, and where they come from.

    ``held_out`` is what experts without a decision said of it, pooled: logits (n,), NaN where nothing was held out.
    ``weight``, 0 to 1, is how far the order of comments is the site's own and no longer the general model's. Logits
    less ``bias``, divided by ``slope``, are on the general model's scale whatever the share of deletions.
    """

    model: SiteModel
    held_out: Doubles
    weight: float
    bias: float
    slope: float


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
    counts = np.concatenate([part.counts for part in parts])
    return Material(features, csr_matrix(vstack([part.grams for part in parts])), deleted, counts)


def enough(deleted: Doubles) -> bool:
    """Whether there are decisions enough, of both kinds, to learn from."""
    deletions = int(deleted.sum())
    return len(deleted) >= LEAST_DECISIONS and min(deletions, len(deleted) - deletions) >= LEAST_OF_EACH


def recency(counts: Doubles) -> Doubles:
    """Return how much each decision counts, oldest first, by how many came after it."""
    after = counts.sum() - np.cumsum(counts)
    return np.asarray(counts * 0.5 ** (after / HALF_LIFE), dtype=np.float64)


def fit(material: Material) -> Fitted:
    """Fit a site's model; `enough` must hold."""
    # The products are small, and thousands: threads wait for one another longer than they work.
    with threadpool_limits(limits=1, user_api="blas"):
        return _fit(material)


def _fit(material: Material) -> Fitted:
    deleted, counts = material.deleted, recency(material.counts)
    weights, opinions = _opinions(material, counts)
    seen = np.flatnonzero(~np.isnan(opinions[:, 1]))
    opinions, said, counted = opinions[seen], deleted[seen], counts[seen]
    firm = len(deleted) < POOLED_FROM
    pool = _pool(opinions, said, counted, moving=not firm)
    own, base = opinions @ pool[1:] + pool[0], opinions[:, 0]
    weight = _trust(own, base, said, counted, freedom=0.0 if firm else FREEDOM)
    # On the general model's scale, so that comments judged before and after a new fit compare.
    middle, stretch = base.mean(), weight * base.std() / max(own.std(), 1e-3)
    order = (1 - weight) * base + weight * middle + stretch * (own - own.mean())
    bias, slope = _line(order, said, counted, begin=(_base_rate(said), 0.6), held=(0.1, 4.0))
    held_out = np.full(len(deleted), np.nan)
    held_out[seen] = own
    shift = bias + slope * (weight * middle - stretch * own.mean())
    model = _scaled(_combined(weights, pool), slope * stretch, shift, slope * (1 - weight))
    return Fitted(model, held_out, weight, bias, slope)


def _opinions(material: Material, counts: Doubles) -> tuple[list[Doubles], Doubles]:
    """Return the experts' weights, fitted to all, and what the general model and cross-fitted experts say: (n, 5)."""
    deleted = material.deleted
    weights: list[Doubles] = []
    opinions = np.full((len(deleted), 1 + len(EXPERTS)), np.nan)
    opinions[:, 0] = general(material.features.signals)
    for column, expert in enumerate(EXPERTS, start=1):
        view = material.view(expert)
        used = _used(view)
        weights.append(np.zeros(1 + view.shape[1]))
        if len(used) < view.shape[1]:
            view = view[:, used]
        whole = regression(view, deleted, counts, expert.ridge)
        weights[-1][np.append(0, used + 1)] = whole
        for held in _folds(len(deleted)):
            taught = np.setdiff1d(np.arange(len(deleted)), held)
            part = regression(view[taught], deleted[taught], counts[taught], expert.ridge, start=whole)
            opinions[held, column] = view[held] @ part[1:] + part[0]
    return weights, opinions


def _trust(own: Doubles, base: Doubles, deleted: Doubles, counts: Doubles, *, freedom: float) -> float:
    """Return from 0 to 1 how far to follow a site's own model rather than the general one, both calibrated.

    The evidence is the difference of their log losses in standard errors. More is asked for where decisions are so few
    that chance is large, and where they are so many that what there is to learn would show.
    """
    # Held but loosely to a guess: what is hardly calibrated would lose by that alone.
    bias, slope = _line(base, deleted, counts, begin=(_base_rate(deleted), 0.5), held=(0.1, 4.0))
    gain = counts * (_losses(bias + slope * base, deleted) - _losses(own, deleted))
    error = np.sqrt(((gain - gain.mean()) ** 2).sum()) + 1e-6
    asked = EARLY_EVIDENCE if len(deleted) < FIRST_HUNDRED else np.clip((len(deleted) - 300) / 700, 0, 1)
    return float(np.clip(((gain.sum() - freedom) / error - asked) / RAMP, 0, 1))


def _losses(logits: Doubles, deleted: Doubles) -> Doubles:
    return np.asarray(np.logaddexp(0, logits) - deleted * logits, dtype=np.float64)


def calibrate_general(logits: Doubles, deleted: Doubles, counts: Doubles) -> tuple[float, float]:
    """Return bias and slope that make logits on the general model's scale this team's; a guess to begin with."""
    return _line(logits, deleted, counts, begin=(-1.0, 0.6), held=(4.0, 40.0))


def _line(
    logits: Doubles, deleted: Doubles, counts: Doubles, *, begin: tuple[float, float], held: tuple[float, float]
) -> tuple[float, float]:
    """Return bias and slope, the slope above 0, of a logistic regression that is held to where it begins."""
    begin_, held_ = np.array(begin), np.array(held)
    if not len(deleted):
        return begin

    def loss(point: Doubles) -> tuple[float, Doubles]:
        away = point - begin_
        value, slope = _logistic(point[0] + point[1] * logits, deleted, counts)
        gradient = np.array([slope.sum(), slope @ logits]) + held_ * away
        return value + float(0.5 * (held_ * away**2).sum()), gradient

    found = minimize(loss, begin_, jac=True, method="L-BFGS-B", bounds=[(None, None), (0.02, None)])
    return float(found.x[0]), float(found.x[1])


def _base_rate(deleted: Doubles) -> float:
    """Return the logit of the share of deletions."""
    rate = (deleted.sum() + 1) / (len(deleted) + 2)
    return float(np.log(rate / (1 - rate)))


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
    value = float(counts @ _losses(logits, deleted))
    return value, counts * (1 / (1 + np.exp(-np.clip(logits, -30, 30))) - deleted)


def _folds(n: int) -> list[NDArray[np.int64]]:
    """Blocks of neighbours in time: what is repeated within a day must not vouch for itself."""
    blocks = np.array_split(np.arange(n), FOLDS if n < FEW else 3)
    return [blocks[-1]] if n > MANY else blocks


def _pool(opinions: Doubles, deleted: Doubles, counts: Doubles, *, moving: bool) -> Doubles:
    """Return bias and weights of the opinions: at the experts' shares, scaled to what happened, or ``moving``."""
    scale = np.maximum(opinions.std(axis=0), 1e-3)
    middle = opinions.mean(axis=0)
    z = (opinions - middle) / scale
    shares = np.array([TRUST, *(expert.share for expert in EXPERTS)])
    begin = np.array([_base_rate(deleted), *shares])
    if not moving:
        z, begin = (z @ shares)[:, np.newaxis], np.array([begin[0], 0.8])
    held = np.array([0.1, *[FIRMNESS] * z.shape[1]])

    def loss(point: Doubles) -> tuple[float, Doubles]:
        value, slope = _logistic(z @ point[1:] + point[0], deleted, counts)
        away = point - begin
        return value + float(0.5 * (held * away**2).sum()), np.array([slope.sum(), *(slope @ z)]) + held * away

    bounds = [(None, None), *[(0.0, None)] * z.shape[1]]
    found = minimize(loss, begin, jac=True, method="L-BFGS-B", bounds=bounds)
    slopes = (found.x[1:] if moving else found.x[1] * shares) / scale
    return np.array([found.x[0] - float(slopes @ middle), *slopes])


def _combined(weights: Sequence[Doubles], pool: Doubles) -> SiteModel:
    """Fold experts and pool into one linear function."""
    folded = {
        expert.name: (share * expert_weights[1:]).astype(np.float32)
        for expert, expert_weights, share in zip(EXPERTS, weights, pool[2:], strict=True)
    }
    bias = pool[0] + sum(share * each[0] for each, share in zip(weights, pool[2:], strict=True))
    return SiteModel(float(bias), float(pool[1]), **folded)


def _scaled(model: SiteModel, factor: float, shift: float, trust: float) -> SiteModel:
    """Return ``factor`` times a model, plus a shift, plus ``trust`` in the general model."""
    own = {expert.name: getattr(model, expert.name) * np.float32(factor) for expert in EXPERTS}
    return SiteModel(float(factor * model.bias + shift), float(factor * model.trust + trust), **own)
