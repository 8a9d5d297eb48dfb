"""NBD: planted parameters, the negative binomial, and nobody leaves."""

import numpy as np
import pytest
from scipy.special import gammaln
from scipy.stats import nbinom

from analysis.churn.btyd.fitting import NotIdentifiedError
from analysis.churn.btyd.nbd import NBD
from analysis.errors import AnalysisError

TRUTH = {"r": 0.7, "alpha": 9.0}
CLOCK = NBD.from_parameters(TRUTH)
SOME: dict[str, list[float]] = {"frequency": [0, 1, 12], "recency": [0, 3, 30], "T": [26.0, 39.0, 39.0]}


def planted(n: int, *, seed: int) -> dict[str, np.ndarray]:
    rng = np.random.default_rng(seed)
    age = rng.integers(150, 350, n) / 7
    x = rng.poisson(rng.gamma(TRUTH["r"], 1 / TRUTH["alpha"], n) * age).astype(float)
    return {"frequency": x, "recency": np.where(x > 0, age * rng.random(n) ** (1 / np.maximum(x, 1)), 0), "T": age}


@pytest.mark.exam
def test_intervals_of_95_percent_hold_the_planted_parameters_in_95_percent_of_cohorts(exam_in_full):
    cohorts = 2000 if exam_in_full else 300
    inside = np.zeros(2)
    for seed in range(cohorts):
        model = NBD().fit(planted(1_000, seed=seed))
        away = np.log(list(model.parameters_.values())) - np.log(list(TRUTH.values()))
        inside += np.abs(away) < 1.96 * np.sqrt(np.diag(model.covariance_))
    assert np.all(np.abs(inside / cohorts - 0.95) < 3.3 * np.sqrt(0.95 * 0.05 / cohorts)), inside / cohorts


def test_likelihood_is_the_negative_binomials_but_for_the_times_of_the_purchases():
    x, age = np.array(SOME["frequency"]), np.array(SOME["T"])
    counts = np.sum(nbinom.logpmf(x, 0.7, 9 / (9 + age)))
    times = (x * np.log(age) - gammaln(x + 1)).sum()
    assert CLOCK.log_likelihood(SOME) == pytest.approx(counts - times, rel=1e-12)


def test_slope_is_zero_at_the_fit():
    customers = planted(2_000, seed=1)
    model = NBD().fit(customers)
    for name in TRUTH:
        for factor in (0.99, 1.01):
            near = NBD.from_parameters({**model.parameters_, name: model.parameters_[name] * factor})
            assert near.log_likelihood(customers) < model.log_likelihood_


def test_distribution_is_negative_binomial_and_adds_up():
    chances = CLOCK.purchase_distribution(SOME, horizon=20, most=5)
    x, age = np.array(SOME["frequency"])[:, None], np.array(SOME["T"])[:, None]
    assert chances[:, :5] == pytest.approx(nbinom.pmf(np.arange(5), 0.7 + x, (9 + age) / (29 + age)), rel=1e-10)
    assert chances.sum(axis=1) == pytest.approx(1, abs=1e-12)


def test_draws_follow_the_distribution():
    n = 40_000
    many = {name: np.repeat(column, n) for name, column in SOME.items()}
    drawn = CLOCK.draw(many, horizon=20, rng=np.random.default_rng(2)).reshape(3, n)
    chances = CLOCK.purchase_distribution(SOME, horizon=20, most=5)
    for row, found in enumerate(drawn):
        assert np.bincount(np.minimum(found, 5), minlength=6) / n == pytest.approx(chances[row], abs=0.01)


def test_nobody_leaves_and_expectations_grow_with_the_horizon():
    assert CLOCK.p_alive(SOME).tolist() == [1, 1, 1]
    assert CLOCK.expected_purchases(18) == pytest.approx(1.4)
    assert CLOCK.expected_purchases([9.0, 18.0]).tolist() == pytest.approx([0.7, 1.4])
    twice = CLOCK.conditional_expected_purchases(SOME, horizon=20)
    assert twice == pytest.approx(2 * CLOCK.conditional_expected_purchases(SOME, horizon=10))


def test_weights_stand_for_repeated_rows():
    once = planted(300, seed=3)
    counts = np.random.default_rng(3).integers(0, 4, 300)
    repeated = {name: np.repeat(column, counts) for name, column in once.items()}
    weighted, plain = NBD().fit(once, weights=counts), NBD().fit(repeated)
    assert weighted.parameters_ == pytest.approx(plain.parameters_, rel=1e-6)
    assert weighted.log_likelihood_ == pytest.approx(plain.log_likelihood_)


def test_bad_input_is_refused():
    with pytest.raises(NotIdentifiedError, match="none of 2 customers came back"):
        NBD().fit({"frequency": [0, 0], "recency": [0, 0], "T": [10, 20]})
    with pytest.raises(AnalysisError, match="recency must be 0 where frequency is 0"):
        NBD().fit({"frequency": [0, 1], "recency": [4, 5], "T": [10, 20]})
    with pytest.raises(AnalysisError, match="most must be 1 or more"):
        CLOCK.purchase_distribution(SOME, horizon=1, most=0)
    with pytest.raises(AnalysisError, match="horizon must be 0 or more"):
        CLOCK.expected_purchases(-1)
