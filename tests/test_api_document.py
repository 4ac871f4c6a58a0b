"""The OpenAPI document tells the truth: whatever may be sent by it, the answers are what it says, and never a 5xx."""

from collections.abc import Iterator
from dataclasses import replace
from typing import Any

import hypothesis
import pytest
import schemathesis
from flask import Flask
from hypothesis import HealthCheck
from hypothesis import strategies as st
from schemathesis import GenerationMode, checks
from schemathesis.specs.openapi import checks as openapi

from moderation import auth, create_app
from moderation.config import Settings
from moderation.db import Database
from moderation.judge import Judge
from moderation.models import Scope, Site
from tests.senders import Paper, comment

CHECKS = [
    checks.not_a_server_error,
    openapi.status_code_conformance,
    openapi.content_type_conformance,
    openapi.response_headers_conformance,
    openapi.response_schema_conformance,
]
KNOWN = {"comment_id": "c1", "article_id": "bruecke", "delivery_id": 1}


@pytest.fixture
def app(settings: Settings, database: Database, judge: Judge) -> Iterator[Flask]:
    made = create_app(settings.model_copy(update={"calls_per_minute": 1_000_000}))
    made.extensions["moderation"] = replace(made.extensions["moderation"], judge=judge)
    yield made
    made.extensions["moderation"].database.dispose()


def test_every_answer_is_as_the_document_says(app: Flask, site: Site, paper: Paper, database: Database) -> None:
    with database.session() as session:
        token = auth.new_token(session.get_one(Site, site.id), Scope.MANAGE)
        session.commit()
    for number in (1, 2):
        paper.send("comment.created", comment(id=f"c{number}"))
    bearer = {"Authorization": f"Bearer {token}"}
    first = bearer | {"If-Match": "*"}
    assert app.test_client().post("/api/v1/comments/c2/decisions", json={"outcome": "delete"}, headers=first).is_json
    schema = schemathesis.openapi.from_wsgi("/api/v1/openapi.json", app)
    called = set()

    for mode, examples in ((GenerationMode.POSITIVE, 6), (GenerationMode.NEGATIVE, 2)):
        for found in schema.get_all_operations():
            operation = found.ok()

            @hypothesis.settings(
                max_examples=examples,
                database=None,
                derandomize=True,
                deadline=None,
                suppress_health_check=list(HealthCheck),
            )
            @hypothesis.given(case=operation.as_strategy(generation_mode=mode), known=st.booleans())
            def call(case: Any, known: bool) -> None:
                if known:
                    case.path_parameters |= {name: KNOWN[name] for name in case.path_parameters}
                if "If-Match" in case.headers:
                    case.headers["If-Match"] = "*"
                answer = case.call_and_validate(headers=bearer, checks=CHECKS)
                called.add((case.method, case.operation.path, answer.status_code))

            call()
    done = {(method, path) for method, path, status in called if status == 200}
    assert len(done) >= 12, sorted(called)
