"""How Google's services answer that something is wrong."""

from typing import Any

from flask import Blueprint, Response, jsonify
from werkzeug.exceptions import HTTPException

from moderation.errors import BadInput, ModerationError, TooMany

_STATUS = {
    400: "INVALID_ARGUMENT",
    401: "UNAUTHENTICATED",
    403: "PERMISSION_DENIED",
    404: "NOT_FOUND",
    405: "INVALID_ARGUMENT",
    413: "INVALID_ARGUMENT",
    422: "INVALID_ARGUMENT",
    429: "RESOURCE_EXHAUSTED",
    503: "UNAVAILABLE",
}
_TYPE = "type.googleapis.com/google.commentanalyzer.v1alpha1.Error"


class AnalyzeError(BadInput):
    """A request Perspective would refuse; ``error_type`` is its name for the reason, ``more`` what it adds."""

    def __init__(self, message: str, error_type: str = "INVALID_REQUEST", **more: Any) -> None:
        super().__init__(message)
        self.detail = {"@type": _TYPE, "errorType": error_type, **more}


def answer_errors(blueprint: Blueprint) -> None:
    """Have a blueprint answer all errors in Google's shape."""
    blueprint.register_error_handler(ModerationError, _explain)
    blueprint.register_error_handler(HTTPException, _explain_http)


def _explain(error: ModerationError) -> Response:
    code = 400 if isinstance(error, BadInput) else int(error.status)
    if error.code == "wrong_key":
        code = 400  # as Google answers to an API key it does not know
        return _answer(code, "API key not valid. Please pass a valid API key.", [])
    details = [error.detail] if isinstance(error, AnalyzeError) else []
    response = _answer(code, error.message, details)
    if isinstance(error, TooMany):
        response.headers["Retry-After"] = str(error.wait)
    return response


def _explain_http(error: HTTPException) -> Response:
    return _answer(error.code or 500, error.description or error.name, [])


def _answer(code: int, message: str, details: list[dict[str, Any]]) -> Response:
    body: dict[str, Any] = {"code": code, "message": message, "status": _STATUS.get(code, "INTERNAL")}
    if details:
        body["details"] = details
    response = jsonify({"error": body})
    response.status_code = code
    return response
