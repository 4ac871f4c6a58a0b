"""The embedded judge reads what readers wrote; it asks nobody and tells nobody."""

import socket
from typing import NoReturn

import pytest

from moderation.judge import Case, Judge
from moderation.judge.case import Article


def test_it_loads_and_judges_without_a_network(monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(*_: object, **__: object) -> NoReturn:
        raise AssertionError("the judge reaches for the network")

    for way in ("socket", "create_connection", "getaddrinfo"):
        monkeypatch.setattr(socket, way, refuse)
    article = Article(
        title="Die Hafenbrücke wird gesperrt", lead="", body="Die Pfeiler tragen nicht mehr.", language="de"
    )
    (found,) = Judge.load().assess([Case(text="Du bist doch ein Vollidiot.", article=article)])
    assert found.disrespect is not None
    assert found.disrespect > 0.5
