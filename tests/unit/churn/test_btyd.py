"""The purchase clock: slopes, invariances, refusals."""

import numpy as np
import pytest

from analysis.churn.btyd import BgNbd, _value_and_slope, expected_purchases, fit_bg_nbd, probability_alive
from analysis.errors import AnalysisError


def planted(n: int, *, model: BgNbd, weeks: float, seed: int) -> dict[str, np.ndarray]:
    rng = np.random.default_rng(seed)
    rate, dropout = rng.gamma(model.r, 1 / model.alpha, n), rng.beta(model.a, model.b, n)
    age = rng.uniform(weeks / 2, weeks, n)
    frequency, recency = np.zeros(n), np.zeros(n)
    for i in range(n):
        t = rng.exponential(1 / rate[i])
        while t <= age[i]:
            frequency[i] += 1
            recency[i] = t
            if rng.random() < dropout[i]:
                break
            t += rng.exponential(1 / rate[i])
    return {"frequency": frequency, "recency": recency, "T": age}


def test_fit_finds_planted_parameters_again():
    truth = BgNbd(r=0.8, alpha=6.0, a=1.0, b=4.0)
    model = fit_bg_nbd(**planted(20_000, model=truth, weeks=80, seed=1))
    assert np.allclose(model, truth, rtol=0.15)


def test_slope_is_the_difference_quotient_of_the_likelihood():
    x, t_x, age = np.array([0.0, 1, 4]), np.array([0.0, 3, 9]), np.array([10.0, 12, 11])
    at, weights = np.array([0.4, 3.0, 0.9, 2.5]), np.array([2.0, 1, 3])
    slope = _value_and_slope(at, x, t_x, age, weights)[1]
    for i in range(4):
        step = np.eye(4)[i] * 1e-6
        up, down = (_value_and_slope(at + s, x, t_x, age, weights)[0] for s in (step, -step))
        assert slope[i] == pytest.approx((up - down) / 2e-6, rel=1e-5)


def test_days_and_weeks_give_the_same_clock():
    weeks = planted(2_000, model=BgNbd(0.6, 5.0, 0.8, 2.5), weeks=60, seed=2)
    days = {**weeks, "recency": weeks["recency"] * 7, "T": weeks["T"] * 7}
    in_weeks, in_days = fit_bg_nbd(**weeks), fit_bg_nbd(**days)
    assert in_days.alpha == pytest.approx(7 * in_weeks.alpha, rel=1e-3)
    assert np.allclose(probability_alive(in_days, **days), probability_alive(in_weeks, **weeks), atol=1e-4)


def test_a_long_silence_lowers_the_chance_of_being_alive():
    clock = BgNbd(0.5, 5.0, 0.8, 2.5)
    alive = probability_alive(clock, frequency=[5, 5, 0], recency=[30, 10, 0], T=[40, 40, 40])
    assert alive[0] > alive[1]
    assert alive[2] == 1


def test_more_days_ahead_mean_more_purchases():
    clock = BgNbd(0.5, 5.0, 0.8, 2.5)
    customer = {"frequency": [3], "recency": [20], "T": [40]}
    near, far = (expected_purchases(clock, horizon=h, **customer)[0] for h in (10, 30))
    assert 0 < near < far


def test_recency_beyond_age_is_refused():
    with pytest.raises(AnalysisError, match="contradict"):
        fit_bg_nbd([1], [12], [10])


def test_an_empty_table_is_refused():
    with pytest.raises(AnalysisError, match="at least one customer"):
        fit_bg_nbd([], [], [])
