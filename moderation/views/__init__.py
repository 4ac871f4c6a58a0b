"""The doors of the house: here requests come in, sessions are opened and committed, and bells are rung."""

from typing import TYPE_CHECKING, cast

from flask import current_app

from moderation import quota

if TYPE_CHECKING:
    from moderation.web import Services


def services() -> "Services":
    """Return settings, database and bell of the running application."""
    return cast("Services", current_app.extensions["moderation"])


def ration(key: str, *, per_minute: int, number: int = 1) -> None:
    """Count ``number`` more requests under ``key``; TooMany where there are none left, and those are counted, too."""
    with services().database.session() as session:
        try:
            quota.take(session, key, per_minute=per_minute, number=number)
        finally:
            session.commit()
