"""Translation, with types; all words of the desk go through here."""

import flask_babel

LOCALES = {"en": "en_GB"}
"""Where a language is written in more than one way: 29/11/2026, and no 11/29/26."""


def gettext(message: str, **values: object) -> str:
    """Translate a message; flask_babel's own, with types."""
    return str(flask_babel.gettext(message, **values))


def ngettext(singular: str, plural: str, number: float, **values: object) -> str:
    """Translate a message about a number of things; flask_babel's own, with types."""
    return str(flask_babel.ngettext(singular, plural, number, **values))


def language() -> str:
    """Return the page's language, ``de`` or ``en``."""
    return str(flask_babel.get_locale()).partition("_")[0]


def locale(language: str) -> str:
    """Return the locale whose dates and numbers go with a language."""
    return LOCALES.get(language, language)
