"""The operations of the API that change something."""

from sqlalchemy import select

from moderation import audit, closings, delivery, resources, rulebook, sites, wire
from moderation import decisions as deciding
from moderation.decisions import Seen
from moderation.errors import BadInput, Forbidden, StaleView
from moderation.models import Door, HouseRule, Maker, Outcome, Scope
from moderation.views.v1.operation import Call, operation


@operation("PATCH", "/site", scope=Scope.MANAGE, answer=wire.SiteOut, body=wire.SiteChanges, matches=True)
def change_site(call: Call) -> wire.SiteOut:
    """Change what is sent of the site, and leave the rest."""
    call.require_match(resources.site(call.site))
    changes = {name: getattr(call.body, name) for name in call.body.model_fields_set}
    if "callback_url" in changes and changes["callback_url"] is None:
        changes["callback_url"] = "none"
    elif "callback_url" in changes and call.site.callback_private:
        raise Forbidden("The callback is inside the house's own network; an admin of the house changes it.")
    sites.change_site(call.site, **changes)
    audit.note(call.session, "site_changed", moderator=None, subject=f"site {call.site.slug}", fields=sorted(changes))
    call.session.flush()
    return resources.site(call.site)


@operation(
    "PATCH",
    "/articles/<id:article_id>",
    scope=Scope.DECIDE,
    answer=wire.ArticleOut,
    body=wire.ArticleChanges,
    matches=True,
)
def change_article(call: Call, article_id: str) -> wire.ArticleOut:
    """Close an article for comments or open it again; the site hears of it as of every decision."""
    found = resources.find_article(call.session, call.site, article_id, lock=True)
    call.require_match(resources.article(found))
    asked: wire.ArticleChanges = call.body
    outcome = Door.CLOSE if asked.closed else Door.OPEN
    if closings.decide(call.session, found.id, outcome, moderator=None, reason=asked.reason):
        call.ring("deliver", after=call.site.undo_seconds)
    return resources.article(found)


@operation(
    "POST",
    "/comments/<id:comment_id>/decisions",
    scope=Scope.DECIDE,
    answer=wire.DecisionOut,
    body=wire.NewDecision,
    matches=True,
)
def decide(call: Call, comment_id: str) -> wire.DecisionOut:
    """Decide on a comment as it was seen; the site hears of it as of every decision."""
    found = resources.find_comment(call.session, call.site, comment_id, lock=True)
    call.require_match(resources.comment(found))
    made = deciding.decide(
        call.session,
        found.id,
        Outcome(call.body.outcome),
        moderator=None,
        seen=Seen(found.revision, found.status),
        rule_id=_rule(call, call.body.rule),
        maker=Maker.SITE,
    )
    call.ring("deliver", after=call.site.undo_seconds)
    call.ring("mail")
    return resources.decision(made, call.site)


def _rule(call: Call, key: str | None) -> int | None:
    """The id of the rule that has this key, if one is cited."""
    if key is None:
        return None
    wanted = select(HouseRule.id).where(HouseRule.site_id == call.site.id, HouseRule.key == key)
    found = call.session.scalars(wanted.where(HouseRule.archived_at.is_(None))).one_or_none()
    if found is None:
        raise BadInput(f"The site has no rule {key!r}; `GET /api/v1/rules` lists them.", field="rule")
    return found


@operation("POST", "/decisions/ack", scope=Scope.DECIDE, answer=wire.Acknowledged, body=wire.Heard)
def acknowledge(call: Call) -> wire.Acknowledged:
    """Mark decisions as heard, by their webhook ids; those already heard or unknown are left alone."""
    return wire.Acknowledged(acknowledged=delivery.acknowledge(call.session, call.site, call.body.ids))


@operation("POST", "/deliveries/<int:delivery_id>/again", scope=Scope.MANAGE, answer=wire.DeliveryOut)
def send_again(call: Call, delivery_id: int) -> wire.DeliveryOut:
    """Put a delivery that failed on its way once more."""
    found = resources.find_delivery(call.session, call.site, delivery_id)
    if found.failed_at is None:
        raise StaleView("This delivery has not failed.", code="not_failed")
    delivery.try_again(call.session, found.id)
    call.session.refresh(found)
    call.ring("deliver")
    return resources.delivery(found)


@operation("PUT", "/rules", scope=Scope.MANAGE, answer=wire.RulesOut, body=wire.NewRules, matches=True)
def save_rules(call: Call) -> wire.RulesOut:
    """Make these all the house rules there are, as a new version."""
    call.require_match(resources.rules(call.session, call.site))
    keys = [rule.key for rule in call.body.rules]
    twice = next((key for key in keys if keys.count(key) > 1), None)
    if twice is not None:
        raise BadInput(f"There are two rules with the key {twice!r}.", field="rules")
    rulebook.save(call.session, call.site, call.body.rules)
    return resources.rules(call.session, call.site)
