"""Labelled comments in, figures out: through the command, as its user meets it."""

import json

import pytest
from click.testing import CliRunner

from moderation.cli.evaluate import evaluate
from moderation.judge import Assessment, Judge, Kind, NoRelevance, Span, Target


class Oracle:
    """A judge whose scores stand in the text: "0.8 0.1" is relevance and disrespect."""

    def assess(self, cases):
        return [self._assess(case) for case in cases]

    def _assess(self, case):
        relevance, disrespect = case.text.split()[:2]
        scores = dict.fromkeys(Kind, float(disrespect))
        return Assessment(
            "de",
            None if relevance == "-" else float(relevance),
            NoRelevance.TOO_SHORT if relevance == "-" else None,
            float(disrespect),
            scores,
            target=Target.READER,
            spans=(Span(0, 4, Kind.INSULT, 0.9),),
            engine="oracle",
        )


@pytest.fixture
def run(monkeypatch):
    monkeypatch.setattr(Judge, "load", classmethod(lambda cls: Oracle()))

    def invoke(*lines, options=("--json",)):
        text = b"\n".join(line if isinstance(line, bytes) else json.dumps(line).encode() for line in lines)
        return CliRunner().invoke(evaluate, ["--jsonl", "-", *options], input=text)

    return invoke


def line(number, text, **labels):
    return {"id": number, "text": text, "labels": labels}


LINES = [
    line(1, "0.9 0.1 gut", relevant=True, disrespectful=False, section="local"),
    line(2, "0.8 0.9 du <b>", relevant=True, disrespectful=True, kinds=["insult"], target="reader", rule="Ton"),
    line(3, "0.2 0.8 weg", relevant=False, disrespectful=True, kinds={"threat": True}, target="author"),
    line(4, "0.7 0.2 <script>", relevant=False, disrespectful=False, rule="Beim Thema bleiben", spans=[[0, 4]]),
    line(5, "- 0.3 ja", relevant=True, spans=[{"start": 2, "end": 6}]),
    {"id": 6, "text": "0.5 0.5 nichts gesagt"},
]


def test_figures_are_computed_from_what_has_label_and_score(run):
    result = run(*LINES)
    assert result.exit_code == 0
    found = json.loads(result.stdout)
    assert (found["n"], found["bad_lines"], found["engine"]) == (6, 0, ["oracle"])
    relevance = found["relevance"]
    assert [relevance[key] for key in ("n", "positives", "missing_label", "unscored", "auc")] == [4, 2, 1, 1, 1.0]
    assert relevance["unscored_reasons"] == {"too_short": 1}
    assert relevance["threshold_0_5"]["precision"] == pytest.approx(2 / 3)
    assert found["disrespect"]["n"] == 4
    assert found["disrespect"]["missing_label"] == 2
    assert found["kinds"]["insult"]["positives"] == 1
    assert (found["target"]["n"], found["target"]["accuracy"]) == (2, 0.5)
    assert found["spans"] == {"n": 2, "precision": 0.75, "recall": 0.75, "f1": 0.75}
    assert found["slices"]["relevance"]["section"]["local"]["n"] == 1
    assert found["slices"]["disrespect"]["target"]["reader"]["positives"] == 1


@pytest.mark.parametrize(
    ("bad", "why"),
    [
        (b"{", "not JSON"),
        ({"id": 1, "text": "0.1 0.1", "labels": {"relevant": "yes"}}, "labels.relevant"),
        ({"id": 1, "text": "0.1 0.1", "labels": []}, None),
        ({"id": 1, "text": "0.1 0.1", "labels": [1]}, "labels"),
        ({"id": 1, "text": "0.1 0.1", "labels": {"kinds": ["rudeness"]}}, "labels.kinds"),
        ({"id": 1, "text": "0.1 0.1", "labels": {"spans": [[3]]}}, "labels.spans.0"),
        ({"text": "0.1 0.1"}, "id"),
    ],
)
def test_a_bad_line_is_named_and_the_rest_is_judged(run, bad, why):
    result = run(LINES[0], bad, LINES[1])
    found = json.loads(result.stdout)
    if why is None:  # an empty list says as little as nothing
        assert (result.exit_code, found["n"]) == (0, 3)
    else:
        assert result.exit_code == 1
        assert "line 2: " in result.stderr
        assert why in result.stderr
        assert (found["n"], found["bad_lines"]) == (2, 1)


def test_nothing_to_judge_is_no_error_and_no_figure(run):
    result = run()
    assert result.exit_code == 0
    assert json.loads(result.stdout)["relevance"]["auc"] is None


def test_what_has_only_one_kind_of_label_has_no_curve(run, tmp_path):
    report = tmp_path / "report.html"
    result = run(LINES[0], LINES[4], options=("--report", str(report)))
    assert result.exit_code == 0
    assert "threat" not in result.stdout, "no comment says anything of it"
    page = report.read_text(encoding="utf-8")
    assert "By section" in page
    assert "ROC" not in page


def test_the_report_stands_alone_shows_curves_and_errors_by_rule_and_trusts_no_text(run, tmp_path):
    report = tmp_path / "report.html"
    result = run(*LINES, options=("--report", str(report)))
    assert result.exit_code == 0
    assert "relevance" in result.stdout
    page = report.read_text(encoding="utf-8")
    for words in ("ROC", "Precision and recall", "Calibration", "Threshold", "Rule: Beim Thema bleiben", "By section"):
        assert words in page
    assert "&lt;script&gt;" in page
    assert "<script" not in page
    assert "http" not in page.replace("http-equiv", "")


def test_the_true_judge_can_be_evaluated(judge, monkeypatch):
    monkeypatch.setattr(Judge, "load", classmethod(lambda cls: judge))
    lines = [
        {"id": 1, "text": "Du Vollidiot, lern erst mal lesen!", "labels": {"disrespectful": True, "target": "reader"}},
        {"id": 2, "text": "Vielen Dank für den Bericht.", "labels": {"disrespectful": False, "spans": []}},
    ]
    result = CliRunner().invoke(evaluate, ["--jsonl", "-", "--json"], input="\n".join(map(json.dumps, lines)).encode())
    assert json.loads(result.stdout)["disrespect"]["auc"] == 1.0
