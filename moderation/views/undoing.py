"""What the moderator did last and can still take back, as every page of the desk offers it."""

from dataclasses import dataclass

from flask import request, url_for
from sqlalchemy.orm import Session

from moderation import closings, decisions, wording
from moderation.db import now
from moderation.models import Closing, Decision, Delivery
from moderation.views import me


@dataclass(frozen=True, slots=True)
class Undoable:
    """A deed in words, what more is to be said of it, where it is taken back, and how many seconds that is left."""

    words: str
    detail: str
    address: str
    seconds: float
    back: str | None = None


def latest(session: Session) -> Undoable | None:
    """Return the latest deed of this request's moderator that the site has not heard of; None where there is none."""
    moderator = me(session)
    decision = decisions.undoable(session, moderator=moderator)
    closing = closings.undoable(session, moderator=moderator)
    if closing is not None and (decision is None or closing.decided_at > decision.decided_at):
        return _closing(closing)
    return _decision(decision) if decision is not None else None


def after(session: Session, decision: Decision) -> Undoable | None:
    """Return the decision that was just asked for; where it stood already or cannot be undone, what ``latest`` does."""
    is_mine = decision.moderator_id == me(session).id and decisions.can_be_undone(decision)
    return _decision(decision) if is_mine else latest(session)


def _decision(decision: Decision) -> Undoable:
    title = decision.rule_title
    return Undoable(
        wording.gettext("Comment %(outcome)s.", outcome=wording.outcome(decision.outcome)),
        wording.pick(title, decision.comment.site.language) if title else "",
        url_for("desk.undo", decision_id=decision.id),
        _left(decision.delivery),
    )


def _closing(closing: Closing) -> Undoable:
    return Undoable(
        wording.door(closing.outcome),
        wording.glimpse(closing.article.title, 80),
        url_for("articles.undo_closing", closing_id=closing.id),
        _left(closing.delivery),
        request.full_path if request.method == "GET" else None,
    )


def _left(sent: Delivery | None) -> float:
    return max(0.0, round((sent.not_before - now()).total_seconds(), 1)) if sent else 0.0
