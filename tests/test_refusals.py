"""Whoever is refused a rule, a word list or an expression is told why in their language, for every refusal there is."""

import ast
import html
from pathlib import Path
from typing import Any

import pytest
from flask import Flask

from moderation import rulebook, wording
from moderation.db import Database
from moderation.errors import StaleView
from moderation.models import Moderator, Site
from moderation.rulebook import StatedRule
from tests.desks import Desk

ROOT = Path(__file__).parents[1]
SOURCES = ("moderation/rules", "moderation/rulebook", "moderation/judge/words.py")

NEVER_AT_THE_DESK = {
    "words_many": "the schema of a rule counts the words first",
    "same_key": "a file's rules alone name their keys",
    "no_change": "the form of a mode leaves out what is not changed",
    "one_reason": "the form of a mode has always one of the two",
    "mode_without_rule": "told as what is wrong with modes, as a whole",
    "mode_unfit": "told as what is wrong with modes, as a whole",
}

REFUSED: list[tuple[str, dict[str, Any], str]] = [
    ("word_unlettered", {"signal": "words", "when_words": "Idiot\n!!!"}, "„!!!“ hat keine Buchstaben"),
    ("word_long", {"signal": "words", "when_words": "a" * 101}, "ist länger als 100 Zeichen"),
    ("word_short", {"signal": "words", "when_words": "ab"}, "„ab“ ist zu kurz"),
    ("word_everywhere", {"signal": "words", "when_words": "und"}, "„und“ steht in fast jedem Text"),
    ("word_everywhere", {"signal": "words", "when_words": "Idiot", "when_excepted": "heit"}, "in fast jedem Text"),
    ("too_long", {"signal": "words", "when_words": "Idiot\n" * 10_001}, "höchstens 10000"),
    ("pattern", {"signal": "pattern", "when_pattern": "(a"}, "eine ) fehlt: (a"),
    ("pattern", {"signal": "pattern", "when_pattern": "a)"}, "eine ) zu viel"),
    ("pattern", {"signal": "pattern", "when_pattern": "[a"}, "eine ] fehlt"),
    ("pattern", {"signal": "pattern", "when_pattern": "[z-a]"}, "keinen solchen Bereich"),
    ("pattern", {"signal": "pattern", "when_pattern": r"(a)\1"}, "kein umgekehrter Schrägstrich"),
    ("pattern", {"signal": "pattern", "when_pattern": "a\\"}, "umgekehrte Schrägstrich am Ende"),
    ("pattern", {"signal": "pattern", "when_pattern": "*a"}, "nichts, was sich wiederholen"),
    ("pattern", {"signal": "pattern", "when_pattern": "a**"}, "wiederholt eine Wiederholung"),
    ("pattern", {"signal": "pattern", "when_pattern": "a{2000}"}, "so viele Wiederholungen"),
    ("pattern", {"signal": "pattern", "when_pattern": "(?=a)b"}, "Art von Gruppe"),
    ("pattern", {"signal": "pattern", "when_pattern": "(?P<n"}, "Name einer Gruppe"),
    ("pattern", {"signal": "pattern", "when_pattern": r"(\pL{40}){20}"}, "zu viel Speicher"),
    ("string_too_long", {"signal": "pattern", "when_pattern": "a" * 2001}, "höchstens 2000 Zeichen"),
    ("one_bound", {"signal": "disrespect", "when_at_least": ""}, "Zahl von 0 bis 1"),
    ("greater_than_equal", {"signal": "disrespect", "when_at_least": "-1"}, "Mindestens 0"),
    ("less_than_equal", {"signal": "disrespect", "when_at_least": "2"}, "Höchstens 1"),
    ("float_parsing", {"signal": "disrespect", "when_at_least": "viel"}, "muss eine Zahl sein"),
    ("some_bound", {"signal": "length"}, "mindestens eine der beiden Zahlen"),
    ("every_length", {"signal": "length", "when_fewer_than": "9", "when_more_than": "3"}, "weniger als 9 oder mehr"),
    ("domain", {"signal": "links", "when_at_least": "1", "when_deny": "kein Name"}, "„kein Name“ ist keine Domain"),
    (
        "domain_twice",
        {"signal": "links", "when_at_least": "1", "when_allow": "a.example", "when_deny": "a.example"},
        "a.example ist zugleich erlaubt und verboten",
    ),
    (
        "no_time",
        {"signal": "disrespect", "when_at_least": "0,5", "start": "08:00", "end": "08:00"},
        "Anfang und Ende",
    ),
    ("string_pattern_mismatch", {"signal": "disrespect", "when_at_least": "0,5", "start": "acht"}, "so: 22:00"),
    ("missing", {"signal": "disrespect", "when_at_least": "0,5", "text_de": ""}, "Hier fehlt etwas"),
]

