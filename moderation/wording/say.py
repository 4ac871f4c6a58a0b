"""Translation, with types; all words of the desk go through here."""

import flask_babel


def gettext(message: str, **values: object) -> str:
    """Translate a message; flask_babel's own, with types."""
    return str(flask_babel.gettext(message, **values))


def ngettext(singular: str, plural: str, number: float, **values: object) -> str:
    """Translate a message about a number of things; flask_babel's own, with types."""
    return str(flask_babel.ngettext(singular, plural, number, **values))
