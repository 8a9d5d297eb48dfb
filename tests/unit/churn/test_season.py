"""Levels of churn, and how far last year foretells this year's."""

import numpy as np
import pytest

from analysis.churn.season import level_offset, seasonal_move, shifted
from analysis.errors import AnalysisError


def expit(odds):
    return 1 / (1 + np.exp(-odds))


def test_offset_finds_a_planted_shift_of_the_level():
    rng = np.random.default_rng(1)
    odds = rng.normal(-1, 1, 40_000)
    churned = rng.random(40_000) < expit(odds + 0.6)
    assert level_offset(churned, expit(odds)) == pytest.approx(0.6, abs=0.04)


def test_offset_is_finite_where_nobody_or_everybody_leaves():
    assert np.isfinite(level_offset(np.zeros(50), np.full(50, 0.3)))
    assert np.isfinite(level_offset(np.ones(50), np.full(50, 0.3)))


def test_shifting_by_the_offset_makes_the_expected_number_the_actual_one():
    rng = np.random.default_rng(2)
    p = rng.uniform(0.05, 0.6, 500)
    churned = rng.random(500) < 0.7
    assert shifted(p, by=level_offset(churned, p)).sum() == pytest.approx(churned.sum(), abs=1)


def test_a_season_that_repeats_is_foretold_and_leaves_little_surprise():
    year = [0.0, 0.5, -0.4, 0.3, -0.6]
    season = seasonal_move([level + 0.2 for level in year[:-1]], last_year=year)
    assert season.move == pytest.approx(-0.9, rel=0.05)
    assert season.weight > 0.95
    assert max(abs(s) for s in season.surprises) < 0.05


def test_moves_that_did_not_repeat_foretell_nothing():
    season = seasonal_move([0.0, -0.5, 0.1, -0.4], last_year=[0.0, 0.5, -0.1, 0.4, 0.9])
    assert season.weight == 0
    assert season.move == 0
    assert season.surprises == pytest.approx((-0.5, 0.6, -0.5))


def test_without_last_year_nothing_is_foretold_and_all_moves_are_surprises():
    season = seasonal_move([0.0, 0.3, 0.1], last_year=[None, None, None, None])
    assert (season.move, season.weight) == (0.0, 0.0)
    assert season.surprises == pytest.approx((0.3, -0.2))


def test_a_gap_in_last_year_leaves_that_move_out():
    season = seasonal_move([0.0, 0.5, 0.0], last_year=[None, 0.6, 0.1, 0.7])
    assert season.weight == pytest.approx(0.25 / 0.26)
    assert season.move == pytest.approx(0.6 * season.weight)
    assert season.surprises[0] == pytest.approx(0.5)


def test_on_drift_without_season_the_foretold_move_costs_little():
    """A random walk has no season: weighting by what held before may add noise, but little of it."""
    rng = np.random.default_rng(3)
    with_season, without = [], []
    for _ in range(2_000):
        walk = np.cumsum(rng.normal(0, 0.2, 12))
        season = seasonal_move(walk[6:11].tolist(), last_year=walk[:6].tolist())
        actual = walk[11] - walk[10]
        with_season.append((actual - season.move) ** 2)
        without.append(actual**2)
    assert np.mean(with_season) < 1.25 * np.mean(without)


def test_what_does_not_fit_is_said():
    with pytest.raises(AnalysisError, match="2 levels need 3"):
        seasonal_move([0.0, 0.1], last_year=[0.0, 0.1])