DECIDING: list[tuple[str, dict[str, Any], str]] = [
    ("cannot_decide", {"when_at_least": "0,5", "advice": "review"}, "löschen oder freigeben empfehlen"),
    ("beyond_lax", {"when_at_least": "0,95"}, "auf der Schwelle der Regel"),
    ("beyond_unscored", {"signal": "shouting", "when_at_least": "0,5"}, "nur bei Werten von 0 bis 1"),
]


@pytest.fixture
def desk(desk: Desk) -> Desk:
    desk.post("/language", language="de")
    return desk


def _refused(desk: Desk, address: str, fields: dict[str, Any]) -> str:
    given = {"title_de": "Seid nett", "text_de": "Bitte seid nett.", "advice": "delete", "do": "preview", "seen": "1"}
    answer = desk.post(address, **(given | fields))
    assert answer.status_code == 422
    page = html.unescape(answer.text)
    assert "Das wird nicht angenommen" not in page, "a refusal without words of its own"
    return page


@pytest.mark.parametrize(("fields", "told"), [pytest.param(*rest, id=code) for code, *rest in REFUSED])
def test_what_is_refused_is_told_in_german(desk: Desk, fields: dict[str, Any], told: str) -> None:
    assert told in _refused(desk, "/rules/foerdeblick/new", fields)


@pytest.mark.parametrize(("fields", "told"), [pytest.param(*rest, id=code) for code, *rest in DECIDING])
def test_what_does_not_go_with_deciding_by_itself_is_told_in_german(
    desk: Desk, database: Database, site: Site, moderator: Moderator, fields: dict[str, Any], told: str
) -> None:
    when = {"signal": "disrespect", "at_least": 0.5}
    stated = {"key": "nett", "title": {"de": "Nett"}, "text": {"de": "Nett sein."}, "when": when, "advice": "delete"}
    rule = StatedRule.model_validate(stated | {"automation": {"promise": 0.95, "beyond": 0.9}})
    with database.session() as session:
        rulebook.save(session, session.get_one(Site, site.id), [rule], moderator=moderator)
        session.commit()
    assert told in _refused(desk, "/rules/foerdeblick/rule/nett", {"signal": "disrespect"} | fields)


def test_every_refusal_there_is_was_tried() -> None:
    tried = {code for code, *_ in (*REFUSED, *DECIDING)}
    assert _codes() - {"no_words"} == (tried & _codes()) | NEVER_AT_THE_DESK.keys()


def _codes() -> set[str]:
    """The codes of all refusals that rules and word lists raise."""
    found: set[str] = set()
    for source in SOURCES:
        path = ROOT / source
        for file in sorted(path.rglob("*.py")) if path.is_dir() else [path]:
            for node in ast.walk(ast.parse(file.read_text(encoding="utf-8"))):
                if isinstance(node, ast.Call) and isinstance(node.func, ast.Name):
                    first = node.args[0] if node.args else None
                    refuses = node.func.id in {"PydanticCustomError", "WordListError"}
                    if refuses and isinstance(first, ast.Constant):
                        found.add(str(first.value))
    return found


@pytest.mark.parametrize(
    ("code", "told"),
    [
        ("rules_changed", "Jemand hat die Hausregeln geändert"),
        ("unknown_version", "Diese Version der Hausregeln gibt es nicht"),
        ("ruled", "inzwischen anders befunden"),
        ("no_model", "kein eigenes Modell"),
        ("no_limits", "in welchen Grenzen"),
        ("answered", "schon jemand beantwortet"),
        ("own_decision", "Wer die Entscheidung getroffen hat"),
        ("link_expired", "zu alt"),
        ("link_broken", "nicht vollständig"),
    ],
)
def test_what_went_wrong_meanwhile_is_told_in_german(app: Flask, code: str, told: str) -> None:
    with app.test_request_context(headers={"Accept-Language": "de"}):
        assert told in wording.problem(StaleView("In English.", code=code))
