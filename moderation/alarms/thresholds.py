"""From when on an alarm is sounded, as each site wants it."""

from typing import Annotated

from pydantic import BaseModel, ConfigDict, Field

from moderation.models import Site


class Thresholds(BaseModel):
    """None switches an alarm off.

    ``oldest_minutes``: the oldest comment waits so long. ``hot_comments``: so many comments under one article within
    half an hour, and far more, or far more of them marked, than is usual. ``failing``: so many decisions do not arrive.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    oldest_minutes: Annotated[int, Field(ge=5, le=100_000)] | None = 240
    hot_comments: Annotated[int, Field(ge=5, le=100_000)] | None = 15
    failing: Annotated[int, Field(ge=1, le=100_000)] | None = 1


def of(site: Site) -> Thresholds:
    """Return a site's thresholds; what it never set is at its default."""
    return Thresholds.model_validate(site.alarms)


def keep(site: Site, thresholds: Thresholds) -> None:
    """Set a site's thresholds."""
    site.alarms = thresholds.model_dump(mode="json")
