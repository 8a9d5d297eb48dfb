"""Expected losses and the honesty of their intervals."""

import numpy as np
import pytest

from analysis.churn.at_risk import LevelDrift, expected_loss, level_drift
from analysis.churn.season import level_offset
from analysis.errors import AnalysisError


def expit(odds):
    return 1 / (1 + np.exp(-odds))


def test_interval_covers_the_leavers_of_the_next_window_in_77_to_83_percent_of_drifting_cohorts():
    covered = 0
    for seed in range(1_000):
        rng = np.random.default_rng(seed)
        odds = rng.normal(-1, 1, 1_500)
        levels = np.cumsum(rng.normal(0, 0.25, 7))
        outcomes = [rng.random(1_500) < expit(odds + level) for level in levels]
        offsets = [level_offset(y, expit(odds)) for y in outcomes[:-1]]
        now = expit(odds + offsets[-1])  # calibrated on the newest complete window
        low, high = expected_loss(now, weight=1.0, drift=level_drift(np.diff(offsets).tolist()))[1:]
        covered += low <= outcomes[-1].sum() <= high
    assert 770 <= covered <= 830


def test_without_drift_the_interval_is_the_luck_of_independent_customers():
    p = np.full(400, 0.25)
    loss = expected_loss(p, weight=1.0, drift=LevelDrift(0.0, 5), confidence_level=0.95)
    assert loss.value == pytest.approx(100)
    assert loss.ci_upper - loss.value == pytest.approx(1.96 * np.sqrt(400 * 0.25 * 0.75), rel=1e-3)


def test_money_at_risk_weighs_each_customer_by_their_value():
    loss = expected_loss([0.5, 0.1], weight=[100.0, 1000.0], drift=LevelDrift(0.0, 3))
    assert loss.value == pytest.approx(150)


def test_losses_stay_between_nothing_and_everything():
    loss = expected_loss([0.01, 0.99], weight=[10.0, 10.0], drift=LevelDrift(3.0, 1), confidence_level=0.99)
    assert 0 <= loss.ci_lower <= loss.value <= loss.ci_upper <= 20


def test_one_window_knows_no_drift():
    with pytest.raises(AnalysisError, match="at least two windows"):
        level_drift([])
