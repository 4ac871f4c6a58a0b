"""Sites that sent something a moment ago: whoever sends a hundred comments a second is looked up once."""

import time

from moderation.models import Site

KEPT = 2.0
"""Seconds for which a sender is remembered, and at most that long a key that was revoked still fits."""

MOST = 1000


class Senders:
    """Remembers sites by slug, with their keys, apart from any session. Safe to use from any thread."""

    def __init__(self) -> None:
        self._kept: dict[str, tuple[float, Site]] = {}

    def find(self, slug: str) -> Site | None:
        """Return the site if it was kept a moment ago."""
        until, site = self._kept.get(slug, (0.0, None))
        return site if time.monotonic() < until else None

    def keep(self, site: Site) -> None:
        """Remember a site that was just read with its keys."""
        if len(self._kept) >= MOST:
            self._kept.clear()
        self._kept[site.slug] = time.monotonic() + KEPT, site
