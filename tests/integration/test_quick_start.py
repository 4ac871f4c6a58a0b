"""The README's quick start, typed by somebody with Python and make on a machine of their own."""

import os
import re
import shutil
import signal
import subprocess
import time
from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest
from sqlalchemy import func, select

from moderation import demo
from moderation.config import Settings
from moderation.db import Database
from moderation.models import Assessment, Comment
from tests.integration.ports import free_port
from tests.waiting import until

ROOT = Path(__file__).parents[2]


@pytest.fixture(scope="module")
def clone(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """A copy of what is in the repository, and nothing else."""
    folder = tmp_path_factory.mktemp("clone") / "hausordnung"
    listed = subprocess.run(
        ["git", "ls-files", "-z", "--cached", "--others", "--exclude-standard"],
        cwd=ROOT,
        capture_output=True,
        check=True,
    )
    for name in listed.stdout.decode().split("\0"):
        if name and (ROOT / name).is_file():
            (folder / name).parent.mkdir(parents=True, exist_ok=True)
            shutil.copy2(ROOT / name, folder / name)
    yield folder
    shutil.rmtree(folder)


def _first_command() -> str:
    """The first command of the README's quick start that runs anything."""
    block = re.search(r"```sh\n(.*?)```", (ROOT / "README.md").read_text(encoding="utf-8"), re.DOTALL)
    assert block, "the README has no quick start"
    lines = [line.split("#")[0].strip() for line in block[1].splitlines()]
    return next(line for line in lines if line.startswith("make"))


class Started:
    """The service as it was started from the command line."""

    def __init__(self, folder: Path, port: int) -> None:
        ours = ("MODERATION_", "MAKE", "MFLAGS", "PYTHON")  # what `make test` and the tests have set
        clean = {name: value for name, value in os.environ.items() if not name.startswith(ours)}
        self.output = folder / f"output-{port}.txt"
        with self.output.open("wb") as output:
            self.process = subprocess.Popen(
                _first_command().split(),
                cwd=folder,
                env=clean | {"PORT": str(port)},
                stdout=output,
                stderr=subprocess.STDOUT,
                start_new_session=True,
            )
        self.url = f"http://127.0.0.1:{port}"

    def until_it_greets(self) -> tuple[str, str]:
        """Wait until the sign-in is printed, and return name and password."""
        until(self._greeted, within=600)
        found = self._greeted()
        assert found
        return found[1], found[2]

    def _greeted(self) -> re.Match[str] | None:
        text = self.output.read_text()
        assert self.process.poll() is None or "Sign in" in text, text
        return re.search(r"Sign in:\s+(\S+)\s+with\s+(\S+)", text)

    def interrupt(self) -> float:
        """Press Ctrl-C; return how many seconds it took to stop."""
        began = time.monotonic()
        os.killpg(self.process.pid, signal.SIGINT)
        self.process.wait(30)
        return time.monotonic() - began


def _counts(folder: Path) -> tuple[int, int]:
    database = Database(Settings(home=folder / "var").database_url)
    with database.session(read_only=True) as session:
        comments = session.scalar(select(func.count()).select_from(Comment)) or 0
        judged = session.scalar(select(func.count()).select_from(Assessment).where(Assessment.not_scored.is_(None)))
    database.dispose()
    return comments, judged or 0


def _alive(folder: Path) -> str:
    return subprocess.run(["pgrep", "-af", str(folder)], capture_output=True, text=True, check=False).stdout


def test_two_commands_bring_a_desk_full_of_judged_comments(clone: Path) -> None:
    port = free_port()
    started = Started(clone, port)
    try:
        name, password = started.until_it_greets()
        total = demo.count()
        assert total >= 150
        assert _counts(clone) == (total, total)
        with httpx.Client(base_url=started.url, follow_redirects=True, trust_env=False) as browser:
            page = browser.get("/").text
            token = re.search(r'name="csrf_token"[^>]*value="([^"]+)"', page)
            assert token
            form = {"csrf_token": token[1], "name": name, "password": password}
            queue = browser.post("/sign-in", data=form)
            assert queue.status_code == 200
            assert "Niemand wird kleingemacht" in queue.text
    finally:
        seconds = started.interrupt()
    assert seconds < 12
    # A web worker may still be on its way out when its master has gone; it has as long as the service itself.
    until(lambda: _alive(clone) == "", within=12)

    again = Started(clone, port)
    try:
        again.until_it_greets()
        assert _counts(clone) == (total, total)
    finally:
        again.interrupt()


def test_a_port_that_is_taken_is_told(clone: Path) -> None:
    import socket

    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        started = Started(clone, taken.getsockname()[1])
        assert started.process.wait(300) != 0
    assert "choose another port" in started.output.read_text()


def test_an_environment_that_was_left_half_made_is_made_anew(tmp_path: Path) -> None:
    """As by whoever pressed Ctrl-C while it was made: there is a Python, and no pip."""
    shutil.copy(ROOT / "Makefile", tmp_path)
    for name in ("pyproject.toml", "requirements.lock"):
        (tmp_path / name).touch()
    half, whole = tmp_path / ".venv" / "bin" / "python", tmp_path / "python"
    half.parent.mkdir(parents=True)
    half.write_text("#!/bin/sh\nexit 1\n")
    whole.write_text('#!/bin/sh\n[ "$2" != venv ] || printf "#!/bin/sh\\n" > .venv/bin/python\n')
    for program in (half, whole):
        program.chmod(0o755)
    made = subprocess.run(
        ["make", ".venv/installed", f"PYTHON={whole}"], cwd=tmp_path, capture_output=True, check=False
    )
    assert made.returncode == 0, made.stderr
