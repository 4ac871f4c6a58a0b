"""Akismet's own plugin, as Debian ships it, asks here instead, in the ten minutes that the guide gives it."""

import re
import shutil
from collections.abc import Callable, Iterator
from dataclasses import replace

import pytest
from sqlalchemy import select

from moderation.judge import Judge
from moderation.models import AkismetUse, Maker, Outcome
from tests.guides import DOCS
from tests.integration.conftest import Newsroom
from tests.integration.wordpress import PLUGIN

SPAM = "Günstige Kredite ohne Schufa! Sofort auszahlen lassen: https://kredit-blitz.example WhatsApp +49 151 23456789"


@pytest.fixture
def guided(room: Newsroom, judge: Judge, command: Callable[[str], str]) -> Iterator[Newsroom]:
    """The newsroom after the guide: a key, the little plugin in its folder, Akismet switched on."""
    service = room.service.app.extensions["moderation"]
    room.service.app.extensions["moderation"] = replace(service, judge=judge)
    told = re.search(r"`(moderation site akismet-key) SLUG`", (DOCS / "compatible-apis.md").read_text(encoding="utf-8"))
    assert told
    key = command(f"{told[1]} foerdeblick").strip()
    folder = room.blog.root / "wp-content" / "mu-plugins"
    folder.mkdir()
    shutil.copy(PLUGIN.parent / "akismet-here.php", folder)
    (folder / "0.php").write_text(f"<?php define('AKISMET_HERE', '{room.service.url}/');")
    activate = "require_once ABSPATH . 'wp-admin/includes/plugin.php';"
    room.blog.php(f"{activate} update_option('wordpress_api_key', '{key}'); activate_plugin('akismet/akismet.php');")
    yield room
    room.blog.php(f"{activate} deactivate_plugins('akismet/akismet.php'); delete_option('wordpress_api_key');")
    shutil.rmtree(folder)


def _use(room: Newsroom) -> AkismetUse:
    with room.database.session(read_only=True) as session:
        return session.scalars(select(AkismetUse)).one()


def test_akismet_own_plugin_finds_spam_and_learns(guided: Newsroom) -> None:
    spam = guided.blog.comment(SPAM)
    assert guided.blog.read(spam)["status"] == "spam"
    ham = guided.blog.comment("Die Umleitung über den Nordring kostet mich jeden Morgen zwölf Minuten.")
    assert guided.blog.read(ham)["status"] == "hold"
    used = _use(guided)
    assert (used.blog, used.spam, used.ham) == (guided.blog.url, 1, 1)

    guided.blog.rest("POST", f"/comments/{spam}", status="approved")
    assert _use(guided).false_positives == 1
    assert (Maker.SITE, Outcome.APPROVE) in guided.decisions(spam)
    guided.blog.rest("POST", f"/comments/{ham}", status="spam")
    assert _use(guided).missed_spam == 1
    assert (Maker.SITE, Outcome.DELETE) in guided.decisions(ham)


def test_akismet_settings_page_takes_the_key(guided: Newsroom) -> None:
    with guided.blog.owner() as client:
        page = client.get("/wp-admin/options-general.php?page=akismet-key-config")
    assert page.is_success
    assert "Fördeblick" in page.text
