"""Perspective's `comments:analyze` and its discovery document, so that its clients need only another address.

Perspective's service ends with 2026. The protocol is that of its public description, v1alpha1. Nothing that is sent
here is stored, with or without `doNotStore`.
"""

import re
from typing import Any, TypeVar

from flask import Blueprint, request
from flask.typing import ResponseReturnValue
from pydantic import BaseModel, ConfigDict, Field, ValidationError

from moderation.compat import door, google
from moderation.compat.discovery import document
from moderation.compat.google import AnalyzeError
from moderation.compat.perspective_attributes import ATTRIBUTES, EVERYWHERE, LANGUAGES, Judged, answer, base_name
from moderation.contract import first_problem
from moderation.judge import Article, Case, Parent
from moderation.models import Site
from moderation.views import services

blueprint = Blueprint("perspective", __name__)
google.answer_errors(blueprint)

MOST_BYTES = 20_480
"""Longest text, in UTF-8, as Perspective's clients know it."""

_BROKEN = re.compile(r"[\ud800-\udfff]")


class Wire(BaseModel):
    """What both calls of the protocol are made of; unknown fields are ignored."""

    model_config = ConfigDict(extra="ignore")


Model = TypeVar("Model", bound=BaseModel)


class Text(Wire):
    """A text and whether it is HTML."""

    text: str = ""
    type: str | None = None


class ArticleAndParent(Wire):
    """What the comment stands under, and what it answers."""

    article: Text | None = None
    parentComment: Text | None = None  # noqa: N815 - the protocol's name


class Context(Wire):
    """One of the two may be given."""

    entries: list[Text] | None = None
    articleAndParentComment: ArticleAndParent | None = None  # noqa: N815


class Wanted(Wire):
    """How an attribute is wanted."""

    scoreType: str | None = None  # noqa: N815
    scoreThreshold: float | None = None  # noqa: N815


class AnalyzeRequest(Wire):
    """A request for scores. What else Perspective knows (`doNotStore`, `sessionId` …) changes nothing here."""

    comment: Text | None = None
    context: Context | None = None
    requestedAttributes: dict[str, Wanted | None] = Field(default_factory=dict)  # noqa: N815
    languages: list[str] = Field(default_factory=list)
    spanAnnotations: bool = False  # noqa: N815
    dropUnsupportedAttributes: bool = False  # noqa: N815
    clientToken: str | None = None  # noqa: N815


@blueprint.get("/$discovery/rest")
def discovery() -> ResponseReturnValue:
    """Describe this door as Google's discovery service would, for clients that build themselves from it."""
    return document(request.url_root)


@blueprint.post("/v1alpha1/comments:analyze")
def analyze() -> ResponseReturnValue:
    """Score a comment for the attributes asked for."""
    site = door.enter(request.args.get("key", ""))
    asked = parse(AnalyzeRequest, door.json_body())
    text = require_text(asked.comment)
    names = _wanted(asked)
    case = _case(text, asked)
    assessment = door.assess(case)
    detected = [assessment.language] if assessment.language else []
    names = _speaking(names, asked, effective_languages(asked.languages, detected, site))
    spam = services().judge.spam([text])[0] if names & {"SPAM", "LIKELY_TO_REJECT"} else 0.0
    judged = Judged(text, assessment, spam)
    scores = {
        name: answer(name, judged, spans=asked.spanAnnotations) for name in asked.requestedAttributes if name in names
    }
    body: dict[str, Any] = {
        "attributeScores": {
            name: score
            for name, score in scores.items()
            if score and not _below(score, asked.requestedAttributes[name])
        },
        "languages": asked.languages or detected or [site.language],
        "detectedLanguages": detected,
    }
    return body | ({"clientToken": asked.clientToken} if asked.clientToken is not None else {})


def parse(model: type[Model], body: dict[str, Any]) -> Model:
    """Read a request; AnalyzeError names the first field that is wrong."""
    try:
        return model.model_validate(body)
    except ValidationError as error:
        field, sentence = first_problem(error)
        raise AnalyzeError(f"Invalid value at '{field}': {sentence}.") from None


def require_text(comment: Text | None) -> str:
    """Return the comment's text; AnalyzeError where there is none, it is too long or it is HTML."""
    text = _BROKEN.sub("\ufffd", comment.text) if comment else ""
    if not text.strip():
        raise AnalyzeError("Comment must be non-empty.", "COMMENT_EMPTY")
    if len(text.encode()) > MOST_BYTES:
        raise AnalyzeError("Comment text too long.", "COMMENT_TOO_LONG")
    if comment and comment.type not in {None, "PLAIN_TEXT", "TEXT_TYPE_UNSPECIFIED"}:
        raise AnalyzeError("Currently, only 'PLAIN_TEXT' comments are supported.")
    return text


def _wanted(asked: AnalyzeRequest) -> set[str]:
    if not asked.requestedAttributes:
        raise AnalyzeError("Missing requested_attributes.", "NO_REQUESTED_ATTRIBUTES")
    known = set()
    for name, wanted in asked.requestedAttributes.items():
        if base_name(name) not in ATTRIBUTES:
            if asked.dropUnsupportedAttributes:
                continue
            raise AnalyzeError(f"Unknown requested attribute: {name}")
        if wanted and wanted.scoreType not in {None, "PROBABILITY", "SCORE_TYPE_UNSPECIFIED"}:
            raise AnalyzeError(f"Requested score type {wanted.scoreType} is not supported by attribute {name}")
        known.add(name)
    return known


def _case(text: str, asked: AnalyzeRequest) -> Case:
    language = asked.languages[0] if len(asked.languages) == 1 else None
    context = asked.context
    if context is None or context.articleAndParentComment is None:
        return Case(text, language=language)
    if context.entries:
        raise AnalyzeError(
            "Context can have either entries or article_and_parent_comment, but both fields were populated."
        )
    around = context.articleAndParentComment
    parent = around.parentComment.text if around.parentComment else ""
    return Case(
        text,
        language=language,
        article=article_of(around.article.text) if around.article and around.article.text.strip() else None,
        parent=Parent(parent) if parent.strip() else None,
    )


def article_of(text: str) -> Article:
    """Return an article whose title is the text's first line."""
    title, _, body = text.strip().partition("\n")
    return Article(title=title[:1000], body=body.strip())


def effective_languages(requested: list[str], detected: list[str], site: Site) -> set[str]:
    """Return the languages a text counts as: what the caller says, else what it is, else the site's."""
    return {language.partition("-")[0].lower() for language in requested or detected or [site.language]}


def _speaking(names: set[str], asked: AnalyzeRequest, languages: set[str]) -> set[str]:
    """Leave out attributes that do not know the language, or refuse, as the caller wishes."""
    mute = {name for name in names if not languages & LANGUAGES and base_name(name) not in EVERYWHERE}
    if mute and not asked.dropUnsupportedAttributes:
        name = min(mute)
        spoken = ", ".join(sorted(languages))
        raise AnalyzeError(
            f"Attribute {name} does not support request languages: {spoken}",
            "LANGUAGE_NOT_SUPPORTED_BY_ATTRIBUTE",
            languageNotSupportedByAttributeError={
                "detectedLanguages": sorted(languages),
                "requestedLanguages": asked.languages,
                "attribute": name,
            },
        )
    return names - mute


def _below(score: dict[str, Any], wanted: Wanted | None) -> bool:
    threshold = wanted.scoreThreshold if wanted else None
    return threshold is not None and score["summaryScore"]["value"] < threshold
