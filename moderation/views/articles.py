"""The pages of an article, with its threads, and of a commenter."""

from flask import Blueprint, redirect, render_template, request, url_for
from flask import session as browser
from flask.typing import ResponseReturnValue
from flask_babel import format_datetime, format_decimal
from sqlalchemy import func, select
from sqlalchemy.orm import joinedload

from moderation import batches, closings, threads
from moderation import queue as waiting
from moderation.errors import BadInput
from moderation.models import Comment, Door, Outcome
from moderation.reading import reading
from moderation.views import me, services, undoing
from moderation.views.addresses import local
from moderation.views.desk import ID
from moderation.views.plots import mood_option

blueprint = Blueprint("articles", __name__)


@blueprint.get(f"/articles/<{ID}:article_id>")
def article(article_id: int) -> ResponseReturnValue:
    """Show an article's comments as threads, and its mood over time."""
    with reading() as session:
        found = closings.find(session, article_id)
        entries = threads.of_article(session, found)
        mood = [
            (entry.comment.submitted_at, entry.comment.assessment.disrespect)
            for entry in entries
            if entry.comment.assessment is not None and entry.comment.assessment.disrespect is not None
        ]
        mood.sort()
        return render_template(
            "article.html",
            article=found,
            entries=entries,
            mood=mood,
            mood_rows=[(format_datetime(moment, "short"), format_decimal(round(score, 2))) for moment, score in mood],
            mood_option=mood_option(mood),
            closings=closings.of(session, found),
            can_be_undone=closings.can_be_undone,
            undoable=undoing.latest(session),
        )


@blueprint.post(f"/articles/<{ID}:article_id>/closing")
def close(article_id: int) -> ResponseReturnValue:
    """Close an article for comments, or open it again; the same once more changes nothing."""
    outcome = request.form.get("outcome")
    if outcome not in {Door.CLOSE, Door.OPEN}:
        raise BadInput("`outcome` must be close or open.", field="outcome")
    with services().database.session() as session:
        closings.decide(
            session, article_id, Door(outcome), moderator=me(session), reason=request.form.get("reason", "")
        )
        undo_seconds = closings.find(session, article_id).site.undo_seconds
        session.commit()
    services().bell.ring("deliver", after=undo_seconds)
    browser.pop("draft", None)
    return _back(article_id)


@blueprint.post(f"/closings/<{ID}:closing_id>/undo")
def undo_closing(closing_id: int) -> ResponseReturnValue:
    """Take back that an article was closed or opened, before the site hears of it."""
    with services().database.session() as session:
        article_id = closings.undo(session, closing_id, moderator=me(session)).id
        session.commit()
    return _back(article_id)


def _back(article_id: int) -> ResponseReturnValue:
    return redirect(local(request.form.get("back")) or url_for("articles.article", article_id=article_id), 303)


@blueprint.post(f"/comments/<{ID}:comment_id>/thread")
def delete_thread(comment_id: int) -> ResponseReturnValue:
    """Have a comment and all that hangs below it deleted under one rule, as a batch."""
    rule_id = request.form.get("rule", type=int)
    if rule_id is None:
        raise BadInput("`rule` must be the id of a house rule.", code="unknown_rule", field="rule")
    with services().database.session() as session:
        comment = waiting.find(session, comment_id)
        moderator = me(session)
        batch = batches.create(
            session, threads.subtree(comment), moderator=moderator, outcome=Outcome.DELETE, rule_id=rule_id
        )
        session.commit()
        batch_id = batch.id
    services().bell.ring("batch")
    return redirect(url_for("map.batch", batch_id=batch_id), 303)


@blueprint.get(f"/comments/<{ID}:comment_id>/commenter")
def commenter(comment_id: int) -> ResponseReturnValue:
    """Show all that the commenter of a comment wrote on this site; their id at the site is in no address of ours."""
    with reading() as session:
        one = waiting.find(session, comment_id)
        same = Comment.commenter_id == one.commenter_id if one.commenter_id is not None else Comment.id == one.id
        theirs = (Comment.site_id == one.site_id, same)
        counted = session.execute(select(Comment.status, func.count()).where(*theirs).group_by(Comment.status))
        record = {status: number for status, number in counted}  # noqa: C416 - rows are no pairs to the type checker
        found = select(Comment).where(*theirs).options(joinedload(Comment.article)).order_by(Comment.id.desc())
        comments = session.scalars(found.limit(200)).all()
        return render_template("commenter.html", one=one, record=record, comments=comments)
