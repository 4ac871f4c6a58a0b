"""The doors of the house: here requests come in, sessions are opened and committed, and bells are rung."""

from typing import TYPE_CHECKING, cast

from flask import current_app

if TYPE_CHECKING:
    from moderation.web import Services


def services() -> "Services":
    """Return settings, database and bell of the running application."""
    return cast("Services", current_app.extensions["moderation"])
