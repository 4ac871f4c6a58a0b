"""Statements of reasons, and readers' objections to them, which another moderator decides."""

from collections.abc import Sequence
from dataclasses import dataclass

from sqlalchemy import select
from sqlalchemy.orm import Session, joinedload

from moderation import decisions, letters, privacy
from moderation.contract import mended
from moderation.db import insert_once, now
from moderation.decisions import Seen
from moderation.errors import BadInput, Forbidden, NotFound, StaleView
from moderation.models import Appeal, Comment, Decision, Maker, Moderator, Outcome, Status

LONGEST = 4000
"""Characters of an objection or an answer."""


@dataclass(frozen=True, slots=True)
class Statement:
    """Why a comment was deleted, as its commenter is told.

    ``text`` is what was decided on, ``spans`` the words in doubt (code points), none where the rule is not about words.
    ``stands`` is False once another decision overtook this one.
    """

    decision: Decision
    comment: Comment
    text: str
    spans: Sequence[dict[str, object]]
    automated: bool
    stands: bool
    appeal: Appeal | None


def statement(session: Session, decision_id: int) -> Statement:
    """Return the statement of reasons of a deletion; NotFound where there is none of that id."""
    decision = session.get(Decision, decision_id)
    if decision is None or decision.outcome is not Outcome.DELETE:
        raise NotFound("There is no such decision.")
    comment = decision.comment
    assessment = comment.assessment
    same_text = assessment is not None and assessment.revision == decision.revision
    return Statement(
        decision=decision,
        comment=comment,
        text=comment.text_of(decision.revision),
        spans=_spans(decision, assessment.reasons, assessment.spans) if assessment and same_text else (),
        automated=decision.maker is Maker.RULE,
        stands=comment.status is Status.DELETED and comment.decisions[-1].id == decision.id,
        appeal=session.scalars(select(Appeal).where(Appeal.decision_id == decision.id)).one_or_none(),
    )


def _spans(
    decision: Decision, reasons: Sequence[dict[str, object]], spans: Sequence[dict[str, object]]
) -> Sequence[dict[str, object]]:
    """The words the judge marked, if the rule that was cited is one of those they put in doubt."""
    cited = [reason for reason in reasons if reason["rule_id"] == decision.rule_id]
    return spans if any(reason["signal"] in {"disrespect", "put_down"} for reason in cited) else ()


def object_to(session: Session, decision_id: int, *, text: str, email: str | None, language: str) -> Appeal:
    """Write a commenter's objection; the same decision can be objected to once, and the first objection is returned.

    StaleView where the decision does not stand any more. The form saw to it that it says something, and not too much.
    """
    known = statement(session, decision_id)
    if known.appeal is not None:
        return known.appeal
    if not known.stands:
        raise StaleView("The decision was changed in the meantime.", code="reopened")
    email = email or privacy.readable(known.comment.commenter_email)
    made = insert_once(
        session,
        Appeal,
        decision_id=decision_id,
        text=mended(text.strip()),
        language=language,
        email=email,
        received_at=now(),
        answer="",
    )
    if made is None:
        return session.scalars(select(Appeal).where(Appeal.decision_id == decision_id)).one()
    if email:
        letters.write(session, "appeal_received", email, language, statement=decision_id)
    return made


def waiting(session: Session) -> Sequence[Appeal]:
    """Return the objections nobody has answered, oldest first."""
    found = select(Appeal).where(Appeal.closed_at.is_(None)).order_by(Appeal.received_at, Appeal.id).limit(200)
    return session.scalars(found.options(joinedload(Appeal.decision).joinedload(Decision.comment))).all()


def may_close(appeal: Appeal, moderator: Moderator) -> bool:
    """Whether this moderator may answer: whoever made the decision may not."""
    return appeal.decision.moderator_id != moderator.id


def close(session: Session, appeal_id: int, outcome: Outcome, *, answer: str, moderator: Moderator) -> Appeal:
    """Answer an objection; where it is granted, the comment is approved and its site hears of it, unless its text is
    another one by now: that was decided by itself.

    Forbidden to whoever made the decision. StaleView where it was answered already. Either way a decision stands from
    which a model learns.
    """
    appeal = session.get(Appeal, appeal_id, with_for_update=True)
    if appeal is None:
        raise NotFound(f"There is no appeal {appeal_id}.")
    if appeal.closed_at is not None:
        raise StaleView("Somebody answered this in the meantime.", code="answered")
    if not may_close(appeal, moderator):
        raise Forbidden("Whoever made the decision cannot judge the objection to it.", code="own_decision")
    answer = answer.strip()
    if outcome is Outcome.DELETE and not answer:
        raise BadInput("Please tell the reader why the decision stands.", code="empty", field="answer")
    comment = appeal.decision.comment
    is_the_same = comment.revision == appeal.decision.revision  # of another text nobody here has seen a word
    if outcome is Outcome.APPROVE and comment.status is Status.DELETED and is_the_same:
        seen = Seen(comment.revision, comment.status)
        decisions.decide(session, comment.id, Outcome.APPROVE, moderator=moderator, seen=seen)
    appeal.outcome, appeal.answer = outcome, answer[:LONGEST]
    appeal.closed_at, appeal.moderator_id = now(), moderator.id
    if appeal.email:
        letters.write(session, "appeal_closed", appeal.email, appeal.language, statement=appeal.decision_id)
    return appeal
