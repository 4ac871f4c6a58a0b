"""Learning from decisions: it helps where there is something to learn, and does no harm where there is not."""

import json
import time
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from itertools import islice
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from click.testing import CliRunner, Result
from threadpoolctl import ThreadpoolController

from benchmarks.teams import TASTES, corpus, generated
from moderation.cli import main
from moderation.judge.learned import general
from moderation.learning.curve import Curve
from moderation.learning.decided import Standing
from moderation.learning.figures import Doubles, auc, calibration_error, gain, measure
from moderation.learning.fit import calibrate_general, enough, fit
from moderation.learning.replay import Replayed, Schedule, replay
from moderation.learning.report import report
from moderation.learning.risk import Risk


def _area(scores: Doubles, deleted: Doubles) -> float:
    found = auc(scores, deleted)
    assert found is not None
    return found


def test_a_team_with_tastes_of_its_own_is_understood_soon() -> None:
    material = generated(900, lambda rude, topic, _: 0.6 * rude + 1.6 * topic - 2)
    replayed = replay(material)
    late = slice(300, 900)
    general_late = _area(replayed.general[late], material.deleted[late])
    assert _area(replayed.order[late], material.deleted[late]) > general_late + 0.08
    assert calibration_error(replayed.learned[late], material.deleted[late]) < 0.06


def test_the_first_hundred_decisions_help_already() -> None:
    gains = []
    for seed in range(1, 5):
        material = generated(150, lambda rude, topic, _: 0.3 * rude + 3 * topic - 1.5, seed)
        replayed, early = replay(material), slice(60, 150)
        gains.append(
            _area(replayed.order[early], material.deleted[early])
            - _area(replayed.general[early], material.deleted[early])
        )
    assert np.mean(gains) > 0.05


@pytest.mark.parametrize("seed", range(101, 107))
@pytest.mark.parametrize("team", TASTES)
def test_learning_is_never_worse_than_not_learning(team: str, seed: int) -> None:
    """At no decision of a replay does the area, over all so far, lie more than 0.01 below the general model's."""
    material = generated(800, TASTES[team], seed)
    replayed = replay(material)
    for n in range(1, 801):
        if 0 < material.deleted[:n].sum() < n:
            learned = _area(replayed.order[:n], material.deleted[:n])
            assert learned >= _area(replayed.general[:n], material.deleted[:n]) - 0.01, n


@pytest.mark.parametrize("team", ["settled", "abrupt", "overturned", "waving"])
def test_what_is_said_of_deletions_comes_true_even_when_a_team_changes_its_mind(team: str) -> None:
    errors = []
    for seed in (201, 202, 203):
        material = generated(1600, TASTES[team], seed)
        errors.append(calibration_error(replay(material).learned[300:], material.deleted[300:]))
    assert np.median(errors) <= (0.05 if team == "overturned" else 0.04)


def _happens(chances: Doubles, seed: int = 9) -> Doubles:
    return (np.random.default_rng(seed).random(len(chances)) < chances).astype(np.float64)


def test_a_curve_learns_that_a_model_is_too_sure_at_one_end_only() -> None:
    logits = np.random.default_rng(8).normal(size=3000) * 2
    deleted = _happens(np.where(logits > 0, 1 / (1 + np.exp(-0.4 * logits)), 1 / (1 + np.exp(-logits))))
    curve = Curve()
    said = curve.follow(logits, deleted, np.ones(3000))
    assert calibration_error(said[1000:], deleted[1000:]) < 0.03
    assert calibration_error(1 / (1 + np.exp(-logits[1000:])), deleted[1000:]) > 0.04
    assert curve.bend.high < 0.7 < curve.bend.low


