"""Draws an evaluation as one HTML file that needs nothing from elsewhere."""

from collections.abc import Iterable, Sequence
from typing import Any

from jinja2 import Environment, FileSystemLoader, StrictUndefined

from moderation.evaluation.examples import Outcome, worst
from moderation.evaluation.summary import SCORES, curves
from moderation.folders import TEMPLATES

SIDE = 100
"""Length of a drawing's axes, in its own units."""


def render(outcomes: Sequence[Outcome], summary: dict[str, Any]) -> str:
    """Return the report of an evaluation as HTML."""
    environment = Environment(
        loader=FileSystemLoader(TEMPLATES), autoescape=True, undefined=StrictUndefined, trim_blocks=True
    )
    environment.filters["figure"] = _figure
    drawings = {name: _drawings(outcomes, summary[name], name) for name in SCORES}
    errors = {name: worst(outcomes, label, score) for name, (label, score) in SCORES.items()}
    template = environment.get_template("evaluation/report.html")
    return template.render(summary=summary, drawings=drawings, errors=errors)


def _drawings(outcomes: Sequence[Outcome], figures: dict[str, Any], name: str) -> list[dict[str, Any]]:
    """Describe the four drawings of a score: lines are (name, points of a polyline)."""
    if not figures["positives"] or figures["positives"] == figures["n"]:
        return []
    found = curves(outcomes, name)
    roc, precision_recall = found["roc"], found["precision_recall"]
    thresholds = figures["thresholds"]

    def over(key: str) -> str:
        return _points((row["threshold"], row[key]) for row in thresholds)

    return [
        _drawing("ROC", "false positives", "found", [("", _points(zip(roc.x, roc.y, strict=True)))], diagonal=True),
        _drawing(
            "Precision and recall",
            "found (recall)",
            "right (precision)",
            [("", _points(zip(precision_recall.x, precision_recall.y, strict=True)))],
        ),
        _drawing(
            "Calibration",
            "stated",
            "came true",
            [("", _points((row["score"], row["share"]) for row in figures["calibration"]))],
            diagonal=True,
        ),
        _drawing(
            "Threshold",
            "threshold",
            "share",
            [("precision", over("precision")), ("recall", over("recall")), ("F1", over("f1"))],
        ),
    ]


def _drawing(title: str, x: str, y: str, lines: list[tuple[str, str]], *, diagonal: bool = False) -> dict[str, Any]:
    return {"title": title, "x": x, "y": y, "lines": lines, "diagonal": diagonal}


def _points(pairs: Iterable[tuple[float, float | None]]) -> str:
    """Return points of the unit square as a polyline's; what has no value is passed over."""
    return " ".join(f"{x * SIDE:.1f},{(1 - y) * SIDE:.1f}" for x, y in pairs if y is not None)


def _figure(value: float | None, places: int = 3) -> str:
    return "–" if value is None else f"{value:.{places}f}"
