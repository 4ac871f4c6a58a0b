"""Alarms on the desk: the line on the queue and on today's page; the page of alarms, channels and shifts."""

from collections import Counter
from collections.abc import Sequence
from typing import Any

from flask import Blueprint, redirect, render_template, request, url_for
from flask.typing import ResponseReturnValue
from flask_login import current_user
from pydantic import ValidationError
from sqlalchemy.orm import Session

from moderation import alarms, audit, auth, channels, shifts
from moderation.alarms import thresholds
from moderation.alarms.thresholds import Thresholds
from moderation.errors import BadInput
from moderation.models import Site
from moderation.reading import reading
from moderation.rules.conditions import DAYS
from moderation.views import asked_site, me, rule_words, services

blueprint = Blueprint("alarms", __name__)

ID = "int(max=9000000000000000000)"


@blueprint.app_context_processor
def _banner() -> dict[str, object]:
    return {"open_alarms": _open}


def _open() -> dict[str, int]:
    """How many alarms are open, by kind; the newest kind first."""
    with reading() as session:
        return dict(Counter(alarm.kind for alarm in alarms.open_ones(session, limit=100)))


@blueprint.post(f"/alarms/<{ID}:alarm_id>/noticed")
def noticed(alarm_id: int) -> ResponseReturnValue:
    """Take an alarm off the desk that somebody has noticed and that does not end by itself."""
    with services().database.session() as session:
        alarms.notice(session, alarm_id, moderator=me(session))
        session.commit()
    return redirect(url_for("alarms.show", site=request.form.get("site")), 303)


def _site_to_manage(session: Session) -> Site:
    site, _ = asked_site(session)
    auth.require_admin(site)
    return site


@blueprint.get("/alarms")
def show() -> ResponseReturnValue:
    """Show what is alarming now, from when on alarms are sounded, who is told, and one's own shift."""
    with reading() as session:
        return _page(session, *asked_site(session))


def _page(session: Session, site: Site, sites: Sequence[Site], *, wrong: tuple[str, str] | None = None) -> str:
    return render_template(
        "alarms.html",
        site=site,
        sites=sites,
        open_here=alarms.open_ones(session, site_id=site.id),
        thresholds=thresholds.of(site),
        channels=channels.of_site(session, site.id),
        readable=channels.readable,
        shift=shifts.of(session, current_user.id),
        days=DAYS,
        zone=services().settings.time_zone,
        mails=services().settings.smtp_url is not None,
        wrong=wrong,
        may_save=current_user.manages(site),
    )


@blueprint.post("/alarms/thresholds", endpoint="thresholds")
def set_thresholds() -> ResponseReturnValue:
    """Say from when on an alarm is sounded; an empty field switches it off."""
    with services().database.session() as session:
        site = _site_to_manage(session)
        given = {name: request.form.get(name, "").strip() or None for name in Thresholds.model_fields}
        try:
            thresholds.keep(site, Thresholds.model_validate(given))
        except ValidationError as error:
            session.rollback()
            problem: dict[str, Any] = dict(error.errors(include_url=False)[0])
            wrong = (str(problem["loc"][-1]), rule_words.complaint(problem))
            return _page(session, *asked_site(session), wrong=wrong), 422
        audit.note(session, "alarms_set", moderator=me(session), subject=f"site {site.id}", **site.alarms)
        session.commit()
        return redirect(url_for("alarms.show", site=site.slug), 303)


@blueprint.post("/alarms/channels", endpoint="add")
def add_channel() -> ResponseReturnValue:
    """Have alarms told somewhere else, too, and try it out at once."""
    with services().database.session() as session:
        site = _site_to_manage(session)
        if request.form.get("private"):
            auth.require_admin()  # what is inside the network is the house's, not a site's
        try:
            made = channels.add(
                session,
                site,
                name=request.form.get("name", ""),
                address=request.form.get("address", ""),
                moderator=me(session),
                private=bool(request.form.get("private")),
                quotes=bool(request.form.get("quotes")),
                minutes_apart=max(0, min(request.form.get("minutes_apart", 5, type=int), 1440)),
            )
        except BadInput as error:
            session.rollback()
            return _page(session, *asked_site(session), wrong=(error.field or "address", error.code)), 422
        channels.try_out(session, made)
        session.commit()
        slug = site.slug
    services().bell.ring("notify")
    return redirect(url_for("alarms.show", site=slug), 303)


@blueprint.post(f"/alarms/channels/<{ID}:channel_id>", endpoint="change")
def change_channel(channel_id: int) -> ResponseReturnValue:
    """Try a channel out, or tell it no more."""
    with services().database.session() as session:
        site = _site_to_manage(session)
        if request.form.get("do") == "remove":
            channels.remove(session, site, channel_id, moderator=me(session))
        else:
            channels.try_out(session, channels.find(session, site, channel_id))
        session.commit()
        slug = site.slug
    services().bell.ring("notify")
    return redirect(url_for("alarms.show", site=slug), 303)


@blueprint.post("/alarms/shift", endpoint="shift")
def set_shift() -> ResponseReturnValue:
    """Say when one's own shift begins, or that one wants no letter."""
    with services().database.session() as session:
        site, _ = asked_site(session)
        moderator = me(session)
        if request.form.get("do") == "stop":
            shifts.forget(session, moderator)
        else:
            try:
                shifts.keep(
                    session,
                    moderator,
                    email=request.form.get("email", ""),
                    begins=request.form.get("begins", ""),
                    days=request.form.getlist("days"),
                    zone=services().settings.time_zone,
                )
            except BadInput as error:
                session.rollback()
                return _page(session, *asked_site(session), wrong=(error.field or "email", error.code)), 422
        session.commit()
        return redirect(url_for("alarms.show", site=site.slug) + "#shift", 303)
