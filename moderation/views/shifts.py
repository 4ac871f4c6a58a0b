"""The page behind the link in the letter at the beginning of a shift. It shows; deciding takes a sign-in."""

from flask import Blueprint, render_template, request
from flask.typing import ResponseReturnValue
from flask_babel import force_locale
from sqlalchemy.orm import Session

from moderation import quota, shifts, wording
from moderation.models import Comment, Moderator
from moderation.views import ration, services

blueprint = Blueprint("shifts", __name__, url_prefix="/shift")

PER_MINUTE = 10


@blueprint.get("/<token>")
def show(token: str) -> ResponseReturnValue:
    """Show how much waits, and the button that shows what."""
    link_id = _link_id(token)
    with services().database.session(read_only=True) as session:
        moderator = shifts.link(session, link_id).moderator
        with force_locale(_locale(moderator)):
            return _page(session, moderator, token)


@blueprint.post("/<token>", endpoint="open")
def open_(token: str) -> ResponseReturnValue:
    """Show what waits, this one time."""
    ration(f"shift {quota.who(request.remote_addr)}", per_minute=PER_MINUTE)
    link_id = _link_id(token)
    with services().database.session() as session:
        comments = shifts.open_once(session, link_id)
        session.commit()
        moderator = shifts.link(session, link_id).moderator
        with force_locale(_locale(moderator)):
            return _page(session, moderator, token, comments=comments)


def _link_id(token: str) -> int:
    return int(services().settings.links.read("shift", token))


def _locale(moderator: Moderator) -> str:
    return wording.locale(moderator.language or services().settings.default_language)


def _page(session: Session, moderator: Moderator, token: str, *, comments: list[Comment] | None = None) -> str:
    sites = shifts.overview(session, moderator)
    return render_template("shift.html", moderator=moderator, sites=sites, token=token, comments=comments)