def test_a_curve_follows_the_share_of_deletions_and_leaves_the_order_alone() -> None:
    logits = np.random.default_rng(8).normal(size=1200)
    shift = np.where(np.arange(1200) < 600, 0.0, -2.0)
    deleted, curve = _happens(1 / (1 + np.exp(-logits - shift))), Curve()
    said = curve.follow(logits, deleted, np.ones(1200))
    assert said[400:600].mean() == pytest.approx(deleted[400:600].mean(), abs=0.06)
    assert said[800:].mean() == pytest.approx(deleted[800:].mean(), abs=0.06)
    assert abs(said[800:].mean() - said[:600].mean()) > 0.25
    bent = [curve.bend.probability(logit) for logit in sorted(logits)]
    assert bent == sorted(bent)
    assert Curve(curve.bend).bend == curve.bend


def test_a_decision_that_stands_for_others_moves_the_curve_as_they_would() -> None:
    once, often = Curve(), Curve()
    once.follow(np.zeros(1), np.ones(1), np.full(1, 5.0))
    often.follow(np.zeros(5), np.ones(5), np.ones(5))
    assert once.bend.shift == pytest.approx(often.bend.shift, abs=0.06)
    assert once.bend.shift > 0.1


def test_a_wrong_order_is_held_back_and_a_good_one_is_let_go() -> None:
    generator = np.random.default_rng(7)
    deleted = (generator.random(1000) < 0.2).astype(np.float64)
    knowing, blind = generator.normal(size=1000) + 1.5 * deleted, generator.normal(size=1000)
    for wrong in (-knowing, np.zeros(1000), blind):
        placed = Risk().ordered(np.append(knowing[:50], wrong[50:]), knowing, deleted)
        for n in range(50, 1001, 5):
            # Nothing ever spoke for these; what evidence let in stays within the promise, as is shown above.
            assert _area(placed[:n], deleted[:n]) >= _area(knowing[:n], deleted[:n]) - 0.02, n
    placed = Risk().ordered(np.append(blind[:50], knowing[50:]), blind, deleted)
    assert placed[400:].tolist() == knowing[400:].tolist()
    assert Risk().ordered(blind, blind, deleted).tolist() == blind.tolist()


def test_a_team_that_changes_its_mind_is_understood_anew() -> None:
    def taste(rude: Doubles, topic: Doubles, _: np.random.Generator) -> Doubles:
        return 0.3 * rude + np.where(np.arange(len(rude)) < 600, 2.5, -2.5) * topic - 1

    material = generated(1600, taste)
    replayed = replay(material)
    assert 450 < replayed.since < 700
    late = slice(1200, 1600)
    assert _area(replayed.order[late], material.deleted[late]) > 0.7


def test_each_comment_is_judged_by_what_was_known_before_it() -> None:
    material = generated(400, lambda rude, topic, _: rude + topic - 1)
    deleted = np.append(material.deleted[:300], 1 - material.deleted[300:])
    later = replace(material, deleted=deleted)
    assert replay(material).learned[:301] == pytest.approx(replay(later).learned[:301])


def test_below_fifty_decisions_the_general_model_speaks_alone() -> None:
    material = generated(49, lambda rude, topic, _: rude - 1)
    assert not enough(material.deleted)
    order = np.argsort(replay(material, Schedule(learning=False)).order)
    assert order.tolist() == np.argsort(general(material.features.signals)).tolist()
    bias, slope = calibrate_general(np.zeros(0), np.zeros(0), np.zeros(0))
    assert -3 < bias < 0 < slope


def test_a_site_that_deletes_nothing_has_nothing_to_learn() -> None:
    material = generated(120, lambda rude, topic, _: rude * 0 - 99)
    assert not enough(material.deleted)
    assert measure(replay(material).learned, material.deleted).auc is None


def test_held_out_opinions_do_not_know_the_decision() -> None:
    material = generated(400, lambda rude, topic, generator: generator.normal(size=len(rude)) - 1)
    fitted = fit(material)
    held_out = auc(fitted.held_out, material.deleted)
    assert held_out is not None
    assert 0.38 < held_out < 0.62


