"""The very commands of docker-compose.yml, as processes against PostgreSQL and RabbitMQ, take a comment through."""

import json
import os
import re
import secrets
import subprocess
import sys
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import httpx
import psycopg
import pytest
import yaml
from sqlalchemy import select
from standardwebhooks.webhooks import Webhook

from moderation import auth, decisions, sites
from moderation.db import Database
from moderation.decisions import Seen
from moderation.models import Comment, Outcome
from tests.conftest import PASSWORD, Receiver
from tests.integration.ports import free_port
from tests.senders import comment, signed
from tests.waiting import until

pytestmark = pytest.mark.services

ROOT = Path(__file__).parents[2]
ADMIN = os.environ.get("TEST_POSTGRES_ADMIN", "postgresql://postgres@127.0.0.1:5432/postgres")


@dataclass
class Machine:
    """The compose file's services as processes of this machine."""

    env: dict[str, str]
    commands: dict[str, list[str]]
    port: int
    logs: Path
    running: dict[str, subprocess.Popen[bytes]] = field(default_factory=dict)

    def run(self, service: str) -> None:
        """Run a service that ends by itself."""
        subprocess.run(self._command(service), env=self.env, check=True, capture_output=True)

    def start(self, service: str) -> None:
        with (self.logs / f"{service}.log").open("wb") as output:
            self.running[service] = subprocess.Popen(self._command(service), env=self.env, stdout=output, stderr=output)

    def _command(self, service: str) -> list[str]:
        program, *arguments = self.commands[service]
        return [str(Path(sys.executable).parent / program), *arguments]

    def stop(self) -> None:
        for process in self.running.values():
            process.terminate()
        for process in self.running.values():
            process.wait(20)

    def log(self) -> str:
        return "\n".join(file.read_text() for file in sorted(self.logs.glob("*.log")))


def _rabbit(*arguments: str) -> None:
    subprocess.run(["rabbitmqctl", "--quiet", *arguments], check=True, capture_output=True)


@pytest.fixture
def names() -> Iterator[str]:
    """A name for a database, a role and a virtual host of our own; its password is the same."""
    name = f"hausordnung_{secrets.token_hex(4)}"
    with psycopg.connect(ADMIN, autocommit=True) as admin:
        admin.execute(f"CREATE ROLE {name} LOGIN PASSWORD '{name}'")
        admin.execute(f"CREATE DATABASE {name} OWNER {name}")
    _rabbit("add_vhost", name)
    _rabbit("add_user", name, name)
    _rabbit("set_permissions", "-p", name, name, ".*", ".*", ".*")
    yield name
    _rabbit("delete_vhost", name)
    _rabbit("delete_user", name)
    with psycopg.connect(ADMIN, autocommit=True) as admin:
        admin.execute(f"DROP DATABASE {name} WITH (FORCE)")
        admin.execute(f"DROP ROLE {name}")


@pytest.fixture
def machine(names: str, tmp_path: Path) -> Iterator[Machine]:
    port = free_port()
    given = {
        "POSTGRES_PASSWORD": names,
        "RABBITMQ_PASSWORD": names,
        "MODERATION_SECRET_KEY": secrets.token_urlsafe(48),
        "MODERATION_PUBLIC_URL": f"http://127.0.0.1:{port}",
    }
    text = (ROOT / "docker-compose.yml").read_text(encoding="utf-8")
    text = re.sub(r"\$\{(\w+):\?[^}]*\}", lambda match: given[match[1]], text)
    text = re.sub(r"\$\{\w+:-([^}]*)\}", lambda match: match[1], text)
    # What a container network would do: names of services become addresses.
    text = text.replace(
        f"postgresql://moderation:{names}@database/moderation", f"postgresql://{names}:{names}@127.0.0.1/{names}"
    )
    text = text.replace(f"amqp://moderation:{names}@broker//", f"amqp://{names}:{names}@127.0.0.1/{names}")
    text = text.replace("0.0.0.0:8000", f"127.0.0.1:{port}").replace("/tmp/beat", str(tmp_path / "beat"))
    services: dict[str, Any] = yaml.safe_load(text)["services"]
    ours = {name: service for name, service in services.items() if "command" in service}
    env = os.environ | {
        name: str("" if value is None else value) for name, value in ours["worker"]["environment"].items()
    }
    # No test fetches a gigabyte: nobody answers there, and the embedded judge judges alone.
    env["MODERATION_MODELS_MIRROR"] = f"http://127.0.0.1:{free_port()}"
    env["MODERATION_HOME"] = str(tmp_path)
    env["MODERATION_SWEEP_INTERVAL"] = "2"
    made = Machine(env, {name: service["command"] for name, service in ours.items()}, port, tmp_path)
    yield made
    made.stop()


def test_a_comment_goes_all_the_way_through(machine: Machine, receiver: Receiver) -> None:
    machine.run("migrate")
    url = f"http://127.0.0.1:{machine.port}"
    for service in ("web", "worker", "carrier", "beat"):
        machine.start(service)

    database = Database(machine.env["MODERATION_DATABASE_URL"])
    with database.session() as session:
        site = sites.add_site(session, slug="paper", name="Paper", callback_url=receiver.url)
        site.callback_private, site.undo_seconds = True, 1
        moderator = sites.add_moderator(session, name="mona", password=PASSWORD)
        secret = auth.signing_secrets(site)[0]
        session.commit()
        session.refresh(moderator)

        until(lambda: _ready(url), within=180)
        body = json.dumps({"type": "comment.created", "data": comment()}, ensure_ascii=False)
        answer = httpx.post(
            f"{url}/webhooks/paper/comments", content=body.encode(), headers=signed(secret, body), trust_env=False
        )
        assert (answer.status_code, answer.json()) == (202, {"id": "c1", "status": "pending"}), machine.log()

    until(lambda: _judged(database), within=180)

    with database.session() as session:
        decisions.decide(session, 1, Outcome.APPROVE, moderator=moderator, seen=Seen(revision=1))
        session.commit()  # nobody rings: the sweep must find it
    receiver.wait_for(1, within=180)
    until(lambda: "the embedded judge judges alone" in machine.log(), within=180)
    headers, sent = receiver.got[0]
    assert Webhook(secret).verify(sent, headers)["data"]["id"] == "c1"

    check = subprocess.run(
        [*machine._command("worker")[:1], "--app", "worker", "inspect", "ping", "--timeout", "8"],
        env=machine.env,
        capture_output=True,
        text=True,
        check=False,
    )
    assert check.returncode == 0, check.stdout + check.stderr
    database.dispose()


def _ready(url: str) -> bool:
    with suppress(httpx.HTTPError):
        return httpx.get(f"{url}/readyz", trust_env=False).is_success
    return False


def _judged(database: Database) -> bool:
    with database.session(read_only=True) as session:
        found = session.scalars(select(Comment)).one()
        return found.due_at is None and found.assessment is not None and found.assessment.not_scored is None
