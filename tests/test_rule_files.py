"""House rules as a file: nothing is lost on the way out and back, and what is wrong is said with its line."""

import contextlib
import json
from pathlib import Path
from typing import Any

import pytest
import yaml
from click.testing import CliRunner
from hypothesis import given
from hypothesis import strategies as st

from moderation import rulebook, sites
from moderation.cli import main
from moderation.config import Settings
from moderation.db import Database
from moderation.errors import BadInput
from moderation.models import Site
from moderation.rulebook import StatedRule, checks, files

SHARES = st.floats(0, 1, allow_nan=False)
WORDS = (
    st.text(min_size=1, max_size=60)
    .filter(lambda text: bool(text.strip()))
    .filter(lambda text: not any(sign == "\0" or 0xD800 <= ord(sign) <= 0xDFFF for sign in text))
)
CONDITIONS = st.one_of(
    st.fixed_dictionaries({"signal": st.sampled_from(["relevance", "put_down", "learned"]), "at_most": SHARES}),
    st.fixed_dictionaries(
        {
            "signal": st.just("disrespect"),
            "at_least": SHARES,
            "kinds": st.sets(st.sampled_from(["insult", "threat", "sexual"])).map(list),
            "targets": st.sets(st.sampled_from(["reader", "author"])).map(list),
        }
    ),
    st.fixed_dictionaries({"signal": st.just("record"), "at_least": SHARES, "minimum": st.integers(2, 1000)}),
    st.fixed_dictionaries({"signal": st.just("links"), "at_least": st.integers(1, 100), "allow": st.just(["a.de"])}),
    st.fixed_dictionaries({"signal": st.just("length"), "more_than": st.integers(0, 1000)}),
    st.fixed_dictionaries({"signal": st.just("repeat"), "at_least": st.integers(1, 20)}),
    st.fixed_dictionaries({"signal": st.just("new_commenter"), "fewer_than": st.integers(1, 1000)}),
    st.fixed_dictionaries({"signal": st.just("pattern"), "pattern": st.sampled_from([r"\bfoo\b", "a+", "[äöü]{2}"])}),
    st.fixed_dictionaries({"signal": st.just("shouting"), "at_least": st.floats(0.01, 1)}),
)
RULES = st.builds(
    lambda title, text, when, advice, hours, sections: {
        "title": {"de": title},
        "text": {"de": text, "en": text},
        "when": when,
        "advice": advice,
        "hours": hours,
        "sections": sections,
    },
    WORDS,
    WORDS,
    CONDITIONS,
    st.sampled_from(["approve", "review", "delete"]),
    st.sampled_from([None, {"start": "22:00", "end": "06:00"}, {"days": ["mon", "sun"]}]),
    st.lists(st.sampled_from(["Lokales", "Sport", "no", "1"]), max_size=2),
)


def stated(key: str, when: dict[str, Any], **changes: Any) -> StatedRule:
    words = {"title": {"de": key}, "text": {"de": key}}
    return StatedRule.model_validate({"key": key, "when": when} | words | changes)


@given(st.lists(RULES, max_size=4))
def test_nothing_is_lost_on_the_way_out_and_back(given_rules: list[dict[str, Any]]) -> None:
    rules = [StatedRule.model_validate({"key": f"r{n}"} | rule) for n, rule in enumerate(given_rules)]
    assert files.read(files.write(rules)).rules == rules


@pytest.mark.parametrize("sign", ["\x85", "\u2028", "\u2029", "\r", "\r\n", "\n\n", "\ufeff", "\t", "\xa0"])
def test_every_kind_of_line_end_comes_back(sign: str) -> None:
    rules = [stated("r", {"signal": "repeat"}, title={"de": f"0{sign}0"}, text={"de": f"eins{sign}zwei {sign} drei"})]
    assert files.read(files.write(rules)).rules == rules


def test_the_rules_to_start_with_come_back_as_they_went() -> None:
    rules = sites.starting_rules()
    assert files.read(files.write(rules)).rules == rules
    assert all({"de", "en"} <= set(rule.title) and {"de", "en"} <= set(rule.text) for rule in rules)
    assert checks.notes(rules) == []


GOOD = """\
rules:
- key: thema
  title: {de: Thema}
  text: {de: Beim Thema bleiben.}
  when:
    signal: relevance
    at_most: 0.3
"""


