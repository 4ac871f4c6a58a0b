"""Which door answered that something is refused or failed, and why: counted for `/metrics`."""

from flask import Response, g, request
from werkzeug.http import HTTP_STATUS_CODES

from moderation import failures
from moderation.errors import ModerationError

_DOORS = {
    None: "elsewhere",
    "api": "webhook",
    "v1": "api",
    "perspective": "perspective",
    "suggestion": "perspective",
    "openai": "openai",
    "akismet": "akismet",
    "akismet_usage": "akismet",
    "coral": "coral",
    "forms": "forms",
    "reader": "readers",
    "health": "health",
}
"""By blueprint; all others are the desk's."""


def note(error: ModerationError) -> None:
    """Remember what went wrong in this request: doors for other services' clients answer with words of theirs."""
    g.problem = error.code


def count(response: Response) -> Response:
    """Count an answer that refuses or failed; some say so under a status that is none of an error."""
    code = g.get("problem")
    if code is not None or response.status_code >= 400:
        add(response.status_code, code or HTTP_STATUS_CODES.get(response.status_code, "error"))
    return response


def add(status: int, code: str) -> None:
    """Count one problem of this request's door."""
    failures.count(_DOORS.get(request.blueprint, "desk"), status, code)
