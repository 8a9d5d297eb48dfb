"""Gamma-Gamma: planted parameters found with honest intervals, bins that lose nothing, and tails that are too long."""

import numpy as np
import pytest
from scipy.special import gammaln

from analysis.churn.btyd.fitting import NotIdentifiedError
from analysis.churn.btyd.gamma_gamma import GammaGamma
from analysis.errors import AnalysisError

TRUTH = {"p": 3.0, "q": 4.0, "v": 60.0}
CDNOW = GammaGamma.from_parameters({"p": 6.25, "q": 3.74, "v": 15.44})


def planted(n: int, *, seed: int, p: float = 3.0, q: float = 4.0, v: float = 60.0) -> dict[str, np.ndarray]:
    rng = np.random.default_rng(seed)
    x = rng.negative_binomial(0.8, 0.25, n).astype(float)
    scale = rng.gamma(q, size=n) / v
    total = rng.gamma(p * np.maximum(x, 1)) / scale
    return {"frequency": x, "monetary_value": np.where(x > 0, total / np.maximum(x, 1), 0.0)}


def by_the_paper(customers, *, p: float, q: float, v: float) -> float:
    """Fader and Hardie (2013), equation 1a, customer by customer."""
    x, m = (np.asarray(customers[name], dtype=float) for name in ("frequency", "monetary_value"))
    x, m = x[(x > 0) & (m > 0)], m[(x > 0) & (m > 0)]
    each = gammaln(p * x + q) - gammaln(p * x) - gammaln(q) + q * np.log(v) + (p * x - 1) * np.log(m)
    return float((each + p * x * np.log(x) - (p * x + q) * np.log(v + x * m)).sum())


@pytest.mark.exam
def test_intervals_of_95_percent_hold_the_planted_parameters_in_95_percent_of_cohorts(exam_in_full):
    cohorts = 2000 if exam_in_full else 200
    inside = np.zeros(3)
    for seed in range(cohorts):
        model = GammaGamma().fit(planted(2_000, seed=seed))
        away = np.log(list(model.parameters_.values())) - np.log(list(TRUTH.values()))
        inside += np.abs(away) < 1.96 * np.sqrt(np.diag(model.covariance_))
    luck = 3.3 * np.sqrt(0.95 * 0.05 / cohorts)
    assert np.all(np.abs(inside / cohorts - 0.95) < luck), dict(zip(TRUTH, inside / cohorts, strict=True))


def test_many_customers_give_the_planted_parameters_and_the_papers_likelihood():
    customers = planted(200_000, seed=1)
    model = GammaGamma().fit(customers)
    assert list(model.parameters_.values()) == pytest.approx(list(TRUTH.values()), rel=0.05)
    assert model.expected_value == pytest.approx(60, rel=0.01)
    assert model.log_likelihood_ == pytest.approx(by_the_paper(customers, **model.parameters_), rel=1e-12)
    assert abs(model.correlation_) < 0.02
    assert model.n_left_out_ == np.count_nonzero(customers["frequency"] == 0)
    assert model.n_customers_ == 200_000 - model.n_left_out_


@pytest.mark.parametrize("v", [1e-4, 15.0, 1e7])
def test_bins_keep_twelve_digits_over_many_orders_of_magnitude(v):
    rng = np.random.default_rng(2)
    values = np.exp(rng.uniform(-12, 14, 3_000))
    customers = {"frequency": rng.integers(1, 400, 3_000), "monetary_value": values}
    model = GammaGamma.from_parameters({"p": 0.7, "q": 2.5, "v": v})
    assert model.log_likelihood(customers) == pytest.approx(by_the_paper(customers, **model.parameters_), rel=1e-12)


@pytest.mark.parametrize("parameters", [TRUTH, {"p": 0.2, "q": 0.5, "v": 1.0}, {"p": 40.0, "q": 90.0, "v": 900.0}])
def test_slope_equals_differences_of_the_papers_likelihood(parameters):
    from analysis.churn.btyd.gamma_gamma import _summed, _value_and_slope

    customers = planted(500, seed=3)
    used = customers["frequency"] > 0
    sums = _summed(customers["frequency"][used], customers["monetary_value"][used], weights=None)
    _, slope = _value_and_slope(np.array(list(parameters.values())), sums=sums)
    for name, found in zip(parameters, slope, strict=True):
        h = parameters[name] * 1e-3
        at = {k: by_the_paper(customers, **{**parameters, name: parameters[name] + k * h}) for k in (-2, -1, 1, 2)}
        assert found == pytest.approx((8 * (at[1] - at[-1]) - (at[2] - at[-2])) / (12 * h), rel=1e-6, abs=1e-6)


def test_few_orders_are_drawn_towards_the_population_and_many_speak_for_themselves():
    customers = {"frequency": [0, 1, 5, 5000], "monetary_value": [0, 100, 100, 100]}
    values = CDNOW.conditional_expected_value(customers)
    assert values[0] == pytest.approx(CDNOW.expected_value)
    assert CDNOW.expected_value == pytest.approx(6.25 * 15.44 / 2.74)
    assert values[0] < values[1] < values[2] < values[3]
    assert values[3] == pytest.approx(100, abs=0.01)
    # Fader and Hardie (2013), equation 5: a weighted mean of the population's and the customer's own
    weight = 6.25 * 5 / (6.25 * 5 + 2.74)
    assert values[2] == pytest.approx((1 - weight) * CDNOW.expected_value + weight * 100)


