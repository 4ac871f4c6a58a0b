"""How assessments, rules and deliveries are put into words on the desk; plain values in, translated sentences out."""

from dataclasses import dataclass
from datetime import datetime

import ua_parser
from flask_babel import format_datetime, format_timedelta

from moderation.db import now
from moderation.judge.case import NoRelevance
from moderation.models import Assessment, Decision, Delivery, Door, Maker, ModelState, Outcome, Status
from moderation.rules import Advice
from moderation.wording.filters import filter_name
from moderation.wording.problems import problem
from moderation.wording.reasons import kind_word, pick, why
from moderation.wording.refusals import refusal
from moderation.wording.say import gettext, language, locale, ngettext
from moderation.wording.texts import (
    Change,
    Segment,
    changes,
    glimpse,
    passage_in_place,
    plain,
    segments,
    stands_out,
)

__all__ = [
    "Change",
    "Gauge",
    "Segment",
    "advice",
    "ago",
    "changes",
    "delivery",
    "device",
    "door",
    "filter_name",
    "gettext",
    "glimpse",
    "kind_word",
    "language",
    "left_out",
    "locale",
    "maker",
    "model_state",
    "ngettext",
    "outcome",
    "passage_in_place",
    "pick",
    "plain",
    "problem",
    "refusal",
    "relevance",
    "segments",
    "stands_out",
    "status",
    "team",
    "tone",
    "why",
]


WORST = 0.75
"""Disrespect from which on a text is called disrespectful, and covered for whoever wants that."""


@dataclass(frozen=True, slots=True)
class Gauge:
    """A score in words: ``level`` 0 (bad) to 4 (good) for the meter, None where it cannot be told."""

    words: str
    level: int | None
    detail: str


def relevance(assessment: Assessment) -> Gauge:
    """Say how well the comment fits its article."""
    score = assessment.relevance
    if score is None:
        why = {
            NoRelevance.TOO_SHORT: gettext("too short to tell"),
            NoRelevance.NO_ARTICLE: gettext("the article has no text"),
            NoRelevance.NO_TEXT: gettext("no words in it"),
            NoRelevance.LANGUAGE: gettext("a language the judge does not know"),
        }.get(NoRelevance(assessment.relevance_reason)) if assessment.relevance_reason else None  # fmt: skip
        return Gauge(gettext("cannot tell"), None, why or gettext("not judged"))
    steps = (gettext("does not fit"), gettext("hardly fits"), gettext("touches the subject"), gettext("fits"))
    level = sum(score >= bound for bound in (0.3, 0.5, 0.75))
    return Gauge(steps[level], level + 1, gettext("probability %(percent)s %%", percent=round(score * 100)))


def tone(assessment: Assessment) -> Gauge:
    """Say how respectful the comment is."""
    score = assessment.disrespect
    if score is None:
        return Gauge(gettext("cannot tell"), None, gettext("not judged"))
    steps = (gettext("disrespectful"), gettext("rough"), gettext("a little rough"), gettext("respectful"))
    level = sum(score < bound for bound in (WORST, 0.5, 0.25))
    detail = gettext("disrespectful with a probability of %(percent)s %%", percent=round(score * 100))
    return Gauge(steps[level], level + 1, detail)


def team(deletion: float) -> str:
    """Say how likely the site's team deletes a comment, in tenths: more the model does not know."""
    tenths = round(10 * deletion)
    if tenths == 0:
        return gettext("Your team hardly ever deletes comments like this one.")
    if tenths == 10:
        return gettext("Your team deletes nearly all comments like this one.")
    return gettext("Of ten comments like this one, your team deletes about %(num)s.", num=tenths)


def model_state(value: ModelState) -> str:
    """Say where a site's model stands."""
    return {
        ModelState.CANDIDATE: gettext("waits for proof"),
        ModelState.SHADOW: gettext("on silent trial"),
        ModelState.ACTIVE: gettext("in force"),
        ModelState.RETIRED: gettext("replaced"),
    }[value]


