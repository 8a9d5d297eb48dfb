"""Tracking: forecast of a cohort by week against what a simulation of the same model does."""

from datetime import date

import numpy as np
import pandas as pd
import pytest

from analysis.churn.btyd.bg_nbd import BGNBD
from analysis.churn.tracking import track_repeat_purchases

CLOCK = BGNBD.from_parameters({"r": 0.6, "alpha": 6.0, "a": 0.8, "b": 2.5}, covariance=1e-6 * np.eye(4))


def tracked(days: pd.DataFrame) -> pd.DataFrame:
    return track_repeat_purchases(
        CLOCK, days, unit_days=7, calibration_ends_on=date(2026, 1, 20), ends_on=date(2026, 2, 4)
    )


def test_weeks_are_whole_and_counted_from_the_first_day():
    days = pd.DataFrame({"day": pd.to_datetime(["2026-01-01", "2026-01-10"]), "n_first": [100, 50], "n_repeat": [0, 7]})
    table = tracked(days)
    assert table["week_ends_on"].dt.strftime("%m-%d").tolist() == ["01-07", "01-14", "01-21", "01-28", "02-04"]
    assert table["in_calibration"].tolist() == [True, True, False, False, False]
    assert table["actual"].tolist() == [0, 7, 7, 7, 7]
    ages = np.array([[6, 13, 20, 27, 34], [-3, 4, 11, 18, 25]]) / 7
    expected = 100 * CLOCK.expected_purchases(ages[0]) + 50 * CLOCK.expected_purchases(np.maximum(ages[1], 0))
    assert table["forecast"].tolist() == pytest.approx(expected.tolist())


def test_band_holds_the_luck_of_simulated_cohorts_of_the_model():
    n, weeks = 400, 5
    days = pd.DataFrame({"day": pd.to_datetime(["2026-01-01"]), "n_first": [n], "n_repeat": [0]})
    last = tracked(days).iloc[weeks - 1]
    new = {name: np.zeros(n) for name in ("frequency", "recency", "T")}
    rng = np.random.default_rng(1)
    drawn = np.array([CLOCK.draw(new, horizon=34 / 7, rng=rng).sum() for _ in range(400)])
    inside = (drawn >= last["forecast_ci_lower"]) & (drawn <= last["forecast_ci_upper"])
    assert 0.74 <= inside.mean() <= 0.86
