"""How sure a buy-till-you-die model is: coverage over seeded cohorts, with and without luck."""

from typing import NamedTuple

import numpy as np
import pytest

from analysis.churn.btyd import uncertainty
from analysis.churn.btyd.bg_nbd import BGNBD
from analysis.churn.btyd.nbd import NBD
from analysis.errors import AnalysisError

TRUTH = BGNBD.from_parameters({"r": 0.243, "alpha": 4.414, "a": 0.793, "b": 2.426})
"""The published BG/NBD of CDNOW, in weeks."""

CALIBRATION, HOLDOUT, ENTRY = 39.0, 39.0, 12
CUSTOMERS = 2000


class Cohort(NamedTuple):
    customers: dict[str, np.ndarray]
    later: np.ndarray


def cohort(rng: np.random.Generator, *, n: int = CUSTOMERS) -> Cohort:
    """Draw a cohort straight from the model's story: exponential gaps, a coin after each purchase."""
    truth = TRUTH.parameters_
    rate, leaves = rng.gamma(truth["r"], 1 / truth["alpha"], n), rng.beta(truth["a"], truth["b"], n)
    age = CALIBRATION - rng.integers(0, ENTRY, n)
    clock, x, t_x, later = (np.zeros(n) for _ in range(4))
    here = np.arange(n)
    while len(here):
        clock[here] += rng.standard_exponential(len(here)) / rate[here]
        here = here[clock[here] <= age[here] + HOLDOUT]
        early = clock[here] <= age[here]
        x[here[early]] += 1
        t_x[here[early]] = clock[here[early]]
        later[here[~early]] += 1
        here = here[rng.random(len(here)) >= leaves[here]]
    return Cohort({"frequency": x, "recency": t_x, "T": age}, later)


def covers(band: uncertainty.Band, value: float) -> bool:
    return bool(band.ci_lower <= value <= band.ci_upper)


@pytest.mark.exam
def test_80_percent_intervals_cover_in_77_to_83_percent_of_cohorts_and_without_luck_far_less(exam_in_full):
    cohorts = 1000 if exam_in_full else 120
    rng = np.random.default_rng(2026)
    hits = []
    for _ in range(cohorts):
        known, later = cohort(rng)
        fitted = BGNBD().fit(known)
        alone = uncertainty.predictive_band(fitted, known, horizon=HOLDOUT, luck=False)
        counted = uncertainty.predictive_band(fitted, known, horizon=HOLDOUT)
        slope = uncertainty.logit_gradient(fitted, lambda other, known=known: other.p_alive(known).mean())
        error = uncertainty.spread(slope, fitted.covariance_)
        alive = uncertainty.band(float(fitted.p_alive(known).mean()), standard_error=error, scale="logit")
        expected = float(TRUTH.conditional_expected_purchases(known, horizon=HOLDOUT).sum())
        p_alive, total = float(TRUTH.p_alive(known).mean()), float(later.sum())
        hits.append([covers(alone, expected), covers(alive, p_alive), covers(counted, total), covers(alone, total)])
    expected, alive, counted, without_luck = np.mean(hits, axis=0)
    low, high = (0.77, 0.83) if exam_in_full else (0.69, 0.91)  # 120 cohorts: three standard errors of 0.037
    assert low <= expected <= high
    assert low <= alive <= high
    assert low <= counted <= high
    assert without_luck <= counted - 0.1


def test_draws_from_the_laplace_approximation_agree_with_the_delta_method():
    known = cohort(np.random.default_rng(1)).customers
    fitted = BGNBD().fit(known)
    exact = uncertainty.predictive_band(fitted, known, horizon=HOLDOUT, luck=False)
    drawn = [
        float(model.conditional_expected_purchases(known, horizon=HOLDOUT).sum())
        for model in uncertainty.models_drawn(fitted, draws=200, rng=np.random.default_rng(3))
    ]
    low, high = np.quantile(drawn, [0.1, 0.9])
    assert (low, high) == pytest.approx((exact.ci_lower, exact.ci_upper), rel=0.02)


def test_luck_of_the_distribution_is_the_variance_of_simulated_purchases():
    known = cohort(np.random.default_rng(4), n=400).customers
    rng = np.random.default_rng(5)
    drawn = np.array([TRUTH.draw(known, horizon=HOLDOUT, rng=rng) for _ in range(400)])
    luck = uncertainty.luck_variance(TRUTH, known, horizon=HOLDOUT)
    assert luck.sum() == pytest.approx(drawn.var(axis=0, ddof=1).sum(), rel=0.05)


def test_a_lump_above_the_last_count_keeps_its_mean():
    known = cohort(np.random.default_rng(4), n=400).customers
    whole = uncertainty.luck_variance(TRUTH, known, horizon=HOLDOUT).sum()
    lumped = uncertainty.luck_variance(TRUTH, known, horizon=HOLDOUT, most=8).sum()
    assert 0.85 * whole < lumped <= whole


def test_luck_of_the_nbd_is_its_negative_binomial_variance_however_thin_the_tail():
    truth = NBD.from_parameters({"r": 1.2, "alpha": 60.0})
    known = {"frequency": np.arange(40.0), "recency": np.arange(40.0) * 2, "T": np.linspace(100.0, 400.0, 40)}
    shape, ahead = 1.2 + known["frequency"], 60.0 / (60.0 + known["T"])
    luck = uncertainty.luck_variance(truth, known, horizon=60.0)
    assert luck == pytest.approx(shape * ahead * (1 + ahead), rel=1e-6)


def test_groups_of_customers_alike_carry_the_same_spread_as_all_of_them():
    known = cohort(np.random.default_rng(6), n=20_000).customers
    fitted = BGNBD().fit(known)
    groups = uncertainty.group_alike(known)
    assert len(groups.n_customers) < 2500
    assert groups.n_customers.sum() == 20_000
    slopes = [
        uncertainty.log_gradient(fitted, lambda m, c=c: m.conditional_expected_purchases(c, horizon=52.0))
        for c in (known, groups.customers)
    ]
    each, grouped = (uncertainty.spread(slope, fitted.covariance_) for slope in slopes)
    off = np.abs(grouped[groups.member] / each - 1)
    assert np.median(off) < 0.01
    assert np.quantile(off, 0.99) < 0.2


def test_weights_count_customers_as_often_as_they_say():
    known = {"frequency": [0.0, 3.0], "recency": [0.0, 20.0], "T": [30.0, 30.0]}
    twice = {name: [*values, *values] for name, values in known.items()}
    model = BGNBD.from_parameters(TRUTH.parameters_, covariance=0.01 * np.eye(4))
    weighed = uncertainty.predictive_band(model, known, horizon=10.0, weights=[2, 2])
    assert weighed == pytest.approx(uncertainty.predictive_band(model, twice, horizon=10.0))


def test_a_miss_of_the_level_widens_the_interval():
    known = cohort(np.random.default_rng(4), n=400).customers
    model = BGNBD.from_parameters(TRUTH.parameters_, covariance=1e-6 * np.eye(4))
    band = uncertainty.predictive_band(model, known, horizon=10.0, luck=False, level_error=0.2)
    assert np.log(band.ci_upper / band.value) == pytest.approx(0.2 * 1.2816, rel=0.01)


def test_share_without_doubt_has_no_slope_and_unknown_covariance_is_said():
    once = {"frequency": [0.0], "recency": [0.0], "T": [30.0]}
    assert np.all(uncertainty.logit_gradient(TRUTH, lambda other: other.p_alive(once)) == 0)
    with pytest.raises(AnalysisError, match="no covariance"):
        uncertainty.predictive_band(TRUTH, once, horizon=10.0)
