"""Whether the service is alive, and whether it can work: for supervisors and load balancers."""

from flask import Blueprint, jsonify
from flask.typing import ResponseReturnValue
from sqlalchemy import text
from sqlalchemy.exc import SQLAlchemyError

from moderation.errors import Missing
from moderation.views import services

blueprint = Blueprint("health", __name__)


@blueprint.get("/healthz")
def healthz() -> ResponseReturnValue:
    """Say that the process answers."""
    return jsonify({"status": "ok"})


@blueprint.get("/readyz")
def readyz() -> ResponseReturnValue:
    """Say that the database answers; 503 and what to do where it does not."""
    try:
        with services().database.session(read_only=True) as session:
            session.execute(text("SELECT version_num FROM alembic_version"))
    except SQLAlchemyError:
        raise Missing(
            "The database cannot be reached or has no tables yet: check MODERATION_DATABASE_URL, then run "
            "`moderation db upgrade`.",
            code="database",
        ) from None
    return jsonify({"status": "ready"})
