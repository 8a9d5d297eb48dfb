"""Pareto/NBD: planted parameters found with honest intervals, forecasts against simulation and quadrature, refusals."""

import numpy as np
import pytest
from scipy.integrate import quad
from scipy.special import gammaln

from analysis.churn.btyd.fitting import NotIdentifiedError
from analysis.churn.btyd.nbd import NBD
from analysis.churn.btyd.pareto_nbd import ParetoNBD
from analysis.errors import AnalysisError

TRUTH = {"r": 0.8, "alpha": 8.0, "s": 0.9, "beta": 15.0}
CDNOW = ParetoNBD.from_parameters({"r": 0.553, "alpha": 10.578, "s": 0.606, "beta": 11.669})
SOME: dict[str, list[float]] = {
    "frequency": [0, 0, 1, 2, 5, 5, 26],
    "recency": [0, 0, 2.0, 30.43, 38.0, 10.0, 36.0],
    "T": [38.86, 27.0, 38.0, 38.86, 38.5, 38.5, 39.0],
}


def planted(n: int, *, seed: int, weeks: float = 60, **parameters: float) -> dict[str, np.ndarray]:
    rng = np.random.default_rng(seed)
    age = rng.integers(int(weeks * 3.5), int(weeks * 7), n) / 7
    return ParetoNBD.from_parameters(parameters or TRUTH).simulate(age, rng=rng)


@pytest.mark.exam
def test_intervals_of_95_percent_hold_the_planted_parameters_in_95_percent_of_cohorts(exam_in_full):
    cohorts = 1000 if exam_in_full else 100
    inside = np.zeros(4)
    for seed in range(cohorts):
        model = ParetoNBD().fit(planted(2_500, seed=seed))
        away = np.log(list(model.parameters_.values())) - np.log(list(TRUTH.values()))
        inside += np.abs(away) < 1.96 * np.sqrt(np.diag(model.covariance_))
    luck = 3.3 * np.sqrt(0.95 * 0.05 / cohorts)  # one in a thousand tests of one parameter
    assert np.all(np.abs(inside / cohorts - 0.95) < luck), dict(zip(TRUTH, inside / cohorts, strict=True))


def test_many_customers_give_the_planted_parameters():
    customers = planted(100_000, seed=1)
    model = ParetoNBD().fit(customers)
    assert list(model.parameters_.values()) == pytest.approx(list(TRUTH.values()), rel=0.07)
    assert model.converged_
    assert model.n_customers_ == 100_000
    assert model.log_likelihood_ == pytest.approx(model.log_likelihood(customers), rel=1e-12)
    assert model.log_likelihood_ > ParetoNBD.from_parameters(TRUTH).log_likelihood(customers)


def test_simulated_customers_buy_as_often_as_expected_and_leave_as_often_as_said():
    rng = np.random.default_rng(3)
    drawn = CDNOW.simulate(np.full(200_000, 52.0), rng=rng)
    n = drawn["frequency"]
    assert n.mean() == pytest.approx(CDNOW.expected_purchases(52), abs=4 * n.std() / np.sqrt(len(n)))
    # P(alive at T) of a new customer is (β / (β+T))^s: the mean of everybody's own P(alive)
    assert CDNOW.p_alive(drawn).mean() == pytest.approx((11.669 / (11.669 + 52)) ** 0.606, abs=3e-3)


def test_days_and_weeks_give_the_same_model():
    weeks = planted(3_000, seed=2)
    days = {**weeks, "recency": weeks["recency"] * 7, "T": weeks["T"] * 7}
    in_weeks, in_days = ParetoNBD().fit(weeks), ParetoNBD().fit(days)
    for name, times in {"r": 1, "alpha": 7, "s": 1, "beta": 7}.items():
        assert in_days.parameters_[name] == pytest.approx(times * in_weeks.parameters_[name], rel=1e-4)
    assert in_days.p_alive(days) == pytest.approx(in_weeks.p_alive(weeks), abs=1e-5)


def test_weights_stand_for_repeated_rows():
    once = planted(400, seed=4)
    counts = np.random.default_rng(4).integers(0, 4, 400)
    repeated = {name: np.repeat(column, counts) for name, column in once.items()}
    weighted, plain = ParetoNBD(ridge=1).fit(once, weights=counts), ParetoNBD(ridge=1).fit(repeated)
    assert weighted.log_likelihood_ == pytest.approx(plain.log_likelihood_, rel=1e-9)
    assert list(weighted.parameters_.values()) == pytest.approx(list(plain.parameters_.values()), rel=1e-4)


