"""The procedure: learnt on one set of windows, put right on a later one, moved half the way back."""

import numpy as np
import pandas as pd
import pytest

from analysis.churn.forecast import RECENCY, fit_forecasts
from analysis.churn.season import level_offset


def window(n, *, seed, level=0.0):
    """Return customers and what a buy-till-you-die model says of them; a level moves all their log-odds."""
    rng = np.random.default_rng(seed)
    days, habit, clock = rng.exponential(30, n), rng.normal(size=n), rng.normal(size=n)
    odds = days / 30 - 1.5 + habit + clock + level
    table = pd.DataFrame({RECENCY: days, "habit": habit}).assign(churned=rng.random(n) < 1 / (1 + np.exp(-odds)))
    return table, {"bg_nbd": 1 / (1 + np.exp(-clock - days / 60)), "nbd": rng.random(n)}


@pytest.fixture(scope="module")
def fitted():
    training, _ = window(12_000, seed=1)
    calibration, opinions = window(12_000, seed=2, level=0.6)
    return fit_forecasts(training, calibration=calibration, opinions=opinions, columns=[RECENCY, "habit"], seed=1)


def test_the_better_rival_of_the_calibration_window_is_the_second_opinion(fitted):
    assert fitted.second == "bg_nbd"
    assert fitted.model_calibration.d > 0.5


def test_an_unusual_level_is_expected_to_go_half_the_way_back(fitted):
    """The calibration window lies 0.6 log-odds above the training windows, which the trees' scores remember."""
    assert fitted.settling == pytest.approx(-0.3, abs=0.07)


def test_every_forecast_moves_alike(fitted):
    later, opinions = window(6_000, seed=3, level=0.3)
    settled = fitted.all(later, opinions=opinions, move=fitted.settling)
    assert list(settled) == ["p_model", "p_baseline", "p_bg_nbd", "p_nbd"]
    assert abs(level_offset(later["churned"], settled["p_model"])) < 0.1
    still = fitted.all(later, opinions=opinions, move=0.0)
    odds = np.log(settled / (1 - settled)) - np.log(still / (1 - still))
    assert odds.to_numpy() == pytest.approx(fitted.settling, abs=1e-6)
