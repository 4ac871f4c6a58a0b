"""What is kept of a commenter, given to them or erased, as they may ask for (GDPR, Articles 15 and 17); for admins."""

import json

from flask import Blueprint, Response, request
from flask.typing import ResponseReturnValue
from sqlalchemy.orm import Session

from moderation import privacy
from moderation import queue as waiting
from moderation.auth import require_admin
from moderation.db import now
from moderation.errors import BadInput
from moderation.models import Comment
from moderation.views import me, services
from moderation.views.desk import ID

blueprint = Blueprint("commenters", __name__)


@blueprint.get(f"/comments/<{ID}:comment_id>/commenter/kept")
def kept(comment_id: int) -> ResponseReturnValue:
    """Give all that is kept of the commenter of a comment, as a file."""
    with services().database.session(read_only=True) as session:
        return _file("kept", privacy.tell(session, _theirs(session, comment_id)))


@blueprint.post(f"/comments/<{ID}:comment_id>/commenter/erase")
def erase(comment_id: int) -> ResponseReturnValue:
    """Erase the commenter of a comment for good, and give the proof as a file."""
    if request.form.get("sure") != "yes":
        raise BadInput("Nothing was erased: say that it is meant so.", field="sure")
    with services().database.session() as session:
        proof = privacy.erase(session, _theirs(session, comment_id), moderator=me(session))
        session.commit()
    return _file("erased", proof)


def _theirs(session: Session, comment_id: int) -> list[Comment]:
    """All comments of who wrote this one; it alone where the site did not say who that is."""
    one = waiting.find(session, comment_id)
    require_admin(one.site)
    return privacy.find(session, one.site, commenter_id=one.commenter_id) if one.commenter_id else [one]


def _file(name: str, content: dict[str, object]) -> Response:
    response = Response(json.dumps(content, ensure_ascii=False, indent=2), content_type="application/json")
    response.headers["Content-Disposition"] = f'attachment; filename="commenter-{name}-{now():%Y-%m-%d}.json"'
    return response