def test_standard_errors_are_those_of_the_curvature_of_the_likelihood():
    customers = planted(4_000, seed=5)
    model = ParetoNBD().fit(customers)
    logs, h = np.log(list(model.parameters_.values())), 2e-3

    def total(at: np.ndarray) -> float:
        return ParetoNBD.from_parameters(dict(zip(TRUTH, np.exp(at), strict=True))).log_likelihood(customers)

    e = np.eye(4) * h
    second = np.array([[total(logs + a + b) - total(logs + a - b) for b in e] for a in e])
    second -= np.array([[total(logs - a + b) - total(logs - a - b) for b in e] for a in e])
    assert np.linalg.inv(-second / (4 * h * h)) == pytest.approx(model.covariance_, rel=2e-3, abs=1e-6)


def test_forecasts_need_only_the_frozen_parameters():
    model = ParetoNBD().fit(planted(2_000, seed=6))
    frozen = ParetoNBD.from_parameters(model.parameters_, covariance=model.covariance_)
    assert np.array_equal(frozen.p_alive(SOME), model.p_alive(SOME))
    assert frozen.standard_errors_ == model.standard_errors_


def test_p_alive_is_what_the_definition_says():
    r, alpha, s, beta = CDNOW.parameters_.values()
    for x, t_x, age, found in zip(*SOME.values(), CDNOW.p_alive(SOME), strict=True):
        alive = (alpha + age) ** -(r + x) * (beta + age) ** -s
        left = s * quad(lambda at, x=x: (alpha + at) ** -(r + x) * (beta + at) ** -(s + 1), t_x, age)[0]
        assert found == pytest.approx(alive / (alive + left), rel=1e-9)


def test_who_just_bought_is_alive_and_a_silence_lowers_the_chance():
    customers = {"frequency": [9, 9, 9, 0], "recency": [39, 30, 5, 0], "T": [39, 39, 39, 0]}
    alive = CDNOW.p_alive(customers)
    assert alive[[0, 3]] == pytest.approx([1, 1], abs=1e-12)
    assert alive[0] > alive[1] > alive[2]


@pytest.mark.parametrize("horizon", [0.0, 1.0, 39.0, 500.0])
def test_distribution_adds_up_to_one_and_to_the_expected_purchases(horizon):
    most = 1500 if horizon == 500 else 200
    chances = CDNOW.purchase_distribution(SOME, horizon=horizon, most=most)
    assert chances[:, :-1].sum(axis=1) == pytest.approx(1, abs=1e-8)
    expected = CDNOW.conditional_expected_purchases(SOME, horizon=horizon)
    assert chances @ np.arange(most + 1) == pytest.approx(expected, rel=1e-7, abs=1e-9)


def test_distribution_equals_quadrature_of_its_definition():
    r, alpha, s, beta = CDNOW.parameters_.values()
    chances = CDNOW.purchase_distribution(SOME, horizon=52, most=12)

    def bought(y: int, w: float, x: float, age: float) -> float:
        shape, scale = r + x, alpha + age
        log_chance = gammaln(shape + y) - gammaln(shape) - gammaln(y + 1)
        return float(np.exp(log_chance + shape * np.log(scale / (scale + w))) * (w / (scale + w)) ** y)

    for row, (x, age, alive) in enumerate(zip(SOME["frequency"], SOME["T"], CDNOW.p_alive(SOME), strict=True)):
        for y in (0, 1, 4, 11):
            to_the_end = bought(y, 52, x, age) * ((beta + age) / (beta + age + 52)) ** s
            left = quad(
                lambda w, y=y, x=x, age=age: bought(y, w, x, age) * s * (beta + age) ** s / (beta + age + w) ** (s + 1),
                0,
                52,
                epsabs=1e-13,
            )[0]
            expected = alive * (to_the_end + left) + (1 - alive) * (y == 0)
            assert chances[row, y] == pytest.approx(expected, abs=1e-10)


CORNERS = [
    {"r": 0.05, "alpha": 0.2, "s": 0.05, "beta": 0.1},
    {"r": 3.0, "alpha": 400.0, "s": 1.0, "beta": 2.0},
    {"r": 20.0, "alpha": 15.0, "s": 40.0, "beta": 900.0},
    {"r": 0.5, "alpha": 2.0, "s": 8.0, "beta": 3000.0},
]


@pytest.mark.parametrize("parameters", CORNERS)
def test_distribution_and_expectation_agree_in_the_corners(parameters):
    model = ParetoNBD.from_parameters(parameters)
    customers = {"frequency": [0, 0, 3, 60], "recency": [0, 0, 20, 50], "T": [0.0, 52, 52, 52]}
    expected = model.conditional_expected_purchases(customers, horizon=26)
    chances = model.purchase_distribution(customers, horizon=26, most=4000)
    assert chances @ np.arange(4001) == pytest.approx(expected, rel=1e-5, abs=1e-6)
    assert chances[:, :-1].sum(axis=1) == pytest.approx(1, abs=1e-6)


