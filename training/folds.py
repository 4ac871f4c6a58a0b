"""The figures of what is held out: judged by models, stack, calibration and threshold that had not seen it."""

from collections.abc import Iterator

import numpy as np
from sklearn.metrics import f1_score

from moderation import figures
from moderation.judge.aim import AIMS
from moderation.judge.tone import HEADS, sigmoid
from training.table import Figure, figure_of, share_of
from training.tone import FOLDS, Array, Data, Held, Mask
from training.verdict import aim, reach

Bools = Mask


def measure(data: Data, held: Held, aimed: Array) -> list[Figure]:
    """Return the figures of all that teaches, each text held out; ``aimed`` is what `aim_rows` says of the corpus."""
    size = len(data.labels)
    score, logits = np.full(size, np.nan), np.full((size, len(HEADS)), np.nan, dtype=np.float32)
    named, target = np.zeros(size, dtype=bool), np.full(len(data.own), -1)
    aims = data.lesson.aims[: len(data.own)]
    for fold in range(FOLDS):
        mine, others = data.taught & (data.fold == fold), data.taught & (data.fold != fold)
        verdict = reach(data, held, others)
        score[mine] = sigmoid(verdict.context(data, held) @ verdict.calibration)[mine]
        logits[mine] = verdict.logits(data, held)[mine]
        total = verdict.total(data, held)
        tweets = data.of("germeval")
        named[mine & tweets] = total[mine & tweets] >= _threshold(data, total, others & tweets)
        own, teach = mine[: len(data.own)], others[: len(data.own)] & (aims >= 0)
        target[own] = np.argmax(aimed[own] @ aim(aimed[teach], aims[teach]), axis=1)
    return [*_overall(data, score), *_tweets(data, score, named), *_kinds(data, logits), *_targets(data, target, aims)]


def _threshold(data: Data, total: Array, rows: Mask) -> float:
    """Return the overall logit from which calling tweets offensive gives the best macro-F1 on other folds."""
    known = rows & ~np.isnan(data.labels[:, 0])
    tried = np.quantile(total[known], np.linspace(0.4, 0.9, 51))
    return float(max(tried, key=lambda t: f1_score(data.labels[known, 0], total[known] >= t, average="macro")))


def _overall(data: Data, score: Array) -> Iterator[Figure]:
    for name in ("corpus", "case", "germeval", "davidson"):
        rows = data.taught & data.of(name) & ~np.isnan(data.labels[:, 0])
        truth = data.labels[rows, 0] == 1
        yield figure_of(f"held out, {name}: disrespect", figures.auc, truth, score[rows])
        yield figure_of(f"held out, {name}: calibration error", figures.calibration_error, truth, score[rows])
        yield share_of(f"held out, {name}: rude ones at 0.5 or more", score[rows][truth] >= 0.5)
        yield share_of(f"held out, {name}: civil ones at 0.5 or more", score[rows][~truth] >= 0.5)
    rows = data.taught & data.of("gahd")
    truth = data.labels[rows, HEADS.index("identity_attack")] == 1
    yield figure_of("held out, gahd: disrespect against its label", figures.auc, truth, score[rows])


def _tweets(data: Data, score: Array, named: Bools) -> Iterator[Figure]:
    rows = data.taught & data.of("germeval") & ~np.isnan(data.labels[:, 0])
    truth = data.labels[rows, 0] == 1
    yield figure_of("held out, germeval: macro-F1 at 0.5", _macro, truth, (score[rows] >= 0.5).astype(float), "≥ 0.768")
    name = "held out, germeval: macro-F1 at the other folds' threshold"
    yield figure_of(name, _macro, truth, named[rows].astype(float), "≥ 0.768")


def _macro(truth: figures.Numbers, named: figures.Numbers) -> float:
    return float(f1_score(truth, named, average="macro"))


def _kinds(data: Data, logits: Array) -> Iterator[Figure]:
    for column, head in enumerate(HEADS[1:], start=1):
        for name in ("corpus", "case", "gahd"):
            rows = data.taught & data.of(name) & ~np.isnan(data.labels[:, column])
            truth = data.labels[rows, column] == 1
            if 5 <= truth.sum() < len(truth):
                yield figure_of(f"held out, {name}: {head} ({truth.sum()})", figures.auc, truth, logits[rows, column])


def _targets(data: Data, target: Array, aims: Array) -> Iterator[Figure]:
    for name in ("corpus", "case"):
        rows = (data.taught & data.of(name))[: len(data.own)] & (aims >= 0)
        right = target[rows] == aims[rows]
        yield share_of(f"held out, {name}: target right, of the rude", right, "≥ 0.80")
        for number, aimed in enumerate(AIMS):
            yield share_of(f"held out, {name}: … of those against {aimed}", right[aims[rows] == number])
