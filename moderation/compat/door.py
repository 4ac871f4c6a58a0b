"""What all doors for other services' clients begin with: who asks, how often, and what the body says."""

from typing import Any

from flask import request

from moderation import auth
from moderation.contract import decode
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
