"""The pages of an article, with its threads, and of a commenter."""

from flask import Blueprint, redirect, render_template, request, url_for
from flask.typing import ResponseReturnValue
from flask_babel import format_datetime, format_decimal
from sqlalchemy import func, select
from sqlalchemy.orm import joinedload

from moderation import batches, threads
from moderation import queue as waiting
from moderation.errors import BadInput, NotFound
from moderation.models import Article, Comment, Outcome
from moderation.views import me, services
from moderation.views.desk import ID
from moderation.views.plots import mood_option

blueprint = Blueprint("articles", __name__)


@blueprint.get(f"/articles/<{ID}:article_id>")
def article(article_id: int) -> ResponseReturnValue:
    """Show an article's comments as threads, and its mood over time."""
    with services().database.session(read_only=True) as session:
        found = session.get(Article, article_id)
        if found is None:
            raise NotFound(f"There is no article {article_id}.")
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
        )


@blueprint.post(f"/comments/<{ID}:comment_id>/thread")
def delete_thread(comment_id: int) -> ResponseReturnValue:
    """Have a comment and all that hangs below it deleted under one rule, as a batch."""
    rule_id = request.form.get("rule", type=int)
    if rule_id is None:
        raise BadInput("`rule` must be the id of a house rule.", field="rule")
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
    with services().database.session(read_only=True) as session:
        one = waiting.find(session, comment_id)
        same = Comment.commenter_id == one.commenter_id if one.commenter_id is not None else Comment.id == one.id
        theirs = (Comment.site_id == one.site_id, same)
        counted = session.execute(select(Comment.status, func.count()).where(*theirs).group_by(Comment.status))
        record = {status: number for status, number in counted}  # noqa: C416 - rows are no pairs to the type checker
        found = select(Comment).where(*theirs).options(joinedload(Comment.article)).order_by(Comment.id.desc())
        comments = session.scalars(found.limit(200)).all()
        return render_template("commenter.html", one=one, record=record, comments=comments)
