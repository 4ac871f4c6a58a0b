"""The doors of the house: here requests come in, sessions are opened and committed, and bells are rung."""

from collections.abc import Sequence
from datetime import datetime
from typing import TYPE_CHECKING, cast
from zoneinfo import ZoneInfo

from flask import abort, current_app, make_response, render_template, request
from flask_login import current_user
from sqlalchemy import select
from sqlalchemy.orm import Session

from moderation import auth, quota
from moderation.db import now
from moderation.errors import NotSignedIn
from moderation.models import Moderator, Site

if TYPE_CHECKING:
    from moderation.web import Services


def services() -> "Services":
    """Return settings, database and bell of the running application."""
    return cast("Services", current_app.extensions["moderation"])


def ration(key: str, *, per_minute: int, number: int = 1) -> None:
    """Count ``number`` more requests under ``key``; TooMany where there are none left, and those are counted, too."""
    with services().database.session() as session:
        try:
            quota.take(session, key, per_minute=per_minute, number=number)
        finally:
            session.commit()


def me(session: Session) -> Moderator:
    """Return the moderator of this request, in this session; NotSignedIn where they were shut out meanwhile."""
    found = session.get_one(Moderator, current_user.id)
    if found.disabled_at is not None:
        raise NotSignedIn("You may not sign in any more.")
    return found


def midnight() -> datetime:
    """Return the first moment of this day where the desk is."""
    here = now().astimezone(ZoneInfo(services().settings.time_zone))
    return here.replace(hour=0, minute=0, second=0, microsecond=0)


def asked_site(session: Session) -> tuple[Site, Sequence[Site]]:
    """Return the site that the address or the form asks for, else the first, and all there are.

    Where there is none to see, the request ends here, with the page that says how one gets there.
    """
    sites = session.scalars(select(Site).order_by(Site.name)).all()
    slug = request.values.get("site")
    site = auth.site_by_slug(session, slug) if slug else next(iter(sites), None)
    if site is None:
        abort(make_response(render_template("no_site.html")))
    return site, sites