@pytest.mark.parametrize(
    ("wrong", "said"),
    [
        (GOOD.replace("0.3", "1.3"), "line 7, rule 1 (thema)"),
        (GOOD.replace("relevance", "relevanz"), "line 6, rule 1 (thema)"),
        (GOOD.replace("  text: {de: Beim Thema bleiben.}\n", ""), "line 2, rule 1 (thema): text"),
        (GOOD + "  advise: delete\n", "line 8, rule 1 (thema): advise"),
        (GOOD + GOOD.removeprefix("rules:\n"), "two rules have the key 'thema'"),
        (GOOD + "    at_most: 0.5\n", "line 8: 'at_most' stands twice"),
        (GOOD.replace("{de: Thema}", "{de: Thema"), "this is no YAML"),
        ("", "must begin with `rules:`"),
        ("- a\n", "line 1"),
        ("rules: &a [*a]\n", "aliases (*a)"),
        ("rules: " + "[" * 300_000, "line 1: nested deeper than 20 levels"),
        ("rules:\n" + "".join(f"{' ' * at}- a:\n" for at in range(0, 60, 2)), "line 11: nested deeper than 20 levels"),
        ("rules:\n- {signal: 2026-13-45}\n", "this is no YAML of ours"),
        (GOOD.replace("at_most: 0.3", "at_most: 0.3\n    at_least: 0.2"), "give either at_least or at_most"),
        (
            GOOD.replace("signal: relevance\n    at_most: 0.3", "signal: pattern\n    pattern: '(a)\\1'"),
            "linear time",
        ),
        ("x" * (files.MOST_BYTES + 1), "larger than"),
    ],
)
def test_what_is_wrong_is_said_with_its_line_and_rule(wrong: str, said: str) -> None:
    with pytest.raises(BadInput) as caught:
        files.read(wrong, name="hausregeln.yaml")
    assert said in caught.value.message
    assert "hausregeln.yaml" in caught.value.message


@given(st.text(max_size=200))
def test_no_text_makes_the_reader_fall_over(text: str) -> None:
    with contextlib.suppress(BadInput):
        files.read(text)


@pytest.mark.parametrize(
    ("when", "said"),
    [
        ({"signal": "disrespect", "at_least": 0}, "Every comment meets it"),
        ({"signal": "relevance", "at_most": 1}, "Every comment meets it"),
        ({"signal": "disrespect", "at_least": 1}, "never reaches 1"),
        ({"signal": "relevance", "at_most": 0}, "never falls to 0"),
        ({"signal": "length", "fewer_than": 1}, "No comment can ever meet it"),
        ({"signal": "length", "more_than": 30_000}, "No comment can ever meet it"),
        ({"signal": "length", "more_than": 0}, "Every comment meets it"),
        ({"signal": "length", "fewer_than": 90_000}, "Every comment meets it"),
        ({"signal": "pattern", "pattern": r"\b"}, "matches no characters"),
        ({"signal": "pattern", "pattern": "."}, "Probably every comment"),
        ({"signal": "words", "words": ["Trottel"], "excepted": ["trottel"]}, "only compounds"),
    ],
)
def test_a_rule_that_can_never_or_must_always_be_met_is_said_so(when: dict[str, Any], said: str) -> None:
    (note,) = checks.notes([stated("r", when)])
    assert said in str(note)


@pytest.mark.parametrize(
    "when",
    [
        {"signal": "put_down", "at_least": 1},  # a share may be exactly 1
        {"signal": "put_down", "at_most": 0},  # and exactly 0: a score of 0 counts
        {"signal": "record", "at_least": 1},
        {"signal": "length", "more_than": 4000},
        {"signal": "pattern", "pattern": r"\bNord\w*"},
        {"signal": "pattern", "pattern": r"\p{Greek}"},
        {"signal": "words", "words": ["Trottel", "Depp"], "excepted": ["Depp"]},
    ],
)
def test_a_rule_that_makes_sense_is_left_in_peace(when: dict[str, Any]) -> None:
    assert checks.notes([stated("r", when)]) == []


def test_rules_that_contradict_each_other_are_said_so() -> None:
    rude = {"signal": "disrespect", "at_least": 0.5}
    assert "contradicts “a”" in str(
        checks.notes([stated("a", rude, advice="delete"), stated("b", rude, advice="review")])[0]
    )
    assert "one of the two is enough" in str(checks.notes([stated("a", rude), stated("b", rude)])[0])
    mild = {"signal": "disrespect", "at_most": 0.6}
    assert "some comments meet both" in str(
        checks.notes([stated("a", rude, advice="delete"), stated("b", mild, advice="approve")])[0]
    )


