"""The API under ``/api/v1`` for programs of a site: each operation says what it takes and answers, as types."""

import hashlib
import json

from werkzeug.wrappers import Response

from moderation.views import services
from moderation.views.v1 import reading, writing
from moderation.views.v1.document import document
from moderation.views.v1.operation import blueprint, respond

__all__ = ["blueprint", "reading", "writing"]


@blueprint.get("/api/v1/openapi.json")
def openapi() -> Response:
    """Say in OpenAPI 3.1 what all of this is."""
    text = json.dumps(document(services().settings.public_url.rstrip("/")), ensure_ascii=False)
    return respond(text, tag=hashlib.sha256(text.encode()).hexdigest()[:32])
