"""Whoever runs the service learns how it is: metrics, a doctor, and nobody guesses passwords."""

import dataclasses
import json
import threading
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
import time_machine
from click.testing import CliRunner
from flask import Flask
from flask.testing import FlaskClient
from prometheus_client.parser import text_string_to_metric_families
from pydantic import SecretStr
from sqlalchemy import select
from sqlalchemy.exc import OperationalError

from moderation import auth, create_app, decisions, doctor
from moderation.alarms import looking
from moderation.cli import main
from moderation.config import Settings
from moderation.db import Database, now
from moderation.decisions import Seen
from moderation.judge import Judge
from moderation.judge.artefacts import WeightsError
from moderation.judge.case import ToneSource
from moderation.models import (
    Delivery,
    HouseRule,
    LearnedModel,
    ModelState,
    Moderator,
    Outcome,
    Role,
    Site,
)
from tests.conftest import PASSWORD, Receiver, csrf
from tests.senders import ARTICLE, Paper, comment, signed
from tests.stories import add_assessment, add_comment
from tests.test_letters import Postbox, postbox
from worker.app import Workshop

__all__ = ["postbox"]

TOKEN = "a token that is long enough"


@pytest.fixture
def watched(app: Flask) -> FlaskClient:
    """A client of an application whose metrics may be read."""
    services = app.extensions["moderation"]
    settings = services.settings.model_copy(update={"metrics_token": SecretStr(TOKEN)})
    app.extensions["moderation"] = dataclasses.replace(services, settings=settings)
    return app.test_client()


def test_metrics_tell_what_waits_and_what_failed(
    watched: FlaskClient, database: Database, site: Site, moderator: Moderator
) -> None:
    with database.session() as session:
        for minutes in (10, 60):
            add_comment(session, site, submitted_at=now() - timedelta(minutes=minutes))
        decided = add_comment(session, site)
        mona = session.get_one(Moderator, moderator.id)
        decisions.decide(session, decided.id, Outcome.DELETE, moderator=mona, seen=Seen(1))
        session.scalars(select(Delivery)).one().failed_at = now()
        looking.look(session)
        session.commit()
    samples = _samples(watched)
    assert samples["hausordnung_queue_comments", "foerdeblick"] == 2
    assert samples["hausordnung_queue_oldest_seconds", "foerdeblick"] == pytest.approx(3600, abs=60)
    assert samples["hausordnung_deliveries_failed",] == 1
    assert samples["hausordnung_scoring_due",] == 3
    assert samples["hausordnung_decisions_last_hour", "moderator", "delete"] == 1
    assert samples["hausordnung_alarms_open", "deliveries", "foerdeblick"] == 1
    assert samples["hausordnung_automations",] == 0


def test_metrics_tell_how_fast_it_goes_and_by_which_model(
    watched: FlaskClient, database: Database, site: Site, moderator: Moderator
) -> None:
    moment = now()
    with database.session() as session:
        rule = session.scalars(select(HouseRule)).first()
        assert rule is not None
        for number, seconds in enumerate((30, 90, 3000)):
            comment = add_comment(session, site, received_at=moment - timedelta(seconds=seconds))
            judged_at = moment - timedelta(seconds=50 * number)
            add_assessment(session, comment, rule, assessed_at=judged_at, engine=f"engine {number}")
            mona = session.get_one(Moderator, moderator.id)
            decisions.decide(session, comment.id, Outcome.DELETE, moderator=mona, seen=Seen(1))
        for delivery, problem in zip(
            session.scalars(select(Delivery)), ("answered 500", "private 10.0.0.1", "private 10.0.0.2"), strict=True
        ):
            delivery.last_error = problem
        fitted = {"engine": "e", "decisions": 1, "positives": 1, "from_at": moment, "until_at": moment}
        model = {"site_id": site.id, "content": b"", **fitted}
        session.add(LearnedModel(version=3, state=ModelState.ACTIVE, **model))
        session.add(LearnedModel(version=4, state=ModelState.SHADOW, **model))
        session.commit()
    samples = _samples(watched)
    assert samples["hausordnung_judged_last_minute",] == 2
    assert samples["hausordnung_decision_seconds", "0.5"] == pytest.approx(90, abs=30)
    assert samples["hausordnung_engine_info", "engine 2"] == 1
    assert samples["hausordnung_model_version", "", "foerdeblick"] == 3
    assert samples["hausordnung_deliveries_failing", "answered 500"] == 1
    assert samples["hausordnung_deliveries_failing", "private"] == 2


