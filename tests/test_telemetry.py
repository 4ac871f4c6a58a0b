"""Traces and errors leave the house if it is told where to, and take no word of a reader, no name and no key along."""

import gzip
import json
import logging
import os
import re
import subprocess
import sys
import time
from collections.abc import Iterator
from typing import Any, Never

import pytest
import structlog
from flask.testing import FlaskClient
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest
from opentelemetry.proto.trace.v1.trace_pb2 import Span
from pydantic import SecretStr
from sqlalchemy import update

from moderation import auth, bulk, create_app, scoring, telemetry
from moderation.config import Settings
from moderation.db import Database, now
from moderation.errors import SettingsError
from moderation.models import Delivery, Moderator, Site
from tests.conftest import PASSWORD, Receiver, csrf, receiving
from tests.senders import Paper, comment
from worker import tasks
from worker.app import Workshop

CANARY = "Kanarienvogel"
KEY = "0123456789abcdef0123456789abcdef"


@pytest.fixture
def collector() -> Iterator[Receiver]:
    """Somebody who takes traces and errors alike."""
    with receiving() as made:
        yield made


@pytest.fixture
def watched(settings: Settings, collector: Receiver) -> Iterator[Settings]:
    """Settings by which traces and errors go to the collector."""
    address = collector.url.removesuffix("/hausordnung")
    yield settings.model_copy(
        update={
            "traces_url": f"{address}/v1/traces",
            "sentry_dsn": SecretStr(address.replace("http://", f"http://{KEY}@") + "/7"),
        }
    )
    telemetry.end()


def _bodies(collector: Receiver) -> list[bytes]:
    return [gzip.decompress(body) if body[:2] == b"\x1f\x8b" else body for _, body in collector.got]


def _spans(collector: Receiver) -> list[Span]:
    requests = [
        ExportTraceServiceRequest.FromString(body) for body in _bodies(collector) if not body.lstrip().startswith(b"{")
    ]
    spans = [
        span
        for request in requests
        for resource in request.resource_spans
        for scope in resource.scope_spans
        for span in scope.spans
    ]
    return sorted(spans, key=lambda span: span.start_time_unix_nano)


def _about(span: Span) -> list[int]:
    return [
        value.int_value
        for attribute in span.attributes
        if attribute.key == "hausordnung.comments"
        for value in attribute.value.array_value.values
    ]


def _errors(collector: Receiver) -> list[dict[str, Any]]:
    """The events in Sentry's envelopes: a line that says of what kind the next is."""
    found = []
    for body in _bodies(collector):
        lines = body.splitlines()
        if body.startswith(b"{"):
            found += [
                json.loads(event)
                for kind, event in zip(lines[1::2], lines[2::2], strict=True)
                if json.loads(kind)["type"] == "event"
            ]
    return found


def test_a_comment_is_followed_from_the_webhook_to_its_delivery_and_takes_no_word_along(
    watched: Settings,
    database: Database,
    workshop: Workshop,
    pushed: Site,
    moderator: Moderator,
    collector: Receiver,
) -> None:
    app = create_app(watched)
    telemetry.watch_worker()
    secret = auth.signing_secrets(pushed)[0]
    paper = Paper(app.test_client(), pushed.slug, secret)
    person = {"name": f"{CANARY}-Name", "email": f"{CANARY}@example.org", "ip": "192.0.2.99"}
    assert paper.send("comment.created", comment(text=f"{CANARY} über der Brücke", commenter=person)).status_code == 202
    tasks.score.apply()
    _decide(app.test_client(), 1)
    with database.session() as session:
        session.execute(update(Delivery).values(due_at=now(), not_before=now()))
        session.commit()
    tasks.deliver.apply()
    telemetry.end()

    decision = "POST /comments/<int(max=4611686018427387904):comment_id>/decision"
    about = [span.name for span in _spans(collector) if 1 in _about(span)]
    assert about == ["POST /webhooks/<site>/comments", "run/score", decision, "send"]
    assert any(span.name.startswith("INSERT") for span in _spans(collector))
    _tell_nothing(collector, secret)
    app.extensions["moderation"].database.dispose()


