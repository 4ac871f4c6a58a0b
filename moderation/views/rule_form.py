"""The form of one house rule: fields made of what its condition can hold, read into a rule or into complaints."""

from collections.abc import Iterable, Sequence
from typing import Any, cast, get_args

from flask_babel import gettext, lazy_gettext
from flask_wtf import FlaskForm
from pydantic import BaseModel, ValidationError
from wtforms import Field, HiddenField, SelectField, SelectMultipleField, StringField, TextAreaField
from wtforms.fields.choices import SelectChoice
from wtforms.widgets import CheckboxInput, ListWidget

from moderation.judge.case import Kind, Target
from moderation.rulebook import StatedRule
from moderation.rules import Advice, Signal
from moderation.rules.conditions import DAYS, Condition, Scored
from moderation.views import rule_words as words

KINDS: dict[str, type[BaseModel]] = {
    kind.model_fields["signal"].default: kind for kind in get_args(get_args(Condition)[0])
}
"""The kinds of condition, by their signal."""

_LISTS = {"allow", "deny", "words", "excepted"}


class _Checkboxes(SelectMultipleField):  # type: ignore[misc]
    widget = ListWidget(prefix_label=False)
    option_widget = CheckboxInput()


def _choices(pairs: Iterable[tuple[str, str]]) -> list[SelectChoice]:
    return [SelectChoice(value, label) for value, label in pairs]


def _bare(text: str | None) -> str:
    return (text or "").strip()


class _Number(StringField):  # type: ignore[misc]
    """A number as people write it, with a comma if they like; what is no number is told by the schema."""

    def __init__(self, label: object, **more: Any) -> None:
        super().__init__(label, filters=[lambda text: _bare(text).replace(",", ".")], **more)

    def _value(self) -> str:
        """What the field shows: the number as people of the page's language write it."""
        try:
            return words.number(float(self.data))
        except (TypeError, ValueError):
            return self.data or ""


def make(signal: str, languages: Sequence[str], rule: StatedRule | None, **more: Any) -> FlaskForm:
    """Return the form of a rule bound to ``signal``, filled with ``rule`` where that is given, else with defaults."""
    fields: dict[str, Field] = {
        "seen": HiddenField(),
        "signal": HiddenField(),
        "advice": SelectField(lazy_gettext("Recommends"), choices=_choices((a.value, words.advice(a)) for a in Advice)),
        "start": StringField(lazy_gettext("From (time)")),
        "end": StringField(lazy_gettext("Until (time)")),
        "days": _Checkboxes(lazy_gettext("On these days only"), choices=_choices((d, words.day(d)) for d in DAYS)),
        "sections": TextAreaField(lazy_gettext("In these sections only, one a line")),
    }
    for language in languages:
        fields[f"title_{language}"] = StringField(gettext("Title (%(language)s)", language=language))
        fields[f"text_{language}"] = TextAreaField(gettext("Text readers see (%(language)s)", language=language))
    for name in names(signal, rule):
        fields[f"when_{name}"] = _field(name)
    made = type("RuleForm", (FlaskForm,), fields)
    return cast("FlaskForm", made(data=_data(signal, rule) | more))


def names(signal: str, rule: StatedRule | None) -> list[str]:
    """Return the parts of the condition that the form shows; of a score's two bounds, the one that is used."""
    kind = KINDS[signal]
    parts = [name for name in kind.model_fields if name != "signal"]
    if issubclass(kind, Scored):
        used = rule is not None and str(rule.when.signal) == signal
        upwards = rule.when.at_least is not None if used and isinstance(rule.when, Scored) else signal != "relevance"  # type: ignore[union-attr]
        parts.remove("at_most" if upwards else "at_least")
    return parts


