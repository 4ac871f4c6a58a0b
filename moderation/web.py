"""The web application: a table of contents of its parts, and the way errors leave the house."""

import threading
from collections.abc import Callable
from dataclasses import dataclass, field
from http import HTTPStatus
from typing import Any

import structlog
from flask import Flask, Request, Response, g, jsonify, make_response, render_template, request
from flask.sessions import SecureCookieSession, SecureCookieSessionInterface, SessionMixin
from flask.typing import ResponseReturnValue
from flask_babel import Babel
from flask_wtf.csrf import CSRFError
from sqlalchemy.exc import InterfaceError, OperationalError
from sqlalchemy.exc import TimeoutError as NoConnection
from werkzeug.exceptions import HTTPException, MethodNotAllowed, RequestEntityTooLarge
from werkzeug.middleware.proxy_fix import ProxyFix
from werkzeug.routing import RequestRedirect

from moderation import assets, auth, logs, telemetry
from moderation.broker import Bell
from moderation.compat import akismet, akismet_usage, coral, openai, perspective, suggestion
from moderation.config import Settings, load_settings
from moderation.db import Database
from moderation.errors import BadInput, Missing, ModerationError, TooLarge, TooMany
from moderation.folders import TEMPLATES, TRANSLATIONS
from moderation.judge import Judge
from moderation.quota import Readers
from moderation.senders import Senders
from moderation.views import (
    access,
    account,
    alarms,
    api,
    articles,
    automation,
    commenters,
    desk,
    forms,
    health,
    language,
    learning,
    live,
    map,
    moderators,
    modes,
    notices,
    own,
    reader,
    records,
    rules,
    shifts,
    sites,
    tally,
    today,
    v1,
)
from moderation.views.arrivals import Arrivals
from moderation.views.feed import Feed

VIEWS = (
    access,
    account,
    alarms,
    api,
    articles,
    automation,
    commenters,
    desk,
    health,
    learning,
    live,
    map,
    moderators,
    modes,
    notices,
    own,
    reader,
    records,
    rules,
    shifts,
    sites,
    today,
)
"""The doors that make up the application, besides those for other services' clients."""

log = structlog.get_logger(__name__)


@dataclass(frozen=True, slots=True)
class Services:
    """What views work with."""

    settings: Settings
    database: Database
    bell: Bell
    judge: Judge
    """Loads its weights when it is first asked, and only the doors for other services' clients ask it."""
    feed: Feed
    readers: Readers
    arrivals: Arrivals
    senders: Senders = field(default_factory=Senders)


class Cookies(SecureCookieSessionInterface):
    """Opens and closes no session for programs: they send no cookie, and most requests are theirs."""

    def open_session(self, app: Flask, request: Request) -> SecureCookieSession | None:
        """Read what the cookie holds, if there is one."""
        return super().open_session(app, request) if "HTTP_COOKIE" in request.environ else self.session_class()

    def save_session(self, app: Flask, session: SessionMixin, response: Response) -> None:
        """Send the session along, if anybody looked at it or has to be sent it anew."""
        if session or session.accessed or session.modified:
            super().save_session(app, session, response)


class House(Flask):
    """An application that remembers of each request what went wrong, whichever door explains it."""

    session_interface = Cookies()

    def ensure_sync(self, func: Callable[..., Any]) -> Callable[..., Any]:
        """Return it as it is: nothing in here is a coroutine, and Flask would look a dozen times a request."""
        return func

    def handle_user_exception(self, e: Exception) -> ResponseReturnValue | HTTPException:
        """Have the door's own handler explain an error."""
        if isinstance(e, ModerationError):
            tally.note(e)
        return super().handle_user_exception(e)

    def handle_http_exception(self, e: HTTPException) -> HTTPException | ResponseReturnValue:
        """Have the door explain a wrong method, too: Flask found no route, and would ask none of them."""
        if not isinstance(e, MethodNotAllowed) or not e.valid_methods:
            return super().handle_http_exception(e)
        adapter = self.create_url_adapter(request)
        if adapter is None:
            return super().handle_http_exception(e)
        allowed = sorted(e.valid_methods)
        try:
            request.url_rule, _ = adapter.match(method=allowed[0], return_rule=True)
        except RequestRedirect as elsewhere:  # with one slash fewer there is such an address
            return elsewhere
        response = self.make_response(super().handle_http_exception(e))
        response.headers["Allow"] = ", ".join(allowed)
        return response


def open_services(settings: Settings) -> Services:
    """Make what the views work with."""
    database = Database(settings.database_url)
    database.when_opened = auth.confine_to_request
    telemetry.watch_database(database.engine)
    return Services(
        settings,
        database,
        Bell(settings),
        Judge(),
        Feed(database, most=settings.live_streams),
        Readers(settings.comments_per_address),
        Arrivals(database, max_characters=settings.max_comment_characters),
    )


