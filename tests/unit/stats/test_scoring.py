"""Scores of probabilities against independent computations and simulated truth."""

import numpy as np
import pytest
from sklearn.metrics import brier_score_loss, roc_auc_score
from sklearn.metrics import log_loss as sklearn_log_loss

from analysis.errors import AnalysisError
from analysis.stats.scoring import (
    area_under_curve,
    brier_score,
    calibration_line,
    expected_calibration_error,
    log_loss,
    log_loss_difference,
    perfect_calibration_error,
    proportion,
    reliability_bins,
)


def honest(n, *, seed, spread=1.0):
    """Forecasts that are right: outcomes drawn from the probabilities."""
    rng = np.random.default_rng(seed)
    p = 1 / (1 + np.exp(-rng.normal(0, spread, n)))
    return (rng.random(n) < p).astype(float), p


def tempered(p, factor):
    odds = np.log(p / (1 - p)) * factor
    return 1 / (1 + np.exp(-odds))


def test_auc_log_loss_and_brier_equal_scikit_learns():
    y, p = honest(3_000, seed=1)
    p = p.round(2).clip(0.01, 0.99)  # ties
    assert area_under_curve(y, p).value == pytest.approx(roc_auc_score(y, p), abs=1e-12)
    assert log_loss(y, p).value == pytest.approx(sklearn_log_loss(y, p), abs=1e-12)
    assert brier_score(y, p).value == pytest.approx(brier_score_loss(y, p), abs=1e-12)


def test_auc_interval_covers_the_true_area_in_93_to_97_percent():
    # Scores normal with means one apart: the true area is Phi(1 / sqrt 2).
    from scipy.stats import norm

    truth, covered = norm.cdf(1 / np.sqrt(2)), 0
    for seed in range(1_000):
        rng = np.random.default_rng(seed)
        y = np.repeat([0.0, 1.0], [300, 60])
        p = norm.cdf(rng.normal(y, 1.0) - 0.5)
        low, high = area_under_curve(y, p)[1:]
        covered += low <= truth <= high
    assert 930 <= covered <= 970


def test_calibration_slope_interval_covers_one_for_honest_forecasts_in_93_to_97_percent():
    covered = 0
    for seed in range(1_000):
        y, p = honest(600, seed=seed)
        slope = calibration_line(y, p).slope
        covered += slope.ci_lower <= 1 <= slope.ci_upper
    assert 930 <= covered <= 970


def test_calibration_slope_finds_forecasts_twice_too_extreme():
    y, p = honest(50_000, seed=2)
    line = calibration_line(y, tempered(p, 2.0))
    assert line.slope.value == pytest.approx(0.5, abs=0.02)
    assert line.intercept.value == pytest.approx(0.0, abs=0.03)


def test_calibration_intercept_finds_a_shifted_level():
    y, p = honest(50_000, seed=3)
    odds = np.log(p / (1 - p)) - 0.7
    assert calibration_line(y, 1 / (1 + np.exp(-odds))).intercept.value == pytest.approx(0.7, abs=0.04)


def test_calibration_error_minus_luck_is_nothing_for_honest_forecasts_and_found_for_biased_ones():
    rng = np.random.default_rng(4)
    excess = []
    for seed in range(60):
        y, p = honest(2_000, seed=seed)
        excess.append(expected_calibration_error(y, p) - perfect_calibration_error(p, rng=rng, resamples=40))
    assert abs(np.mean(excess)) < 0.001
    y, p = honest(20_000, seed=5)
    assert expected_calibration_error(y, np.clip(p - 0.1, 0, 1)) > 0.08


def test_luck_in_the_calibration_error_agrees_with_the_normal_limit():
    _, p = honest(20_000, seed=6)
    bins = np.array_split(np.sort(p), 10)
    limit = sum(np.sqrt(2 / np.pi * (b * (1 - b)).sum()) for b in bins) / p.size
    drawn = perfect_calibration_error(p, rng=np.random.default_rng(7), resamples=400)
    assert drawn == pytest.approx(limit, rel=0.05)


def test_reliability_bins_hold_equal_counts_and_keep_the_means():
    y, p = honest(1_003, seed=8)
    bins = reliability_bins(y, p)
    assert bins.n.sum() == 1_003
    assert np.ptp(bins.n) <= 1
    assert bins.mean_forecast @ bins.n == pytest.approx(p.sum())
    assert bins.share_observed @ bins.n == pytest.approx(y.sum())
    assert (bins.ci_lower <= bins.share_observed).all()
    assert (bins.share_observed <= bins.ci_upper).all()


def test_wilson_interval_equals_scipys():
    from scipy.stats import binomtest

    y = np.r_[np.ones(7), np.zeros(13)]
    bins = reliability_bins(y, np.full(20, 0.3), n_bins=1)
    expected = binomtest(7, 20).proportion_ci(method="wilson")
    assert bins.ci_lower[0] == pytest.approx(expected.low)
    assert bins.ci_upper[0] == pytest.approx(expected.high)


def test_row_order_changes_nothing_even_with_ties():
    y, p = honest(2_000, seed=9)
    p = p.round(1)
    order = np.random.default_rng(10).permutation(2_000)
    assert expected_calibration_error(y, p) == pytest.approx(expected_calibration_error(y[order], p[order]), abs=1e-12)
    assert area_under_curve(y, p).value == pytest.approx(area_under_curve(y[order], p[order]).value, abs=1e-12)


def test_paired_difference_is_sharper_than_two_intervals_side_by_side():
    y, p = honest(4_000, seed=11)
    worse = tempered(p, 0.7)
    difference = log_loss_difference(y, p, baseline=worse)
    assert difference.ci_upper < 0
    assert log_loss(y, p).ci_upper > log_loss(y, worse).ci_lower


@pytest.mark.parametrize(
    ("y", "p", "said"),
    [
        ([0, 2], [0.1, 0.2], "0 or 1"),
        ([0, 1], [0.1, 1.2], "within 0-1"),
        ([0, 1], [0.1, np.nan], "within 0-1"),
        ([0, 1, 1], [0.1, 0.2], "equally long"),
        ([], [], "equally long"),
    ],
)
def test_what_cannot_be_scored_is_said(y, p, said):
    with pytest.raises(AnalysisError, match=said):
        log_loss(y, p)


def test_one_outcome_only_has_no_area_and_no_line():
    with pytest.raises(AnalysisError, match="both outcomes"):
        area_under_curve([1, 1], [0.2, 0.8])
    with pytest.raises(AnalysisError, match="both outcomes"):
        calibration_line([1, 1], [0.2, 0.8])


def test_a_share_carries_wilsons_interval_and_nonsense_is_refused():
    from scipy.stats import binomtest

    expected = binomtest(7, 20).proportion_ci(method="wilson")
    assert proportion(7, 20) == pytest.approx((0.35, expected.low, expected.high))
    for hits, n in ((0, 0), (3, 2), (-1, 5)):
        with pytest.raises(AnalysisError, match="hits"):
            proportion(hits, n)
