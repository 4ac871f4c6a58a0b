"""The keys of the desk: what each does, with German and English letters at once, and a moderator's own instead."""

from collections.abc import Mapping
from dataclasses import dataclass

from flask_babel import LazyString, lazy_gettext
from flask_login import current_user

from moderation.wording import gettext, language


@dataclass(frozen=True, slots=True)
class Action:
    """Something that a key does. ``keys`` are German first, English last; ``name`` is what the page calls it."""

    name: str
    label: LazyString
    keys: tuple[str, ...]


ACTIONS = (
    Action("approve", lazy_gettext("approve"), ("f", "a")),
    Action("delete", lazy_gettext("delete: then the rule’s digit, or Enter for the recommended one"), ("l", "d")),
    Action("defer", lazy_gettext("put off, with a note"), ("z",)),
    Action("undo", lazy_gettext("undo"), ("u",)),
    Action("next", lazy_gettext("next comment"), ("j",)),
    Action("previous", lazy_gettext("previous comment"), ("k",)),
    Action("thread", lazy_gettext("the thread around it"), ("t",)),
    Action("article", lazy_gettext("the whole article"), ("r",)),
    Action("commenter", lazy_gettext("who wrote it"), ("n",)),
    Action("details", lazy_gettext("details of the judgement"), ("i",)),
    Action("uncover", lazy_gettext("uncover a hidden text"), ("o",)),
    Action("zen", lazy_gettext("the comment alone"), ("v",)),
    Action("map", lazy_gettext("the map"), ("m",)),
    Action("search", lazy_gettext("search"), ("/",)),
    Action("go", lazy_gettext("go to a page: then its letter"), ("g",)),
)

_NAMES = {action.name: action for action in ACTIONS}


def in_force(own: Mapping[str, str]) -> dict[str, tuple[str, ...]]:
    """Return the keys of each action: the moderator's own where there is one, else those the desk comes with."""
    return {action.name: (own[action.name],) if own.get(action.name) else action.keys for action in ACTIONS}


def by_key(own: Mapping[str, str]) -> dict[str, str]:
    """Return what each key does."""
    return {key: name for name, keys in in_force(own).items() for key in keys}


def hint(name: str) -> str:
    """Return the key to show beside a button, in the language of the page."""
    keys = in_force(_own())[name]
    return (keys[0] if language() == "de" else keys[-1]).upper()


def mine() -> dict[str, tuple[str, ...]]:
    """Return the keys of the moderator of this request, by action."""
    return in_force(_own())


def mine_by_key() -> dict[str, str]:
    """Return what each key does for the moderator of this request."""
    return by_key(_own())


def _own() -> Mapping[str, str]:
    return getattr(current_user, "keys", {})


def check(given: Mapping[str, str]) -> tuple[dict[str, str], dict[str, str]]:
    """Read own keys by action, empty ones ask for the desk's; return them, and what is wrong with each wrong one."""
    own = {name: given.get(name, "").strip().lower() for name in _NAMES}
    own = {name: key for name, key in own.items() if key and (key,) != _NAMES[name].keys}
    keys = in_force(own)
    problems = {}
    for name, key in own.items():
        others = [other for other, taken in keys.items() if other != name and key in taken]
        if len(key) != 1 or not key.isprintable():
            problems[name] = gettext("One key, please: a letter or a sign.")
        elif key.isdigit() or key == "?":
            problems[name] = gettext("Digits choose a rule, and ? shows the keys; they stay as they are.")
        elif others:
            problems[name] = gettext("“%(key)s” is taken: %(label)s", key=key.upper(), label=_NAMES[others[0]].label)
    return own, problems
