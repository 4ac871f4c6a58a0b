"""The moderators' side of what readers ask: objections, notices of illegal content, and the transparency report."""

from datetime import UTC, datetime, time, timedelta
from zoneinfo import ZoneInfo

from flask import Blueprint, Response, redirect, render_template, request, url_for
from flask.typing import ResponseReturnValue

from moderation.db import now
from moderation.errors import BadInput
from moderation.models import Outcome
from moderation.notices import appeals, illegal, transparency
from moderation.reading import reading
from moderation.views import asked_site, me, services
from moderation.views.desk import ID

blueprint = Blueprint("notices", __name__)


@blueprint.get("/objections")
def objections() -> ResponseReturnValue:
    """List objections and notices that wait for an answer, oldest first."""
    with reading() as session:
        moderator = me(session)
        waiting = appeals.waiting(session)
        return render_template(
            "objections.html",
            appeals=[(appeal, appeals.may_close(appeal, moderator)) for appeal in waiting],
            notices=illegal.waiting(session),
        )


@blueprint.post(f"/objections/appeals/<{ID}:appeal_id>")
def close_appeal(appeal_id: int) -> ResponseReturnValue:
    """Answer an objection."""
    with services().database.session() as session:
        moderator = me(session)
        closed = appeals.close(
            session, appeal_id, _outcome(), answer=request.form.get("answer", ""), moderator=moderator
        )
        undo_seconds = closed.decision.comment.site.undo_seconds
        session.commit()
    services().bell.ring("deliver", after=undo_seconds)
    services().bell.ring("mail")
    return redirect(url_for("notices.objections"), 303)


@blueprint.post(f"/objections/notices/<{ID}:notice_id>")
def close_notice(notice_id: int) -> ResponseReturnValue:
    """Answer a notice of illegal content."""
    with services().database.session() as session:
        moderator = me(session)
        closed = illegal.close(
            session,
            notice_id,
            _outcome(),
            answer=request.form.get("answer", ""),
            moderator=moderator,
            revision=request.form.get("revision", type=int),
        )
        undo_seconds = closed.site.undo_seconds
        session.commit()
    services().bell.ring("deliver", after=undo_seconds)
    services().bell.ring("mail")
    return redirect(url_for("notices.objections"), 303)


def _outcome() -> Outcome:
    given = request.form.get("outcome")
    if given not in {Outcome.APPROVE, Outcome.DELETE}:
        raise BadInput("`outcome` must be approve or delete.", field="outcome")
    return Outcome(given)


@blueprint.get("/transparency")
def report() -> ResponseReturnValue:
    """Show the figures of a site for a period, as a page or as CSV."""
    with reading() as session:
        site, sites = asked_site(session)
        since, until = _period(ZoneInfo(site.time_zone))
        figures = transparency.report(session, site, since=since, until=until)
        if request.args.get("format") == "csv":
            name = f"transparency-{site.slug}-{since:%Y-%m-%d}.csv"
            headers = {"Content-Disposition": f'attachment; filename="{name}"'}
            return Response(transparency.as_csv(figures), content_type="text/csv; charset=utf-8", headers=headers)
        last = until - timedelta(days=1)
        return render_template("transparency.html", figures=figures, sites=sites, last=last)


def _period(zone: ZoneInfo) -> tuple[datetime, datetime]:
    """The days asked for, both included; else this year so far."""
    today = now().astimezone(zone).date()
    try:
        first = datetime.fromisoformat(request.args.get("since") or f"{today.year}-01-01").date()
        last = datetime.fromisoformat(request.args.get("until") or today.isoformat()).date()
    except ValueError:
        raise BadInput("`since` and `until` must be dates like 2026-11-25.", code="wrong_date", field="since") from None
    if last < first or not 1990 <= first.year <= last.year <= 9000:
        raise BadInput("`until` lies before `since`.", code="wrong_date", field="until")
    begin = datetime.combine(first, time(), zone)
    end = datetime.combine(last + timedelta(days=1), time(), zone)
    return begin.astimezone(UTC), end.astimezone(UTC)
