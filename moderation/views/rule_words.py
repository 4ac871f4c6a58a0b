"""How house rules are put into words on their pages: what they are bound to, from where on, when they hold."""

import math
from collections.abc import Mapping
from typing import Any

from babel.numbers import format_decimal, format_percent
from flask_babel import get_locale

from moderation import wording
from moderation.judge.case import Kind, Target
from moderation.rulebook import StatedRule
from moderation.rulebook.checks import Note
from moderation.rulebook.modes import Mode, State
from moderation.rules import Advice, Signal
from moderation.rules.conditions import Hours
from moderation.wording import gettext


def signal(value: Signal) -> str:
    """Return what a rule looks at."""
    known = {
        Signal.RELEVANCE: gettext("how well it fits the article"),
        Signal.DISRESPECT: gettext("disrespect"),
        Signal.PUT_DOWN: gettext("share of the text that puts somebody down"),
        Signal.LINKS: gettext("links"),
        Signal.SHOUTING: gettext("words in capitals"),
        Signal.LENGTH: gettext("length"),
        Signal.REPEAT: gettext("repeat of an earlier comment, by anyone"),
        Signal.NEW_COMMENTER: gettext("new commenter"),
        Signal.RECORD: gettext("the commenter’s record"),
        Signal.PATTERN: gettext("regular expression"),
        Signal.LEARNED: gettext("learned from your decisions"),
    }
    return known.get(value) or gettext("word list")


def part(name: str) -> str:
    """Return the label of one part of a condition."""
    known = {
        "at_least": gettext("from this number up (it counts)"),
        "at_most": gettext("up to this number (it counts)"),
        "fewer_than": gettext("fewer than"),
        "more_than": gettext("more than"),
        "kinds": gettext("of these kinds only"),
        "targets": gettext("towards these people only"),
        "minimum": gettext("from so many decided comments on"),
        "allow": gettext("allowed domains, one a line"),
        "deny": gettext("forbidden domains, one a line"),
        "unit": gettext("counted in"),
        "similarity": gettext("similar from (0.6 to 1)"),
        "within_days": gettext("within so many days"),
        "pattern": gettext("regular expression (RE2)"),
        "words": gettext("words, one a line"),
        "excepted": gettext("words that never count, one a line"),
    }
    return known.get(name, name)


def kind(value: Kind) -> str:
    """Return a kind of disrespect."""
    return wording.kind_word(value)


def target(value: Target) -> str:
    """Return whom disrespect addresses."""
    return {
        Target.READER: gettext("a reader"),
        Target.AUTHOR: gettext("the author"),
        Target.THIRD_PARTY: gettext("somebody else"),
        Target.NONE: gettext("nobody"),
    }[value]


def advice(value: Advice) -> str:
    """Return what a rule recommends."""
    return {
        Advice.APPROVE: gettext("approve"),
        Advice.REVIEW: gettext("a person should look"),
        Advice.DELETE: gettext("delete"),
    }[value]


def day(value: str) -> str:
    """Return a day of the week."""
    return {
        "mon": gettext("Monday"),
        "tue": gettext("Tuesday"),
        "wed": gettext("Wednesday"),
        "thu": gettext("Thursday"),
        "fri": gettext("Friday"),
        "sat": gettext("Saturday"),
        "sun": gettext("Sunday"),
    }[value]


def number(value: float) -> str:
    """Return a number as people of the page's language write it."""
    return str(format_decimal(value, locale=get_locale(), decimal_quantization=False, group_separator=False))


def percent(value: float, *, down: bool = False) -> str:
    """Return a share in per cent with one decimal; ``down``: never more than it is."""
    tenths = math.floor(value * 1000 + 1e-9) if down else round(value * 1000)
    return str(format_percent(tenths / 1000, locale=get_locale(), decimal_quantization=False))


def condition(rule: StatedRule) -> str:
    """Say what a rule is bound to, with its numbers, in one line."""
    when: dict[str, Any] = rule.when.model_dump(mode="json", exclude={"signal"})
    said = []
    for name, value in when.items():
        if value is None or value == []:
            continue
        if name == "kinds":
            said.append(", ".join(kind(Kind(one)) for one in sorted(value)))
        elif name == "targets":
            said.append(", ".join(target(Target(one)) for one in sorted(value)))
        elif isinstance(value, list):
            said.append(f"{part(name).partition(',')[0]}: {len(value)}")
        elif isinstance(value, int | float):
            sign = {"at_least": "≥", "at_most": "≤"}.get(name) or part(name).partition(" (")[0]
            said.append(f"{sign} {number(value)}")
        elif name == "pattern":
            said.append(str(value)[:80])
    return f"{signal(rule.applied().signal)}: {'; '.join(said)}"


def hours(value: Hours) -> str:
    """Say when a rule holds."""
    days = ", ".join(day(one) for one in ("mon", "tue", "wed", "thu", "fri", "sat", "sun") if one in value.days)
    return f"{value.start}–{value.end}{' · ' if days else ''}{days}"


def mode_when(mode: Mode) -> str:
    """Say when a mode is on."""
    if mode.hours is not None:
        return hours(mode.hours)
    surge = mode.surge
    return gettext(
        "from %(comments)s comments within %(minutes)s minutes on",
        comments=surge.comments if surge else 0,
        minutes=surge.minutes if surge else 0,
    )


def mode_state(state: State | None, site_language: str) -> str:
    """Say which mode is on and why."""
    if state is None:
        return gettext("No mode is on; the rules hold as they are stated.")
    title = wording.pick(state.mode.title, site_language)
    if state.counted is not None and state.mode.surge is not None:
        return gettext(
            "“%(mode)s” is on: %(number)s comments came within %(minutes)s minutes.",
            mode=title,
            number=state.counted,
            minutes=state.mode.surge.minutes,
        )
    return gettext("“%(mode)s” is on: %(hours)s by the site’s clock.", mode=title, hours=mode_when(state.mode))


def note(value: Note) -> str:
    """Translate a note on a rule."""
    return gettext(value.sentence, **value.values)


def complaint(problem: Mapping[str, Any]) -> str:
    """Say what is wrong with a field, after what the schema says of it."""
    values: Mapping[str, Any] = problem.get("ctx", {})
    bound = next((number(value) for value in values.values() if isinstance(value, int | float)), "")
    by_type = {
        **dict.fromkeys(
            ("float_parsing", "int_parsing", "int_from_float", "finite_number"), gettext("This must be a number.")
        ),
        **dict.fromkeys(("greater_than_equal", "greater_than"), gettext("At least %(bound)s.", bound=bound)),
        **dict.fromkeys(("less_than_equal", "less_than"), gettext("At most %(bound)s.", bound=bound)),
        **dict.fromkeys(("missing", "too_short", "string_too_short"), gettext("Something is missing here.")),
        "too_long": gettext("These are too many: at most %(most)s.", most=values.get("max_length", "")),
        "string_too_long": gettext("This is too long: at most %(most)s characters.", most=values.get("max_length", "")),
        "string_pattern_mismatch": gettext("Write times like 22:00."),
        **dict.fromkeys(("literal_error", "enum", "extra_forbidden"), gettext("There is no such choice.")),
    }
    known = wording.refusal(problem["type"], values) or by_type.get(problem["type"])
    return known or gettext("This is not accepted: %(said)s", said=problem["msg"])
