"""The Python client does with the service itself what its types promise, and what the guide shows."""

from collections.abc import Iterator
from dataclasses import replace

import httpx
import pytest
from flask import Flask

from moderation import auth, client
from moderation.client import Client, Problem
from moderation.db import Database
from moderation.judge import Judge
from moderation.models import Scope, Site
from tests.guides import blocks
from tests.senders import ARTICLE, Paper, comment

RUDE = "Du Vollidiot, lies doch erst mal den Artikel, bevor du hier schreibst!"


@pytest.fixture
def ours(app: Flask, judge: Judge, site: Site, database: Database, paper: Paper) -> Iterator[Client]:
    app.extensions["moderation"] = replace(app.extensions["moderation"], judge=judge)
    with database.session() as session:
        token = auth.new_token(session.get_one(Site, site.id), Scope.MANAGE)
        session.get_one(Site, site.id).undo_seconds = 0
        session.commit()
    paper.send("comment.created", comment(id="4711", text=RUDE))
    paper.send("comment.created", comment(id="a/b c?", parent_id="4711"))
    with Client("http://moderation.example", token=token, transport=httpx.WSGITransport(app)) as made:
        yield made


@pytest.mark.parametrize("name", ["/", "//", "/2026/12/bridge", "2026//bridge", "https://paper.example//bridge/"])
def test_ids_may_hold_slashes_wherever_they_like(ours: Client, paper: Paper, name: str) -> None:
    article = ARTICLE | {"id": name}
    paper.send("comment.created", comment(id=name, text=RUDE, article=article))
    assert ours.comment(name).article_id == name
    closed = ours.close_article(ours.article(name))
    assert (closed.id, closed.closed) == (name, True)
    with pytest.raises(Problem, match="not judged yet"):
        ours.assessment(name)
    made = ours.decide(ours.comment(name), "delete")
    assert ours.decisions_on(name) == (made,)


def test_it_reads_decides_and_hears(ours: Client) -> None:
    assert [found.id for found in ours.comments(status="pending")] == ["4711", "a/b c?"]
    assert ours.comment("a/b c?").parent_id == "4711"
    assert [article.id for article in ours.articles()] == [ours.article("bruecke").id]
    seen = ours.comment("4711")
    made = ours.decide(seen, "delete", rule="niemand-klein")
    assert (made.outcome, made.maker, made.rule and made.rule.title) == ("delete", "site", "Niemand wird kleingemacht")
    with pytest.raises(Problem) as late:
        ours.decide(seen, "approve")
    assert (late.value.status, late.value.code) == (412, "changed")
    assert list(ours.decisions_on("4711")) == [made]
    (message,) = ours.waiting().decisions
    assert (message.data.id, message.type) == ("4711", "comment.deleted")
    assert [sent.webhook_id for sent in ours.deliveries(state="waiting")] == [message.webhook_id]
    assert [ours.acknowledge([message.webhook_id]) for _ in range(2)] == [1, 0]
    with pytest.raises(Problem, match="not failed"):
        ours.send_again(1)
    with pytest.raises(Problem, match="not judged"):
        ours.assessment("4711")


def test_it_manages_site_and_rules(ours: Client) -> None:
    site = ours.change_site(ours.site(), name="Förde & Blick")
    assert (site.name, ours.site()) == ("Förde & Blick", site)
    rules = ours.rules()
    assert ours.save_rules(rules, rules.rules) == rules, "nothing changed"
    fewer = ours.save_rules(rules, rules.rules[1:])
    assert (fewer.version, fewer.rules) == (2, rules.rules[1:])
    with pytest.raises(Problem) as late:
        ours.save_rules(rules, rules.rules)
    assert late.value.status == 412


def test_the_guide_does_what_it_says(
    ours: Client, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    (guide,) = blocks("api.md", "python")
    monkeypatch.setattr(client, "Client", lambda url, token: ours)
    exec(guide, {})
    assert "4711 Niemand wird kleingemacht" in capsys.readouterr().out


def test_what_is_no_problem_document_is_told_by_its_status() -> None:
    transport = httpx.MockTransport(lambda _: httpx.Response(502, text="<h1>Bad gateway</h1>"))
    with Client("http://moderation.example", token="x", transport=transport) as made, pytest.raises(Problem) as told:
        made.site()
    assert (told.value.status, str(told.value)) == (502, "The service answered 502.")
