"""Traces for a collector of OpenTelemetry's, and errors for Sentry: both off unless a setting says where to.

What leaves the house by them is what a log may hold, and no more: ids, routes, statements without their values, where
something failed and what kind of error it was. The packages note more than that (addresses with what was searched for,
messages of errors that quote a row), so that everything passes a list of what is known to be harmless.
"""

import sys
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from sqlalchemy import Engine

from moderation import __version__
from moderation.config import Settings
from moderation.errors import SettingsError

if TYPE_CHECKING:
    from flask import Flask
    from opentelemetry.sdk.trace import ReadableSpan, TracerProvider
    from opentelemetry.trace import Tracer

KEPT = frozenset(
    {
        "http.method",
        "http.request.method",
        "http.route",
        "http.status_code",
        "http.response.status_code",
        "db.system",
        "db.system.name",
        "db.statement",
        "db.query.text",
        "celery.action",
        "celery.state",
        "celery.task_name",
        "messaging.message.id",
        "exception.type",
        "error.type",
        "hausordnung.comments",
    }
)
"""Attributes of spans, and of what happened in them, that may leave the house."""

LONGEST = 1000
"""Characters of an attribute; longer ones, such as statements that write many rows, are cut."""

UNTRACED = "healthz,readyz,metrics,static/,queue/bell"
"""Addresses of which nobody wants to see a trace: asked for all the time, or open for minutes."""

EXPORT_WITHIN = 3.0
"""Seconds for which a collector, or Sentry, is waited for when the process stops, too."""


@dataclass(slots=True)
class _Tracing:
    provider: "TracerProvider"
    tracer: "Tracer"


_tracing: _Tracing | None = None
"""Of this process, once it traces."""


def begin(settings: Settings) -> None:
    """Send traces and errors from now on, where settings say so; SettingsError where a package for it is missing."""
    if settings.sentry_dsn and (dsn := settings.sentry_dsn.get_secret_value()):
        _begin_errors(dsn)
    if settings.traces_url:
        _begin_traces(settings.traces_url)


def end() -> None:
    """Send what is left, and be as before."""
    global _tracing  # noqa: PLW0603 - one process has one
    if _tracing is not None:
        from opentelemetry.instrumentation.celery import CeleryInstrumentor  # noqa: PLC0415
        from opentelemetry.instrumentation.sqlalchemy import SQLAlchemyInstrumentor  # noqa: PLC0415

        for instrumentor in (CeleryInstrumentor(), SQLAlchemyInstrumentor()):  # type: ignore[no-untyped-call]
            if instrumentor.is_instrumented_by_opentelemetry:
                instrumentor.uninstrument()
        _tracing.provider.shutdown()
        _tracing = None
    if "sentry_sdk" in sys.modules:
        import sentry_sdk  # noqa: PLC0415

        sentry_sdk.get_client().close(timeout=EXPORT_WITHIN)


def watch_web(app: "Flask") -> None:
    """Trace the requests of an application."""
    if _tracing is not None:
        from opentelemetry.instrumentation.flask import FlaskInstrumentor  # noqa: PLC0415

        FlaskInstrumentor.instrument_app(  # type: ignore[no-untyped-call]
            app, tracer_provider=_tracing.provider, excluded_urls=UNTRACED, enable_commenter=False
        )


def watch_worker() -> None:
    """Trace the tasks of a worker."""
    if _tracing is not None:
        from opentelemetry.instrumentation.celery import CeleryInstrumentor  # noqa: PLC0415

        CeleryInstrumentor().instrument(  # type: ignore[no-untyped-call]
            tracer_provider=_tracing.provider
        )


def watch_database(engine: Engine) -> None:
    """Trace the statements of the process's database."""
    if _tracing is not None:
        from opentelemetry.instrumentation.sqlalchemy import SQLAlchemyInstrumentor  # noqa: PLC0415

        # It has not been declared to work with SQLAlchemy 2.1; the events it listens to are the same, and tests see it.
        SQLAlchemyInstrumentor().instrument(engine=engine, tracer_provider=_tracing.provider, skip_dep_check=True)


@contextmanager
def step(name: str, *, comments: Iterable[int | None] = ()) -> Iterator[None]:
    """Trace a step of a task, and which comments it is about."""
    if _tracing is None:
        yield
        return
    with _tracing.tracer.start_as_current_span(name):
        note(*comments)
        yield


def note(*comments: int | None) -> None:
    """Let what is traced at this moment bear the ids of the comments it is about: by them, one is followed."""
    if _tracing is not None and (known := [comment for comment in comments if comment is not None]):
        from opentelemetry import trace  # noqa: PLC0415

        trace.get_current_span().set_attribute("hausordnung.comments", known)