def test_an_error_is_told_without_its_message_and_without_what_was_sent(
    watched: Settings,
    workshop: Workshop,
    site: Site,
    collector: Receiver,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    app = create_app(watched)
    telemetry.watch_worker()

    def fail(*_: object, **__: object) -> Never:
        words = f"{CANARY} in the row"  # a local variable, and a message that quotes it
        logging.getLogger("celery").error("refused %s", words)
        structlog.get_logger().error("it_failed", comment=7)
        raise ValueError(words)

    monkeypatch.setattr(bulk, "accept", fail)
    secret = auth.signing_secrets(site)[0]
    paper = Paper(app.test_client(), site.slug, secret)
    assert paper.send("comment.created", comment(text=f"{CANARY} über der Brücke")).status_code == 500
    monkeypatch.setattr(scoring, "claim", fail)
    tasks.score.apply()
    telemetry.end()

    errors = _errors(collector)
    told = [error for error in errors if not error["logentry"]]
    assert [error["transaction"] for error in told] == ["api.webhook", "score"]
    assert {error["exception"]["values"][0]["type"] for error in told} == {"ValueError"}
    last = errors[-1]["exception"]["values"][0]["stacktrace"]["frames"][-1]
    assert (last["filename"], last["function"]) == ("tests/test_telemetry.py", "fail")
    assert {error["logentry"]["message"] for error in errors if error["logentry"]} == {"it_failed"}
    _tell_nothing(collector, secret)
    app.extensions["moderation"].database.dispose()


@pytest.mark.parametrize(
    ("module", "setting"),
    [("opentelemetry.sdk.trace", {"traces_url": "http://127.0.0.1:1/v1/traces"}), ("sentry_sdk", {"sentry_dsn": "x"})],
)
def test_a_package_that_is_missing_is_named(
    settings: Settings, module: str, setting: dict[str, str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(sys.modules, module, None)
    with pytest.raises(SettingsError, match=r"pip install 'hausordnung\["):
        telemetry.begin(Settings(home=settings.home, **setting))


def test_without_the_settings_nothing_of_it_is_even_loaded() -> None:
    code = (
        "import sys; from moderation import create_app; create_app(); import worker.tasks; "
        "print({name for name in ('opentelemetry', 'sentry_sdk') if name in sys.modules})"
    )
    env = os.environ | {"MODERATION_SECRET_KEY": "a secret key for tests, quite long enough"}
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True, env=env)
    assert done.stdout.strip() == "set()"


def test_a_collector_that_is_away_holds_up_nobody(settings: Settings) -> None:
    """Nobody listens at this address; what could not be sent is lost, and no request and no stop waits for it."""
    app = create_app(
        settings.model_copy(
            update={
                "traces_url": "http://127.0.0.1:1/v1/traces",
                "sentry_dsn": SecretStr(f"http://{KEY}@127.0.0.1:1/7"),
            }
        )
    )
    assert app.test_client().get("/sign-in").status_code == 200
    began = time.monotonic()
    telemetry.end()
    assert time.monotonic() - began < 8
    app.extensions["moderation"].database.dispose()


def _decide(desk: FlaskClient, comment_id: int) -> None:
    desk.post("/sign-in", data={"name": "mona", "password": PASSWORD, "csrf_token": csrf(desk)})
    assert CANARY in desk.get(f"/search?q={CANARY}").text
    page = desk.get(f"/comments/{comment_id}").text
    token = re.search(r'name="csrf_token" value="([^"]+)"', page)
    assert token is not None
    form = {"outcome": "delete", "revision": "1", "csrf_token": token[1], "note": f"{CANARY} im Vermerk"}
    assert desk.post(f"/comments/{comment_id}/decision", data=form).status_code == 303


def _tell_nothing(collector: Receiver, secret: str) -> None:
    assert collector.got
    for headers, body in zip((headers for headers, _ in collector.got), _bodies(collector), strict=True):
        told = body + json.dumps({name: value for name, value in headers.items() if name != "x-sentry-auth"}).encode()
        for hidden in (CANARY, "192.0.2.99", "mona", PASSWORD, secret, secret.removeprefix("whsec_")):
            assert hidden.encode() not in told
