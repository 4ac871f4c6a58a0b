"""What all doors for other services' clients begin with: who asks, how often, and what the body says."""

from typing import Any

from flask import request

from moderation import article_page, auth, intake, outbound
from moderation.contract import ArticleData, decode
from moderation.db import now
from moderation.errors import BadJson
from moderation.judge import Assessment, Case
from moderation.models import Scope, Site
from moderation.views import ration, services


def enter(key: str, *, kind: str = "token", number: int = 1, scope: Scope = Scope.READ) -> Site:
    """Return the site whose key this is, detached, and count ``number`` calls.

    NotSignedIn, Forbidden (the token may not do what needs ``scope``) or TooMany otherwise.
    """
    with services().database.session(read_only=True) as session:
        site = auth.site_by_key(session, key, kind=kind, scope=scope)
    count_calls(site, number)
    return site


def count_calls(site: Site, number: int = 1) -> None:
    """Count calls of a site to all the doors together; TooMany where it made too many within this minute."""
    ration(f"calls {site.id}", per_minute=services().settings.calls_per_minute, number=number)


def json_body() -> dict[str, Any]:
    """Return the body as a JSON object, whatever content type it claims; BadJson says what is wrong with it."""
    data = decode(request.get_data(cache=False) or b"{}")
    if not isinstance(data, dict):
        raise BadJson("The body must be a JSON object.")
    return data


def assess(case: Case) -> Assessment:
    """Judge one text here and now; nothing is stored."""
    return services().judge.assess([case])[0]


def find_or_fetch_article(site: Site, external_id: str, url: str, *, within: float, renew: bool) -> int | None:
    """Return our id of the article, fetched where it is not known; None: there is none to be had.

    ``within`` is how many seconds the fetching may take; with ``renew``, one that was told long ago is fetched again.
    """
    with services().database.session(read_only=True) as session:
        known = article_page.known(session, site, external_id)
        if known is not None and (not renew or article_page.is_fresh(known)):
            return known.id
    about = services().settings.public_url
    with outbound.client(private=outbound.inside(site), timeout=within) as client:
        data = article_page.fetch(client, external_id, url, about=about)
    if data is None:
        return known.id if known else None
    return keep_article(site, data)


def keep_article(site: Site, data: ArticleData) -> int:
    """Write an article as it is now, and return our id of it."""
    with services().database.session() as session:
        kept = intake.write_article(session, session.get_one(Site, site.id), data, stated_at=now()).id
        session.commit()
    return kept
