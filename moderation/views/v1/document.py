"""The OpenAPI 3.1 document of the API, made from its operations and their types."""

import re
from functools import cache
from typing import Any

from pydantic import BaseModel
from pydantic.json_schema import models_json_schema

from moderation import __version__
from moderation.views.v1.operation import OPERATIONS, Operation
from moderation.wire import Problem

REF = "#/components/schemas/{model}"
PROBLEMS = {
    "400": "The body is no JSON.",
    "401": "The token is missing or not valid.",
    "403": "The token may not do this.",
    "404": "There is no such thing.",
    "409": "Something else happened meanwhile.",
    "412": "It is not what you saw any more.",
    "413": "The body is too large.",
    "422": "A value is wrong; `field` says which.",
    "428": "If-Match is missing.",
    "429": "Too many calls within this minute; Retry-After says how long to wait.",
    "503": "The database is away for a moment.",
}
ABOUT = """All that a site may know and do by program. Lists go by keyset: `next` is the `after` of the next page.
Every answer to a GET has an ETag; with If-None-Match it is 304 as long as nothing changed. Errors are problem details
(RFC 9457)."""


@cache
def document(server: str) -> dict[str, Any]:
    """Return the document for the service at ``server``."""
    taken = {(kind, "validation") for one in OPERATIONS for kind in (one.body,) if kind}
    said = {(one.answer, "serialization") for one in OPERATIONS} | {(Problem, "serialization")}
    kinds = sorted(taken | said, key=lambda pair: (pair[0].__name__, pair[1]))
    names, schemas = models_json_schema(kinds, ref_template=REF)  # type: ignore[arg-type]
    paths: dict[str, Any] = {}
    for one in OPERATIONS:
        place = paths.setdefault("/api/v1" + re.sub(r"<(?:\w+:)?(\w+)>", r"{\1}", one.path), {})
        place[one.method.lower()] = _operation(one, names)
    return {
        "openapi": "3.1.0",
        "info": {"title": "Hausordnung", "version": __version__, "description": ABOUT},
        "servers": [{"url": server}],
        "security": [{"token": []}],
        "paths": paths,
        "components": {
            "schemas": schemas["$defs"],
            "securitySchemes": {"token": {"type": "http", "scheme": "bearer"}},
        },
    }


def _operation(one: Operation, names: dict[Any, Any]) -> dict[str, Any]:
    made: dict[str, Any] = {
        "operationId": one.name,
        "summary": one.summary,
        "description": f"Needs a token that may {one.scope}.",
        "parameters": [*_of_path(one), *_of_query(one), *_of_headers(one)],
        "responses": _responses(one, names),
    }
    if one.body is not None:
        made["requestBody"] = {
            "required": True,
            "content": {"application/json": {"schema": names[one.body, "validation"]}},
        }
    return made


def _of_path(one: Operation) -> list[dict[str, Any]]:
    found = re.findall(r"<(?:(\w+):)?(\w+)>", one.path)
    number = {"type": "integer", "minimum": 1, "maximum": 2**62}
    name = {"type": "string", "minLength": 1, "maxLength": 255}
    return [
        {"name": part, "in": "path", "required": True, "schema": number if kind == "int" else name}
        for kind, part in found
    ]


def _of_query(one: Operation) -> list[dict[str, Any]]:
    if one.query is None:
        return []
    schema = one.query.model_json_schema()
    wanted = schema.get("required", [])
    return [
        {"name": name, "in": "query", "required": name in wanted, "schema": _without_null(about)}
        for name, about in schema["properties"].items()
    ]


def _without_null(schema: dict[str, Any]) -> dict[str, Any]:
    """What a parameter may be: it is left out rather than null."""
    kept = {name: value for name, value in schema.items() if name not in {"default", "title"} or value is not None}
    choices = [choice for choice in kept.pop("anyOf", []) if choice.get("type") != "null"]
    return kept | choices[0] if choices else kept


def _of_headers(one: Operation) -> list[dict[str, Any]]:
    text = {"type": "string", "pattern": r'^"[0-9a-f]{1,64}"$'}
    if one.matches:
        return [{"name": "If-Match", "in": "header", "required": True, "schema": text}]
    if one.method == "GET":
        return [{"name": "If-None-Match", "in": "header", "required": False, "schema": text}]
    return []


def _responses(one: Operation, names: dict[Any, Any]) -> dict[str, Any]:
    answer: type[BaseModel] = one.answer
    problem = {"application/problem+json": {"schema": names[Problem, "serialization"]}}
    tag = {"ETag": {"schema": {"type": "string"}}}
    said: dict[str, Any] = {
        "200": {
            "description": (answer.__doc__ or "A page of a list.").partition("\n")[0],
            "headers": tag,
            "content": {"application/json": {"schema": names[answer, "serialization"]}},
        }
    }
    if one.method == "GET":
        said["304"] = {"description": "Nothing changed."}
    for status in _possible(one):
        said[status] = {"description": PROBLEMS[status], "content": problem}
    return said


def _possible(one: Operation) -> list[str]:
    found = {"401", "403", "429", "503"}
    if "<" in one.path:
        found |= {"404", "422"}
    if one.query or one.body:
        found |= {"404", "422"}
    if one.body:
        found |= {"400", "413"}
    if one.method != "GET":
        found.add("409")
    if one.matches:
        found |= {"412", "428"}
    return sorted(found)
