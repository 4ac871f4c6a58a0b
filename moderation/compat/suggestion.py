"""Perspective's `comments:suggestscore`: a site says what its moderators thought of a comment, and we learn from it."""

import hashlib
import json
from typing import Any

from flask import Blueprint, request
from flask.typing import ResponseReturnValue
from pydantic import Field

from moderation import history
from moderation.compat import door, google
from moderation.compat.google import AnalyzeError
from moderation.compat.perspective import Context, Text, Wire, article_of, parse, require_text
from moderation.contract import ArticleData, CommentData, mended
from moderation.db import now
from moderation.models import Outcome, Scope
from moderation.views import services

blueprint = Blueprint("suggestion", __name__)
google.answer_errors(blueprint)

UNKNOWN_ARTICLE = "https://unknown.invalid/"
"""The address of an article of which only the comments are known."""


class _Score(Wire):
    value: float = Field(ge=0, le=1)


class _Scores(Wire):
    summaryScore: _Score | None = None  # noqa: N815 - the protocol's name


class SuggestRequest(Wire):
    """What somebody thinks a comment's scores should be."""

    comment: Text | None = None
    context: Context | None = None
    attributeScores: dict[str, _Scores] = Field(default_factory=dict)  # noqa: N815
    languages: list[str] = Field(default_factory=list)
    communityId: str | None = None  # noqa: N815
    clientToken: str | None = None  # noqa: N815


@blueprint.post("/v1alpha1/comments:suggestscore")
def suggest() -> ResponseReturnValue:
    """Keep a suggested score as the site's own decision: half and more is a deletion."""
    site = door.enter(request.args.get("key", ""), scope=Scope.DECIDE)
    asked = parse(SuggestRequest, door.json_body())
    text = require_text(asked.comment)
    values = [score.summaryScore.value for score in asked.attributeScores.values() if score.summaryScore]
    if not values:
        raise AnalyzeError("Missing attribute_scores with a summary_score.", "NO_REQUESTED_ATTRIBUTES")
    said = {
        "id": _comment_id(asked, text),
        "text": mended(text),
        "submitted_at": now(),
        "language": asked.languages[0] if asked.languages else None,
        "article": _article(asked),
    }
    data = parse(CommentData, said)
    outcome = Outcome.DELETE if max(values) >= 0.5 else Outcome.APPROVE
    with services().database.session() as session:
        history.record(session, site, data, outcome=outcome, decided_at=now())
        session.commit()
    services().bell.ring("score")
    token: dict[str, Any] = {} if asked.clientToken is None else {"clientToken": asked.clientToken}
    return token | {"requestedLanguages": asked.languages}


def _comment_id(asked: SuggestRequest, text: str) -> str:
    said = _coral_entry(asked).get("Coral_comment_id")
    if isinstance(said, str) and said:
        return f"coral:{mended(said)}"[:255]
    return "suggested:" + _digest(f"{asked.clientToken}\0{text}")


def _digest(text: str) -> str:
    return hashlib.sha256(text.encode("utf-8", "replace")).hexdigest()[:32]


def _article(asked: SuggestRequest) -> ArticleData:
    """The article that is told with the suggestion; else one that stands for all of the community's."""
    around = asked.context.articleAndParentComment if asked.context else None
    if around and around.article and around.article.text.strip():
        told = article_of(mended(around.article.text))
        said = {
            "id": f"suggested:{_digest(told.title)}",
            "url": UNKNOWN_ARTICLE,
            "title": told.title,
            "body": told.body,
        }
        return parse(ArticleData, said)
    url = _coral_entry(asked).get("url")
    if isinstance(url, str) and url.startswith(("http://", "https://")) and len(url) <= 2000:
        url = mended(url)
        return parse(ArticleData, {"id": f"suggested:{_digest(url)}", "url": url, "title": url[:1000]})
    title = mended(asked.communityId or "")[:1000] or "?"
    return ArticleData(id="suggested", url=UNKNOWN_ARTICLE, title=title)


def _coral_entry(asked: SuggestRequest) -> dict[str, Any]:
    """What Coral writes as JSON into the first entry of the context; nothing where it is no such thing."""
    entries = asked.context.entries if asked.context else None
    try:
        entry = json.loads(entries[0].text) if entries else {}
    except (ValueError, RecursionError):
        return {}
    return entry if isinstance(entry, dict) else {}