def test_expected_values_are_right_on_average_at_every_frequency():
    customers = planted(150_000, seed=4)
    rng = np.random.default_rng(5)
    x, m = customers["frequency"], customers["monetary_value"]
    model = GammaGamma.from_parameters(TRUTH)
    expected = model.conditional_expected_value(customers)
    # given the past, the scale ν is Gamma(px + q, v + x·m) and the next order has mean p/ν
    truth = 3 * (60 + x * m) / rng.gamma(3 * x + 4)
    for orders in (0, 1, 3, 8):
        at = x == orders
        assert expected[at].mean() == pytest.approx(truth[at].mean(), abs=4 * truth[at].std() / np.sqrt(at.sum()))


def test_repeats_of_value_zero_are_left_out_and_counted():
    customers = planted(1_000, seed=6)
    free = {name: column.copy() for name, column in customers.items()}
    free["monetary_value"][np.flatnonzero(free["frequency"] > 0)[:7]] = 0.0
    model = GammaGamma().fit(free)
    assert model.n_left_out_ == np.count_nonzero(customers["frequency"] == 0) + 7
    assert model.conditional_expected_value({"frequency": [3], "monetary_value": [0]})[0] == model.expected_value


def test_the_value_of_customers_without_repeats_does_not_matter():
    customers = planted(1_000, seed=7)
    unknown = {**customers, "monetary_value": np.where(customers["frequency"] > 0, customers["monetary_value"], np.nan)}
    assert GammaGamma().fit(unknown).parameters_ == GammaGamma().fit(customers).parameters_


def test_weights_stand_for_repeated_rows():
    once = planted(600, seed=8)
    counts = np.random.default_rng(8).integers(0, 4, 600)
    repeated = {name: np.repeat(column, counts) for name, column in once.items()}
    weighted, plain = GammaGamma().fit(once, weights=counts), GammaGamma().fit(repeated)
    assert weighted.parameters_ == pytest.approx(plain.parameters_, rel=1e-6)
    assert weighted.log_likelihood_ == pytest.approx(plain.log_likelihood_, rel=1e-12)
    assert (weighted.n_left_out_, weighted.n_customers_) == (plain.n_left_out_, plain.n_customers_)
    assert weighted.correlation_ == pytest.approx(plain.correlation_, abs=1e-3)


def test_yuan_and_fen_give_the_same_model():
    yuan = planted(3_000, seed=9)
    fen = {**yuan, "monetary_value": yuan["monetary_value"] * 100}
    in_yuan, in_fen = GammaGamma().fit(yuan), GammaGamma().fit(fen)
    for name, times in {"p": 1, "q": 1, "v": 100}.items():
        assert in_fen.parameters_[name] == pytest.approx(times * in_yuan.parameters_[name], rel=1e-4)


def test_a_tail_without_a_mean_is_said_and_no_mean_invented():
    model = GammaGamma().fit(planted(20_000, seed=10, q=0.8, v=5.0))
    assert model.parameters_["q"] < 1
    assert model.converged_
    assert "not finite" in model.advice_
    assert model.expected_value == np.inf
    assert np.isfinite(model.conditional_expected_value({"frequency": [4], "monetary_value": [30]})).all()
    with pytest.raises(AnalysisError, match="must be above 1"):
        model.conditional_expected_value({"frequency": [0], "monetary_value": [0]})


def test_values_that_do_not_differ_identify_nothing_and_a_prior_helps():
    alike = {"frequency": [1, 2, 3, 4] * 20, "monetary_value": [50.0] * 80}
    model = GammaGamma().fit(alike)
    assert not model.converged_
    assert "ridge" in model.advice_
    helped = GammaGamma(ridge=40).fit(alike)
    assert helped.converged_
    assert "weak prior" in helped.prior_note
    assert helped.expected_value == pytest.approx(50, rel=0.2)


def test_bad_input_is_refused():
    with pytest.raises(NotIdentifiedError, match="0 of 2 customers have repeat orders"):
        GammaGamma().fit({"frequency": [0, 1], "monetary_value": [10, 0]})
    with pytest.raises(AnalysisError, match="monetary_value must be a finite number of 0 or more: 1 of 2 rows"):
        GammaGamma().fit({"frequency": [1, 2], "monetary_value": [10, -3]})
    with pytest.raises(AnalysisError, match="lacks monetary_value"):
        GammaGamma().fit({"frequency": [1, 2]})
    with pytest.raises(AnalysisError, match="columns of one length"):
        GammaGamma().fit({"frequency": [1, 2], "monetary_value": [10]})
    with pytest.raises(AnalysisError, match="at least one customer"):
        GammaGamma().fit({"frequency": [], "monetary_value": []})
