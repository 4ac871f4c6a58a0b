"""Hausordnung: readers' comments, moderated by the site's own stated rules."""

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from flask import Flask

    from moderation.config import Settings

__version__ = "0.1.0"


def create_app(settings: "Settings | None" = None) -> "Flask":
    """Make the web application; the settings are read from the environment where none are given."""
    from moderation import web  # noqa: PLC0415 - the judge and the command line need no Flask

    return web.create_app(settings)