@pytest.mark.parametrize(
    ("one", "other", "contradict"),
    [
        ({"words": ["Trottel", "Depp"]}, {"words": ["depp"]}, True),
        ({"words": ["Trottel"]}, {"words": ["Depp"]}, False),
        ({"words": ["Depp"]}, {"words": ["Depp", "Trottel"], "excepted": ["Depp"]}, False),
        ({"fewer_than": 5}, {"more_than": 3}, True),
        ({"fewer_than": 5}, {"more_than": 4}, False),
        ({"fewer_than": 5}, {"fewer_than": 9, "unit": "words"}, False),
        ({"fewer_than": 2, "more_than": 900}, {"more_than": 500}, True),
        ({"fewer_than": 1, "more_than": 900}, {"fewer_than": 5}, False),
    ],
)
def test_word_lists_and_lengths_contradict_only_where_a_text_can_meet_both(
    one: dict[str, Any], other: dict[str, Any], contradict: bool
) -> None:
    signal = "words" if "words" in one else "length"
    delete = stated("a", {"signal": signal} | one, advice="delete")
    approve = stated("b", {"signal": signal} | other, advice="approve")
    told = [str(note) for note in checks.notes([delete, approve]) if "meet both" in str(note)]
    assert bool(told) is contradict


def test_rules_that_cannot_meet_do_not_contradict() -> None:
    rude, mild = {"signal": "disrespect", "at_least": 0.7}, {"signal": "disrespect", "at_most": 0.6}
    delete, approve = {"advice": "delete"}, {"advice": "approve"}
    assert checks.notes([stated("a", rude, **delete), stated("b", mild, **approve)]) == []
    elsewhere = [stated("a", rude, sections=["Sport"], **delete), stated("b", rude, sections=["Lokales"], **approve)]
    assert checks.notes(elsewhere) == []
    day, night = {"start": "06:00", "end": "20:00"}, {"start": "20:00", "end": "24:00"}
    assert checks.notes([stated("a", rude, hours=day, **delete), stated("b", rude, hours=night, **approve)]) == []


@pytest.mark.parametrize(
    ("one", "other", "meet"),
    [
        ({"signal": "shouting", "at_least": 0.5}, {"signal": "shouting", "at_least": 0.9}, True),
        ({"signal": "repeat", "at_least": 2}, {"signal": "repeat", "at_least": 4}, True),
        ({"signal": "links", "at_least": 1}, {"signal": "links", "at_least": 3}, True),
        ({"signal": "links", "at_least": 1, "allow": ["a.example"]}, {"signal": "links", "at_least": 3}, False),
        (
            {"signal": "disrespect", "at_most": 0.5, "kinds": ["threat"]},
            {"signal": "disrespect", "at_most": 0.6},
            False,
        ),
        ({"signal": "pattern", "pattern": "Idiot"}, {"signal": "pattern", "pattern": "Trottel"}, False),
    ],
)
def test_only_what_surely_meets_the_same_comments_is_said_to_contradict(
    one: dict[str, Any], other: dict[str, Any], meet: bool
) -> None:
    notes = checks.notes([stated("a", one, advice="delete"), stated("b", other, advice="approve")])
    assert any("some comments meet both" in str(note) for note in notes) is meet


@pytest.mark.parametrize("depth", [100, 350, 900])
def test_no_depth_of_a_pattern_is_too_much(depth: int) -> None:
    deep = stated("a", {"signal": "pattern", "pattern": "(" * depth + "a" + ")" * depth}, advice="delete")
    flat = stated("b", {"signal": "pattern", "pattern": "aa"}, advice="approve")
    assert len(checks.notes([deep, flat])) <= 1


