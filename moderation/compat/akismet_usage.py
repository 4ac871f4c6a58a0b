"""Akismet's `/1.2/…`: how much of its quota a key has used, and by which blogs."""

import csv
import io
from datetime import date

from flask import Blueprint, Response, request
from sqlalchemy import func, select
from werkzeug.exceptions import HTTPException

from moderation import auth
from moderation.compat import akismet
from moderation.contract import mended
from moderation.db import now
from moderation.errors import BadInput, ModerationError
from moderation.models import AkismetUse, Site
from moderation.notices.transparency import harmless
from moderation.views import services

blueprint = Blueprint("akismet_usage", __name__)
blueprint.register_error_handler(ModerationError, akismet.explain)
blueprint.register_error_handler(HTTPException, akismet.explain_http)

ORDERS = {
    "total": AkismetUse.calls,
    "spam": AkismetUse.spam,
    "ham": AkismetUse.ham,
    "missed_spam": AkismetUse.missed_spam,
    "false_positives": AkismetUse.false_positives,
}
MOST_PASSED = 2**31
"""Up to so many rows may be passed over: what is more, no database counts."""

COLUMNS = ("Site", "Total API Calls", "Spam", "Ham", "Missed Spam", "False Positives", "Is Revoked")


def _site() -> Site:
    key = request.values.get("api_key") or request.values.get("key") or request.host.partition(".")[0]
    with services().database.session(read_only=True) as session:
        return auth.site_by_key(session, key, kind="akismet")


@blueprint.route("/1.2/usage-limit", methods=["GET", "POST"])
def usage_limit() -> dict[str, object]:
    """Say how many calls this month has seen; there is no monthly limit, only one for each minute."""
    site = _site()
    with services().database.session(read_only=True) as session:
        used = session.scalar(
            select(func.sum(AkismetUse.calls)).where(AkismetUse.site_id == site.id, AkismetUse.month == _this_month())
        )
    answer: dict[str, object] = {"limit": "none", "usage": int(used or 0), "percentage": "0.00", "throttled": False}
    if request.values.get("extended"):
        answer |= {"notice_level": False, "upgrade": False}
    return answer


@blueprint.route("/1.2/key-sites", methods=["GET", "POST"])
def key_sites() -> Response | dict[str, object]:
    """List the blogs that used the key within a month, as JSON or CSV."""
    site = _site()
    asked = request.values
    month = _month(asked.get("month"))
    order = ORDERS.get(asked.get("order", "total"), AkismetUse.calls)
    limit = max(0, min(asked.get("limit", 500, type=int), 500))
    offset = max(0, min(asked.get("offset", 0, type=int), MOST_PASSED))
    mine = [AkismetUse.site_id == site.id, AkismetUse.month == month]
    if asked.get("filter"):
        mine.append(AkismetUse.blog.contains(mended(asked["filter"]), autoescape=True))
    with services().database.session(read_only=True) as session:
        total = session.scalar(select(func.count()).select_from(AkismetUse).where(*mine)) or 0
        found = select(AkismetUse).where(*mine).order_by(order.desc(), AkismetUse.blog).limit(limit).offset(offset)
        rows = [_row(use) for use in session.scalars(found)]
    if asked.get("format") == "csv":
        title = f"Active sites during {month:%Y-%m} (limit:{limit}, offset: {offset}, total: {total})"
        return _csv(title, rows)
    return {f"{month:%Y-%m}": rows, "limit": limit, "offset": offset, "total": total}


def _row(use: AkismetUse) -> dict[str, object]:
    counts = {"api_calls": use.calls, "spam": use.spam, "ham": use.ham}
    counts |= {"missed_spam": use.missed_spam, "false_positives": use.false_positives}
    return {"site": use.blog, **{name: str(value) for name, value in counts.items()}, "is_revoked": False}


def _csv(title: str, rows: list[dict[str, object]]) -> Response:
    out = io.StringIO()
    out.write(title + "\n")
    writer = csv.writer(out, lineterminator="\n")
    writer.writerow(COLUMNS)
    writer.writerows([harmless(str(row["site"])), *list(row.values())[1:]] for row in rows)
    return Response(out.getvalue(), content_type="text/csv; charset=utf-8")


def _month(value: str | None) -> date:
    if value is None:
        return _this_month()
    try:
        return date.fromisoformat(f"{value}-01")
    except ValueError:
        raise BadInput("`month` must look like 2026-11.", code="wrong_month", field="month") from None


def _this_month() -> date:
    return date(now().year, now().month, 1)
