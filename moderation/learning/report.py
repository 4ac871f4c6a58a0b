"""What a replay of a site's decisions shows: at each threshold, by section, rule and month. Pure: numbers only."""

from collections import defaultdict
from collections.abc import Hashable, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from moderation.learning.figures import Doubles, auc, calibration, calibration_error, measure
from moderation.learning.replay import WARM_UP, Replayed

if TYPE_CHECKING:
    from moderation.learning.decided import Standing

THRESHOLDS = tuple(round(0.05 * step, 2) for step in range(1, 20))
"""From which probability on a comment would be marked."""

MOST_GROUPS = 24


def report(
    replayed: Replayed, deleted: Doubles, found: "Sequence[Standing]", *, first: int = WARM_UP
) -> dict[str, Any]:
    """Return all of it, ready for JSON. Decisions before the ``first`` are left out of the counts.

    ``marked`` and ``right`` hold, for each of `THRESHOLDS`, how many comments were marked and how many of them deleted.
    """
    said = replayed.learned
    rows = np.arange(min(first, len(deleted)), len(deleted))
    by_section = _groups([one.section or "" for one in found], rows)
    by_month = _groups([one.decided_at.strftime("%Y-%m") for one in found], rows)
    by_rule = _groups([one.rule_id if one.deleted else None for one in found], rows)
    return {
        "n": len(deleted),
        "counted": len(rows),
        "deleted": int(deleted[rows].sum()),
        "thresholds": list(THRESHOLDS),
        **_counts(said[rows], deleted[rows]),
        **measure(said, deleted, replayed.order).report(),
        "general": measure(replayed.general, deleted).report(),
        "calibration": calibration(said[rows], deleted[rows]) if len(rows) else [],
        "sections": [
            {"name": name, **_group(said[at], deleted[at])} for name, at in _largest(by_section) if len(by_section) > 1
        ],
        "months": [
            {
                "name": name,
                **_group(said[at], deleted[at]),
                "auc": auc(replayed.order[at], deleted[at]),
                "general": auc(replayed.general[at], deleted[at]),
                "ece": calibration_error(said[at], deleted[at]),
            }
            for name, at in sorted(by_month.items())[-MOST_GROUPS:]
        ],
        "rules": [
            {"id": rule_id, **_group(said[at], deleted[at])} for rule_id, at in _largest(by_rule) if rule_id is not None
        ],
    }


def _groups(names: Sequence[Hashable], rows: Any) -> "dict[Any, Any]":
    found: dict[Hashable, list[int]] = defaultdict(list)
    for row in rows:
        found[names[int(row)]].append(int(row))
    return {name: np.array(at) for name, at in found.items()}


def _largest(groups: "dict[Any, Any]") -> "list[tuple[Any, Any]]":
    return sorted(groups.items(), key=lambda group: -len(group[1]))[:MOST_GROUPS]


def _group(said: Doubles, deleted: Doubles) -> dict[str, Any]:
    return {"n": len(deleted), "deleted": int(deleted.sum()), **_counts(said, deleted)}


def _counts(said: Doubles, deleted: Doubles) -> dict[str, list[int]]:
    marked = [said >= threshold for threshold in THRESHOLDS]
    return {
        "marked": [int(each.sum()) for each in marked],
        "right": [int(deleted[each].sum()) for each in marked],
    }
