import math

import numpy as np
import pytest
from sklearn.metrics import average_precision_score, roc_auc_score, roc_curve

from moderation import figures

CHOOSER = np.random.default_rng(1)
TRUTH = CHOOSER.integers(0, 2, 300)
SCORE = np.round(np.clip(0.3 * TRUTH + CHOOSER.random(300) * 0.7, 0.01, 0.99), 2)  # with ties


def test_areas_and_curves_are_those_of_scikit_learn():
    assert figures.auc(TRUTH, SCORE) == pytest.approx(roc_auc_score(TRUTH, SCORE))
    assert figures.average_precision(TRUTH, SCORE) == pytest.approx(average_precision_score(TRUTH, SCORE))
    x, y, _ = roc_curve(TRUTH, SCORE, drop_intermediate=False)
    curve = figures.roc(TRUTH, SCORE)
    assert curve.x == pytest.approx(x)
    assert curve.y == pytest.approx(y)


@pytest.mark.parametrize("truth", [[], [1, 1], [0, 0]])
def test_what_cannot_be_said_is_no_number(truth):
    score = [0.5] * len(truth)
    assert math.isnan(figures.auc(truth, score))
    assert math.isnan(figures.average_precision(truth, score))
    assert math.isnan(figures.interval(figures.auc, truth, score).low)


def test_a_stated_probability_that_comes_true_has_no_calibration_error():
    truth, score = [1, 1, 1, 1, 0] * 20, [0.8] * 100
    assert figures.calibration_error(truth, score, bins=1) == pytest.approx(0)
    assert figures.calibration_error(truth, [0.3] * 100, bins=1) == pytest.approx(0.5)


def test_a_threshold_says_what_is_found_and_what_is_right():
    found = figures.at_threshold([1, 1, 0, 0], [0.9, 0.4, 0.6, 0.1], 0.5)
    assert (found.precision, found.recall, found.f1, found.false_positive_rate, found.share) == (0.5,) * 5
    assert math.isnan(figures.at_threshold([1, 0], [0.1, 0.1], 0.5).precision)


def test_an_interval_holds_its_figure_and_is_the_same_twice():
    first, second = (figures.interval(figures.auc, TRUTH, SCORE) for _ in range(2))
    assert first == second
    assert first.low < figures.auc(TRUTH, SCORE) < first.high


def test_lengths_that_differ_are_a_mistake():
    with pytest.raises(ValueError, match="one length"):
        figures.auc([1, 0], [0.5])