def test_draws_follow_the_distribution():
    n = 40_000
    customers = {name: np.repeat(column, n) for name, column in SOME.items()}
    drawn = CDNOW.draw(customers, horizon=39, rng=np.random.default_rng(7)).reshape(-1, n)
    chances = CDNOW.purchase_distribution(SOME, horizon=39, most=6)
    for row, found in enumerate(drawn):
        counted = np.bincount(np.minimum(found, 6), minlength=7) / n
        assert counted == pytest.approx(chances[row], abs=4 * np.sqrt(0.25 / n))
    expected = CDNOW.conditional_expected_purchases(SOME, horizon=39)
    assert drawn.mean(axis=1) == pytest.approx(expected, abs=5 * np.sqrt(drawn.var(axis=1).max() / n))


def test_expected_purchases_of_those_who_stay_equal_what_is_simulated_later():
    rng = np.random.default_rng(8)
    long = CDNOW.simulate(np.full(150_000, 39.0), rng=rng)
    ahead = CDNOW.conditional_expected_purchases(long, horizon=39).mean()
    assert ahead == pytest.approx(CDNOW.expected_purchases(78) - CDNOW.expected_purchases(39), rel=0.03)


def test_expected_purchases_pass_smoothly_through_s_equal_to_one():
    at = [
        ParetoNBD.from_parameters({"r": 0.5, "alpha": 10, "s": s, "beta": 12}).expected_purchases([10.0, 500.0])
        for s in (1 - 1e-7, 1, 1 + 1e-7)
    ]
    assert at[0] == pytest.approx(at[1], rel=1e-6)
    assert at[2] == pytest.approx(at[1], rel=1e-6)
    assert at[1][0] == pytest.approx(0.5 / 10 * 12 * np.log1p(10 / 12))


def test_without_dropout_it_is_nbd():
    nearly = ParetoNBD.from_parameters({"r": 0.5, "alpha": 10.0, "s": 1e-9, "beta": 10.0})
    nbd = NBD.from_parameters({"r": 0.5, "alpha": 10.0})
    assert nearly.log_likelihood(SOME) == pytest.approx(nbd.log_likelihood(SOME), rel=1e-9)
    assert nearly.p_alive(SOME) == pytest.approx(nbd.p_alive(SOME), abs=1e-6)
    for forecast in ("conditional_expected_purchases", "purchase_distribution"):
        one, other = getattr(nearly, forecast)(SOME, horizon=30), getattr(nbd, forecast)(SOME, horizon=30)
        assert one == pytest.approx(other, abs=1e-6)


def test_where_nobody_leaves_the_advice_names_dropout_and_a_weak_prior_helps():
    rng = np.random.default_rng(0)
    age = rng.integers(100, 300, 3_000) / 7
    n = rng.poisson(rng.gamma(2, 1 / 8, 3_000) * age).astype(float)
    stayers = {
        "frequency": n,
        "recency": np.where(n > 0, age * rng.random(3_000) ** (1 / np.maximum(n, 1)), 0),
        "T": age,
    }
    model = ParetoNBD().fit(stayers)
    assert not model.converged_
    assert "beta" in model.advice_ or "s " in model.advice_
    assert "ridge" in model.advice_
    assert np.isnan(model.covariance_).all()
    helped = ParetoNBD(ridge=1).fit(stayers)
    assert helped.converged_
    assert "weak prior" in helped.prior_note
    assert helped.p_alive(stayers).mean() > 0.95


def test_a_weak_prior_keeps_forty_customers_within_reason():
    few = planted(40, seed=11)
    model = ParetoNBD(ridge=1).fit(few)
    assert model.converged_
    assert all(np.isfinite(error) for error in model.standard_errors_.values())


def test_a_table_where_nobody_came_back_is_refused():
    nobody = {"frequency": [0, 0, 0], "recency": [0, 0, 0], "T": [10, 20, 30]}
    with pytest.raises(NotIdentifiedError, match="none of 3 customers came back"):
        ParetoNBD().fit(nobody)
    assert ParetoNBD(ridge=1).fit(nobody).ridge == 1


def test_bad_input_is_refused_by_name():
    with pytest.raises(AnalysisError, match="recency must not be beyond T: 1 of 1 rows"):
        CDNOW.p_alive({"frequency": [1], "recency": [12], "T": [10]})
    with pytest.raises(AnalysisError, match="horizon must be 0 or more"):
        CDNOW.conditional_expected_purchases(SOME, horizon=-1)
    with pytest.raises(AnalysisError, match="horizon must be 0 or more"):
        CDNOW.expected_purchases([1.0, np.nan])
    with pytest.raises(AnalysisError, match="most must be 1 or more"):
        CDNOW.purchase_distribution(SOME, horizon=1, most=0)
    with pytest.raises(AnalysisError, match="has no parameters yet"):
        ParetoNBD().p_alive(SOME)
    with pytest.raises(AnalysisError, match="s of ParetoNBD must be above zero"):
        ParetoNBD.from_parameters({"r": 1, "alpha": 1, "s": 0, "beta": 1})