def create_app(settings: Settings | None = None) -> Flask:
    """Make the application."""
    settings = settings or load_settings()
    logs.configure(settings)
    telemetry.begin(settings)
    app = House("moderation", template_folder=str(TEMPLATES))
    _configure(app, settings)
    assets.serve(app)
    app.extensions["moderation"] = open_services(settings)
    Babel(app, locale_selector=language.choose, timezone_selector=lambda: settings.time_zone)
    for view in VIEWS:
        app.register_blueprint(view.blueprint)
    for door in (v1, forms, perspective, suggestion, openai, akismet, akismet_usage, coral):
        app.register_blueprint(door.blueprint)
    app.before_request(_number)
    app.before_request(_refuse_nul)
    telemetry.watch_web(app)
    auth.protect(app)
    if settings.warm_judge:
        threading.Thread(target=app.extensions["moderation"].judge.warm, daemon=True).start()
    app.register_error_handler(ModerationError, _explain)
    app.register_error_handler(HTTPException, _explain_http)
    app.register_error_handler(CSRFError, _explain_old_form)
    for away in (OperationalError, InterfaceError, NoConnection):
        app.register_error_handler(away, _explain_database)
    app.after_request(_harden)
    app.after_request(tally.count)
    return app


def _configure(app: Flask, settings: Settings) -> None:
    app.config.update(
        SECRET_KEY=settings.require_secret_key(),
        MAX_CONTENT_LENGTH=settings.max_body_bytes,
        SESSION_COOKIE_SAMESITE="Strict",
        SESSION_COOKIE_HTTPONLY=True,
        SESSION_COOKIE_SECURE=settings.secure_cookies,
        SESSION_COOKIE_NAME="hausordnung",
        PERMANENT_SESSION_LIFETIME=12 * 60 * 60,
        WTF_CSRF_TIME_LIMIT=None,  # as long as the session: a card may stay open through a long night
        WTF_CSRF_SSL_STRICT=False,  # refuses requests without a Referer, which our own policy takes away
        BABEL_DEFAULT_LOCALE=settings.default_language,
        BABEL_TRANSLATION_DIRECTORIES=str(TRANSLATIONS),
    )
    if settings.trusted_proxies:
        hops = settings.trusted_proxies
        app.wsgi_app = ProxyFix(app.wsgi_app, x_for=hops, x_proto=hops, x_host=hops)  # type: ignore[method-assign]


def _number() -> None:
    """Give the request an id that its lines in the log bear, and its answer."""
    g.request_id = logs.begin("request", request.headers.get("X-Request-ID"))


def _refuse_nul() -> None:
    """No database keeps a NUL, so that none is looked for: an address or a page's form that holds one is refused."""
    sent = [request.path, *(value for _, value in request.args.items(multi=True))]
    if not auth.speaks_to_programs():  # what programs send is looked at where it is understood
        sent += [value for _, value in request.form.items(multi=True)]
    if any("\x00" in value for value in sent):
        raise BadInput("What was sent holds a NUL character; take it out.", code="nul")


def _explain(error: ModerationError) -> tuple[Response, int]:
    """Say what went wrong: as problem details to programs, as a page to people."""
    if auth.speaks_to_programs():
        response = jsonify(error.as_problem())
        response.content_type = "application/problem+json"
    else:
        response = make_response(render_template("error.html", error=error))
    if isinstance(error, TooMany):
        response.headers["Retry-After"] = str(error.wait)
    return response, error.status


def _explain_old_form(error: CSRFError) -> ResponseReturnValue:
    return account.bring_back() or _explain_http(error)


def _explain_http(error: HTTPException) -> tuple[Response, int]:
    if isinstance(error, RequestEntityTooLarge):
        return _explain(TooLarge("The request is larger than this service reads (MODERATION_MAX_BODY_BYTES)."))
    known = ModerationError(error.description or error.name, code=error.name.lower().replace(" ", "_"))
    known.status = HTTPStatus(error.code or 500)
    return _explain(known)


def _explain_database(error: Exception) -> tuple[Response, int]:
    """The database is away, busy or full: nothing was done, and it is worth trying again."""
    log.error("database_away", error=type(getattr(error, "orig", None) or error).__name__)
    away = Missing("The database does not answer. Nothing was done; try again.", code="database")
    tally.note(away)
    response, status = _explain(away)
    response.headers["Retry-After"] = "5"
    return response, status


_CONTENT_POLICY = "; ".join(
    (
        "default-src 'none'",
        "script-src 'self'",
        "style-src 'self'",
        "img-src 'self' data:",
        "font-src 'self'",
        "connect-src 'self'",
        "form-action 'self'",
        "base-uri 'none'",
        "frame-ancestors 'none'",
    )
)


_HARDENING = {
    "Content-Security-Policy": _CONTENT_POLICY,
    "X-Content-Type-Options": "nosniff",
    "Referrer-Policy": "no-referrer",
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cache-Control": "no-store",
}
"""What every answer says, where its view says nothing else."""


def _harden(response: Response) -> Response:
    said = {name.title() for name, _ in response.headers}
    if request.endpoint == "static":
        said.add("Cache-Control")
    response.headers.extend([(name, value) for name, value in _HARDENING.items() if name not in said])
    if "request_id" in g:
        response.headers["X-Request-ID"] = g.request_id
    return response
