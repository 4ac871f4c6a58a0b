"""`moderation run` keeps its children running, ever more slowly where they keep dying, and leaves none behind."""

import importlib
import os
import signal
import socket
import subprocess
import sys
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest

from moderation import demo, run
from moderation.db import Database
from moderation.errors import SettingsError
from moderation.run import Child
from tests.integration.ports import free_port
from tests.serving import answering
from tests.stories import add_comment
from tests.waiting import until

command = importlib.import_module("moderation.cli.run")  # the package has the command itself by this name

STUBBORN = "import signal, time; signal.signal(signal.SIGTERM, signal.SIG_IGN); print('up', flush=True); time.sleep(60)"


def _child(folder: Path, code: str) -> Child:
    return Child("score", [sys.executable, "-c", code], folder / "score.log", dict(os.environ))


class _Ready(BaseHTTPRequestHandler):
    def do_GET(self) -> None:
        self.send_response(200)
        self.end_headers()

    def log_message(self, *_: object) -> None:
        pass


@pytest.fixture
def ready_url() -> Iterator[str]:
    """A web that answers."""
    server = ThreadingHTTPServer(("127.0.0.1", 0), _Ready)
    with answering(server):
        yield f"http://127.0.0.1:{server.server_port}/"


@pytest.fixture
def _own_signals() -> Iterator[None]:
    before = {number: signal.getsignal(number) for number in (signal.SIGINT, signal.SIGTERM)}
    yield
    for number, handler in before.items():
        signal.signal(number, handler)


def test_the_secret_key_is_made_once_and_for_its_owner_alone(tmp_path: Path) -> None:
    made = run.keep_secret_key(tmp_path / "var")
    assert len(made) >= 48
    assert run.keep_secret_key(tmp_path / "var") == made
    assert (tmp_path / "var" / "secret_key").stat().st_mode & 0o777 == 0o600


def test_a_secret_key_of_which_nothing_was_written_is_made_anew(tmp_path: Path) -> None:
    """So it was left by whoever was killed while making it, and every start after that was refused."""
    (tmp_path / "secret_key").touch()
    (tmp_path / "secret_key.unfinished").write_text("half of")
    assert len(run.keep_secret_key(tmp_path)) >= 48
    assert [file.name for file in tmp_path.iterdir()] == ["secret_key"]


def test_a_port_that_is_taken_names_another_way() -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = taken.getsockname()[1]
        with pytest.raises(SettingsError, match=f"PORT={port + 1} make run"):
            run.require_free("127.0.0.1", port)
    run.require_free("127.0.0.1", port)


def _waits(child: Child, monkeypatch: pytest.MonkeyPatch, *, after: float) -> list[float]:
    """How many seconds pass before a child is started again that dies ``after`` so many, seven times."""
    at = [1000.0]
    monkeypatch.setattr(run.time, "monotonic", lambda: at[0])
    waits = []
    for _ in range(7):
        child.tend()
        assert child.process is not None
        child.process.wait()
        at[0] += after
        child.tend()
        assert child.process is None, "not at once"
        waits.append(child.start_at - at[0])
        at[0] = child.start_at
    return waits


def test_a_child_that_dies_is_started_again_ever_more_slowly(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    child = _child(tmp_path, "print('tried', flush=True); raise SystemExit(3)")
    assert _waits(child, monkeypatch, after=0) == [1, 2, 4, 8, 16, 16, 16]
    assert (tmp_path / "score.log").read_text() == "tried\n" * 7
    child.signal(signal.SIGTERM)  # there is nobody to hear it


def test_a_child_that_dies_now_and_then_is_started_again_at_once(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert _waits(_child(tmp_path, "raise SystemExit(3)"), monkeypatch, after=run.STEADY) == [1] * 7


def test_a_child_that_cannot_be_started_is_tried_again(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """As when memory is short or the disk full: that ends none of the others."""
    at = [1000.0]
    monkeypatch.setattr(run.time, "monotonic", lambda: at[0])
    child = _child(tmp_path / "not there yet", "")
    child.tend()
    assert (child.process, child.start_at) == (None, 1001)
    child.log_file.parent.mkdir()
    at[0] = child.start_at
    child.tend()
    assert child.process is not None
    child.process.wait()


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="only Linux has a disk that is always full")
def test_what_cannot_be_written_stops_nothing(tmp_path: Path) -> None:
    code = (
        "from pathlib import Path; from moderation import logs, run; from moderation.config import Settings;"
        f"logs.configure(Settings()); child = run.Child('web', ['false'], Path({str(tmp_path / 'log')!r}), {{}});"
        "child.tend(); child.process.wait(); child.tend()"
    )
    with Path("/dev/full").open("w") as full:
        assert subprocess.run([sys.executable, "-c", code], stdout=full, stderr=full, check=False).returncode == 0


@pytest.mark.usefixtures("_own_signals")
def test_ctrl_c_ends_all_children_those_too_that_will_not_hear(
    tmp_path: Path, ready_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(run, "STOP_WITHIN", 0.2)
    family = [_child(tmp_path, STUBBORN), Child("web", ["sleep", "60"], tmp_path / "web.log", {})]

    def when_ready() -> None:
        until(lambda: "up" in (tmp_path / "score.log").read_text())
        os.kill(os.getpid(), signal.SIGINT)

    run.supervise(family, when_ready=when_ready, ready_url=ready_url)
    assert [child.process and child.process.poll() for child in family] == [-signal.SIGKILL, -signal.SIGTERM]


@pytest.mark.usefixtures("_own_signals")
def test_it_waits_for_a_web_that_does_not_answer_yet_and_can_be_stopped_meanwhile(tmp_path: Path) -> None:
    family = [_child(tmp_path, f"import os, signal; os.kill({os.getpid()}, signal.SIGTERM)")]
    greeted: list[bool] = []
    url = f"http://127.0.0.1:{free_port()}/"
    run.supervise(family, when_ready=lambda: greeted.append(True), ready_url=url)
    assert greeted == []


def test_the_demo_says_where_the_desk_is_even_if_its_comments_do_not_arrive(
    database: Database, capsys: pytest.CaptureFixture[str]
) -> None:
    password = command._prepare_demo(database)
    command._greet(database, "https://desk.example", f"http://127.0.0.1:{free_port()}", password)
    said = " ".join(capsys.readouterr().err.split())
    assert "The demo's comments could not be sent" in said
    assert f"Sign in: demo with {password}" in said
    with database.session(read_only=True) as session:
        assert demo.known(session, demo.find_or_add(session)) == set()


def test_where_the_judge_does_not_get_on_the_demo_says_where_to_look(
    database: Database, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(command, "PATIENCE", 0.0)
    with database.session() as session:
        add_comment(session, demo.find_or_add(session))
        session.commit()
    shown: list[int] = []
    command._await_judge(database, shown.append)
    assert set(shown) == {1}
    assert "log/score.log" in capsys.readouterr().err
