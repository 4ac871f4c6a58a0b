"""The discovery document of our Perspective doors, from which Google's clients build themselves."""

from typing import Any

Schema = dict[str, Any]

_STRING: Schema = {"type": "string"}
_BOOLEAN: Schema = {"type": "boolean"}
_NUMBER: Schema = {"type": "number", "format": "float"}
_INTEGER: Schema = {"type": "integer", "format": "int32"}


def _ref(name: str) -> Schema:
    return {"$ref": name}


def _list(items: Schema) -> Schema:
    return {"type": "array", "items": items}


def _map(values: Schema) -> Schema:
    return {"type": "object", "additionalProperties": values}


_ABOUT = {
    "comment": _ref("TextEntry"),
    "context": _ref("Context"),
    "languages": _list(_STRING),
    "clientToken": _STRING,
    "sessionId": _STRING,
    "communityId": _STRING,
}

_SCHEMAS: dict[str, Schema] = {
    "TextEntry": {"text": _STRING, "type": _STRING},
    "ArticleAndParentComment": {"article": _ref("TextEntry"), "parentComment": _ref("TextEntry")},
    "Context": {
        "entries": _list(_ref("TextEntry")),
        "articleAndParentComment": _ref("ArticleAndParentComment"),
    },
    "AttributeParameters": {"scoreType": _STRING, "scoreThreshold": _NUMBER},
    "Score": {"value": _NUMBER, "type": _STRING},
    "SpanScore": {"begin": _INTEGER, "end": _INTEGER, "score": _ref("Score")},
    "AttributeScores": {"spanScores": _list(_ref("SpanScore")), "summaryScore": _ref("Score")},
    "AnalyzeCommentRequest": _ABOUT
    | {
        "requestedAttributes": _map(_ref("AttributeParameters")),
        "spanAnnotations": _BOOLEAN,
        "doNotStore": _BOOLEAN,
        "dropUnsupportedAttributes": _BOOLEAN,
    },
    "AnalyzeCommentResponse": {
        "attributeScores": _map(_ref("AttributeScores")),
        "languages": _list(_STRING),
        "detectedLanguages": _list(_STRING),
        "clientToken": _STRING,
    },
    "SuggestCommentScoreRequest": _ABOUT | {"attributeScores": _map(_ref("AttributeScores"))},
    "SuggestCommentScoreResponse": {
        "clientToken": _STRING,
        "detectedLanguages": _list(_STRING),
        "requestedLanguages": _list(_STRING),
    },
}


def _method(name: str, request: str, response: str) -> Schema:
    path = f"v1alpha1/comments:{name}"
    return {
        "id": f"commentanalyzer.comments.{name}",
        "path": path,
        "flatPath": path,
        "httpMethod": "POST",
        "parameters": {},
        "parameterOrder": [],
        "request": _ref(request),
        "response": _ref(response),
    }


def document(root: str) -> Schema:
    """Return the document for a service that is reached at ``root`` (ends with a slash)."""
    return {
        "kind": "discovery#restDescription",
        "discoveryVersion": "v1",
        "id": "commentanalyzer:v1alpha1",
        "name": "commentanalyzer",
        "version": "v1alpha1",
        "title": "Comments, judged by the site's house rules",
        "protocol": "rest",
        "rootUrl": root,
        "baseUrl": root,
        "servicePath": "",
        "batchPath": "batch",
        "parameters": {
            "key": _STRING | {"location": "query"},
            "alt": _STRING | {"location": "query", "default": "json"},
            "fields": _STRING | {"location": "query"},
            "prettyPrint": _BOOLEAN | {"location": "query"},
            "quotaUser": _STRING | {"location": "query"},
        },
        "schemas": {name: {"id": name, "type": "object", "properties": p} for name, p in _SCHEMAS.items()},
        "resources": {
            "comments": {
                "methods": {
                    "analyze": _method("analyze", "AnalyzeCommentRequest", "AnalyzeCommentResponse"),
                    "suggestscore": _method(
                        "suggestscore", "SuggestCommentScoreRequest", "SuggestCommentScoreResponse"
                    ),
                }
            }
        },
    }