def advice(value: Advice) -> str:
    """Return the recommendation in words."""
    return {
        Advice.APPROVE: gettext("nothing against approving"),
        Advice.REVIEW: gettext("please look closely"),
        Advice.DELETE: gettext("delete"),
    }[value]


def status(value: Status) -> str:
    """Say where a comment stands."""
    return {
        Status.PENDING: gettext("waits"),
        Status.APPROVED: gettext("approved"),
        Status.DELETED: gettext("deleted"),
        Status.WITHDRAWN: gettext("withdrawn by the site"),
    }[value]


def maker(decision: Decision) -> str:
    """Say who made a decision."""
    if decision.moderator is not None:
        return decision.moderator.name
    return gettext("a rule, by itself") if decision.maker is Maker.RULE else gettext("the site")


def outcome(value: Outcome) -> str:
    """Return what was done, as a past participle."""
    return {
        Outcome.APPROVE: gettext("approved"),
        Outcome.DELETE: gettext("deleted"),
        Outcome.UNDO: gettext("taken back"),
    }[value]


def door(value: Door) -> str:
    """Return what was done to an article, as a sentence."""
    return {
        Door.CLOSE: gettext("Closed for comments."),
        Door.OPEN: gettext("Open for comments again."),
        Door.UNDO: gettext("Taken back."),
    }[value]


def delivery(sent: Delivery, moment: datetime) -> str:
    """Say where a decision is on its way to the site."""
    return _end_of_the_way(sent) or _still_on_the_way(sent, moment)


def _trouble(problem: str | None) -> str:
    """Say what ``delivery.Result`` has as its problem."""
    kind, _, detail = (problem or "").partition(" ")
    known = {
        "answered": gettext("The site answered %(detail)s.", detail=detail),
        "timeout": gettext("The site did not answer in time."),
        "unreachable": gettext("The site could not be reached (%(detail)s).", detail=detail),
        "private": gettext("The site is at a private address (%(detail)s), which its setting refuses.", detail=detail),
    }
    return known.get(kind, problem or "")


def _end_of_the_way(sent: Delivery) -> str | None:
    if sent.delivered_at is not None:
        return gettext("The site heard of it at %(time)s.", time=format_datetime(sent.delivered_at, "short"))
    if sent.cancelled_at is not None:
        return gettext("Never sent: it was taken back or overtaken.")
    if sent.failed_at is not None:
        return gettext("Given up: %(error)s", error=_trouble(sent.last_error))
    return None


def _still_on_the_way(sent: Delivery, moment: datetime) -> str:
    if sent.not_before > moment:
        seconds = max(1, round((sent.not_before - moment).total_seconds()))
        return ngettext("Goes out in %(num)s second.", "Goes out in %(num)s seconds.", seconds)
    if sent.site.callback_url is None:
        return gettext("Waits for the site to fetch it.")
    if sent.attempts == 0 or sent.due_at is None or sent.last_error is None:
        return gettext("On its way.")
    tries = ngettext("Tried once.", "Tried %(num)s times.", sent.attempts)
    again = gettext("Next try at %(time)s.", time=format_datetime(sent.due_at, "short"))
    return f"{tries} {_trouble(sent.last_error)} {again}"


def ago(moment: datetime) -> str:
    """Say how long ago something was."""
    return str(format_timedelta(moment - now(), add_direction=True, threshold=1.2))


def left_out(reason: str) -> str:
    """Say why a batch did nothing about a comment."""
    return {
        "text_changed": gettext("the text was changed"),
        "confined": gettext("whoever began this may not see it any more"),
        "withdrawn": gettext("the site took it back"),
        "decided": gettext("somebody else decided"),
        "reopened": gettext("it is back in the queue"),
    }.get(reason, reason)


def device(described: str) -> str:
    """Say in a few words what a browser said of itself, such as "Firefox, Windows"."""
    known = ua_parser.parse(described)
    named = [part.family for part in (known.user_agent, known.os) if part]
    return ", ".join(named) or gettext("an unknown device")
