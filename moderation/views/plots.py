"""Options of the desk's plots, as ECharts reads them: no colours, those belong to the theme."""

from collections.abc import Sequence
from datetime import datetime
from typing import Any

from moderation import picture
from moderation.picture import Dot
from moderation.wording import gettext

_UNIT = {"type": "value", "min": 0, "max": 1, "nameLocation": "middle", "interval": 0.25}


def map_option(dots: Sequence[Dot]) -> dict[str, Any]:
    """Across, how well a comment fits; up, how respectful it is; the longer it waits, the larger its dot."""
    # Symbols are set dot by dot: an option is data, and has no functions.
    data = [
        {
            "value": [dot.relevance, dot.disrespect, dot.number, dot.minutes],
            "symbolSize": 6 + min(12, round((dot.minutes / 30) ** 0.5)) + min(8, dot.number.bit_length() - 1),
        }
        for dot in dots
    ]
    return {
        "grid": {"left": 48, "right": 16, "top": 16, "bottom": 40},
        "xAxis": _UNIT | {"name": gettext("fits the article →"), "nameGap": 26},
        "yAxis": _UNIT | {"name": gettext("respectful →"), "nameGap": 32, "inverse": True},
        "series": [{"type": "scatter", "data": data, "itemStyle": {"opacity": 0.6}, "cursor": "crosshair"}],
    }


def histogram_option(dots: Sequence[Dot], name: str) -> dict[str, Any]:
    """How many comments lie in each twentieth of a score."""
    bars = picture.histogram(dots, name)
    return {
        "grid": {"left": 40, "right": 8, "top": 8, "bottom": 24},
        "xAxis": {"type": "value", "min": 0, "max": 1, "interval": 0.25},
        "yAxis": {"type": "value", "minInterval": 1, "splitNumber": 2},
        "series": [
            {
                "type": "bar",
                "barWidth": "90%",
                "data": [[(at + 0.5) / picture.BINS, number] for at, number in enumerate(bars)],
            }
        ],
    }


def mood_option(mood: Sequence[tuple[datetime, float]]) -> dict[str, Any]:
    """How disrespectful each comment is, in order of time, and the mean of five."""
    scores = [score for _, score in mood]
    times = [moment.isoformat() for moment, _ in mood]
    means = [sum(scores[max(0, at - 4) : at + 1]) / len(scores[max(0, at - 4) : at + 1]) for at in range(len(scores))]
    return {
        "grid": {"left": 40, "right": 16, "top": 12, "bottom": 28},
        "xAxis": {"type": "time"},
        "yAxis": {"type": "value", "min": 0, "max": 1, "interval": 0.25},
        "series": [
            {"type": "scatter", "symbolSize": 7, "data": list(zip(times, scores, strict=True))},
            {"type": "line", "showSymbol": False, "data": list(zip(times, means, strict=True))},
        ],
    }


def hours_option(hours: Sequence[tuple[int, int]]) -> dict[str, Any]:
    """How many decisions there were in each hour of the day."""
    return {
        "grid": {"left": 40, "right": 8, "top": 12, "bottom": 28},
        "xAxis": {"type": "category", "data": [str(hour) for hour, _ in hours]},
        "yAxis": {"type": "value", "minInterval": 1},
        "series": [{"type": "bar", "data": [number for _, number in hours]}],
    }


FEWEST = 10
"""Marked comments below which a share of them is not drawn."""


def threshold_option(thresholds: Sequence[float], points: Sequence[Any], chosen: float) -> dict[str, Any]:
    """How many marks are right and how many breaches are missed, by threshold; ``points`` as in the page's table."""
    line: dict[str, Any] = {"type": "line", "showSymbol": False}
    # A share of a handful is noise, and would be drawn as a cliff.
    right = [[at, point.precision] for at, point in zip(thresholds, points, strict=True) if point.marked >= FEWEST]
    missed = [[at, point.missed] for at, point in zip(thresholds, points, strict=True) if point.missed is not None]
    here = {"symbol": "none", "data": [{"xAxis": chosen}], "label": {"show": False}}
    return {
        "legend": {"top": 0},
        "tooltip": {"trigger": "axis"},
        "grid": {"left": 40, "right": 16, "top": 36, "bottom": 40},
        "xAxis": _UNIT | {"name": gettext("marked from this probability on"), "nameGap": 26},
        "yAxis": {"type": "value", "min": 0, "max": 1, "interval": 0.25},
        "series": [
            line | {"name": gettext("marks that are right"), "data": right, "markLine": here},
            line | {"name": gettext("breaches that are missed"), "data": missed, "lineStyle": {"type": "dashed"}},
        ],
    }


def calibration_option(rows: Sequence[Sequence[float]]) -> dict[str, Any]:
    """What came true against what was said, with the line on which they are equal."""
    return {
        "grid": {"left": 48, "right": 16, "top": 12, "bottom": 40},
        "xAxis": _UNIT | {"name": gettext("said: probability of deletion"), "nameGap": 26},
        "yAxis": _UNIT | {"name": gettext("deleted"), "nameGap": 34},
        "series": [
            {"type": "line", "symbolSize": 8, "data": [[said, true] for said, true, _ in rows]},
            {
                "type": "line",
                "showSymbol": False,
                "silent": True,
                "lineStyle": {"type": "dotted"},
                "data": [[0, 0], [1, 1]],
            },
        ],
    }


def drift_option(months: Sequence[dict[str, Any]]) -> dict[str, Any]:
    """How well the order was foretold month by month, by what was learned and by the general model alone."""
    names = [month["name"] for month in months]
    line: dict[str, Any] = {"type": "line", "symbolSize": 6}
    return {
        "legend": {"top": 0},
        "tooltip": {"trigger": "axis"},
        "grid": {"left": 40, "right": 16, "top": 36, "bottom": 28},
        "xAxis": {"type": "category", "data": names},
        "yAxis": {"type": "value", "min": 0, "max": 1, "interval": 0.25},
        "series": [
            line | {"name": gettext("learned"), "data": [month["auc"] for month in months]},
            line
            | {
                "name": gettext("general"),
                "data": [month["general"] for month in months],
                "lineStyle": {"type": "dashed"},
            },
        ],
    }
