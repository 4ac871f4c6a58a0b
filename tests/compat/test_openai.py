"""OpenAI's clients, unmodified, moderate here."""

from collections.abc import Callable, Iterator
from dataclasses import replace
from typing import Any

import openai
import pytest
from flask import Flask

RUDE = "Du Vollidiot, die Brücke ist doch längst bezahlt."


@pytest.fixture
def stock(port: int, token: str) -> Iterator[openai.OpenAI]:
    with openai.OpenAI(api_key=token, base_url=f"http://127.0.0.1:{port}/v1", max_retries=0) as client:
        yield client


def test_the_stock_client_gets_a_result_for_each_text(stock: openai.OpenAI) -> None:
    answer = stock.moderations.create(
        input=[RUDE, "Danke für den Artikel über die Brücke."], model="omni-moderation-latest"
    )
    rude, kind = answer.results
    assert rude.flagged
    assert rude.categories.harassment
    assert rude.category_scores.harassment > 0.8
    assert rude.category_applied_input_types.harassment == ["text"]
    assert not kind.flagged
    assert answer.id.startswith("modr-")
    assert len(answer.results[0].model_dump(by_alias=True)["category_scores"]) == 13


def test_what_nobody_was_trained_for_is_said_to_apply_to_nothing(stock: openai.OpenAI) -> None:
    (result,) = stock.moderations.create(input=RUDE).results
    assert result.category_scores.self_harm == 0
    assert result.category_applied_input_types.self_harm == []


def test_parts_of_one_input_are_one_text(stock: openai.OpenAI) -> None:
    parts: Any = [{"type": "text", "text": "Du"}, {"type": "text", "text": "Vollidiot!"}]
    (result,) = stock.moderations.create(input=parts).results
    assert result.flagged


def test_the_client_from_npm_moderates_too(node: Callable[..., Any], port: int, token: str) -> None:
    script = """
        const OpenAI = require('openai')
        new OpenAI({baseURL: process.argv[1], apiKey: process.argv[2]}).moderations.create({input: process.argv[3]})
            .then(a => console.log(JSON.stringify(a)))
    """
    answer = node(script, f"http://127.0.0.1:{port}/v1", token, RUDE)
    assert answer["results"][0]["flagged"] is True


def test_a_wrong_key_is_an_authentication_error(port: int, token: str) -> None:
    with (
        openai.OpenAI(api_key="ho_wrong", base_url=f"http://127.0.0.1:{port}/v1", max_retries=0) as client,
        pytest.raises(openai.AuthenticationError) as caught,
    ):
        client.moderations.create(input="Hallo")
    assert caught.value.code == "invalid_api_key"


def test_who_asks_too_often_is_told_when_to_ask_again(judged: Flask, port: int, stock: openai.OpenAI) -> None:
    services = judged.extensions["moderation"]
    settings = services.settings.model_copy(update={"calls_per_minute": 1})
    judged.extensions["moderation"] = replace(services, settings=settings)
    with pytest.raises(openai.RateLimitError) as caught:
        stock.moderations.create(input=["Hallo", "Welt"])
    assert caught.value.code == "rate_limit_exceeded"
    assert 1 <= int(caught.value.response.headers["retry-after"]) <= 60


@pytest.mark.parametrize(
    "given",
    [
        None,
        7,
        [],
        [1],
        ["a", {}],
        [{"type": "image_url", "image_url": {"url": "https://a.example/b.png"}}],
        ["a"] * 129,
        "a" * 100_001,
    ],
)
def test_what_cannot_be_judged_is_refused_and_named(judged: Flask, token: str, given: Any) -> None:
    headers = {"Authorization": f"Bearer {token}"}
    answer = judged.test_client().post("/v1/moderations", json={"input": given}, headers=headers)
    assert answer.status_code == 400
    assert answer.json["error"]["type"] == "invalid_request_error"
    assert answer.json["error"]["param"] == "input"
