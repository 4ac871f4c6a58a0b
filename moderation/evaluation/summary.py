"""The figures of an evaluation as plain values with stable names, ready to be written as JSON; None: cannot be said."""

import math
from collections import Counter
from collections.abc import Callable, Sequence
from typing import Any

from moderation import figures
from moderation.evaluation.examples import SLICES, Label, Outcome, Score
from moderation.judge.case import Kind

THRESHOLDS = tuple(step / 20 for step in range(1, 20))
CURVE_POINTS = 200
SLICE_RESAMPLES = 200

SCORES: dict[str, tuple[Label, Score]] = {
    "relevance": (lambda outcome: outcome.labels.relevant, lambda outcome: outcome.assessment.relevance),
    "disrespect": (lambda outcome: outcome.labels.disrespectful, lambda outcome: outcome.assessment.disrespect),
}
"""What is measured: by name, what people say and what the judge says."""

Values = tuple[list[bool], list[float]]


def summarise(outcomes: Sequence[Outcome], *, bad_lines: int = 0) -> dict[str, Any]:
    """Return all figures of judged comments. Missing labels and missing scores are left out, and counted."""
    found: dict[str, Any] = {
        "n": len(outcomes),
        "bad_lines": bad_lines,
        "engine": sorted({outcome.assessment.engine for outcome in outcomes}),
    }
    for name, (label, score) in SCORES.items():
        found[name] = _score(outcomes, label, score)
    reasons = [o.assessment.relevance_reason for o in outcomes if o.labels.relevant is not None]
    found["relevance"]["unscored_reasons"] = dict(Counter(reason.value for reason in reasons if reason))
    found["kinds"] = {kind.value: _kind(outcomes, kind) for kind in Kind}
    found["target"] = _target(outcomes)
    found["spans"] = _spans(outcomes)
    found["slices"] = {
        name: {by: _slices(outcomes, part, label, score) for by, part in SLICES.items()}
        for name, (label, score) in SCORES.items()
    }
    plain: dict[str, Any] = _plain(found)
    return plain


def curves(outcomes: Sequence[Outcome], name: str) -> dict[str, figures.Curve]:
    """Return the ROC and precision-recall curves of a score, thinned to what a drawing can show."""
    truth, score = _values(outcomes, *SCORES[name])
    return {
        "roc": _thin(figures.roc(truth, score)),
        "precision_recall": _thin(figures.precision_recall(truth, score)),
    }


def _score(outcomes: Sequence[Outcome], label: Label, score: Score) -> dict[str, Any]:
    truth, rated = _values(outcomes, label, score)
    labelled = [outcome for outcome in outcomes if label(outcome) is not None]
    return {
        **_areas(truth, rated, figures.RESAMPLES),
        "missing_label": len(outcomes) - len(labelled),
        "unscored": len(labelled) - len(truth),
        "average_precision_ci": figures.interval(figures.average_precision, truth, rated),
        "ece": figures.calibration_error(truth, rated),
        "brier": figures.brier(truth, rated),
        "calibration": [
            {"score": mean, "share": share, "n": size} for mean, share, size in figures.calibration(truth, rated)
        ],
        "threshold_0_5": figures.at_threshold(truth, rated, 0.5)._asdict(),
        "thresholds": [figures.at_threshold(truth, rated, threshold)._asdict() for threshold in THRESHOLDS],
    }


def _areas(truth: list[bool], score: list[float], resamples: int) -> dict[str, Any]:
    return {
        "n": len(truth),
        "positives": sum(truth),
        "auc": figures.auc(truth, score),
        "auc_ci": figures.interval(figures.auc, truth, score, resamples=resamples),
        "average_precision": figures.average_precision(truth, score),
    }


def _kind(outcomes: Sequence[Outcome], kind: Kind) -> dict[str, Any]:
    def label(outcome: Outcome) -> bool | None:
        return None if outcome.labels.kinds is None else outcome.labels.kinds.get(kind, False)

    return _areas(*_values(outcomes, label, lambda outcome: outcome.assessment.kinds.get(kind)), SLICE_RESAMPLES)


def _target(outcomes: Sequence[Outcome]) -> dict[str, Any]:
    pairs = [
        (outcome.labels.target.value, outcome.assessment.target.value)
        for outcome in outcomes
        if outcome.labels.target is not None and outcome.assessment.target is not None
    ]
    aimed = [(said, found) for said, found in pairs if said != "none"]
    return {
        "n": len(pairs),
        "accuracy": _mean([said == found for said, found in pairs]),
        "aimed_n": len(aimed),
        "aimed_accuracy": _mean([said == found for said, found in aimed]),
        "confusion": {
            said: dict(Counter(found for other, found in pairs if other == said))
            for said in sorted({s for s, _ in pairs})
        },
    }


def _spans(outcomes: Sequence[Outcome]) -> dict[str, Any]:
    """Precision, recall and F1 over characters, each comment counting the same (none where none is said: 1)."""
    rows = []
    for outcome in outcomes:
        if outcome.labels.spans is None:
            continue
        said = {i for start, end in outcome.labels.spans for i in range(start, min(end, len(outcome.text)))}
        found = {i for span in outcome.assessment.spans for i in range(span.start, span.end)}
        both = len(said & found)
        precision = both / len(found) if found else float(not said)
        recall = both / len(said) if said else float(not found)
        rows.append((precision, recall, 2 * both / (len(said) + len(found)) if said or found else 1.0))
    precisions, recalls, f1s = zip(*rows, strict=True) if rows else ((), (), ())
    return {"n": len(rows), "precision": _mean(precisions), "recall": _mean(recalls), "f1": _mean(f1s)}


def _slices(
    outcomes: Sequence[Outcome], part: Callable[[Outcome], str], label: Label, score: Score
) -> dict[str, dict[str, Any]]:
    parts: dict[str, list[Outcome]] = {}
    for outcome in outcomes:
        if label(outcome) is not None:
            parts.setdefault(part(outcome), []).append(outcome)
    return {name: _slice(members, label, score) for name, members in sorted(parts.items())}


def _slice(members: Sequence[Outcome], label: Label, score: Score) -> dict[str, Any]:
    truth, rated = _values(members, label, score)
    return {
        **_areas(truth, rated, SLICE_RESAMPLES),
        "unscored": len(members) - len(truth),
        "ece": figures.calibration_error(truth, rated),
    }


def _values(outcomes: Sequence[Outcome], label: Label, score: Score) -> Values:
    truth, rated = [], []
    for outcome in outcomes:
        said, value = label(outcome), score(outcome)
        if said is not None and value is not None:
            truth.append(said)
            rated.append(value)
    return truth, rated


def _thin(curve: figures.Curve) -> figures.Curve:
    step = max(1, math.ceil(len(curve.x) / CURVE_POINTS))
    keep = [*range(0, len(curve.x) - 1, step), len(curve.x) - 1]
    return figures.Curve(curve.x[keep], curve.y[keep], curve.threshold[keep])


def _mean(values: Sequence[float]) -> float:
    return sum(values) / len(values) if values else float("nan")


def _plain(value: Any) -> Any:
    """Replace what JSON has no word for: NaN becomes None, a tuple a list."""
    if isinstance(value, dict):
        return {key: _plain(item) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [_plain(item) for item in value]
    if isinstance(value, float) and not math.isfinite(value):
        return None
    return value
