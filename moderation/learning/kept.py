"""How a model that a site keeps does on decisions made after those it was taught by."""

from typing import Any

import numpy as np
from sqlalchemy import select
from sqlalchemy.orm import Session

from moderation.errors import BadInput, NotFound
from moderation.judge.learned import STRAIGHT, ModelError, SiteModel, general
from moderation.learning import decided
from moderation.learning.replay import Replayed
from moderation.learning.report import report
from moderation.models import LearnedModel, Site


def trial(session: Session, site: Site, version: int, *, days: int) -> dict[str, Any]:
    """Return what `report` says of the site's model of that version, deletion's or a rule's, as it is kept now.

    NotFound where the site keeps no such version; BadInput where it cannot be read, or where nothing that counts was
    decided since it was taught.
    """
    asked = select(LearnedModel).where(LearnedModel.site_id == site.id, LearnedModel.version == version)
    row = session.scalars(asked).one_or_none()
    if row is None:
        raise NotFound(
            f"{site.slug} keeps no model of version {version}; `moderation learn status` lists those it keeps."
        )
    try:
        model = SiteModel.from_bytes(row.content)
    except ModelError:
        raise BadInput(
            f"Version {version} of {site.slug} is damaged or was made by another version of this service, and nothing "
            "is judged by it; `moderation learn run` teaches a new one."
        ) from None
    later = [one for one in decided.counting(session, site, days=days) if one.decided_at > row.until_at]
    found = decided.material(session, decided.thinned(later))
    if found is None:
        raise BadInput(
            f"Nothing was decided since version {version} was taught, until {row.until_at:%Y-%m-%d %H:%M} UTC."
        )
    material, used = found
    deleted = material.deleted
    if row.rule_id is not None:
        deleted = np.array([one.rule_id == row.rule_id for one in used], dtype=np.float64)
    order, plain = material.logits(model), general(material.features.signals).astype(np.float64)
    said = np.array([model.bend.probability(float(logit)) for logit in order])
    without = np.array([STRAIGHT.probability(float(logit)) for logit in plain])
    return report(Replayed(said, without, order, since=0), deleted, used, first=0)
