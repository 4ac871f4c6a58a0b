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
        "yAxis": {"type": "value", "minInterval": 1},
        "series": [
            {
                "type": "bar",
                "barWidth": "4%",
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
