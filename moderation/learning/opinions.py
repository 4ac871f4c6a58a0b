"""Says what a site's own models think of comments as they are judged: the one in force, its rules', and a shadow's."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import TYPE_CHECKING, Any

from sqlalchemy import select
from sqlalchemy.orm import Session

from moderation.models import LearnedModel, ModelState

if TYPE_CHECKING:
    from moderation.judge.learned import Features, SiteModel

MOST_KEPT = 64
"""Models that a process keeps in memory, about two megabytes each."""

_kept: "dict[tuple[int, datetime], SiteModel]" = {}


@dataclass(frozen=True, slots=True)
class Used:
    """A model of a site that is to be asked; without a rule, it speaks of deletion."""

    id: int
    rule_id: int | None
    shadow: bool
    model: "SiteModel"


@dataclass(frozen=True, slots=True)
class Opinion:
    """What is kept of a comment to learn from, and what its site's models say of it, 0 to 1; None: there is no model.

    ``rules`` holds, by rule, how likely a decision cites it; ``shadows``, by rule, None being deletion, the ids of
    models that run silently and what they say.
    """

    traits: bytes
    deletion: float | None = None
    model_id: int | None = None
    rules: dict[int, float] = field(default_factory=dict)
    shadows: dict[int | None, tuple[int, float]] = field(default_factory=dict)

    def as_json(self) -> dict[str, Any] | None:
        """Return what an assessment keeps of it besides the probability of deletion; None where nothing was said."""
        said: dict[str, Any] = {}
        if self.model_id is not None:
            said["model"] = self.model_id
        if self.rules:
            said["rules"] = {str(rule_id): round(share, 4) for rule_id, share in self.rules.items()}
        silent = {rule_id: [id_, round(share, 4)] for rule_id, (id_, share) in self.shadows.items()}
        if None in silent:
            said["shadow"] = silent.pop(None)
        if silent:
            said["shadow_rules"] = {str(rule_id): each for rule_id, each in silent.items()}
        return said or None


def in_use(session: Session, site_ids: Iterable[int]) -> dict[int, tuple[Used, ...]]:
    """Return the models to be asked, by site. A model that cannot be read is left out: it is learned again."""
    rows = session.execute(
        select(LearnedModel.id, LearnedModel.site_id, LearnedModel.rule_id, LearnedModel.state, LearnedModel.fitted_at)
        .where(LearnedModel.site_id.in_(set(site_ids)))
        .where(LearnedModel.state.in_([ModelState.ACTIVE, ModelState.SHADOW]))
        .order_by(LearnedModel.id)
    )
    found: dict[int, tuple[Used, ...]] = {}
    for row in rows:
        model = _read(session, row.id, row.fitted_at)
        if model is not None:
            used = Used(row.id, row.rule_id, row.state is ModelState.SHADOW, model)
            found[row.site_id] = (*found.get(row.site_id, ()), used)
    return found


def _read(session: Session, id_: int, fitted_at: datetime) -> "SiteModel | None":
    # Imported here: the web asks for rules, too, and carries no numbers.
    from moderation.judge.learned import ModelError, SiteModel  # noqa: PLC0415

    known = _kept.get((id_, fitted_at))
    if known is not None:
        return known
    try:
        model = SiteModel.from_bytes(session.scalars(select(LearnedModel.content).where(LearnedModel.id == id_)).one())
    except ModelError:
        return None
    while len(_kept) >= MOST_KEPT:
        _kept.pop(next(iter(_kept)))
    _kept[id_, fitted_at] = model
    return model


def opinions(
    features: "Features", texts: Sequence[tuple[str, str | None, str | None]], models: Sequence[tuple[Used, ...]]
) -> list[Opinion]:
    """Ask the models of each comment's site; ``texts`` come with section and record."""
    from moderation.judge.learned import grams_of, pack  # noqa: PLC0415

    said = [Opinion(traits) for traits in pack(features)]
    for row, used in enumerate(models):
        if not used:
            continue
        grams = [grams_of(*texts[row])]
        one = features.rows(slice(row, row + 1))
        shares = {each.id: float(each.model.probabilities(one, grams)[0]) for each in used}
        own = next((each for each in used if each.rule_id is None and not each.shadow), None)
        said[row] = Opinion(
            said[row].traits,
            deletion=shares[own.id] if own else None,
            model_id=own.id if own else None,
            rules={each.rule_id: shares[each.id] for each in used if each.rule_id is not None and not each.shadow},
            shadows={each.rule_id: (each.id, shares[each.id]) for each in used if each.shadow},
        )
    return said
