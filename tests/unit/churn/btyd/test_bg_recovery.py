"""Fits of cohorts drawn from known parameters: intervals cover, k is found, small samples stay sane."""

import numpy as np
import pandas as pd
import pytest

from analysis.churn.btyd.bg_cnbd_k import BGCNBDk
from analysis.churn.btyd.bg_family import BGFamily, RegularBGFamily
from analysis.churn.btyd.bg_nbd import BGNBD
from analysis.churn.btyd.fitting import NotIdentifiedError
from analysis.churn.btyd.mbg_cnbd_k import MBGCNBDk
from analysis.churn.btyd.mbg_nbd import MBGNBD
from analysis.errors import AnalysisError

TRUTH = {"r": 0.9, "alpha": 6.0, "a": 1.2, "b": 5.0}
COHORTS, CUSTOMERS = 200, 1500
EVERY_MODEL: list[BGFamily] = [
    BGNBD.from_parameters(TRUTH),
    MBGNBD.from_parameters(TRUTH),
    BGCNBDk.from_parameters({**TRUTH, "alpha": 3.0}, k=2),
    MBGCNBDk.from_parameters({**TRUTH, "alpha": 2.0}, k=3),
]
every_model = pytest.mark.parametrize("truth", EVERY_MODEL, ids=lambda m: m.slug)


def untrained(truth: BGFamily, *, ridge: float = 0.0) -> BGFamily:
    return type(truth)(k=truth.k_, ridge=ridge) if isinstance(truth, RegularBGFamily) else type(truth)(ridge=ridge)


def cohort(truth: BGFamily, n: int, *, seed: int) -> pd.DataFrame:
    rng = np.random.default_rng(seed)
    return truth.simulate(rng.integers(40, 104, n).astype(float), rng=rng)


def logs(model: BGFamily) -> np.ndarray:
    return np.log([model.parameters_[name] for name in model.parameter_names])


@every_model
def test_95_percent_intervals_cover_each_parameter(truth):
    """200 cohorts of 1,500 customers: the share covered has a standard error of 1.5 points; 90-99 % is ± 3 of them.

    The mean over the four parameters is held to 92.5-97.5 %.
    """
    everybody = cohort(truth, COHORTS * CUSTOMERS, seed=1)
    away = np.empty((COHORTS, 4))
    for i in range(COHORTS):
        fitted = untrained(truth).fit(everybody.iloc[i * CUSTOMERS : (i + 1) * CUSTOMERS])
        assert fitted.converged_, fitted.advice_
        away[i] = (logs(fitted) - logs(truth)) / np.sqrt(np.diag(fitted.covariance_))
    covered = (np.abs(away) < 1.959964).mean(axis=0)
    assert ((covered >= 0.90) & (covered <= 0.99)).all(), covered
    assert 0.925 <= covered.mean() <= 0.975
    assert np.abs(away.mean(axis=0)).max() < 0.25  # no parameter is off by more than a quarter of its standard error


@pytest.mark.parametrize("kind", [BGCNBDk, MBGCNBDk])
@pytest.mark.parametrize("k", [1, 2, 3, 6])
def test_k_of_highest_likelihood_is_the_planted_one(kind, k):
    truth = kind.from_parameters(TRUTH, k=k)
    table = cohort(truth, 1500, seed=k)
    fitted = kind().fit(table)
    assert fitted.k_ == k
    assert fitted.parameters_["k"] == k
    assert max(fitted.log_likelihoods_, key=fitted.log_likelihoods_.__getitem__) == k
    assert fitted.log_likelihood(table) == pytest.approx(fitted.log_likelihood_, rel=1e-12)
    assert np.abs(logs(fitted) - logs(truth)) == pytest.approx(
        np.zeros(4), abs=4 * np.sqrt(np.diag(fitted.covariance_)).max()
    )


def test_search_for_k_is_the_best_of_the_fits_with_k_given():
    table = cohort(BGCNBDk.from_parameters(TRUTH, k=2), 800, seed=4)
    found = BGCNBDk().fit(table)
    given = {k: BGCNBDk(k=k).fit(table).log_likelihood_ for k in found.log_likelihoods_}
    assert found.log_likelihoods_ == pytest.approx(given, rel=1e-10)


