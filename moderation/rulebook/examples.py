"""Texts that meet a rule about what stands in the text, made from how it is stated; pure.

Each is tried before it is said to meet anything, so that what they prove is certain: that two rules gainsay each other.
"""

import re
from collections.abc import Callable, Iterator
from contextlib import suppress
from itertools import islice
from re import _constants as signs  # type: ignore[attr-defined]  # with the reader below, the standard library's own
from re import _parser  # type: ignore[attr-defined]
from typing import Any

from moderation.judge.case import Assessment
from moderation.rulebook.stated import StatedRule
from moderation.rules import Facts, conditions
from moderation.rules.signals import look

MOST = 200
"""Texts that are tried of a rule."""

_BRANCHES = 8
"""Ways through a regular expression that are gone."""

_OF_CLASS = {
    signs.CATEGORY_DIGIT: "1",
    signs.CATEGORY_WORD: "a",
    signs.CATEGORY_SPACE: " ",
    signs.CATEGORY_NOT_DIGIT: "a",
    signs.CATEGORY_NOT_WORD: " ",
    signs.CATEGORY_NOT_SPACE: "a",
}


def meeting_both(one: StatedRule, other: StatedRule) -> str | None:
    """Return a text that meets two rules about what stands in the text; None where none is found."""
    about_text = conditions.Words | conditions.Pattern | conditions.Links
    if not isinstance(one.when, about_text) or not isinstance(other.when, about_text):
        return None
    times = max(getattr(rule.when, "at_least", 1) for rule in (one, other))
    tried = (text for rule in (one, other) for text in islice(_texts(rule.when), MOST))
    return next((text for text in tried if all(_meets(rule, " ".join([text] * times)) for rule in (one, other))), None)


def _meets(rule: StatedRule, text: str) -> bool:
    finding = look(rule.applied(), Assessment("de", None, None, None), Facts(text=text))
    return finding is not None and finding.met


def _texts(when: Any) -> Iterator[str]:
    if isinstance(when, conditions.Words):
        yield from when.words
    elif isinstance(when, conditions.Links):
        yield from (f"https://{domain}/" for domain in sorted(when.deny) or ["example.org"])
    else:
        parts = parsed(when.pattern) or ()
        with suppress(RecursionError):  # RE2 nests deeper
            yield from dict.fromkeys(_written(parts, branch) for branch in range(_BRANCHES))


def parsed(pattern: str) -> Any | None:
    """Return a regular expression in its parts; None where it has signs that RE2 knows and Python does not."""
    try:
        return _parser.parse(pattern)
    except (re.error, OverflowError, RecursionError):
        return None


def _written(parts: Any, branch: int) -> str:
    """Return what an expression may match, going through one of the alternatives at each fork."""
    return "".join(_AS_TEXT[sign](said, branch) for sign, said in parts if sign in _AS_TEXT)


def _any_of(said: Any, branch: int) -> str:
    return _written([said[branch % len(said)]], branch)


_AS_TEXT: dict[Any, Callable[[Any, int], str]] = {
    signs.LITERAL: lambda said, _: chr(said),
    signs.NOT_LITERAL: lambda _said, _: "a",
    signs.ANY: lambda _said, _: "a",
    signs.IN: _any_of,
    signs.RANGE: lambda said, _: chr(said[0]),
    signs.CATEGORY: lambda said, _: _OF_CLASS[said],
    signs.BRANCH: lambda said, branch: _written(said[1][branch % len(said[1])], branch),
    signs.SUBPATTERN: lambda said, branch: _written(said[3], branch),
    signs.MAX_REPEAT: lambda said, branch: _written(said[2], branch) * min(said[0], MOST),
    signs.MIN_REPEAT: lambda said, branch: _written(said[2], branch) * min(said[0], MOST),
}
"""What each part of an expression may match; places, such as the beginning of a word, have no characters."""
