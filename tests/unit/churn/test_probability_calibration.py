"""Calibration maps recover planted distortions."""

import numpy as np
import pytest

from analysis.churn.probability_calibration import BetaCalibration
from analysis.errors import AnalysisError
from analysis.stats.scoring import calibration_line, expected_calibration_error


def honest(n, seed):
    rng = np.random.default_rng(seed)
    p = rng.beta(1.2, 2.5, n).clip(0.001, 0.999)
    return (rng.random(n) < p).astype(float), p


def test_honest_scores_stay_as_they_are():
    y, p = honest(100_000, seed=1)
    calibration = BetaCalibration().fit(p, y)
    assert (calibration.a, calibration.b, calibration.c) == pytest.approx((1.0, 1.0, 0.0), abs=0.06)


def test_scores_too_extreme_and_too_high_are_put_right_on_new_customers():
    y, p = honest(40_000, seed=2)
    odds = np.log(p / (1 - p)) * 1.8 + 0.9
    raw = 1 / (1 + np.exp(-odds))
    calibrated = BetaCalibration().fit(raw[:20_000], y[:20_000]).predict(raw[20_000:])
    assert expected_calibration_error(y[20_000:], raw[20_000:]) > 0.1
    assert expected_calibration_error(y[20_000:], calibrated) < 0.015
    assert calibration_line(y[20_000:], calibrated).slope.value == pytest.approx(1.0, abs=0.06)


def test_the_map_never_turns_a_ranking_around():
    y, p = honest(3_000, seed=3)
    grid = np.linspace(0, 1, 101)
    for score, outcome in ((p, y), (1 - p, y)):  # the second ranks backwards
        assert (np.diff(BetaCalibration().fit(score, outcome).predict(grid)) >= 0).all()


def test_extreme_scores_stay_finite():
    y, p = honest(2_000, seed=4)
    probability = BetaCalibration().fit(p, y).predict([0.0, 1.0])
    assert np.isfinite(probability).all()


def test_one_outcome_cannot_be_calibrated():
    with pytest.raises(AnalysisError, match="only one outcome"):
        BetaCalibration().fit([0.1, 0.2], [0, 0])


def test_a_second_opinion_counts_as_far_as_it_knows_more():
    rng = np.random.default_rng(7)
    first, second, noise = rng.normal(0, 1, (3, 60_000))
    y = (rng.random(60_000) < 1 / (1 + np.exp(-(first + 0.5 * second)))).astype(float)
    score, opinion, useless = (1 / (1 + np.exp(-odds)) for odds in (first, second, noise))
    both = BetaCalibration().fit(score, y, second=opinion)
    assert (both.a, both.b, both.d) == pytest.approx((1.0, 1.0, 0.5), abs=0.06)
    assert calibration_line(y, both.predict(score, second=opinion)).slope.value == pytest.approx(1.0, abs=0.02)
    assert BetaCalibration().fit(score, y, second=useless).d < 0.03


def test_a_second_opinion_that_points_the_wrong_way_is_dropped():
    y, p = honest(20_000, seed=8)
    map_ = BetaCalibration().fit(p, y, second=1 - p)
    assert map_.d == 0
    assert map_.a > 0