def _begin_traces(url: str) -> None:
    global _tracing  # noqa: PLW0603
    try:
        from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter  # noqa: PLC0415
        from opentelemetry.sdk.resources import Resource  # noqa: PLC0415
        from opentelemetry.sdk.trace import TracerProvider  # noqa: PLC0415
        from opentelemetry.sdk.trace.export import BatchSpanProcessor  # noqa: PLC0415
    except ModuleNotFoundError as error:
        raise _missing("MODERATION_TRACES_URL", "traces") from error

    class Careful(OTLPSpanExporter):
        """Sends of each span what may leave the house."""

        def export(self, spans: Sequence["ReadableSpan"]) -> Any:
            """Send spans."""
            return super().export([plain(span) for span in spans])

    resource = Resource.create({"service.name": "hausordnung", "service.version": __version__})
    provider = TracerProvider(resource=resource)
    provider.add_span_processor(BatchSpanProcessor(Careful(endpoint=url, timeout=EXPORT_WITHIN)))
    _tracing = _Tracing(provider, provider.get_tracer("moderation", __version__))


def plain(span: "ReadableSpan") -> "ReadableSpan":
    """Return a span with nothing but what may leave the house."""
    from opentelemetry.sdk.trace import Event, ReadableSpan  # noqa: PLC0415
    from opentelemetry.trace import Link, SpanContext, Status  # noqa: PLC0415

    def bare(context: SpanContext) -> SpanContext:
        return SpanContext(context.trace_id, context.span_id, context.is_remote, context.trace_flags)

    return ReadableSpan(
        name=span.name,
        context=bare(span.context),
        parent=bare(span.parent) if span.parent else None,
        resource=span.resource,
        attributes=_harmless(span.attributes),
        events=[Event(event.name, _harmless(event.attributes), event.timestamp) for event in span.events],
        links=[Link(bare(link.context)) for link in span.links],
        kind=span.kind,
        status=Status(span.status.status_code),
        start_time=span.start_time,
        end_time=span.end_time,
        instrumentation_scope=span.instrumentation_scope,
    )


def _harmless(attributes: Mapping[str, Any] | None) -> dict[str, Any]:
    return {
        name: value[:LONGEST] if isinstance(value, str) else value
        for name, value in (attributes or {}).items()
        if name in KEPT
    }


def _begin_errors(dsn: str) -> None:
    try:
        import sentry_sdk  # noqa: PLC0415
        from sentry_sdk.integrations.celery import CeleryIntegration  # noqa: PLC0415
        from sentry_sdk.integrations.flask import FlaskIntegration  # noqa: PLC0415
    except ModuleNotFoundError as error:
        raise _missing("MODERATION_SENTRY_DSN", "sentry") from error
    sentry_sdk.init(  # data about persons is off by itself; to say so is deprecated
        dsn=dsn,
        release=f"hausordnung@{__version__}",
        server_name="",
        integrations=[FlaskIntegration(), CeleryIntegration()],
        auto_enabling_integrations=False,
        include_local_variables=False,
        max_request_body_size="never",
        max_breadcrumbs=0,
        auto_session_tracking=False,
        trace_propagation_targets=[],
        shutdown_timeout=EXPORT_WITHIN,
        before_send=plain_error,
    )


def plain_error(event: Mapping[str, Any], hint: Mapping[str, Any]) -> Any:
    """Return an error as Sentry may have it: what kind, and where; never its message, as databases quote rows there.

    Of a line in our log it is told what happened, which is a word of our own; other lines are left out.
    """
    record = hint.get("log_record")
    happened = record.msg.get("event") if record and isinstance(record.msg, dict) else None
    if happened is None and not event.get("exception"):
        return None
    known = {
        name: event[name]
        for name in ("event_id", "timestamp", "level", "platform", "release", "environment", "logger", "sdk")
        if name in event
    }
    return known | {
        "transaction": event.get("transaction") if record is None else None,
        "logentry": {"message": happened} if happened else None,
        "exception": {"values": [_kind_and_place(one) for one in event.get("exception", {}).get("values", [])]},
    }


def _kind_and_place(exception: Mapping[str, Any]) -> dict[str, Any]:
    frames = (exception.get("stacktrace") or {}).get("frames", [])
    return {
        "type": exception.get("type"),
        "module": exception.get("module"),
        "value": "",
        "mechanism": {"type": (exception.get("mechanism") or {}).get("type", "generic"), "handled": False},
        "stacktrace": {"frames": [{name: value for name, value in one.items() if name != "vars"} for one in frames]},
    }


def _missing(setting: str, extra: str) -> SettingsError:
    return SettingsError(f"{setting} is set, but what it needs is not installed: `pip install 'hausordnung[{extra}]'`.")
