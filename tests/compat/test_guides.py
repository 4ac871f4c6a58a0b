"""What the guides show is run as it stands there: for webhooks, and for clients of other services."""

import re
import subprocess
from collections.abc import Callable
from typing import Any

import pytest
from flask import Flask
from sqlalchemy import select
from werkzeug.serving import make_server

from moderation import decisions
from moderation.db import Database
from moderation.decisions import Seen
from moderation.models import Comment, Moderator, Outcome, Site
from tests.compat.coral import RUDE, Pages, asking, post_as_coral
from tests.guides import DOCS, blocks
from tests.integration.ports import free_port
from tests.serving import answering
from worker import tasks
from worker.app import Workshop

PERSPECTIVE, OPENAI = blocks("compatible-apis.md", "python")
SEND, HEAR = blocks("webhook.md", "python")
(PHP,) = blocks("webhook.md", "php")


def _run(guide: str, port: int, token: str) -> None:
    exec(guide.replace("https://moderation.example", f"http://127.0.0.1:{port}").replace("ho_…", token), {})


def test_moving_from_perspective(port: int, token: str, capsys: pytest.CaptureFixture[str]) -> None:
    _run(PERSPECTIVE, port, token)
    assert 0.5 < float(capsys.readouterr().out) < 1


def test_moving_from_openai(port: int, token: str, capsys: pytest.CaptureFixture[str]) -> None:
    _run(OPENAI, port, token)
    assert capsys.readouterr().out == "True\n"


def test_coral_asks_at_the_addresses_of_the_guide(
    judged: Flask, site: Site, pages: Pages, command: Callable[[str], str]
) -> None:
    text = (DOCS / "compatible-apis.md").read_text(encoding="utf-8")
    told = re.search(r"`(moderation site coral \S+ empsec_…)`", text)
    assert told
    secret = "empsec_0123456789abcdef"
    command(told[1].replace("SLUG", site.slug).replace("empsec_…", secret))
    command(f"moderation site set {site.slug} --callback-private --origin {pages.url}")  # on this machine here
    phase, webhook = re.findall(r"https://moderation\.example(/compat/coral/\w+)", text)
    held = post_as_coral(judged, phase, asking(f"{pages.url}/bruecke", RUDE), secrets=(secret,))
    assert held.json["status"] == "SYSTEM_WITHHELD"
    told_of = {"commentID": "c7", "storyID": "s1", "status": "REJECTED"}
    event = {"type": "COMMENT_LEFT_MODERATION_QUEUE", "data": told_of}
    assert post_as_coral(judged, webhook, event, secrets=(secret,)).status_code == 204


def test_a_site_sends_and_hears_by_webhook(
    port: int,
    command: Callable[[str], str],
    moderator: Moderator,
    database: Database,
    workshop: Workshop,
    capsys: pytest.CaptureFixture[str],
) -> None:
    add, *_ = blocks("webhook.md", "sh")
    callback = free_port()
    printed = command(add.replace("https://mypaper.example/", f"http://127.0.0.1:{callback}/"))
    command("moderation site set mypaper --callback-private --undo-seconds 0")
    secret = re.search(r"whsec_\S+", printed)
    assert secret

    def here(guide: str) -> str:
        return guide.replace("https://moderation.example", f"http://127.0.0.1:{port}").replace("whsec_…", secret[0])

    exec(here(SEND), {})
    assert capsys.readouterr().out == "pending\n"
    sent = subprocess.run(["php", "-r", here(PHP)], capture_output=True, text=True, timeout=60, check=False)
    assert (sent.returncode, sent.stdout + sent.stderr) == (0, "")

    with database.session() as session:
        for comment in session.scalars(select(Comment).order_by(Comment.id)):
            outcome = Outcome.APPROVE if comment.external_id == "4711" else Outcome.DELETE
            decisions.decide(session, comment.id, outcome, moderator=moderator, seen=Seen(revision=comment.revision))
        session.commit()
    theirs: dict[str, Any] = {"__name__": "theirs"}
    exec(here(HEAR), theirs)
    with answering(make_server("127.0.0.1", callback, theirs["app"])):
        tasks.deliver()
    assert sorted(capsys.readouterr().out.splitlines()) == ["4711 approve", "4712 delete"]
    assert theirs["app"].test_client().post("/hausordnung", data=b"{}").status_code == 401
