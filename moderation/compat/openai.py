"""OpenAI's `POST /v1/moderations`, for programs that speak to its moderation endpoint."""

import secrets
from typing import Any

from flask import Blueprint, Response, jsonify, request
from flask.typing import ResponseReturnValue
from werkzeug.exceptions import HTTPException

from moderation.compat import door
from moderation.errors import BadInput, ModerationError, TooMany
from moderation.judge import Assessment, Case, Kind
from moderation.views import services

blueprint = Blueprint("openai", __name__)

MOST_INPUTS = 128
MOST_CHARACTERS = 100_000

FLAGGED_FROM = 0.5

CATEGORIES: dict[str, Kind | None] = {
    "harassment": None,
    "harassment/threatening": Kind.THREAT,
    "hate": Kind.IDENTITY_ATTACK,
    "sexual": Kind.SEXUAL,
    "violence": Kind.THREAT,
}
"""The categories our judge can say something of; harassment is disrespect of any kind."""

UNJUDGED = (
    "hate/threatening",
    "illicit",
    "illicit/violent",
    "self-harm",
    "self-harm/intent",
    "self-harm/instructions",
    "sexual/minors",
    "violence/graphic",
)
"""Categories nobody here was trained for: always false, with a score of 0 and no input it was applied to."""


@blueprint.post("/v1/moderations")
def moderations() -> ResponseReturnValue:
    """Judge one text or several; one result for each string."""
    scheme, _, token = request.headers.get("Authorization", "").partition(" ")
    body = door.json_body()
    texts = _texts(body)
    door.enter(token if scheme.lower() == "bearer" else "", number=max(1, len(texts)))
    assessments = services().judge.assess([Case(text) for text in texts])
    return {
        "id": f"modr-{secrets.token_hex(12)}",
        "model": services().judge.engine.replace(" ", "-"),
        "results": [_result(assessment) for assessment in assessments],
    }


def _texts(body: dict[str, Any]) -> list[str]:
    """Return the texts of `input`: a string, strings, or parts of one input, whose texts belong together."""
    given = body.get("input")
    if isinstance(given, str):
        texts = [given]
    elif isinstance(given, list) and given and all(isinstance(item, str) for item in given):
        texts = given
    elif isinstance(given, list) and given and all(isinstance(item, dict) for item in given):
        texts = ["\n".join(_part(item) for item in given)]
    else:
        raise BadInput("`input` must be a string, a list of strings or a list of parts.", field="input")
    if len(texts) > MOST_INPUTS:
        raise BadInput(f"`input` holds {len(texts)} texts, the limit is {MOST_INPUTS}.", field="input")
    if any(len(text) > MOST_CHARACTERS for text in texts):
        raise BadInput(f"A text of `input` has more than {MOST_CHARACTERS} characters.", field="input")
    return texts


def _part(item: dict[str, Any]) -> str:
    text = item.get("text")
    if item.get("type") == "text" and isinstance(text, str):
        return text
    raise BadInput("Only parts of the type `text` can be judged here.", code="unsupported_input", field="input")


def _result(assessment: Assessment) -> dict[str, Any]:
    scores = dict.fromkeys([*CATEGORIES, *UNJUDGED], 0.0)
    for category, kind in CATEGORIES.items():
        score = assessment.disrespect if kind is None else assessment.kinds.get(kind)
        scores[category] = round(score or 0.0, 6)
    categories = {category: score >= FLAGGED_FROM for category, score in scores.items()}
    return {
        "flagged": any(categories.values()),
        "categories": categories,
        "category_scores": scores,
        "category_applied_input_types": {c: ["text"] if c in CATEGORIES else [] for c in scores},
    }


@blueprint.errorhandler(ModerationError)
def _explain(error: ModerationError) -> Response:
    code = int(error.status)
    kind, name = "invalid_request_error", error.code
    if error.code == "wrong_key":
        name = "invalid_api_key"
    elif isinstance(error, TooMany):
        kind, name = "requests", "rate_limit_exceeded"
    elif isinstance(error, BadInput):
        code = 400
    response = _answer(code, error.message, kind, error.field, name)
    if isinstance(error, TooMany):
        response.headers["Retry-After"] = str(error.wait)
    return response


@blueprint.errorhandler(HTTPException)
def _explain_http(error: HTTPException) -> Response:
    return _answer(error.code or 500, error.description or error.name, "invalid_request_error", None, None)


def _answer(status: int, message: str, kind: str, param: str | None, code: str | None) -> Response:
    response = jsonify({"error": {"message": message, "type": kind, "param": param, "code": code}})
    response.status_code = status
    return response
