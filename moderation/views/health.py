"""Whether the service is alive, and whether it can work: for supervisors and load balancers."""

import hmac

from flask import Blueprint, Response, jsonify, request
from flask.typing import ResponseReturnValue
from sqlalchemy import text
from sqlalchemy.exc import SQLAlchemyError

from moderation import metrics as counted
from moderation.db import UNCONFINED
from moderation.errors import Missing, NotSignedIn
from moderation.views import services

blueprint = Blueprint("health", __name__)


@blueprint.get("/healthz")
def healthz() -> ResponseReturnValue:
    """Say that the process answers."""
    return jsonify({"status": "ok"})


@blueprint.get("/metrics")
def metrics() -> ResponseReturnValue:
    """Tell Prometheus what waits, for how long, and what failed."""
    token = services().settings.metrics_token
    sent = request.headers.get("Authorization", "").partition(" ")[2]
    if token is None or not hmac.compare_digest(sent.encode(), token.get_secret_value().encode()):
        raise NotSignedIn("Send `Authorization: Bearer <MODERATION_METRICS_TOKEN>`.", code="wrong_token")
    with services().database.session(read_only=True) as session:
        return Response(counted.exposition(session), content_type="text/plain; version=0.0.4; charset=utf-8")


@blueprint.get("/readyz")
def readyz() -> ResponseReturnValue:
    """Say that the database answers; 503 and what to do where it does not."""
    try:
        with services().database.session(read_only=True) as session:
            session.execute(text("SELECT version_num FROM alembic_version"), execution_options=UNCONFINED)
    except SQLAlchemyError:
        raise Missing(
            "The database cannot be reached or has no tables yet: check MODERATION_DATABASE_URL, then run "
            "`moderation db upgrade`.",
            code="database",
        ) from None
    return jsonify({"status": "ready"})
