"""The page of what was learned of a team: how well, what a threshold does, who disagrees, and the switches."""

from dataclasses import dataclass
from typing import Any

from flask import Blueprint, redirect, render_template, request, url_for
from flask.typing import ResponseReturnValue
from flask_login import current_user
from sqlalchemy import select
from sqlalchemy.orm import Session

from moderation import auth
from moderation.errors import BadInput
from moderation.learning import bursts, honesty, shelf
from moderation.models import HouseRule, Learner, ModelState
from moderation.reading import reading
from moderation.views import asked_site, me, services
from moderation.views.desk import ID
from moderation.views.plots import calibration_option, drift_option, threshold_option

blueprint = Blueprint("learning", __name__)


@dataclass(frozen=True, slots=True)
class At:
    """What marking from a threshold on does to some comments: shares 0 to 1, None where there is nothing to divide."""

    name: str
    n: int
    deleted: int
    marked: int
    right: int

    @property
    def precision(self) -> float | None:
        """The share of the marked that people deleted."""
        return self.right / self.marked if self.marked else None

    @property
    def missed(self) -> float | None:
        """The share of the deleted that were not marked."""
        return 1 - self.right / self.deleted if self.deleted else None

    @property
    def saved(self) -> float:
        """The share of comments that were not marked."""
        return 1 - self.marked / self.n if self.n else 0.0


@blueprint.get("/learning")
def show() -> ResponseReturnValue:
    """Show what was learned of a site's team."""
    with reading() as session:
        site, sites = asked_site(session)
        learner = session.scalars(select(Learner).where(Learner.site_id == site.id)).one_or_none()
        report = learner.report if learner else None
        return render_template(
            "learning.html",
            site=site,
            sites=sites,
            learner=learner,
            models=shelf.every(session, site.id),
            active=shelf.in_state(session, site.id, ModelState.ACTIVE),
            may_switch=current_user.manages(site),
            bursts=bursts.waiting(session, site.id),
            differences=honesty.differences(session, site.id),
            overruled=honesty.overruled(session, site.id),
            contradicted=honesty.contradicted(session, site.id),
            apart=honesty.apart(session, site.id),
            twins=honesty.twins(session, site.id),
            report=report,
            **(_figures(session, report) if report else {}),
        )


def _figures(session: Session, report: dict[str, Any]) -> dict[str, Any]:
    """The report at the threshold that was asked for, and as charts."""
    thresholds: list[float] = report["thresholds"]
    asked = request.args.get("at", type=float)
    step = min(range(len(thresholds)), key=lambda at: abs(thresholds[at] - (0.5 if asked is None else asked)))
    points = [_at(report, at, str(threshold)) for at, threshold in enumerate(thresholds)]
    rules = {rule["id"]: rule for rule in report["rules"]}
    cited = session.scalars(select(HouseRule).where(HouseRule.id.in_(rules)))
    return {
        "thresholds": thresholds,
        "at": thresholds[step],
        "chosen": points[step],
        "points": list(zip(thresholds, points, strict=True)),
        "threshold_option": threshold_option(thresholds, points, thresholds[step]),
        "calibration_option": calibration_option(report["calibration"]),
        "drift_option": drift_option(report["months"]),
        "sections": [_at(group, step, group["name"]) for group in report["sections"]],
        "months": [(_at(group, step, group["name"]), group) for group in report["months"]],
        "cited": [(rule, _at(rules[rule.id], step, "")) for rule in cited],
    }


def _at(group: dict[str, Any], step: int, name: str) -> At:
    n = group["counted"] if "counted" in group else group["n"]
    return At(name, n, group["deleted"], group["marked"][step], group["right"][step])


@blueprint.post("/learning/<slug>")
def switch(slug: str) -> ResponseReturnValue:
    """Go back to the model before, let models switch on again, or let one run silently or no longer."""
    with services().database.session() as session:
        site, moderator = auth.site_to_manage(session, slug), me(session)
        match request.form.get("do"):
            case "roll_back":
                key = request.form.get("rule")
                rule_id = shelf.rule_of(session, site, key).id if key else None
                shelf.roll_back(session, site, moderator=moderator, rule_id=rule_id)
            case "resume":
                shelf.resume(session, site, moderator=moderator)
            case "shadow_on" | "shadow_off" as wish:
                shelf.shadow(session, site, on=wish == "shadow_on", moderator=moderator)
            case _:
                raise BadInput("`do` must be roll_back, resume, shadow_on or shadow_off.", field="do")
        session.commit()
    services().bell.ring("score")
    return redirect(url_for("learning.show", site=slug), 303)


@blueprint.post(f"/learning/bursts/<{ID}:burst_id>")
def rule_on_burst(burst_id: int) -> ResponseReturnValue:
    """Say whether to learn from decisions that came faster than anybody reads."""
    if request.form.get("counts") not in {"yes", "no"}:
        raise BadInput("`counts` must be yes or no.", field="counts")
    with services().database.session() as session:
        moderator = me(session)
        burst = bursts.rule(session, burst_id, counts=request.form["counts"] == "yes", moderator=moderator)
        auth.require_admin(burst.site)
        slug = burst.site.slug
        session.commit()
    services().bell.ring("learn")
    return redirect(url_for("learning.show", site=slug), 303)
