"""Whatever changes who gets in, what they may do, or what holds at a site is in the audit log, under a name.

Every form of the desk and every command is in one of the lists: whoever adds one is asked which. That what is in the
first leaves an entry is tried here, one after the other.
"""

from collections.abc import Callable, Iterator
from pathlib import Path

import click
import pytest
from flask import Flask
from sqlalchemy import select

from moderation import rulebook
from moderation.cli import main
from moderation.config import Settings
from moderation.db import Database
from moderation.models import AuditEntry
from tests.desks import PASSWORD, csrf
from tests.filled import House, address_of, make_house, routes
from tests.test_passkeys import DESK, Device, _register
from tests.test_rule_pages import RUDE
from tests.test_sites_pages import _settings

PROOF = {"password": PASSWORD}

FORMS: list[tuple[str, dict[str, str], str]] = [
    ("access.new_recovery_codes", PROOF, "recovery_codes_made"),
    ("access.remove_authenticator", PROOF, "authenticator_removed"),
    ("access.remove_passkey", PROOF, "passkey_removed"),
    ("access.end_sign_in", {}, "sign_in_ended"),
    ("access.end_others", {}, "sign_ins_ended"),
    ("access.change_password", PROOF | {"new": "ein-neues-passwort"}, "password_changed"),
    ("moderators.add", {"name": "kai", "role": "moderator"}, "moderator_added"),
    ("moderators.sites", {"reach": "house", "role": "moderator"}, "moderator_released"),
    ("moderators.sites", {"reach": "sites", "site-eigenblatt": "admin"}, "moderator_confined"),
    ("moderators.change", {"role": "moderator", "enabled": "on"}, "moderator_changed"),
    ("moderators.password", {}, "password_given"),
    ("moderators.password", {}, "access_reset"),
    ("sites.add", {"slug": "neu", "name": "Neu", "language": "de", "callback_url": ""}, "site_added"),
    ("sites.change", {"name": "Anders"}, "site_changed"),
    ("sites.new_secret", {}, "secret_added"),
    ("sites.new_secret", {"do": "finish"}, "secrets_ended"),
    ("sites.make_key", {"kind": "token", "scope": "read"}, "key_added"),
    ("sites.revoke", {}, "key_revoked"),
    ("automation.set", {"do": "off"}, "automation_off"),
    ("modes.save", {"do": "remove", "key": "nacht"}, "rules_saved"),
    ("rules.save_new", {"do": "save", **RUDE}, "rules_saved"),
    ("rules.save", {"do": "save", **RUDE, "when_at_least": "0,7"}, "rules_saved"),
    ("rules.move", {"to": "down"}, "rules_saved"),
    ("rules.archive", {}, "rules_saved"),
    ("rules.go_back", {}, "rules_saved"),
    ("alarms.thresholds", {"oldest_minutes": "30"}, "alarms_set"),
    ("alarms.add", {"name": "Chefin", "address": "mailto:chefin@example.org"}, "channel_added"),
    ("alarms.change", {"do": "remove"}, "channel_removed"),
]
"""Forms of the desk, what they say, and what the log then says."""

TRIED_ELSEWHERE = {"access.add_passkey": "passkey_added", "access.confirm_authenticator": "authenticator_added"}
"""Forms that take a device: it is used where the tests below begin."""

OTHER_FORMS = {
    # one's own, and nothing that opens anything
    *("access.new_authenticator", "access.passkey_challenge", "access.prove_to_join", "account.sign_out"),
    *("own.save", "own.save_keys", "alarms.shift"),
    # what is decided on comments, articles and objections, by one or many, and what readers asked for
    *("desk.decide", "desk.undo", "desk.reverse", "map.make_batch", "map.undo_batch", "articles.delete_thread"),
    *("articles.close", "articles.undo_closing", "notices.close_appeal", "notices.close_notice", "commenters.erase"),
    # notes between people at work, and pushing what failed
    *("desk.claim", "desk.defer", "desk.take_up", "desk.send_again", "records.send_again", "alarms.noticed"),
    # what is learned, which has tests of its own for the log
    *("learning.rule_on_burst", "learning.switch"),
}

