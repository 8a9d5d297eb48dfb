"""Estimators of regularity: formulas worked by hand, planted gaps, refusals."""

import numpy as np
import pandas as pd
import pytest
from scipy.special import digamma

from analysis.churn.btyd.regularity import METHODS, customer_regularity, estimate_regularity, gap_sums
from analysis.errors import AnalysisError


def purchases(times: dict[str, list[float]]) -> pd.DataFrame:
    rows = [(who, when) for who, all_times in times.items() for when in all_times]
    return pd.DataFrame(rows, columns=["customer_id", "ordered_on"])


def planted(k: float, *, customers: int, n: int, seed: int) -> pd.DataFrame:
    rng = np.random.default_rng(seed)
    gaps = rng.gamma(k, 1.0, (customers, n)) / rng.gamma(1.0, 0.1, (customers, 1))
    ids = np.repeat([f"c{i}" for i in range(customers)], n)
    table = pd.DataFrame({"customer_id": ids, "ordered_on": gaps.cumsum(axis=1).ravel()})
    return table.sample(frac=1, random_state=seed)  # the order of rows says nothing


@pytest.mark.parametrize("k", [1, 2, 4])
def test_planted_regularity_is_found(k):
    table = planted(k, customers=4000, n=30, seed=k)
    assert estimate_regularity(table, method="wheat") == pytest.approx(k, rel=0.08)
    assert estimate_regularity(table, method="mle") == pytest.approx(k, rel=0.12)  # of 29 gaps: biased upwards a little
    for method in ("mle-minka", "mle-thom"):
        assert estimate_regularity(table, method=method) == pytest.approx(
            estimate_regularity(table, method="mle"), rel=0.03
        )
    assert estimate_regularity(table, method="cv") == pytest.approx(k, rel=0.25)


def test_wheat_and_morrison_by_hand():
    """M = last gap / last two gaps: 1/3, 1/2, 3/4; k = (1 - 4 Var) / (8 Var)."""
    table = purchases({"a": [0, 9, 11, 12], "b": [0, 5, 10], "c": [3, 4, 7], "too few": [1, 2]})
    spread = np.var([1 / 3, 1 / 2, 3 / 4], ddof=1)
    assert estimate_regularity(table) == pytest.approx((1 - 4 * spread) / (8 * spread), rel=1e-12)


def test_one_customers_shape_by_hand():
    gaps = np.array([2.0, 3, 4, 3, 2, 6, 3, 4, 2, 5])
    table = purchases({"a": [0.0, *gaps.cumsum()]})
    k = customer_regularity(table, method="mle")["a"]
    excess = np.log(gaps.mean()) - np.log(gaps).mean()
    assert np.log(k) - digamma(k) == pytest.approx(excess, rel=1e-9)
    minka = (3 - excess + np.sqrt((excess - 3) ** 2 + 24 * excess)) / (12 * excess)
    assert customer_regularity(table, method="mle-minka")["a"] == pytest.approx(minka, rel=1e-12)
    thom = (1 + np.sqrt(1 + 4 * excess / 3)) / (4 * excess)
    assert customer_regularity(table, method="mle-thom")["a"] == pytest.approx(thom, rel=1e-12)
    assert customer_regularity(table, method="cv")["a"] == pytest.approx(
        (gaps.mean() / gaps.std(ddof=1)) ** 2, rel=1e-12
    )


def test_estimates_stay_in_the_range_searched():
    table = purchases({"clock": list(range(0, 77, 7)), "burst": [0, *(1e-9 * i for i in range(1, 10)), 1000.0]})
    shapes = customer_regularity(table, method="mle")
    assert shapes.to_dict() == {"burst": pytest.approx(0.1), "clock": pytest.approx(50.0)}


@pytest.mark.parametrize("method", METHODS)
def test_unit_order_and_repeated_rows_do_not_matter(method):
    table = planted(2, customers=50, n=15, seed=3)
    twice = pd.concat([table, table.iloc[::-1]])
    weeks = twice.assign(ordered_on=twice["ordered_on"] / 7 + 100)
    assert estimate_regularity(weeks, method=method) == pytest.approx(
        estimate_regularity(table, method=method), rel=1e-6
    )


def test_dates_are_days():
    table = purchases({"a": [0, 3, 4, 9], "b": [2, 9, 13, 14], "c": [1, 2, 8, 9]})
    dated = table.assign(ordered_on=pd.Timestamp("2026-01-01") + pd.to_timedelta(table["ordered_on"], unit="D"))
    assert estimate_regularity(dated) == pytest.approx(estimate_regularity(table), rel=1e-9)
    assert gap_sums(dated, unit=7).to_dict() == pytest.approx(gap_sums(table, unit=7).to_dict())


def test_gap_sums_add_the_logarithms_of_the_gaps_in_the_unit():
    table = purchases({"b": [3, 3, 10, 17.5], "once": [4], "a": [1, 2]})
    expected = {"a": np.log(1 / 7), "b": np.log(7 / 7) + np.log(7.5 / 7), "once": 0.0}
    assert gap_sums(table, unit=7).to_dict() == pytest.approx(expected)


@pytest.mark.parametrize(
    ("call", "says"),
    [
        (lambda t: estimate_regularity(t, method="weat"), "Unknown method of regularity 'weat'"),
        (lambda t: estimate_regularity(t, method="mle"), "No customer has 10 gaps"),
        (lambda t: estimate_regularity(t, least_gaps=1), "least_gaps must be 2 or more"),
        (lambda t: estimate_regularity(t, time="when"), "lacks when"),
        (lambda t: estimate_regularity(t[t["customer_id"] == "a"]), "does not vary over 1 customers"),
        (lambda t: customer_regularity(t, method="wheat"), "Unknown method of one customer's regularity"),
    ],
)
def test_what_cannot_be_told_is_refused(call, says):
    with pytest.raises(AnalysisError, match=says):
        call(purchases({"a": [0, 1, 3], "b": [0, 2, 3]}))
