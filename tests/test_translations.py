"""Every message is translated into German, and what is compiled is what was translated."""

import re
import subprocess
import sys
from pathlib import Path

from babel.messages.catalog import Catalog
from babel.messages.mofile import read_mo
from babel.messages.pofile import read_po

ROOT = Path(__file__).parent.parent
GERMAN = ROOT / "moderation/translations/de/LC_MESSAGES/messages.po"


def _catalog(file: Path) -> Catalog:
    with file.open("rb") as opened:
        return read_po(opened, locale="de")


def _extracted(tmp_path: Path) -> Catalog:
    target = tmp_path / "messages.pot"
    command = [
        "babel.messages.frontend",
        "-q",
        "extract",
        "-F",
        "babel.cfg",
        "-k",
        "lazy_gettext",
        "-o",
        str(target),
        ".",
    ]
    subprocess.run([sys.executable, "-m", *command], cwd=ROOT, check=True, capture_output=True)
    return _catalog(target)


def _said(catalog: Catalog) -> set[tuple[str, ...]]:
    """Each message with its translations, one after the other."""
    parts = [(message.id, message.string) for message in catalog if message.id]
    return {tuple(text for part in pair for text in ([part] if isinstance(part, str) else part)) for pair in parts}


def test_every_message_is_translated_and_none_is_left_over(tmp_path: Path) -> None:
    wanted = {message.id for message in _extracted(tmp_path) if message.id}
    there = {message.id for message in _catalog(GERMAN) if message.id}
    assert wanted == there, "run `make translations` and translate what is new"


def test_no_translation_is_empty_or_uncertain() -> None:
    for message in _catalog(GERMAN):
        strings = message.string if isinstance(message.string, tuple) else (message.string,)
        assert all(strings), f"not translated: {message.id}"
        assert not message.fuzzy or not message.id, f"uncertain: {message.id}"


def test_translations_keep_the_places_of_names_and_numbers() -> None:
    for message in _catalog(GERMAN):
        if not message.id:
            continue
        ids = message.id if isinstance(message.id, tuple) else (message.id,)
        strings = message.string if isinstance(message.string, tuple) else (message.string,)
        known = {place for id_ in ids for place in re.findall(r"%\(\w+\)s", id_)}
        assert {place for string in strings for place in re.findall(r"%\(\w+\)s", string)} <= known, message.id


def test_what_is_compiled_is_what_was_translated() -> None:
    """Compare what is said, not bytes: the head of a compiled file carries dates."""
    with GERMAN.with_suffix(".mo").open("rb") as opened:
        compiled = _said(read_mo(opened))
    assert compiled == _said(_catalog(GERMAN)), "run `make translations`"
