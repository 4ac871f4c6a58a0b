"""Why a rule is in doubt, in one sentence; and the words of rules and kinds in the page's language."""

from collections.abc import Callable, Mapping, Sequence
from typing import Any

from flask_babel import format_decimal

from moderation.judge.case import Kind, Target
from moderation.models import Assessment, Comment
from moderation.rules import Signal
from moderation.wording.say import gettext, language, ngettext
from moderation.wording.texts import glimpse, plain

LONGEST_QUOTE = 80
"""Characters that are quoted of what is underlined: most clauses are shorter."""
LONGEST_LISTED = 60
"""The same of each of several: words and domains that were found."""


def pick(by_language: Mapping[str, str], site_language: str) -> str:
    """Return a rule's words in the page's language, else the site's, else any."""
    for wished in (language(), site_language):
        if wished in by_language:
            return by_language[wished]
    return next(iter(by_language.values()), "")


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


def why(reason: Mapping[str, Any], comment: Comment, assessment: Assessment, parent: Comment | None) -> str:
    """Say in one sentence why a rule is in doubt."""
    if reason["signal"] == Signal.RELEVANCE:
        if "spam" in (reason.get("evidence") or {}):
            return gettext("The comment reads like advertising.")
        if reason["score"] < reason["threshold"] / 2:
            return gettext("Nothing in the article comes close to this comment.")
        return gettext("The comment hardly touches what the article says.")
    if reason["signal"] in _COUNTED:
        return _COUNTED[reason["signal"]](reason, reason.get("evidence") or {})
    if reason["signal"] != Signal.DISRESPECT:
        return _SHARES[reason["signal"]](round(100 * reason["score"]))
    return _disrespect(reason, comment, assessment, parent)


def _disrespect(reason: Mapping[str, Any], comment: Comment, assessment: Assessment, parent: Comment | None) -> str:
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
    places = dict.fromkeys(glimpse(text[span["start"] : span["end"]], LONGEST_QUOTE) for span in spans)
    return gettext(", ").join(gettext("“%(words)s”", words=place) for place in places)


def _whom(target: Target | None, parent: Comment | None) -> str | None:
    if target is Target.READER and parent is not None and parent.commenter_name:
        return plain(parent.commenter_name)
    return {
        Target.READER: gettext("another reader"),
        Target.AUTHOR: gettext("the author or the paper"),
        Target.THIRD_PARTY: gettext("somebody else"),
    }.get(target or Target.NONE)


def _list(words: Sequence[object], most: int = 3) -> str:
    """Quote a few of the words that were found."""
    quoted = [gettext("“%(words)s”", words=glimpse(str(word), LONGEST_LISTED)) for word in words[:most]]
    return gettext(", ").join(quoted) + (" …" if len(words) > most else "")


def _links(reason: Mapping[str, Any], evidence: Mapping[str, Any]) -> str:
    domains = _list(evidence.get("domains", ()))
    if evidence.get("denied"):
        return gettext("It links to %(domains)s, which the rule does not allow.", domains=domains)
    return ngettext(
        "There is %(num)s link in it: %(domains)s.",
        "There are %(num)s links in it: %(domains)s.",
        round(reason["score"]),
        domains=domains,
    )


def _length(reason: Mapping[str, Any], _evidence: Mapping[str, Any]) -> str:
    return gettext("It is %(length)s long by the rule’s measure.", length=format_decimal(round(reason["score"])))


def _repeat(reason: Mapping[str, Any], _evidence: Mapping[str, Any]) -> str:
    return ngettext(
        "%(num)s earlier comment says nearly the same.",
        "%(num)s earlier comments say nearly the same.",
        round(reason["score"]),
    )


def _new_commenter(reason: Mapping[str, Any], _evidence: Mapping[str, Any]) -> str:
    if not reason["score"]:
        return gettext("Nothing of this commenter has been approved before.")
    return ngettext(
        "Only %(num)s comment of this commenter has been approved before.",
        "Only %(num)s comments of this commenter have been approved before.",
        round(reason["score"]),
    )


def _record(_reason: Mapping[str, Any], evidence: Mapping[str, Any]) -> str:
    return gettext(
        "%(deleted)s of this commenter’s %(decided)s comments were deleted.",
        deleted=evidence.get("deleted", "?"),
        decided=evidence.get("decided", "?"),
    )


def _found(_reason: Mapping[str, Any], evidence: Mapping[str, Any]) -> str:
    return gettext("Found: %(words)s.", words=_list(evidence.get("words", ())))


def _listed(_reason: Mapping[str, Any], evidence: Mapping[str, Any]) -> str:
    return gettext("%(words)s: on the house's list of words.", words=_list(evidence.get("words", ())))


def _capitals(reason: Mapping[str, Any], evidence: Mapping[str, Any]) -> str:
    return gettext(
        "%(percent)s %% of it is in capitals: %(words)s.",
        percent=round(100 * reason["score"]),
        words=_list(evidence.get("words", ())),
    )


_COUNTED: dict[str, Callable[[Mapping[str, Any], Mapping[str, Any]], str]] = {
    Signal.LINKS: _links,
    Signal.LENGTH: _length,
    Signal.REPEAT: _repeat,
    Signal.NEW_COMMENTER: _new_commenter,
    Signal.RECORD: _record,
    Signal.PATTERN: _found,
    Signal.WORDS: _listed,
    Signal.SHOUTING: _capitals,
}

_SHARES: dict[str, Callable[[int], str]] = {
    Signal.PUT_DOWN: lambda percent: gettext("%(percent)s %% of the text puts somebody down.", percent=percent),
    Signal.LEARNED: lambda percent: gettext(
        "Your team would cite this rule here with a probability of %(percent)s %%.", percent=percent
    ),
}