def _field(name: str) -> Field:
    label = words.part(name)
    if name == "kinds":
        return _Checkboxes(label, choices=_choices((kind.value, words.kind(kind)) for kind in Kind))
    if name == "targets":
        return _Checkboxes(label, choices=_choices((target.value, words.target(target)) for target in Target))
    if name == "unit":
        return SelectField(
            label, choices=_choices([("characters", gettext("characters")), ("words", gettext("words"))])
        )
    if name in _LISTS:
        return TextAreaField(label)
    return StringField(label) if name == "pattern" else _Number(label)


def _data(signal: str, rule: StatedRule | None) -> dict[str, Any]:
    data: dict[str, Any] = {"signal": signal, "advice": Advice.REVIEW.value, "start": "", "end": ""}
    same = rule is not None and str(rule.when.signal) == signal
    when = rule.when.model_dump(mode="json") if rule is not None and same else {}
    for name in names(signal, rule):
        part = KINDS[signal].model_fields[name]
        default = None if part.is_required() else part.get_default(call_default_factory=True)
        data[f"when_{name}"] = _shown(name, when.get(name, default))
    if rule is None:
        return data
    data |= {"advice": rule.advice.value, "sections": "\n".join(sorted(rule.sections))}
    if rule.hours is not None:
        data |= {"start": rule.hours.start, "end": rule.hours.end, "days": sorted(rule.hours.days)}
    data |= {f"title_{language}": text for language, text in rule.title.items()}
    return data | {f"text_{language}": text for language, text in rule.text.items()}


def _shown(name: str, value: Any) -> Any:
    if name in _LISTS:
        return "\n".join(sorted(value or ()))
    if name in {"kinds", "targets"}:
        return sorted(value or ())
    if value is None or not isinstance(value, int | float | str):
        return ""
    return words.number(value) if isinstance(value, int | float) else value


def read(form: FlaskForm, languages: Sequence[str], *, key: str, before: StatedRule | None = None) -> StatedRule | None:
    """Return the rule the form states; None where it states none, and then its fields say why.

    What the form has no fields for, the limits of deciding by itself, stays as it was ``before``.
    """
    given = form.data
    when = {name.removeprefix("when_"): value for name, value in given.items() if name.startswith("when_")}
    for name in _LISTS & when.keys():
        when[name] = [line.strip() for line in _bare(when[name]).splitlines() if line.strip()]
    stated: dict[str, Any] = {
        "id": before.id if before else None,  # what was learned of it is known by that
        "key": key,
        "when": {"signal": given["signal"]}
        | {name: value for name, value in when.items() if value not in ("", [], None)},
        "advice": given["advice"],
        "title": {language: given[f"title_{language}"] for language in languages if _bare(given[f"title_{language}"])},
        "text": {language: given[f"text_{language}"] for language in languages if _bare(given[f"text_{language}"])},
        "sections": _bare(given["sections"]).splitlines(),
        "automation": before.automation if before else None,
    }
    hours = {name: _bare(given[name]) for name in ("start", "end") if _bare(given[name])}
    if hours or given["days"]:
        stated["hours"] = hours | ({"days": given["days"]} if given["days"] else {})
    try:
        return StatedRule.model_validate(stated)
    except ValidationError as error:
        for problem in error.errors(include_url=False):
            _complain(form, dict(problem), languages)
        return None


def _complain(form: FlaskForm, problem: dict[str, Any], languages: Sequence[str]) -> None:
    where = [str(step) for step in problem["loc"]] or ["advice"]
    tried = [f"when_{step}" for step in reversed(where)] + list(reversed(where))
    if where[0] in {"title", "text"}:
        tried = [f"{where[0]}_{where[1] if len(where) > 1 else languages[0]}"]
    if where[0] == "when":
        tried += [name for name in form.data if name.startswith("when_")]
    if where[0] == "hours":
        tried += ["start"]
    field = next((form[name] for name in tried if name in form), form["advice"])
    field.errors = [*field.errors, words.complaint(problem)]


def signals() -> list[tuple[str, str]]:
    """Return what a rule may be bound to, with its label."""
    return [(signal, words.signal(Signal(signal))) for signal in KINDS]
