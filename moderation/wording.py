"""How assessments, rules and deliveries are put into words on the desk; plain values in, translated sentences out."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import flask_babel
from flask_babel import format_datetime, format_timedelta, get_locale

from moderation.db import now
from moderation.errors import ModerationError
from moderation.judge.case import Kind, NoRelevance, Target
from moderation.models import Assessment, Comment, Decision, Delivery, Maker, Outcome, Status
from moderation.rules import Advice, Signal


def gettext(message: str, **values: object) -> str:
    """Translate a message; flask_babel's own, with types."""
    return str(flask_babel.gettext(message, **values))


def ngettext(singular: str, plural: str, number: int) -> str:
    """Translate a message about a number of things; flask_babel's own, with types."""
    return str(flask_babel.ngettext(singular, plural, number))


@dataclass(frozen=True, slots=True)
class Segment:
    """A piece of a comment's text; ``kind`` names the disrespect it carries, None where it carries none."""

    text: str
    kind: Kind | None = None


@dataclass(frozen=True, slots=True)
class Gauge:
    """A score in words: ``level`` 0 (bad) to 4 (good) for the meter, None where it cannot be told."""

    words: str
    level: int | None
    detail: str


def pick(by_language: Mapping[str, str], site_language: str) -> str:
    """Return a rule's words in the page's language, else the site's, else any."""
    for language in (str(get_locale()), site_language):
        if language in by_language:
            return by_language[language]
    return next(iter(by_language.values()), "")


def segments(text: str, spans: Iterable[Mapping[str, Any]]) -> list[Segment]:
    """Cut the text where spans (code-point offsets) begin and end; one that overlaps or overhangs is left out."""
    cut: list[Segment] = []
    at = 0
    for span in sorted(spans, key=lambda span: (span["start"], -span["end"])):
        start, end = span["start"], span["end"]
        if not at <= start < end <= len(text):
            continue
        if start > at:
            cut.append(Segment(text[at:start]))
        cut.append(Segment(text[start:end], Kind(span["kind"])))
        at = end
    if at < len(text) or not cut:
        cut.append(Segment(text[at:]))
    return cut


def kind_word(kind: Kind) -> str:
    """Return the kind of disrespect as a label."""
    return {
        Kind.INSULT: gettext("insult"),
        Kind.PROFANITY: gettext("coarse"),
        Kind.THREAT: gettext("threat"),
        Kind.IDENTITY_ATTACK: gettext("against a group"),
        Kind.SEXUAL: gettext("sexual"),
        Kind.SHOUTING: gettext("shouting"),
    }[kind]


def _kind_in_sentence(kind: Kind) -> str:
    return {
        Kind.INSULT: gettext("an insult"),
        Kind.PROFANITY: gettext("coarse language"),
        Kind.THREAT: gettext("a threat"),
        Kind.IDENTITY_ATTACK: gettext("an attack on a group"),
        Kind.SEXUAL: gettext("a sexual remark"),
        Kind.SHOUTING: gettext("shouting at people"),
    }[kind]


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
    level = sum(score < bound for bound in (0.75, 0.5, 0.25))
    detail = gettext("disrespectful with a probability of %(percent)s %%", percent=round(score * 100))
    return Gauge(steps[level], level + 1, detail)


def advice(value: Advice) -> str:
    """Return the recommendation in words."""
    return {
        Advice.APPROVE: gettext("nothing against approving"),
        Advice.REVIEW: gettext("please look closely"),
        Advice.DELETE: gettext("delete"),
    }[value]


def why(reason: Mapping[str, Any], comment: Comment, assessment: Assessment, parent: Comment | None) -> str:
    """Say in one sentence why a rule is in doubt."""
    if reason["signal"] == Signal.RELEVANCE:
        if reason["score"] < reason["threshold"] / 2:
            return gettext("Nothing in the article comes close to this comment.")
        return gettext("The comment hardly touches what the article says.")
    if reason["signal"] == Signal.WORDS:
        listed = gettext(", ").join(gettext("“%(words)s”", words=word) for word in reason["evidence"]["words"][:3])
        return gettext("%(words)s: on the house's list of words.", words=listed)
    return _why_tone(reason, comment, assessment, parent)


