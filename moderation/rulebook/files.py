"""House rules as a YAML file: written so that nothing is lost, read with the line of whatever is wrong."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import yaml
from pydantic import BaseModel, ConfigDict, Field, ValidationError, model_validator
from pydantic_core import PydanticCustomError

from moderation.errors import BadInput
from moderation.rulebook.modes import Mode, apply
from moderation.rulebook.stated import StatedRule

MOST_BYTES = 1_000_000
MOST_RULES = 200
DEEPEST = 20
"""Lists and mappings in one another; rules need a few."""

_HEAD = "# House rules. Read back with `moderation rules import`; docs/house-rules.md explains the format.\n\n"


_RARE_BREAKS = "\x85\u2028\u2029"
"""Line ends that YAML turns into spaces or other line ends unless they are written as escapes."""


class _Writer(yaml.SafeDumper):
    """Writes texts so that every character comes back."""


def _text(writer: yaml.SafeDumper, text: str) -> yaml.ScalarNode:
    style = '"' if any(sign in text for sign in _RARE_BREAKS) else None
    return writer.represent_scalar("tag:yaml.org,2002:str", text, style=style)


_Writer.add_representer(str, _text)


class RuleFile(BaseModel):
    """All house rules of a site, in order, and their modes."""

    model_config = ConfigDict(extra="forbid")

    rules: list[StatedRule] = Field(max_length=MOST_RULES)
    modes: list[Mode] = Field(default_factory=list, max_length=20)

    @model_validator(mode="after")
    def _keys_differ(self) -> "RuleFile":
        for what, keys in (("rules", [rule.key for rule in self.rules]), ("modes", [mode.key for mode in self.modes])):
            for key in keys:
                if keys.count(key) > 1:
                    raise PydanticCustomError(
                        "same_key",
                        "two {what} have the key '{key}'; give one of them another",
                        {"what": what, "key": key},
                    )
        for mode in self.modes:
            apply(self.rules, mode)
        return self


def write(rules: Sequence[StatedRule], modes: Sequence[Mode] = ()) -> str:
    """Return the rules and their modes as a file, the same each time."""
    stated = {"rules": [rule.as_json() for rule in rules]}
    if modes:
        stated["modes"] = [mode.as_json() for mode in modes]
    return _HEAD + yaml.dump(stated, Dumper=_Writer, allow_unicode=True, sort_keys=False, width=110)


def read(text: str, *, name: str = "the file") -> RuleFile:
    """Return what a file states; BadInput with one line for each mistake: file, line, rule, what, remedy."""
    if len(text.encode("utf-8", "surrogatepass")) > MOST_BYTES:
        raise BadInput(f"{name} is larger than {MOST_BYTES // 1000} kB; house rules are not.", code="too_large")
    tree, content = _parse(text, name)
    try:
        return RuleFile.model_validate(content)
    except ValidationError as error:
        lines = [_explain(dict(problem), tree, content, name) for problem in error.errors(include_url=False)]
        raise BadInput("\n".join(lines), code="rules") from None


def read_file(file: Path) -> RuleFile:
    """Return what a file on disk states; BadInput as `read` says, and where it is not UTF-8."""
    try:
        return read(file.read_text(encoding="utf-8"), name=str(file))
    except UnicodeDecodeError as error:
        raise BadInput(f"{file}: not UTF-8 from byte {error.start} on; save it as UTF-8.", code="rules") from None


def _parse(text: str, name: str) -> tuple[yaml.Node, Any]:
    try:
        _refuse_bombs(text, name)
        tree = yaml.compose(text, Loader=yaml.SafeLoader)
        content = yaml.safe_load(text)
    except yaml.YAMLError as error:
        mark = getattr(error, "problem_mark", None)
        where = f"{name}, line {mark.line + 1}" if mark else name
        said = getattr(error, "problem", None) or "a character that YAML does not allow"
        raise BadInput(f"{where}: this is no YAML: {said}.", code="rules") from None
    except ValueError as error:  # a date that does not exist
        raise BadInput(f"{name}: this is no YAML of ours: {type(error).__name__}.", code="rules") from None
    if tree is None:
        raise BadInput(f"{name} is empty; it must begin with `rules:`.", code="rules")
    _refuse_doubled_names(tree, name)
    return tree, content


def _refuse_bombs(text: str, name: str) -> None:
    """A few lines of aliases unfold to gigabytes, and brackets in brackets take the square of their number."""
    depth = 0
    for event in yaml.parse(text, Loader=yaml.SafeLoader):
        at = event.start_mark.line + 1 if event.start_mark else 1
        if isinstance(event, yaml.AliasEvent):
            raise BadInput(f"{name}, line {at}: write it out; aliases (*{event.anchor}) are not read.", code="rules")
        depth += isinstance(event, yaml.CollectionStartEvent) - isinstance(event, yaml.CollectionEndEvent)
        if depth > DEEPEST:
            raise BadInput(f"{name}, line {at}: nested deeper than {DEEPEST} levels; rules are not.", code="rules")


def _refuse_doubled_names(node: yaml.Node, name: str) -> None:
    """YAML lets the last of two equal names win in silence, and the rule somebody wrote would be lost."""
    if isinstance(node, yaml.MappingNode):
        seen: set[str] = set()
        for key, value in node.value:
            if key.value in seen:
                raise BadInput(f"{name}, line {key.start_mark.line + 1}: {key.value!r} stands twice.", code="rules")
            if isinstance(key, yaml.ScalarNode):
                seen.add(key.value)
            _refuse_doubled_names(value, name)
    elif isinstance(node, yaml.SequenceNode):
        for value in node.value:
            _refuse_doubled_names(value, name)


def _explain(problem: dict[str, Any], tree: yaml.Node, content: Any, name: str) -> str:
    steps = list(problem["loc"])
    node, inside = tree, list[str]()
    for at, step in enumerate(steps):
        below = _below(node, step)
        if below is None and at < len(steps) - 1:
            continue  # a kind of condition, which the file does not name as a level of its own
        node = below or node
        inside = [] if isinstance(step, int) else [*inside, str(step)]
    said = problem["msg"]
    rule = ""
    if len(steps) > 1 and steps[0] == "rules" and isinstance(steps[1], int):
        stated = content["rules"][steps[1]]
        key = stated.get("key") if isinstance(stated, dict) else None
        rule = f", rule {steps[1] + 1}" + (f" ({key})" if key else "")
    place = ".".join(inside)
    return f"{name}, line {node.start_mark.line + 1}{rule}: {place + ': ' if place else ''}{said}."


def _below(node: yaml.Node, step: object) -> yaml.Node | None:
    if isinstance(node, yaml.MappingNode):
        return next((value for key, value in node.value if key.value == str(step)), None)
    if isinstance(node, yaml.SequenceNode) and isinstance(step, int) and step < len(node.value):
        found: yaml.Node = node.value[step]
        return found
    return None
