"""The service on a real port, with the judge in it, for unmodified clients of other services."""

import json
import subprocess
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from flask import Flask

from moderation import auth
from moderation.db import Database
from moderation.judge import Judge
from moderation.models import Site
from tests.compat.coral import Pages
from tests.serving import answering, serving

HERE = Path(__file__).parent


@pytest.fixture
def judged(app: Flask, judge: Judge) -> Flask:
    """The application, with a judge that is loaded already."""
    app.extensions["moderation"] = replace(app.extensions["moderation"], judge=judge)
    return app


@pytest.fixture
def port(judged: Flask) -> Iterator[int]:
    with serving(judged) as server:
        yield server.port


@pytest.fixture
def pages() -> Iterator[Pages]:
    """A newspaper's web server, for whoever fetches its articles."""
    made = Pages()
    with answering(made.server):
        yield made


@pytest.fixture
def akismet_key(database: Database, site: Site) -> str:
    with database.session() as session:
        key = auth.new_akismet_key(session.get_one(Site, site.id))
        session.commit()
    return key


@pytest.fixture(scope="session")
def npm() -> Path:
    """The folder with the clients from npm, as pinned."""
    if not (HERE / "node_modules").is_dir():
        subprocess.run(["npm", "ci", "--silent", "--no-audit", "--ignore-scripts"], cwd=HERE, check=True)
    return HERE


@pytest.fixture
def node(npm: Path) -> Callable[..., Any]:
    """Run a script with arguments; what it prints is JSON."""

    def run(script: str, *arguments: str) -> Any:
        command = ["node", "--input-type=commonjs", "--eval", script, "--", *arguments]
        done = subprocess.run(command, cwd=npm, capture_output=True, text=True, timeout=60, check=False)
        assert done.returncode == 0, done.stderr
        return json.loads(done.stdout)

    return run
