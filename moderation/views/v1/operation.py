"""An operation of the API, said once: who may, what it takes and answers. The OpenAPI document is made of these."""

from collections.abc import Callable
from dataclasses import dataclass, field
from functools import wraps
from typing import Any, get_origin

from flask import Blueprint, request
from flask.blueprints import BlueprintSetupState
from pydantic import BaseModel, ValidationError
from sqlalchemy.orm import Session
from werkzeug.routing import BaseConverter
from werkzeug.wrappers import Response

from moderation import auth, wire
from moderation.contract import decode, refusal
from moderation.errors import BadInput, NoMatch, Unmatched
from moderation.models import Scope, Site
from moderation.views import ration, services

blueprint = Blueprint("v1", __name__)


class AnyId(BaseConverter):
    """A site's own id in an address: any text, as a path that may also begin with a slash, which Flask's may not."""

    part_isolating = False
    regex = ".+?"
    weight = 200  # as that of a path: what is spelled out comes first


@blueprint.record_once
def _know_ids(state: BlueprintSetupState) -> None:
    state.app.url_map.converters["id"] = AnyId


@dataclass(frozen=True, slots=True)
class Operation:
    """One method of one address. ``matches`` says that a change needs If-Match with the ETag of what was seen."""

    method: str
    path: str
    name: str
    summary: str
    scope: Scope
    answer: type[BaseModel]
    query: type[BaseModel] | None
    body: type[BaseModel] | None
    matches: bool


OPERATIONS: list[Operation] = []


@dataclass(frozen=True, slots=True)
class Call:
    """What an operation works with: the site that asks, a session, and what was sent, checked."""

    session: Session
    site: Site
    query: Any = None
    body: Any = None
    bells: list[tuple[str, float]] = field(default_factory=list)

    def ring(self, bell: str, *, after: float = 0) -> None:
        """Wake a worker as soon as everything is committed."""
        self.bells.append((bell, after))

    def require_match(self, seen: wire.Tagged) -> None:
        """Go on only if the caller saw this very thing; Unmatched otherwise."""
        if not request.if_match.contains(seen.etag):
            raise Unmatched("It is not what you saw any more: read it again, and send its ETag as If-Match.")


View = Callable[..., BaseModel]


def operation(  # noqa: PLR0913 - all that is to be said of an operation
    method: str,
    path: str,
    *,
    answer: type[BaseModel],
    scope: Scope = Scope.READ,
    query: type[BaseModel] | None = None,
    body: type[BaseModel] | None = None,
    matches: bool = False,
) -> Callable[[View], View]:
    """Make a function that is given a `Call` and the parts of the path an operation under ``/api/v1``."""

    def register(view: View) -> View:
        summary = (view.__doc__ or "").partition("\n")[0]
        made = Operation(method, path, view.__name__, summary, scope, answer, query, body, matches)
        OPERATIONS.append(made)

        @wraps(view)
        def enter(**parts: Any) -> Response:
            return _answer(made, view, parts)

        blueprint.add_url_rule(f"/api/v1{path}", view.__name__, enter, methods=[method])
        return view

    return register


def _answer(asked: Operation, view: View, parts: dict[str, Any]) -> Response:
    reading = asked.method == "GET" or asked.path == "/preview"
    with services().database.session(read_only=True) as session:
        site = auth.site_by_token(session, request.headers.get("Authorization"), asked.scope)
    ration(f"calls {site.id}", per_minute=services().settings.calls_per_minute)
    query, body = _query(asked), _body(asked)
    if asked.matches and not request.if_match:
        raise NoMatch("Send If-Match with the ETag of what you saw, so that nobody's change is lost.")
    with services().database.session(read_only=reading) as session:
        call = Call(session, session.get_one(Site, site.id), query, body)
        said = view(call, **parts)
        if not reading:
            session.commit()
    for bell, after in call.bells:
        services().bell.ring(bell, after=after)
    return respond(said.model_dump_json(), tag=wire.etag(said))


def respond(text: str, *, tag: str) -> Response:
    """Answer with JSON and its ETag; who has it already is told so with 304."""
    response = Response(text, content_type="application/json")
    response.set_etag(tag)
    response.headers["Cache-Control"] = "private, no-cache"
    return response.make_conditional(request) if request.method == "GET" else response


def _query(asked: Operation) -> BaseModel | None:
    if asked.query is None:
        return None
    many = {name for name, about in asked.query.model_fields.items() if get_origin(about.annotation) is tuple}
    sent = {name: values if name in many else values[-1] for name, values in request.args.lists()}
    return _checked(asked.query, sent)


def _body(asked: Operation) -> BaseModel | None:
    if asked.body is None:
        return None
    sent = decode(request.get_data(cache=False))
    if not isinstance(sent, dict):
        raise BadInput("The body must be a JSON object.", field="")
    return _checked(asked.body, sent)


def _checked(kind: type[BaseModel], sent: dict[str, Any]) -> BaseModel:
    try:
        return kind.model_validate(sent)
    except ValidationError as error:
        raise refusal(error) from None
