"""The documentation is complete: every setting with its default, every command, every address for sites."""

import re
from importlib import metadata
from pathlib import Path

import click
import pytest
from flask import Flask
from packaging.requirements import Requirement

from moderation import auth
from moderation.cli import main
from moderation.config import Settings

DOCS = Path(__file__).parent.parent / "docs"


@pytest.mark.parametrize("name", Settings.model_fields)
def test_every_setting_is_described_as_in_the_code(name: str) -> None:
    text = (DOCS / "settings.md").read_text(encoding="utf-8")
    row = re.search(rf"^\| `MODERATION_{name.upper()}` \| (.*?) \| (.*?) \|$", text, re.MULTILINE)
    assert row, f"docs/settings.md does not mention MODERATION_{name.upper()}"
    field = Settings.model_fields[name]
    if field.default not in {"", None}:
        assert row[1].strip("`") == str(field.default)
        assert row[2] == field.description


def _commands(group: click.Group, path: str) -> list[str]:
    found = []
    for name, command in group.commands.items():
        found += _commands(command, f"{path} {name}") if isinstance(command, click.Group) else [f"{path} {name}"]
    return found


@pytest.mark.parametrize("command", _commands(main, "moderation"))
def test_every_command_is_described(command: str) -> None:
    assert f"`{command}" in (DOCS / "commands.md").read_text(encoding="utf-8")


def test_every_address_for_programs_is_described(app: Flask) -> None:
    told = ("webhook.md", "commands.md", "compatible-apis.md", "api.md", "static-sites.md")
    text = "".join((DOCS / name).read_text(encoding="utf-8") for name in told)
    for rule in app.url_map.iter_rules():
        if rule.endpoint in auth.SIGNED or rule.endpoint.startswith("health."):
            assert re.sub(r"<(\w+:)?(\w+)>", r"<\2>", rule.rule) in text, rule.rule


def test_each_threat_names_tests_that_are_there() -> None:
    text = (DOCS / "security.md").read_text(encoding="utf-8")
    named = re.findall(r"`(tests/[\w/]+\.py)::(\w+)`", text)
    assert len(named) > 30
    for file, test in named:
        path = DOCS.parent / file
        assert f"def {test}(" in path.read_text(encoding="utf-8"), f"{file}::{test}"


def test_the_licence_of_each_package_that_is_installed_is_listed() -> None:
    """`make sbom` writes the list anew; here, that nothing has come since."""
    text = (DOCS / "licences.md").read_text(encoding="utf-8")
    listed = {_canonical(name) for name in re.findall(r"^\| ([\w.-]+) +\|", text, re.MULTILINE)}
    needed, seen = {"hausordnung"}, set()
    while needed - seen:
        name = (needed - seen).pop()
        seen.add(name)
        for one in map(Requirement, metadata.requires(name) or []):
            if one.marker is None or one.marker.evaluate():
                needed.add(_canonical(one.name))
    assert needed - listed == {"hausordnung"}


def _canonical(name: str) -> str:
    return re.sub(r"[-_.]+", "-", name).lower()


def test_links_between_documents_lead_somewhere() -> None:
    for file in [*DOCS.glob("*.md"), DOCS.parent / "README.md"]:
        for target in re.findall(r"\]\(([^)#:]+)\)", file.read_text(encoding="utf-8")):
            assert (file.parent / target).exists(), f"{file.name} links to {target}"
