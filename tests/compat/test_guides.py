"""What the guide to the doors for other services' clients shows is run as it stands there."""

import pytest

from tests.guides import blocks

PERSPECTIVE, OPENAI = blocks("compatible-apis.md", "python")


def _run(guide: str, port: int, token: str) -> None:
    exec(guide.replace("https://moderation.example", f"http://127.0.0.1:{port}").replace("ho_…", token), {})


def test_moving_from_perspective(port: int, token: str, capsys: pytest.CaptureFixture[str]) -> None:
    _run(PERSPECTIVE, port, token)
    assert 0.5 < float(capsys.readouterr().out) < 1


def test_moving_from_openai(port: int, token: str, capsys: pytest.CaptureFixture[str]) -> None:
    _run(OPENAI, port, token)
    assert capsys.readouterr().out == "True\n"