@every_model
def test_covariance_is_the_curvature_of_the_likelihood_at_its_top(truth):
    table = cohort(truth, 800, seed=9)
    fitted = untrained(truth).fit(table)
    information = np.linalg.inv(fitted.covariance_)
    for i, name in enumerate(fitted.parameter_names):
        moved = [{**fitted.parameters_, name: fitted.parameters_[name] * factor} for factor in (1.02, 1 / 1.02)]
        drops = [fitted.log_likelihood_ - type(truth).from_parameters(m).log_likelihood(table) for m in moved]
        assert min(drops) > 0
        assert np.mean(drops) == pytest.approx(0.5 * information[i, i] * np.log(1.02) ** 2, rel=0.01)


def test_standard_errors_are_those_of_the_parameters():
    fitted = BGNBD().fit(cohort(EVERY_MODEL[0], 800, seed=9))
    relative = np.sqrt(np.diag(fitted.covariance_))
    assert list(fitted.standard_errors_.values()) == pytest.approx(np.exp(logs(fitted)) * relative)


@every_model
def test_a_large_cohort_is_fitted_as_if_read_whole_each_time(truth):
    """Above 60,000 distinct customers a part of them starts the climb; the top must be that of all."""
    table = cohort(truth, 90_000, seed=3)
    fitted = untrained(truth).fit(table)
    for name in fitted.parameter_names:
        for factor in (0.9999, 1.0001):
            moved = type(truth).from_parameters({**fitted.parameters_, name: fitted.parameters_[name] * factor})
            assert moved.log_likelihood(table) < fitted.log_likelihood_


@every_model
def test_weights_count_like_copies(truth):
    table = cohort(truth, 400, seed=8)
    weights = np.arange(400) % 3
    weighted = untrained(truth).fit(table, weights=weights)
    copied = untrained(truth).fit(table.loc[table.index.repeat(weights)])
    assert weighted.n_customers_ == copied.n_customers_ == weights.sum()
    assert weighted.log_likelihood_ == pytest.approx(copied.log_likelihood_, rel=1e-10)
    assert logs(weighted) == pytest.approx(logs(copied), abs=1e-5)


@every_model
def test_ridge_keeps_fifty_customers_sane(truth):
    """Without a ridge some cohorts of 50 run away; with one none does, whatever the luck."""
    everybody = cohort(truth, 60 * 50, seed=2)
    ran_away = 0
    for i in range(60):
        few = everybody.iloc[i * 50 : (i + 1) * 50]
        held = untrained(truth, ridge=1.0).fit(few)
        assert held.converged_
        assert np.isfinite(held.covariance_).all()
        assert np.abs(logs(held) - logs(truth)).max() < np.log(40)
        assert np.isfinite(held.conditional_expected_purchases(few, horizon=52)).all()
        ran_away += not untrained(truth).fit(few).converged_
    assert ran_away > 0


def test_ridge_of_zero_is_maximum_likelihood_and_a_ridge_says_so():
    table = cohort(EVERY_MODEL[0], 500, seed=6)
    plain, none, some = BGNBD().fit(table), BGNBD(ridge=0).fit(table), BGNBD(ridge=2.5).fit(table)
    assert plain.parameters_ == none.parameters_
    assert plain.prior_note == ""
    assert "2.5 pseudo-customers" in some.prior_note
    assert some.log_likelihood_ < plain.log_likelihood_  # without the ridge, as documented
    assert some.log_likelihood_ == pytest.approx(some.log_likelihood(table), rel=1e-12)


def test_ridge_draws_towards_the_documented_values():
    table = cohort(EVERY_MODEL[0], 500, seed=6)
    drawn = BGNBD(ridge=1e7).fit(table).parameters_
    assert drawn == pytest.approx({"r": 1.0, "alpha": table["T"].mean(), "a": 1.0, "b": 3.0}, rel=1e-3)


