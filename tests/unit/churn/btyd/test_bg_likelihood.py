"""The likelihood of the BG family: against its integral over one customer's rate and dropout chance, and its slope."""

import math
from collections.abc import Sequence

import numpy as np
import pytest
from scipy.special import betaln
from scipy.stats import gamma

from analysis.churn.btyd.bg_likelihood import Timing, tabulate, thinned, value_and_slope
from analysis.churn.btyd.customers import Customers

TIMINGS = [Timing(k, drops_at_start) for k in (1, 2, 3, 5) for drops_at_start in (False, True)]
USUAL = (0.6, 4.0, 0.8, 2.5)
EXTREMES = [(1e-3, 1e-3, 1e-3, 1e-3), (200.0, 1e3, 1e-3, 300.0), (0.01, 500.0, 50.0, 0.01), (3.0, 0.01, 5.0, 4.0)]
ROWS: Sequence[tuple[float, float, float]] = [
    (0, 0, 10),
    (0, 0, 31.5),
    (1, 3, 12),
    (4, 9, 11),
    (7, 30, 31.5),
    (25, 30, 30),
]


def table(rows: Sequence[tuple[float, float, float]]) -> Customers:
    """Return customers whose gaps are equal."""
    x, t_x, age = np.array(rows, dtype=float).T
    return Customers(x, t_x, age, x * np.log(np.where(x > 0, t_x / np.maximum(x, 1), 1.0)))


def integrated(row: tuple[float, float, float], *, parameters: tuple[float, ...], timing: Timing) -> float:
    """Return ln L of one customer: the story of the model given (λ, p), integrated over both.

    The trapezoidal rule over ln λ converges faster than any power: the integrand vanishes at both ends.
    """
    (x, t_x, age), (r, alpha, a, b), (k, m) = row, parameters, timing
    log_rate, step = np.linspace(-60, 6, 6001, retstep=True)
    rate = np.exp(log_rate)
    gaps = x * gamma.logpdf(t_x / x, k, scale=1 / rate) if x else 0.0
    bought = np.exp(gaps + gamma.logpdf(rate, r, scale=1 / alpha)) * rate * step
    then_nothing = gamma.sf(age - t_x, k, scale=1 / rate)
    alive = math.exp(betaln(a, b + x + m) - betaln(a, b)) * float(bought @ then_nothing)
    left = math.exp(betaln(a + 1, b + x + m - 1) - betaln(a, b)) * float(bought.sum()) if x + m else 0.0
    return math.log(alive + left)


@pytest.mark.parametrize("timing", TIMINGS, ids=str)
def test_log_likelihood_is_the_integral_over_one_customers_rate_and_dropout(timing):
    for row in ROWS:
        value, _ = value_and_slope(np.array(USUAL), tables=tabulate(table([row])), timing=timing)
        assert value == pytest.approx(integrated(row, parameters=USUAL, timing=timing), abs=1e-9)


@pytest.mark.parametrize("timing", TIMINGS, ids=str)
@pytest.mark.parametrize("at", [USUAL, *EXTREMES], ids=str)
def test_slope_is_the_difference_quotient_of_the_likelihood(timing, at):
    tables = tabulate(table(ROWS), weights=np.array([5.0, 1, 2, 1, 3, 0.5]))
    value, slope = value_and_slope(np.array(at), tables=tables, timing=timing)
    assert np.isfinite(value)
    for i in range(4):
        step = np.where(np.arange(4) == i, 1e-5, 0.0)
        up, down = (value_and_slope(at * np.exp(s), tables=tables, timing=timing)[0] for s in (step, -step))
        assert slope[i] * at[i] == pytest.approx((up - down) / 2e-5, rel=2e-5, abs=2e-5)


def test_a_customer_of_700_purchases_overflows_nothing():
    crowd = table([(700, 725, 730), (700, 20, 730), (1, 0.01, 5000)])
    for timing in TIMINGS:
        value, slope = value_and_slope(np.array(USUAL), tables=tabulate(crowd), timing=timing)
        assert np.isfinite([value, *slope]).all()


@pytest.mark.parametrize("timing", TIMINGS, ids=str)
def test_counting_customers_alike_together_changes_nothing(timing):
    """In days and in weeks customers are alike and counted together; in units of 1.01 days they are rows."""
    rng = np.random.default_rng(1)
    age = rng.integers(5, 60, 4000).astype(float)
    x = rng.poisson(0.1 * age).astype(float)
    t_x = np.where(x > 0, np.maximum(np.ceil(age * rng.random(4000)), 1.0), 0.0)
    in_days = value_and_slope(np.array(USUAL), tables=tabulate(Customers(x, t_x, age)), timing=timing)[0]
    rows = [tabulate(Customers(x[i : i + 1], t_x[i : i + 1], age[i : i + 1])) for i in range(300)]
    some = tabulate(Customers(x[:300], t_x[:300], age[:300]))
    together = value_and_slope(np.array(USUAL), tables=some, timing=timing)[0]
    alone = sum(value_and_slope(np.array(USUAL), tables=row, timing=timing)[0] for row in rows)
    assert together == pytest.approx(alone, rel=1e-12)
    for unit in (1.01, 7.0):
        tables = tabulate(Customers(x, t_x / unit, age / unit))
        density = timing.k * x.sum() * np.log(unit)  # of the gaps, per unit
        value = value_and_slope(np.array([USUAL[0], USUAL[1] / unit, *USUAL[2:]]), tables=tables, timing=timing)[0]
        assert value - density == pytest.approx(in_days, rel=1e-12)


def test_weights_count_like_copies():
    weights = np.array([2.0, 1, 3, 1, 1, 4])
    copies = table([row for row, n in zip(ROWS, weights, strict=True) for _ in range(int(n))])
    for timing in TIMINGS:
        weighted = value_and_slope(np.array(USUAL), tables=tabulate(table(ROWS), weights=weights), timing=timing)
        copied = value_and_slope(np.array(USUAL), tables=tabulate(copies), timing=timing)
        assert weighted[0] == pytest.approx(copied[0], rel=1e-13)
        assert weighted[1] == pytest.approx(copied[1], rel=1e-11)


def test_more_stages_cost_each_purchase_its_gamma_function_and_gain_its_log_gap():
    """Σ ln(gap) enters with k - 1; two customers who differ in it alone differ in ln L by (k-1) times as much."""
    early, late = table([(3, 9, 12)]), table([(3, 9, 12)])._replace(sum_log_gaps=np.array([1.5]))
    assert early.sum_log_gaps is not None
    for timing in TIMINGS:
        values = [value_and_slope(np.array(USUAL), tables=tabulate(c), timing=timing)[0] for c in (early, late)]
        assert values[1] - values[0] == pytest.approx((timing.k - 1) * (1.5 - early.sum_log_gaps[0]), abs=1e-12)


def test_a_thinned_table_keeps_the_mean_log_likelihood():
    rng = np.random.default_rng(3)
    age = rng.uniform(5, 60, 50_000)
    x = rng.poisson(0.05 * age).astype(float)
    tables = tabulate(Customers(x, np.where(x > 0, age * rng.random(50_000), 0.0), age))
    part = thinned(tables, rows=5000)
    assert len(part.at_x) == pytest.approx(5000, rel=0.01)
    means = [
        value_and_slope(np.array(USUAL), tables=t, timing=Timing(1, drops_at_start=False))[0] / t.n_at_x.sum()
        for t in (tables, part)
    ]
    assert means[1] == pytest.approx(means[0], rel=0.005)
