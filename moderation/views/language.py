"""Which language a page is in: the moderator's own choice, else the browser's wish, else the setting."""

from flask import has_request_context, request, session
from flask_login import current_user

from moderation.views import services
from moderation.wording import locale

LANGUAGES = ("de", "en")


def choose() -> str:
    """Return the locale of the page."""
    return locale(_language())


def _language() -> str:
    if not has_request_context():
        return services().settings.default_language
    chosen = getattr(current_user, "language", None) or session.get("language")
    if chosen in LANGUAGES:
        return str(chosen)
    default = services().settings.default_language
    wished = request.accept_languages.best_match(LANGUAGES)
    return wished or default