COMMANDS = [
    ("moderator add kai --password lang-genug-1", "moderator_added"),
    ("moderator add kai --password lang-genug-2", "password_given"),
    ("moderator sites kai eigenblatt", "moderator_confined"),
    ("moderator sites kai --whole-house", "moderator_released"),
    ("moderator reset-access kai", "access_reset"),
    ("site add neu --name Neu", "site_added"),
    ("site set neu --undo-seconds 5", "site_changed"),
    ("site rotate neu", "secret_added"),
    ("site rotate neu --finish", "secrets_ended"),
    ("site akismet-key neu", "key_added"),
    ("site coral neu lang-genug-fuer-coral", "key_added"),
    ("site coral neu --reject", "site_changed"),
    ("token create neu", "token_created"),
    ("token revoke {key_id}", "token_revoked"),
    ("rules import {rules} --site neu", "rules_saved"),
    ("automation stop --site eigenblatt", "automation_off"),
]
"""Commands, and what the log then says."""

OTHER_COMMANDS = {
    # they show, compare or measure
    *("audit verify", "automation status", "backtest", "commenter show", "doctor", "evaluate", "export", "score"),
    *("learn status", "models check", "models list", "moderator list", "notify test", "relevance show"),
    *("rules backtest", "rules export", "rules schema", "site list", "site show", "token list"),
    # they take in comments, forget them, or learn from them: what is learned and erased is tried with that
    *("commenter erase", "import", "learn resume", "learn rollback", "learn rule", "learn run", "learn shadow"),
    *("learn trial", "relevance adapt"),
    # they are about the installation
    *("db downgrade", "db upgrade", "models build", "models fit-blend", "models pull", "run"),
}


@pytest.fixture
def settings(settings: Settings) -> Settings:
    return settings.model_copy(update={"public_url": DESK, "sign_ins_per_minute": 1000})


@pytest.fixture
def house(app: Flask, database: Database) -> House:
    return make_house(app, database)


def _log(database: Database) -> list[tuple[str, str | None]]:
    """What was done, and by whom."""
    with database.session(read_only=True) as session:
        entries = session.scalars(select(AuditEntry).order_by(AuditEntry.id))
        return [(entry.deed, entry.moderator.name if entry.moderator else None) for entry in entries]


def test_every_form_is_in_one_of_the_lists(house: House) -> None:
    forms = {rule.endpoint for rule in routes(house.app, "POST")}
    assert forms == {endpoint for endpoint, _, _ in FORMS} | TRIED_ELSEWHERE.keys() | OTHER_FORMS


def test_every_form_that_changes_rights_or_rules_leaves_an_entry_under_its_makers_name(house: House) -> None:
    house.desk("ada")  # the other device, whose sign-in is ended
    ada = house.desk("ada")
    assert _register(ada.client, Device()).status_code == 303
    ada.set_up_authenticator()
    assert {(deed, "ada") for deed in TRIED_ELSEWHERE.values()} <= set(_log(house.database))
    rules = {rule.endpoint: rule for rule in routes(house.app, "POST")}
    for endpoint, form, deed in FORMS:
        said = {"site": "eigenblatt"} | form
        if endpoint == "sites.change":
            said |= _settings(ada.client.get("/sites/eigenblatt").text, **form)
        with house.database.session(read_only=True) as session:
            said["seen"] = str(rulebook.version(session, house.own["site_id"]))
        before = len(_log(house.database))
        said["csrf_token"] = csrf(ada.client, "/access")
        answer = ada.client.post(address_of(house.app, rules[endpoint], house.own), data=said)
        assert answer.status_code in {200, 303}, (endpoint, answer.text)
        assert (deed, "ada") in _log(house.database)[before:], endpoint


def _commands(group: click.Group, before: str = "") -> Iterator[str]:
    for name, command in group.commands.items():
        if isinstance(command, click.Group):
            yield from _commands(command, f"{before}{name} ")
        else:
            yield f"{before}{name}"


def test_every_command_is_in_one_of_the_lists() -> None:
    tried = {next(name for name in _commands(main) if line.startswith(name)) for line, _ in COMMANDS}
    assert set(_commands(main)) == tried | OTHER_COMMANDS


def test_every_command_that_changes_rights_or_rules_leaves_an_entry(
    house: House, command: Callable[[str], str], tmp_path: Path
) -> None:
    file = tmp_path / "rules.yaml"
    file.write_text(command("moderation rules export --site eigenblatt"))
    for line, deed in COMMANDS:
        before = len(_log(house.database))
        command("moderation " + line.format(rules=file, **house.own))
        assert (deed, None) in _log(house.database)[before:], line