def test_figures_agree_with_what_can_be_counted_by_hand() -> None:
    said, deleted = np.array([0.9, 0.8, 0.4, 0.4, 0.1]), np.array([1.0, 0.0, 1.0, 0.0, 0.0])
    figures = measure(said, deleted)
    assert figures.auc == pytest.approx(4.5 / 6)
    assert figures.average_precision == pytest.approx(0.5 * 1 + 0.5 * 0.5)
    assert figures.precision_at_half_recall == 1
    assert figures.auc_by_seen["100-300"] is None
    assert calibration_error(said, deleted) == pytest.approx((0.1 + 0.8 + 2 * 0.1 + 0.1) / 5)


def test_a_gain_is_sure_only_beyond_chance() -> None:
    generator = np.random.default_rng(5)
    deleted = (generator.random(600) < 0.2).astype(np.float64)
    noise, knowing = generator.random(600), generator.random(600) + deleted
    real, chance = gain(knowing, noise, deleted), gain(generator.random(600), noise, deleted)
    assert real is not None
    assert chance is not None
    assert real.sure
    assert real.gain == pytest.approx(_area(knowing, deleted) - _area(noise, deleted))
    assert not chance.sure
    assert gain(noise, noise, np.zeros(600)) is None


def test_surely_better_by_chance_is_as_rare_as_promised() -> None:
    generator = np.random.default_rng(6)
    found = 0
    for _ in range(300):
        deleted = (generator.random(150) < 0.3).astype(np.float64)
        found += bool((told := gain(generator.random(150), generator.random(150), deleted)) and told.sure)
    assert found <= 10


def _run(tmp_path: Path, lines: list[dict[str, object] | str], *flags: str) -> Result:
    file = tmp_path / "decided.jsonl"
    file.write_text("\n".join(line if isinstance(line, str) else json.dumps(line) for line in lines), encoding="utf-8")
    return CliRunner().invoke(main, ["backtest", "--jsonl", str(file), *flags])


def _lines(n: int) -> list[dict[str, object] | str]:
    texts = (("Danke, das war gut erklärt.", "approve"), ("Du Idiot, schreib nie wieder!", "delete"))
    return [{"id": i, "text": f"{texts[i % 2][0]} Nr. {i}", "decision": texts[i % 2][1]} for i in range(n)]


def test_a_file_of_decisions_is_replayed(tmp_path: Path) -> None:
    result = _run(tmp_path, _lines(80), "--json")
    assert result.exit_code == 0, result.output
    report = json.loads(result.stdout)
    assert report["n"] == 80
    assert report["auc"] > 0.9
    assert list(report["auc_by_seen"]) == ["0-100", "100-300", "300-1000", "1000-3000", "3000-10000"]
    assert {"average_precision", "ece", "precision_at_recall_0.5", "seconds"} <= set(report)
    assert report["general"]["auc"] > 0.9
    assert "learned" in _run(tmp_path, _lines(10), "--no-learning").stdout


def test_learning_costs_a_replay_hardly_more_than_judging_does(tmp_path: Path) -> None:
    """In processor time, on a machine of any speed: 1,500 comments as readers write them take 1.9 times as much."""
    found = list(islice(corpus(Path()), 1500))
    lines: list[dict[str, object] | str] = [
        {"id": number, "text": one.text, "decision": "delete" if one.deleted else "approve"}
        for number, one in enumerate(found)
    ]
    with ThreadpoolController().limit(limits=2, user_api="blas"):  # as where nobody told the numeric library otherwise
        judging, _ = _timed(tmp_path, lines, "--no-learning")
        whole, told = _timed(tmp_path, lines)
    assert told["n"] == 1500
    assert told["ece_from_300"] <= 0.04
    assert whole < 2.5 * judging


def _timed(tmp_path: Path, lines: list[dict[str, object] | str], *flags: str) -> tuple[float, dict[str, Any]]:
    """Return the processor time in seconds that a replay took, and what it told."""
    began = time.process_time()
    result = _run(tmp_path, lines, "--json", *flags)
    return time.process_time() - began, json.loads(result.stdout)


