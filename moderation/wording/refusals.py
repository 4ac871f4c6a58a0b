"""Why a house rule, a word list or an expression was refused, in the language of whoever is at the page."""

from collections.abc import Mapping
from typing import Any

from moderation.wording.say import gettext


def refusal(code: str, values: Mapping[str, Any]) -> str | None:
    """Say why something was refused, by the code of the refusal and what it names; None where the code is not known."""
    known = _words(values) | _conditions(values) | _deciding()
    if code == "pattern":
        return _expression(str(values.get("said", "")))
    return known.get(code)


def _words(values: Mapping[str, Any]) -> dict[str, str]:
    word = values.get("word", "")
    return {
        "word_unlettered": gettext("“%(word)s” has no letters; a list is of words.", word=word),
        "word_long": gettext("“%(word)s…” is longer than %(most)s characters.", word=word, most=values.get("most", "")),
        "word_short": gettext("“%(word)s” is too short: it would be found in nearly every text.", word=word),
        "word_everywhere": gettext("“%(word)s” stands in nearly every text.", word=word),
        "no_words": gettext("There must be some words here, and no broken characters."),
    }


def _conditions(values: Mapping[str, Any]) -> dict[str, str]:
    domain = values.get("domain", "")
    bounds = {"fewer": values.get("fewer", ""), "more": values.get("more", "")}
    return {
        "one_bound": gettext("Give a number from 0 to 1."),
        "some_bound": gettext("Give at least one of the two numbers."),
        "every_length": gettext("Every text has fewer than %(fewer)s or more than %(more)s of them.", **bounds),
        "domain": gettext("“%(domain)s” is no domain; write it like example.org.", domain=domain),
        "domain_twice": gettext("%(domain)s is both allowed and forbidden; take it out of one list.", domain=domain),
        "no_time": gettext("Start and end are the same; for the whole day leave both empty."),
    }


def _deciding() -> dict[str, str]:
    return {
        "cannot_decide": gettext("A rule that may decide by itself must recommend to approve or to delete."),
        "beyond_unscored": gettext(
            "The limits within which it decides by itself have a bound of their own; "
            "that is for scores from 0 to 1 only."
        ),
        "beyond_lax": gettext("This must lie on the rule’s own bound or further on."),
    }


def _expression(said: str) -> str:
    """Say why the engine refuses an expression; ``said`` is its English message, "what is wrong: the place"."""
    what, _, place = said.partition(": ")
    wrong = _faults().get(what, what)
    return gettext(
        "This expression is refused: %(wrong)s. Allowed is what runs in linear time (RE2): no look-around, no "
        "back-references, no huge repetitions.",
        wrong=f"{wrong}: {place}" if place else wrong,
    )


def _faults() -> dict[str, str]:
    return {
        "missing )": gettext("a ) is missing"),
        "unexpected )": gettext("a ) too many"),
        "missing ]": gettext("a ] is missing"),
        "invalid character class": gettext("these brackets hold no characters"),
        "invalid character class range": gettext("there is no such range or kind of characters"),
        "invalid escape sequence": gettext("a backslash may not stand before this"),
        "trailing \\": gettext("the backslash at the end stands before nothing"),
        "no argument for repetition operator": gettext("there is nothing to repeat before this sign"),
        "bad repetition operator": gettext("this repeats a repetition"),
        "invalid repetition size": gettext("so many repetitions are not allowed"),
        "invalid perl operator": gettext("this kind of group is not known"),
        "invalid named capture group": gettext("this name of a group does not do"),
        "pattern too large - compile failed": gettext("it would take too much memory"),
    }