@pytest.mark.parametrize("kind", [BGNBD, MBGNBD, lambda: BGCNBDk(k=2), MBGCNBDk])
def test_customers_who_never_come_back_give_advice(kind):
    nobody = {"frequency": [0, 0], "recency": [0, 0], "T": [9, 3], "sum_log_gaps": [0, 0]}
    with pytest.raises(NotIdentifiedError, match="none of 2 customers came back") as raised:
        kind().fit(nobody)
    assert "longer history" in raised.value.hint
    assert BGNBD(ridge=1).fit(nobody).converged_


def test_customers_watched_for_no_time_give_advice():
    with pytest.raises(NotIdentifiedError, match="T is 0 for all 2 customers"):
        BGNBD(ridge=1).fit({"frequency": [0, 0], "recency": [0, 0], "T": [0, 0]})


@pytest.mark.parametrize("kind", [BGNBD, MBGNBD])
def test_customers_who_never_leave_give_advice_not_nonsense(kind):
    rng = np.random.default_rng(0)
    age = rng.uniform(10, 50, 2000)
    x = rng.poisson(rng.gamma(0.8, 1 / 6, 2000) * age)
    last = np.where(x > 0, age * rng.random(2000) ** (1 / np.maximum(x, 1)), 0.0)
    table = {"frequency": x, "recency": last, "T": age}
    fitted = kind().fit(table)
    assert not fitted.converged_
    assert "hardly anybody seems to leave, as in NBD" in fitted.advice_
    assert "ridge=1" in fitted.advice_
    assert np.isnan(list(fitted.standard_errors_.values())).all()
    assert fitted.p_alive(table).min() > 0.99
    assert kind(ridge=1).fit(table).converged_


@pytest.mark.parametrize("kind", [BGCNBDk, MBGCNBDk])
def test_without_gaps_k_must_be_given(kind):
    table = cohort(kind.from_parameters(TRUTH, k=2), 500, seed=1)
    blind = table.drop(columns="sum_log_gaps")
    with pytest.raises(AnalysisError, match="customers lacks sum_log_gaps"):
        kind().fit(blind)
    assert logs(kind(k=2).fit(blind)) == pytest.approx(logs(kind(k=2).fit(table)), abs=1e-6)


@every_model
def test_a_fitted_model_travels_as_plain_values(truth):
    table = cohort(truth, 500, seed=1)
    fitted = untrained(truth).fit(table)
    sent = {"parameters": fitted.parameters_, "covariance": fitted.covariance_.tolist(), "n_customers": 500}
    arrived = type(truth).from_parameters(**sent)
    assert arrived.standard_errors_ == fitted.standard_errors_
    assert (arrived.p_alive(table) == fitted.p_alive(table)).all()


@pytest.mark.parametrize(
    ("parameters", "says"),
    [
        ({"r": 1, "alpha": 1, "a": 1}, "has the parameters r, alpha, a, b"),
        ({**TRUTH, "c": 1}, "has the parameters r, alpha, a, b"),
        ({**TRUTH, "r": 0.0}, "r of BGNBD must be above zero"),
        ({**TRUTH, "b": float("nan")}, "b of BGNBD must be above zero"),
    ],
)
def test_parameters_that_are_none_are_refused(parameters, says):
    with pytest.raises(AnalysisError, match=says):
        BGNBD.from_parameters(parameters)


@pytest.mark.parametrize("k", [0, -1, 1.5])
def test_k_is_a_whole_number_of_stages(k):
    with pytest.raises(AnalysisError, match="whole number of stages"):
        BGCNBDk(k=k)
    with pytest.raises(AnalysisError, match="whole number of stages"):
        BGCNBDk.from_parameters(TRUTH, k=k)
    with pytest.raises(AnalysisError, match="needs k"):
        BGCNBDk.from_parameters(TRUTH)


def test_a_model_without_parameters_says_so():
    with pytest.raises(AnalysisError, match="no parameters yet"):
        BGNBD().p_alive({"frequency": [0], "recency": [0], "T": [1]})


@pytest.mark.parametrize("ridge", [-1.0, float("nan"), float("inf")])
def test_a_ridge_is_a_weight(ridge):
    with pytest.raises(AnalysisError, match="ridge must be 0 or more"):
        BGNBD(ridge=ridge).fit({"frequency": [1, 0], "recency": [2, 0], "T": [4, 4]})