def test_the_longer_a_history_the_seldomer_it_is_learned_from_anew() -> None:
    lessons: list[int] = []
    replay(generated(4000, TASTES["settled"]), progress=lessons.append)
    early, late = [seen for seen in lessons if seen <= 1000], [seen for seen in lessons if seen > 1000]
    assert len(late) < 2 * len(early)


def test_when_to_learn_can_be_said(tmp_path: Path) -> None:
    assert [Schedule(60, 10).next(seen) for seen in (0, 60, 70)] == [60, 70, 80]
    early, late = (
        json.loads(_run(tmp_path, _lines(120), "--json", "--warm-up", warm_up, "--refit-every", "20").stdout)
        for warm_up in ("50", "120")
    )
    assert late["auc"] == late["general"]["auc"]  # nothing was learned before the last of them
    assert early["auc"] >= late["auc"] - 0.01
    assert _run(tmp_path, _lines(10), "--warm-up", "20").exit_code == 2


def test_what_a_threshold_does_is_counted_in_all_and_by_section_rule_and_month() -> None:
    deleted = (np.arange(80) % 4 == 0).astype(np.float64)
    said = np.where(deleted > 0, 0.8, 0.3)
    said[76] = 0.1  # a breach that is missed
    began = datetime(2026, 1, 1, tzinfo=UTC)
    found = [
        Standing(n, n, bool(deleted[n]), 7 if deleted[n] else None, 1, began + timedelta(days=n), "AB"[n // 60])
        for n in range(80)
    ]
    told = report(Replayed(said, said, said, 0), deleted, found)
    at = told["thresholds"].index(0.5)
    assert (told["n"], told["counted"], told["deleted"]) == (80, 30, 7)  # what taught first foretold nothing
    assert (told["marked"][at], told["right"][at]) == (6, 6)
    assert {one["name"]: (one["n"], one["deleted"], one["right"][at]) for one in told["sections"]} == {
        "B": (20, 5, 4),
        "A": (10, 2, 2),
    }
    assert [(one["id"], one["deleted"], one["marked"][at]) for one in told["rules"]] == [(7, 7, 6)]
    assert [(one["name"], one["n"]) for one in told["months"]] == [("2026-02", 9), ("2026-03", 21)]


def test_the_order_is_that_of_the_decisions(tmp_path: Path) -> None:
    from moderation.cli.backtest import read

    lines = [
        {"id": 1, "text": "zweite", "decision": "approve", "decided_at": "2026-02-01T00:00:00Z"},
        {"id": 2, "text": "erste", "decision": "delete", "decided_at": "2026-01-01T00:00:00"},
    ]
    file = tmp_path / "decided.jsonl"
    file.write_text("\n".join(map(json.dumps, lines)), encoding="utf-8")
    file.write_text("\n" + file.read_text(encoding="utf-8") + "\n \n", encoding="utf-8")
    with file.open("rb") as opened:
        found, faults = read(opened)
    assert [decided.case.text for decided in found] == ["erste", "zweite"]
    assert not faults


def test_a_line_without_a_decision_is_named_and_the_rest_goes_on(tmp_path: Path) -> None:
    bad: list[dict[str, object] | str] = ["{", {"id": 1, "text": "x"}, {"id": 2, "text": "x", "decision": "undo"}]
    bad.append({"id": 3, "text": "x", "decision": "delete", "decided_at": "gestern"})
    bad.append({"id": 4, "text": "x", "decision": ["delete"]})
    result = _run(tmp_path, [*bad, *_lines(4)], "--json")
    assert result.exit_code == 1
    assert json.loads(result.stdout)["n"] == 4
    for number, complaint in enumerate(("not JSON", "decision:", "decision:", "decided_at:", "decision:"), start=1):
        assert f"line {number}: {complaint}" in result.stderr
    assert _run(tmp_path, bad, "--json").exit_code == 1