@pytest.mark.parametrize(
    ("one", "other", "text"),
    [
        ({"signal": "words", "words": ["Trottel", "Depp"]}, {"signal": "pattern", "pattern": r"\bDepp"}, "Depp"),
        ({"signal": "words", "words": ["Trottel"]}, {"signal": "pattern", "pattern": r"\bDepp"}, None),
        ({"signal": "words", "words": ["Depp"], "at_least": 3}, {"signal": "words", "words": ["Deppen"]}, "Depp"),
        (
            {"signal": "pattern", "pattern": "(gut|schlecht)er? Rat"},
            {"signal": "pattern", "pattern": "^gut"},
            "gute Rat",
        ),
        ({"signal": "pattern", "pattern": "[0-9]{4}"}, {"signal": "pattern", "pattern": "[a-z]{4}"}, None),
        ({"signal": "pattern", "pattern": r"\p{Greek}"}, {"signal": "pattern", "pattern": "Trottel"}, None),
        (
            {"signal": "links", "deny": ["spam.example"], "at_least": 2},
            {"signal": "pattern", "pattern": r"https?://"},
            "https://spam.example/",
        ),
        ({"signal": "links", "allow": ["example.org"]}, {"signal": "pattern", "pattern": "example[.]org"}, None),
        ({"signal": "length", "fewer_than": 9}, {"signal": "pattern", "pattern": "Depp"}, None),
    ],
)
def test_rules_about_the_text_contradict_where_a_text_proves_it(
    one: dict[str, Any], other: dict[str, Any], text: str | None
) -> None:
    told = checks.notes([stated("a", one, advice="delete"), stated("b", other, advice="approve")])
    assert [note.values.get("text") for note in told] == ([text] if text else [])
    assert checks.notes([stated("a", one, advice="delete"), stated("b", other)]) == [], (
        "asking for a look gainsays nobody"
    )


@pytest.fixture
def run(settings: Settings, site: Site, monkeypatch: pytest.MonkeyPatch) -> Any:
    monkeypatch.setenv("MODERATION_DATABASE_URL", settings.database_url)
    return lambda *arguments: CliRunner().invoke(main, ["rules", *map(str, arguments)])


def test_rules_are_exported_changed_and_imported_as_a_new_version(
    run: Any, database: Database, site: Site, tmp_path: Path
) -> None:
    file = tmp_path / "hausregeln.yaml"
    assert "version 1" in run("export", file).output
    assert "already had these rules: version 1" in run("import", file).output

    content = yaml.safe_load(file.read_text(encoding="utf-8"))
    content["rules"][0]["when"]["at_most"] = 0.2
    file.write_text(yaml.safe_dump(content), encoding="utf-8")
    assert "Nothing was changed" in run("import", "--dry-run", file).output
    assert "version 2" in run("import", "--site", site.slug, file).output
    with database.session(read_only=True) as session:
        newest = rulebook.stated(rulebook.current(session, site.id))
        assert newest[0].as_json()["when"]["at_most"] == 0.2
    assert "at_most: 0.5" in run("export", "--version", 1).output
    assert "no version 9" in run("export", "--version", 9).output


def test_an_editor_can_be_given_the_schema_of_a_file_of_rules(run: Any) -> None:
    schema = json.loads(run("schema").output)
    assert schema["required"] == ["rules"]
    parts = [kind.get("properties", {}) for kind in schema["$defs"].values()]
    assert {"relevance", "words", "learned"} <= {part["signal"]["const"] for part in parts if "signal" in part}


def test_an_import_says_what_can_never_be_met_and_what_contradicts(run: Any, tmp_path: Path) -> None:
    rude = {"signal": "disrespect", "at_least": 0.5}
    file = tmp_path / "hausregeln.yaml"
    drafts = [("a", rude, "delete"), ("b", dict(rude), "approve")]
    drafts.append(("c", {"signal": "length", "fewer_than": 1}, "review"))
    rules = [stated(key, when, advice=advice).as_json() for key, when, advice in drafts]
    file.write_text(yaml.safe_dump({"rules": rules}), encoding="utf-8")
    told = run("import", "--dry-run", file).output
    assert "Note on b: It contradicts “a”" in told
    assert "Note on c: No comment can ever meet it" in told


def test_a_wrong_file_changes_nothing_and_says_why(run: Any, database: Database, site: Site, tmp_path: Path) -> None:
    file = tmp_path / "hausregeln.yaml"
    file.write_text(GOOD.replace("0.3", "3"), encoding="utf-8")
    answer = run("import", file)
    assert answer.exit_code == 1
    assert f"{file}, line 7, rule 1 (thema): when.at_most: Input should be less than or equal to 1." in answer.output
    file.write_bytes(b"rules: \xff")
    assert "not UTF-8 from byte 7" in run("import", file).output
    with database.session(read_only=True) as session:
        assert rulebook.version(session, site.id) == 1


def test_with_several_sites_one_must_be_named(run: Any, database: Database) -> None:
    with database.session() as session:
        sites.add_site(session, slug="zweite", name="Zweite")
        session.commit()
    assert "say which with --site" in run("export").output
