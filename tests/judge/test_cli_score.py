import io
import json
from contextlib import suppress

import pytest
from click.testing import CliRunner

from moderation.cli.score import BadLineError, parse, score, score_lines
from moderation.judge import Assessment, Judge, Kind, Parent
from moderation.judge.case import MOST_ANSWERED

LINE = {
    "id": "c1",
    "text": "Du Vollidiot, die Brücke ist doch längst bezahlt.",
    "commenter": {"name": "Otto"},
    "article": {"title": "Die neue Brücke", "authors": ["mab"], "unknown": 1},
    "parent": {"text": "Die Brücke ist zu teuer.", "commenter": None},
    "thread": [{"text": "Eine Brücke für den Norden"}],
    "background": None,
}


@pytest.fixture
def run(judge, monkeypatch):
    monkeypatch.setattr(Judge, "load", classmethod(lambda cls: judge))

    def invoke(*lines, options=("-",)):
        text = b"\n".join(line if isinstance(line, bytes) else json.dumps(line).encode() for line in lines)
        return CliRunner().invoke(score, [*options], input=text)

    return invoke


def test_a_line_in_is_a_line_out(run):
    result = run(LINE)
    assert result.exit_code == 0
    (answer,) = map(json.loads, result.stdout.splitlines())
    assert list(answer) == [
        "id", "language", "relevance", "disrespect", "kinds", "target", "spans", "sentences", "put_down_share",
        "passage", "other_article", "spam", "engine",
    ]  # fmt: skip
    assert answer["id"] == "c1"
    assert answer["disrespect"] > 0.6
    assert set(answer["kinds"]) == set(Kind)
    assert answer["target"] == "reader"
    assert "Vollidiot" in LINE["text"][answer["spans"][0]["start"] : answer["spans"][0]["end"]]


def test_what_cannot_be_told_is_null_with_a_reason(run):
    (answer,) = map(json.loads, run({"id": 7, "text": ""}).stdout.splitlines())
    assert (answer["id"], answer["relevance"], answer["relevance_reason"]) == (7, None, "no_text")
    assert answer["disrespect"] is answer["target"] is answer["passage"] is None
    assert answer["kinds"] == dict.fromkeys(Kind)


def test_the_order_is_kept_over_batches(run):
    result = run(*({"id": str(n), "text": f"Kommentar Nummer {n}"} for n in range(7)), options=["-", "--batch", "3"])
    assert [json.loads(line)["id"] for line in result.stdout.splitlines()] == list("0123456")


@pytest.mark.parametrize(
    "bad",
    [
        b"{", b"[]", b"NaN", b'"text"', b"\xff\xfe", b'{"id": "1"}', b'{"text": "a"}', b'{"id": "1", "text": 3}',
        b'{"id": "1", "text": "a", "article": []}', b'{"id": NaN, "text": "a"}', b"[" * 100_000,
        b'{"id": "1", "text": "a", "thread": {"text": "b"}}', b'{"id": null, "text": "a"}',
    ],
)  # fmt: skip
def test_a_bad_line_is_named_and_the_rest_goes_on(run, bad):
    result = run({"id": "a", "text": "Guten Tag zusammen"}, b"", bad, {"id": "b", "text": "Auf Wiedersehen"})
    assert result.exit_code == 1
    assert "line 3: " in result.stderr
    assert [json.loads(line)["id"] for line in result.stdout.splitlines()] == ["a", "b"]


def test_half_a_surrogate_pair_is_read_and_the_answer_is_utf8(run):
    result = run(b'{"id": "x\\ud800", "text": "Hallo \\ud83d zusammen"}')
    assert result.exit_code == 0
    assert json.loads(result.stdout_bytes.decode("utf-8"))["id"] == "x\ufffd"


def test_a_byte_order_mark_and_windows_line_ends_do_no_harm(run):
    result = run(b'\xef\xbb\xbf{"id": "1", "text": "Hallo"}\r', b'{"id": "2", "text": "Welt"}\r')
    assert result.exit_code == 0


def test_a_missing_file_is_said_so(run):
    result = run(options=["/nowhere/comments.jsonl"])
    assert result.exit_code == 2
    assert "No such file" in result.stderr


def test_the_answers_go_to_a_file(run, tmp_path):
    out = tmp_path / "out.jsonl"
    assert run(LINE, options=["-", "--output", str(out)]).exit_code == 0
    assert json.loads(out.read_text())["id"] == "c1"


def test_one_batch_is_held_at_a_time_and_written_before_the_next_is_read():
    out = io.StringIO()
    seen = []

    class Counting:
        def assess(self, cases):
            seen.append(len(cases))
            return [Assessment(None, None, None, None) for _ in cases]

    def lines():
        for n in range(10):
            yield json.dumps({"id": n, "text": "a"}).encode()
            if n == 6:
                assert out.getvalue().count("\n") >= 4

    assert sum(scored for scored, _ in score_lines(Counting(), lines(), out, 4)) == 10
    assert seen == [4, 4, 2]


def test_null_is_as_good_as_absent():
    id_, case = parse(b'{"id": "1", "text": "a", "article": null, "parent": null, "thread": null, "commenter": null}')
    assert (id_, case.article, case.parent, case.thread, case.commenter) == ("1", None, None, (), None)


def test_a_parent_may_answer_something_itself():
    _, case = parse(b'{"id": 1, "text": "a", "parent": {"text": "b", "parent": {"text": "c", "commenter": "Ina"}}}')
    assert case.parent == Parent("b", parent=Parent("c", "Ina"))


@pytest.mark.parametrize("depth", [100, 300, 2000, 100_000])
def test_parents_without_end_are_no_way_to_break_it(depth):
    line = b'{"id": 1, "text": "a"' + b', "parent": {"text": "b"' * depth + b"}" * (depth + 1)
    with suppress(BadLineError):
        assert parse(line)[1].answered() == ["b"] * MOST_ANSWERED


def test_a_bad_line_says_which_field():
    with pytest.raises(BadLineError, match=r"article\.title"):
        parse(b'{"id": "1", "text": "a", "article": {"title": 5}}')
