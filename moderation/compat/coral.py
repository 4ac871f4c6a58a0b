"""Coral's external moderation phase and its webhooks, so that a newsroom with Coral has its house rules applied.

Coral asks before it publishes and waits a moment only; it names the comment later, in a webhook that lacks the text.
What it asked about is kept for a month, to be put together with the name and with what its moderators decide.
"""

import hashlib
import hmac
from typing import Any, Literal

from flask import Blueprint, request
from flask.typing import ResponseReturnValue
from pydantic import BaseModel, ConfigDict, Field, ValidationError
from sqlalchemy import select

from moderation import coral_comments, preview
from moderation.compat import door
from moderation.contract import Clean, Id, refusal
from moderation.errors import NotSignedIn
from moderation.judge import Assessment, Kind
from moderation.judge.text import html_to_text
from moderation.models import Article, Outcome, Site, SiteKey
from moderation.rules import Advice, Recommendation, Signal
from moderation.views import services

blueprint = Blueprint("coral", __name__)

FETCH_WITHIN = 1.5
"""Seconds for fetching an article, redirects included; Coral waits meanwhile, two seconds as our guide has it."""

SPAM_FROM = 0.5

OUTCOMES = {"APPROVED": Outcome.APPROVE, "REJECTED": Outcome.DELETE}


class _Wire(BaseModel):
    model_config = ConfigDict(extra="ignore")


class _Comment(_Wire):
    body: Clean = Field(max_length=100_000)
    parentID: Id | None = None  # noqa: N815 - the protocol's name


class _Author(_Wire):
    id: Id


class _Story(_Wire):
    id: Id
    url: str = Field(max_length=2000, pattern=r"^https?://")


class Phase(_Wire):
    """What Coral asks about."""

    action: Literal["NEW", "EDIT"]
    comment: _Comment
    author: _Author
    story: _Story


class _Data(_Wire):
    commentID: Id | None = None  # noqa: N815
    storyID: Id | None = None  # noqa: N815
    status: str | None = None


class Event(_Wire):
    """What Coral's webhooks tell."""

    type: str
    data: _Data = _Data()


@blueprint.post("/compat/coral/moderate")
def moderate() -> ResponseReturnValue:
    """Say whether Coral should hold a comment back; nothing to say is 204, and Coral goes on by its own rules."""
    site = _enter()
    asked = _parse(Phase)
    text = html_to_text(asked.comment.body)
    article_id = door.find_or_fetch_article(site, asked.story.id, asked.story.url, within=FETCH_WITHIN, renew=True)
    with services().database.session(read_only=True) as session:
        article = session.get(Article, article_id) if article_id else None
        job = preview.job(session, site, text=text, article=article, commenter_id=asked.author.id)
    assessment, recommendation = preview.look(services().judge, job)
    spam = services().judge.spam([text])[0]
    with services().database.session() as session:
        asking = (text, asked.story.id, article_id, asked.author.id, asked.comment.parentID)
        coral_comments.remember(session, site, coral_comments.Asked(*asking))
        session.commit()
    answer = _answer(site, assessment, recommendation, spam)
    return answer or ("", 204)


@blueprint.post("/compat/coral/webhook")
def webhook() -> ResponseReturnValue:
    """Learn what a comment is called, and what Coral's moderators decided on it."""
    site = _enter()
    event = _parse(Event)
    told = event.data
    if told.commentID is None or told.storyID is None:
        return "", 204
    with services().database.session() as session:
        coral_comments.name(session, site, story_id=told.storyID, coral_id=told.commentID)
        outcome = OUTCOMES.get(told.status or "")
        if outcome is not None and event.type == "COMMENT_LEFT_MODERATION_QUEUE":
            coral_comments.decide(session, site, coral_id=told.commentID, outcome=outcome)
        session.commit()
    services().bell.ring("score")
    return "", 204


def _enter() -> Site:
    """Return the site one of whose secrets signed the exact bytes; NotSignedIn where none did."""
    body = request.get_data()
    sent = [part.partition("=")[2].strip() for part in request.headers.get("X-Coral-Signature", "").split(",")]
    with services().database.session(read_only=True) as session:
        keys = session.scalars(select(SiteKey).where(SiteKey.kind == "coral", SiteKey.revoked_at.is_(None))).all()
        signer = next((key for key in keys if _signed(key.value, body, sent)), None)
        if signer is None:
            raise NotSignedIn("X-Coral-Signature does not match; tell us Coral's secret with `moderation site coral`.")
        site = signer.site
    door.count_calls(site)
    return site


def _signed(secret: str, body: bytes, sent: list[str]) -> bool:
    expected = hmac.new(secret.encode(), body, hashlib.sha256).hexdigest().encode()
    return any(hmac.compare_digest(expected, signature.encode("utf-8", "replace")) for signature in sent)


def _parse(model: type[Any]) -> Any:
    body = door.json_body()
    try:
        return model.model_validate(body)
    except ValidationError as error:
        raise refusal(error) from None


def _answer(site: Site, assessment: Assessment, recommendation: Recommendation, spam: float) -> dict[str, Any] | None:
    """What Coral is told: hold it, with flags; reject it with a reason only where the site wants that."""
    signals = {reason.rule.signal for reason in recommendation.reasons}
    actions = []
    if signals & {Signal.DISRESPECT, Signal.PUT_DOWN, Signal.PATTERN, Signal.WORDS}:
        actions.append({"actionType": "FLAG", "reason": "COMMENT_DETECTED_TOXIC"})
    if spam >= SPAM_FROM:
        actions.append({"actionType": "FLAG", "reason": "COMMENT_DETECTED_SPAM"})
    if recommendation.advice is Advice.APPROVE and not actions:
        return None
    if recommendation.advice is Advice.DELETE and site.coral_rejects:
        return {
            "status": "REJECTED",
            "actions": actions,
            "moderationAction": _rejection(site, assessment, recommendation),
        }
    return {"status": "SYSTEM_WITHHELD" if actions else "PREMOD", "actions": actions}


def _rejection(site: Site, assessment: Assessment, recommendation: Recommendation) -> dict[str, Any]:
    rule = recommendation.reasons[0].rule
    text = rule.text.get(site.language) or next(iter(rule.text.values()), "")
    reason = {"code": _code(rule.signal, assessment), "detailedExplanation": text}
    return {"status": "REJECTED", "rejectionReason": reason}


def _code(signal: Signal, assessment: Assessment) -> str:
    """The name Coral has for what a rule is about."""
    if signal is Signal.RELEVANCE:
        return "IRRELEVANT_CONTENT"
    if signal in {Signal.PATTERN, Signal.WORDS}:
        return "BANNED_WORD"
    if signal in {Signal.LINKS, Signal.REPEAT}:
        return "SPAM"
    if signal not in {Signal.DISRESPECT, Signal.PUT_DOWN}:
        return "OTHER"
    likeliest = max(assessment.kinds, key=lambda kind: assessment.kinds[kind], default=None)
    return {Kind.IDENTITY_ATTACK: "HATE_SPEECH", Kind.PROFANITY: "OFFENSIVE", Kind.THREAT: "ABUSIVE"}.get(
        likeliest or Kind.INSULT, "HARASSMENT_BULLYING"
    )