def test_metrics_tell_what_was_refused_or_failed_by_door_status_and_code(
    watched: FlaskClient, database: Database, site: Site, settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    def away(*_: object, **__: object) -> None:
        raise OperationalError("SELECT", {}, Exception())

    paper = Paper(watched, site.slug, auth.signing_secrets(site)[0])
    article_only = {"type": "article.updated", "data": ARTICLE}
    too_long = {"type": "comment.created", "data": comment(text="x" * (settings.max_comment_characters + 1))}
    before = _samples(watched)
    paper.post("{")
    watched.post(f"/webhooks/{site.slug}/comments", data="{}")
    assert watched.post("/1.1/comment-check", data={"api_key": "wrong"}).status_code == 200
    watched.post("/v1/moderations", json={"input": "a"})
    watched.get("/nobody/knows/this")
    watched.post("/sign-in", data={"name": "nobody", "password": PASSWORD, "csrf_token": csrf(watched)})
    body = json.dumps({"events": [article_only, too_long, too_long]})
    watched.post(f"/webhooks/{site.slug}/bulk", data=body, headers=signed(paper.secret, body))
    with monkeypatch.context() as patch:
        patch.setattr(watched.application.extensions["moderation"].database, "session", away)
        watched.get("/api/v1/site", headers={"Authorization": "Bearer x"})
    after = _samples(watched)
    counted = {key[1:]: value - before.get(key, 0) for key, value in after.items() if key[0].endswith("errors_total")}
    assert {key: value for key, value in counted.items() if value} == {
        # in the order of the labels' names: code, door, status
        ("invalid_json", "webhook", "400"): 1,
        ("missing_signature", "webhook", "401"): 1,
        ("wrong_key", "akismet", "200"): 1,
        ("wrong_key", "openai", "401"): 1,
        ("not_found", "elsewhere", "404"): 1,
        ("unauthorized", "desk", "401"): 1,
        ("too_long", "webhook", "422"): 2,
        ("database", "api", "503"): 1,
    }


def _samples(watched: FlaskClient) -> dict[tuple[str, ...], float]:
    answer = watched.get("/metrics", headers={"Authorization": f"Bearer {TOKEN}"})
    return {
        (sample.name, *(value for _, value in sorted(sample.labels.items()))): sample.value
        for family in text_string_to_metric_families(answer.text)
        for sample in family.samples
    }


def test_whoever_asks_is_told_whether_it_can_work_and_what_to_do(
    client: FlaskClient, settings: Settings, tmp_path: Path
) -> None:
    assert client.get("/readyz").json == {"status": "ready"}
    empty = create_app(settings.model_copy(update={"database_url": f"sqlite:///{tmp_path / 'no-tables.sqlite3'}"}))
    answer = empty.test_client().get("/readyz")
    assert (answer.status_code, answer.json["code"]) == (503, "database")
    assert "moderation db upgrade" in answer.json["detail"]
    assert empty.test_client().get("/healthz").status_code == 200, "it lives, though it cannot work"
    empty.extensions["moderation"].database.dispose()


@pytest.mark.parametrize("token", ["", "wrong", "ü"])
def test_metrics_are_for_whoever_has_the_token(watched: FlaskClient, token: str) -> None:
    assert watched.get("/metrics", headers={"Authorization": f"Bearer {token}"}).status_code == 401


def test_without_a_token_nobody_reads_metrics(client: FlaskClient) -> None:
    assert client.get("/metrics", headers={"Authorization": "Bearer "}).status_code == 401


def test_nobody_guesses_passwords(client: FlaskClient, moderator: Moderator) -> None:
    form = csrf(client)
    tries = [
        client.post("/sign-in", data={"name": "mona", "password": f"falsch-{n}", "csrf_token": form}).status_code
        for n in range(14)
    ]
    assert set(tries) == {401, 429}
    assert tries[0] == 401


def test_a_name_that_is_none_is_slowed_down_alike(client: FlaskClient, moderator: Moderator) -> None:
    form = csrf(client)
    tries = {
        client.post("/sign-in", data={"name": "nobody", "password": PASSWORD, "csrf_token": form}).status_code
        for _ in range(14)
    }
    assert tries == {401, 429}


def test_the_web_reads_its_weights_before_anybody_asks_where_it_is_told_to(
    settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    read = threading.Event()
    monkeypatch.setattr(Judge, "warm", lambda _judge: read.set())
    app = create_app(settings.model_copy(update={"warm_judge": True}))
    assert read.wait(30)
    app.extensions["moderation"].database.dispose()


@pytest.mark.parametrize(("proxies", "refused"), [(0, True), (1, False)])
def test_only_a_proxy_that_is_trusted_says_where_somebody_comes_from(
    settings: Settings, database: Database, proxies: int, refused: bool
) -> None:
    """Else whoever guesses would name another address each time, and be a stranger each time."""
    app = create_app(settings.model_copy(update={"trusted_proxies": proxies, "sign_ins_per_minute": 1}))
    client = app.test_client()
    form = csrf(client)
    with time_machine.travel(now(), tick=False):
        told = [
            client.post(
                "/sign-in",
                data={"name": f"nobody {number}", "password": PASSWORD, "csrf_token": form},
                headers={"X-Forwarded-For": f"192.0.2.{number}"},
            ).status_code
            for number in range(6)
        ]
    assert (429 in told) is refused
    app.extensions["moderation"].database.dispose()


@pytest.fixture(autouse=True)
def _one_judge(judge: Judge, monkeypatch: pytest.MonkeyPatch) -> None:
    """The doctor looks at the judge that is loaded already: it takes seconds to load another."""
    monkeypatch.setattr(Judge, "load", classmethod(lambda cls: judge))


@pytest.fixture
def findings(settings: Settings, database: Database, site: Site, receiver: Receiver) -> dict[str, doctor.Finding]:
    with database.session() as session:
        changed = session.get_one(Site, site.id)
        changed.callback_url = receiver.url
        session.commit()
    return {finding.what: finding for finding in doctor.examine(settings)}


def test_the_doctor_names_what_is_wrong_and_the_remedy(findings: dict[str, doctor.Finding]) -> None:
    assert findings["database"].is_well
    assert findings["judge"].found.startswith("embedded")
    assert "--callback-private" in findings["site foerdeblick"].remedy
    assert "moderator add" in findings["admins"].remedy


def test_the_doctor_has_nothing_to_say_of_a_sound_house(
    settings: Settings, database: Database, pushed: Site, moderator: Moderator
) -> None:
    with database.session() as session:
        session.get_one(Moderator, moderator.id).role = Role.ADMIN
        session.commit()
    assert [finding for finding in doctor.examine(settings) if not finding.is_well] == []
    with database.session() as session:
        session.get_one(Site, pushed.id).callback_url = None
        session.commit()
    (settings.home / "secret_key").write_text("made by `moderation run`")
    found = {finding.what: finding for finding in doctor.examine(settings.model_copy(update={"secret_key": None}))}
    assert found[f"site {pushed.slug}"].found == "fetches its decisions"
    assert found["secret key"].is_well


def test_the_doctor_says_what_time_it_is_for_the_desk(settings: Settings, database: Database) -> None:
    tokyo = settings.model_copy(update={"time_zone": "Asia/Tokyo"})
    with time_machine.travel(datetime(2026, 12, 1, 20, 5, tzinfo=UTC)):
        found = {finding.what: finding.found for finding in doctor.examine(tokyo)}
    assert found["time zone"] == "Asia/Tokyo, where it is 05:05"


@pytest.mark.parametrize(
    ("changes", "what"),
    [
        ({"database_url": "postgresql://nobody@127.0.0.1:9/nothing"}, "database"),
        ({"database_url": "sqlite:////proc/nothing.sqlite3"}, "database"),
        ({"broker_url": "amqp://guest@127.0.0.1:9//"}, "broker"),
        ({"smtp_url": SecretStr("smtp://127.0.0.1:9")}, "mail"),
        ({"tone": ToneSource.BLEND, "tone_model": "/nowhere/ours.ckpt"}, "Detoxify"),
        ({"home": Path("/proc/nowhere")}, "home"),
        ({"tone": ToneSource.BLEND}, "Detoxify"),
        ({"secret_key": None}, "secret key"),
    ],
)
def test_each_illness_is_found(settings: Settings, database: Database, changes: dict[str, object], what: str) -> None:
    found = {finding.what: finding for finding in doctor.examine(settings.model_copy(update=changes))}
    assert not found[what].is_well
    assert found["judge"].is_well


def test_what_was_set_up_and_works_is_said(
    settings: Settings, database: Database, pushed: Site, postbox: Postbox, workshop: Workshop
) -> None:
    checkpoint = settings.home / "ours.ckpt"
    checkpoint.with_suffix(".onnx").write_bytes(b"")
    changes = {"tone": ToneSource.BLEND, "tone_model": str(checkpoint), "smtp_url": workshop.settings.smtp_url}
    found = {finding.what: finding.found for finding in doctor.examine(settings.model_copy(update=changes))}
    assert found["mail"] == "answers"
    assert found["Detoxify"] == "blend, ours.ckpt"
    assert found["site foerdeblick"].startswith("answers (")


@pytest.mark.parametrize(
    ("seconds", "way", "well"), [(120, "ahead of", False), (-8, "behind", False), (3, "ahead of", True)]
)
def test_a_clock_that_is_not_the_databases_is_named_with_what_to_do(
    settings: Settings, database: Database, seconds: int, way: str, *, well: bool
) -> None:
    with time_machine.travel(datetime.now(UTC) + timedelta(seconds=seconds)):
        clock = next(finding for finding in doctor.examine(settings) if finding.what == "clock")
    if database.engine.dialect.name == "sqlite":
        assert (clock.found, clock.is_well) == ("there is one: the database is a file", True)
        return
    off, _, words = clock.found.partition(" ")
    assert float(off) == pytest.approx(abs(seconds), abs=1)
    assert words == f"s {way} the database's"
    assert (clock.is_well, "NTP" in clock.remedy) == (well, not well)


@pytest.mark.parametrize(
    ("callback", "said"),
    [("http://127.0.0.1:9/", "cannot be reached (ConnectError)"), ("http://[::1/", "cannot be reached (InvalidURL)")],
)
def test_a_site_that_cannot_hear_its_decisions_is_named(
    settings: Settings, database: Database, pushed: Site, callback: str, said: str
) -> None:
    with database.session() as session:
        session.get_one(Site, pushed.id).callback_url = callback
        session.commit()
    found = {finding.what: finding for finding in doctor.examine(settings)}
    assert found["site foerdeblick"].found == said
    assert "--callback-url" in found["site foerdeblick"].remedy


def test_weights_that_are_not_what_was_shipped_are_named(settings: Settings, monkeypatch: pytest.MonkeyPatch) -> None:
    def damaged(cls: type[Judge]) -> Judge:
        raise WeightsError("tone.npz is damaged.")

    monkeypatch.setattr(Judge, "load", classmethod(damaged))
    found = {finding.what: finding for finding in doctor.examine(settings)}
    assert (found["judge"].found, found["judge"].is_well) == ("tone.npz is damaged.", False)


def test_the_command_ends_with_1_where_something_is_wrong(settings: Settings, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("MODERATION_HOME", str(settings.home))
    monkeypatch.setenv("MODERATION_DATABASE_URL", "sqlite:////proc/nothing.sqlite3")
    done = CliRunner().invoke(main, ["doctor"])
    assert done.exit_code == 1
    assert "BAD  database" in done.output
