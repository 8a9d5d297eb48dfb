"""Concentration of revenue: exact on small lists, and intervals that cover a planted population."""

import numpy as np
import pytest
from scipy import stats

from analysis.errors import AnalysisError
from analysis.segments.concentration import customers_carrying, gini, lorenz_curve, revenue_of_top

SEEDS = 1_000
CUSTOMERS = 1_000

# What is planted: the spending law, the share of customers who carry 80 %, the Gini, the revenue of the top fifth.
LOG_NORMAL = stats.lognorm(1.0)
GAMMA = stats.gamma(2.0)
PLANTED = {
    "log-normal": (
        LOG_NORMAL.rvs,
        stats.norm.sf(1.0 - stats.norm.ppf(0.8)),
        2 * stats.norm.cdf(1.0 / np.sqrt(2)) - 1,
        stats.norm.sf(stats.norm.ppf(0.8) - 1.0),
    ),
    "Pareto, alpha 3": (stats.pareto(3.0).rvs, 0.8 ** (3 / 2), 1 / 5, 0.2 ** (2 / 3)),
    "gamma, shape 2": (
        GAMMA.rvs,
        GAMMA.sf(stats.gamma(3.0).isf(0.8)),
        3 / 8,
        stats.gamma(3.0).sf(GAMMA.isf(0.2)),
    ),
}


@pytest.mark.slow
@pytest.mark.parametrize("law", PLANTED)
def test_the_95_percent_intervals_cover_the_planted_shares_in_93_to_97_percent_of_1000_seeds(law):
    draw, carrying, concentrated, top = PLANTED[law]
    rng = np.random.default_rng(20260101)
    covered = np.zeros(3)
    for seed in range(SEEDS):
        revenue = draw(size=CUSTOMERS, random_state=rng)
        found = (customers_carrying(revenue, seed=seed), gini(revenue, seed=seed), revenue_of_top(revenue, seed=seed))
        for i, truth in enumerate((carrying, concentrated, top)):
            covered[i] += found[i].ci_lower <= truth <= found[i].ci_upper
    assert (covered / SEEDS >= 0.93).all()
    assert (covered / SEEDS <= 0.97).all()


def test_one_of_ten_carries_everything():
    revenue = [0] * 9 + [100]
    assert customers_carrying(revenue).value == pytest.approx(0.08)
    assert revenue_of_top(revenue, top=0.1).value == 1.0
    assert gini(revenue).value == pytest.approx(0.9)


def test_equal_customers_carry_equally():
    assert customers_carrying([7.0] * 50).value == pytest.approx(0.8)
    assert gini([7.0] * 50).value == pytest.approx(0.0)
    assert revenue_of_top([7.0] * 50).value == pytest.approx(0.2)


def test_row_order_and_currency_unit_do_not_matter():
    revenue = np.random.default_rng(1).lognormal(size=500)
    shuffled = np.random.default_rng(2).permutation(revenue) * 100
    for measure in (customers_carrying, gini, revenue_of_top):
        assert measure(shuffled, seed=3) == pytest.approx(measure(revenue, seed=3))


def test_the_lorenz_curve_rises_less_and_less_and_ends_at_all():
    curve = lorenz_curve(np.random.default_rng(1).lognormal(size=1_000))
    steps = np.diff(curve.share_revenue)
    assert (curve.share_revenue[0], curve.share_revenue[-1]) == pytest.approx((0.0, 1.0))
    assert (np.diff(steps) <= 1e-12).all()
    assert len(curve.share_customers) == 101


def test_the_curve_passes_through_the_share_of_the_top():
    revenue = np.random.default_rng(4).lognormal(size=2_000)
    assert lorenz_curve(revenue).share_revenue[20] == pytest.approx(revenue_of_top(revenue, top=0.2).value)


def test_few_customers_get_a_number_but_no_interval():
    found = gini([1, 2, 3])
    assert found.value > 0
    assert np.isnan(found.ci_lower)


@pytest.mark.parametrize("revenue", [[], [1.0, -1.0], [0.0, 0.0], [1.0, np.nan]])
def test_revenue_that_is_negative_missing_or_nothing_is_refused(revenue):
    with pytest.raises(AnalysisError):
        gini(revenue)
