"""The purchase clock: invariances, refusals."""

import numpy as np
import pytest

from analysis.churn.btyd.bg_nbd import BGNBD
from analysis.errors import AnalysisError


def planted(n: int, *, weeks: float, seed: int, r: float, alpha: float, a: float, b: float) -> dict[str, np.ndarray]:
    rng = np.random.default_rng(seed)
    rate, dropout = rng.gamma(r, 1 / alpha, n), rng.beta(a, b, n)
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
    truth = {"r": 0.8, "alpha": 6.0, "a": 1.0, "b": 4.0}
    model = BGNBD().fit(planted(20_000, weeks=80, seed=1, **truth))
    assert list(model.parameters_.values()) == pytest.approx(list(truth.values()), rel=0.15)


def test_days_and_weeks_give_the_same_clock():
    weeks = planted(2_000, weeks=60, seed=2, r=0.6, alpha=5.0, a=0.8, b=2.5)
    days = {**weeks, "recency": weeks["recency"] * 7, "T": weeks["T"] * 7}
    in_weeks, in_days = BGNBD().fit(weeks), BGNBD().fit(days)
    assert in_days.parameters_["alpha"] == pytest.approx(7 * in_weeks.parameters_["alpha"], rel=1e-5)
    assert np.allclose(in_days.p_alive(days), in_weeks.p_alive(weeks), atol=1e-6)


def test_a_long_silence_lowers_the_chance_of_being_alive():
    clock = BGNBD.from_parameters({"r": 0.5, "alpha": 5.0, "a": 0.8, "b": 2.5})
    alive = clock.p_alive({"frequency": [5, 5, 0], "recency": [30, 10, 0], "T": [40, 40, 40]})
    assert alive[0] > alive[1]
    assert alive[2] == 1


def test_recency_beyond_age_is_refused():
    with pytest.raises(AnalysisError, match="recency must not be beyond T: 1 of 2 rows"):
        BGNBD().fit({"frequency": [1, 1], "recency": [12, 3], "T": [10, 9]})


def test_an_empty_table_is_refused():
    with pytest.raises(AnalysisError, match="at least one customer"):
        BGNBD().fit({"frequency": [], "recency": [], "T": []})