def _why_tone(reason: Mapping[str, Any], comment: Comment, assessment: Assessment, parent: Comment | None) -> str:
    kinds = _kinds_of(reason, assessment)
    kind = _kind_in_sentence(kinds[0])
    words = _quoted(comment.text, [span for span in assessment.spans if span["kind"] in kinds][:3])
    whom = _whom(assessment.target, parent)
    if words and whom:
        return gettext("%(words)s reads as %(kind)s, aimed at %(whom)s.", words=words, kind=kind, whom=whom)
    if words:
        return gettext("%(words)s reads as %(kind)s.", words=words, kind=kind)
    if whom:
        return gettext("The tone reads as %(kind)s, aimed at %(whom)s.", kind=kind, whom=whom)
    return gettext("The tone reads as %(kind)s.", kind=kind)


def _kinds_of(reason: Mapping[str, Any], assessment: Assessment) -> list[Kind]:
    """The kinds that put the rule in doubt, strongest first."""
    allowed = reason.get("kinds") or list(assessment.kinds)
    ranked = sorted(allowed, key=lambda kind: -assessment.kinds.get(kind, 0.0))
    return [Kind(kind) for kind in ranked if assessment.kinds.get(kind, 0.0) >= 0.5] or [Kind(ranked[0])]


def _quoted(text: str, spans: Sequence[Mapping[str, Any]]) -> str:
    places = [text[span["start"] : span["end"]] for span in spans]
    short = [place if len(place) <= 60 else place[:57].rstrip() + "…" for place in places]
    return gettext(", ").join(gettext("“%(words)s”", words=place) for place in dict.fromkeys(short))


def _whom(target: Target | None, parent: Comment | None) -> str | None:
    if target is Target.READER and parent is not None and parent.commenter_name:
        return parent.commenter_name
    return {
        Target.READER: gettext("another reader"),
        Target.AUTHOR: gettext("the author or the paper"),
        Target.THIRD_PARTY: gettext("somebody else"),
    }.get(target or Target.NONE)


def problem(error: ModerationError) -> str:
    """Say what went wrong in the moderator's language, where we know the case; else as it was said."""
    known = {
        "text_changed": gettext("The reader changed the text since you looked at it. Please read it again."),
        "withdrawn": gettext("The site took this comment back in the meantime. There is nothing left to decide."),
        "decided": gettext("Somebody decided otherwise in the meantime; below you see who and what."),
        "reopened": gettext("Somebody put this comment back in the queue in the meantime."),
        "too_late": gettext("It is too late to undo this: the site has been told. You can decide anew instead."),
        "nothing_chosen": gettext("Nothing of that is waiting any more, so there is nothing to decide."),
        "not_found": gettext("There is no such page. Perhaps the address was cut off?"),
        "forbidden": gettext("Only an admin may do this."),
    }
    return known.get(error.code, error.message)


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


def glimpse(text: str, length: int) -> str:
    """Return the beginning of a text on one line."""
    line = " ".join(text[: 4 * length].split())
    return line if len(line) <= length else line[: length - 1].rstrip() + "…"


def ago(moment: datetime) -> str:
    """Say how long ago something was."""
    return str(format_timedelta(moment - now(), add_direction=True, threshold=1.2))


def passage_in_place(body: str, passage: str) -> tuple[str, str, str] | None:
    """Return what stands before the closest passage, the passage, and what stands after; None where it is not found."""
    at = body.find(passage)
    if at < 0:
        return None
    before, after = body[:at].rstrip(), body[at + len(passage) :].lstrip()
    return (
        "… " + before[-160:].partition(" ")[2] if len(before) > 160 else before,
        passage,
        after[:160].rpartition(" ")[0] + " …" if len(after) > 160 else after,
    )


def left_out(reason: str) -> str:
    """Say why a batch did nothing about a comment."""
    return {
        "text_changed": gettext("the text was changed"),
        "withdrawn": gettext("the site took it back"),
        "decided": gettext("somebody else decided"),
        "reopened": gettext("it is back in the queue"),
    }.get(reason, reason)
