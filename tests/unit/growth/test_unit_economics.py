"""LTV, CAC and payback by source: margin, censoring, and nothing divided by zero."""

import numpy as np
import pandas as pd
import pytest

from analysis.growth.unit_economics import ALL_SOURCES, margin_curves, unit_economics


def new_customers(n: int, *, months: int, seed: int) -> tuple[pd.DataFrame, pd.DataFrame]:
    """Customers who pay 100 in month 0 and then 10 a month on average, most of them young."""
    rng = np.random.default_rng(seed)
    ids = [f"c{i}" for i in range(n)]
    lived = rng.integers(0, months + 1, n)
    rows = [(ids[i], m, 100.0 if m == 0 else rng.exponential(10.0)) for i in range(n) for m in range(lived[i] + 1)]
    customers = pd.DataFrame({"customer_id": ids, "source": rng.choice(["store", "live"], n), "months_lived": lived})
    return customers, pd.DataFrame(rows, columns=["customer_id", "month", "revenue"])


def test_young_cohorts_do_not_pull_the_curve_down():
    customers, revenue = new_customers(4000, months=6, seed=1)
    curves = margin_curves(customers, revenue, margin_share=0.5, months=6)
    everybody = curves[curves["source"] == ALL_SOURCES]
    truth = 50 + 5 * np.arange(6)
    error = (everybody["margin_ci_upper"] - everybody["margin"]) / 1.2816
    assert np.all(np.abs(everybody["margin"] - truth) <= 3 * error + 1e-9)
    assert (np.diff(everybody["n_customers"]) < 0).all()


def test_interval_of_the_curve_covers_the_truth_in_most_of_100_seeds():
    hits = []
    for seed in range(100):
        customers, revenue = new_customers(400, months=3, seed=seed)
        last = margin_curves(customers, revenue, margin_share=1.0, months=3).query("source == '*'").iloc[-1]
        hits.append(last["margin_ci_lower"] <= 120 <= last["margin_ci_upper"])
    assert 0.7 <= np.mean(hits) <= 0.9


def test_payback_is_the_first_month_whose_margin_reaches_the_cost():
    customers, revenue = new_customers(4000, months=6, seed=1)
    curves = margin_curves(customers, revenue, margin_share=0.5, months=6)
    costs = pd.DataFrame({"source": ["store", "live"], "n_new": [1000, 10], "acquisition_spend": [57_000.0, 5000.0]})
    table = unit_economics(curves, costs).set_index("source")
    assert table.index.tolist() == [ALL_SOURCES, "store", "live"]
    assert table.loc["store", "cac"] == 57.0
    assert table.loc["store", "payback_months"] == 3.0
    assert np.isnan(table.loc["live", "payback_months"])
    assert table.loc["live", "ltv_to_cac"] == pytest.approx(table.loc["live", "ltv"] / 500)


def test_a_source_without_customers_or_without_cost_has_no_ratio():
    customers, revenue = new_customers(400, months=3, seed=1)
    curves = margin_curves(customers, revenue, margin_share=0.5, months=3)
    costs = pd.DataFrame({"source": ["store", "gone"], "n_new": [100, 0], "acquisition_spend": [0.0, 900.0]})
    table = unit_economics(curves, costs).set_index("source")
    assert np.isnan(table.loc["gone", "cac"])
    assert table.loc["store", "cac"] == 0
    assert np.isnan(table.loc["store", "ltv_to_cac"])
    assert np.isfinite(table.loc["store", "ltv"])
