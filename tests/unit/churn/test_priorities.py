"""Bands and cells: everybody in exactly one, money and people kept."""

import numpy as np
import pandas as pd
import pytest

from analysis.churn.priorities import BANDS, band, revenue_in_horizon, risk_grid, risk_histogram


def scores(n, *, seed):
    rng = np.random.default_rng(seed)
    p, value = rng.uniform(0, 1, n), rng.lognormal(4, 1, n)
    bands = {"risk_band": band(p), "value_band": band(value)}
    return pd.DataFrame({"p_churn": p, "value_at_risk": p * value, **bands})


def test_bands_hold_a_fifth_three_tenths_and_a_half():
    counts = pd.Series(band(np.random.default_rng(1).permutation(1_000))).value_counts()
    assert counts[list(BANDS)].tolist() == [200, 300, 500]


def test_equal_values_share_a_band_and_row_order_does_not_matter():
    values = np.repeat([3.0, 2.0, 1.0], [15, 40, 45])
    order = np.random.default_rng(2).permutation(100)
    bands = band(values)
    assert (band(values[order]) == bands[order]).all()
    assert [len(set(bands[values == v])) for v in (1.0, 2.0, 3.0)] == [1, 1, 1]


def test_grid_and_histogram_keep_every_customer_and_all_money():
    table = scores(777, seed=3)
    for made in (risk_grid(table), risk_histogram(table)):
        assert made["n_customers"].sum() == 777
        assert made["value_at_risk"].sum() == pytest.approx(table["value_at_risk"].sum())
    assert len(risk_grid(table)) == 9


def test_certainty_falls_into_the_last_bar():
    table = scores(3, seed=4).assign(p_churn=[0.0, 0.999, 1.0])
    assert risk_histogram(table)["n_customers"].tolist() == [1, *[0] * 8, 2]


def test_revenue_in_the_horizon_is_a_proportion_of_the_year_and_never_negative():
    assert revenue_in_horizon([365.0, -20.0], horizon_days=60).tolist() == [60.0, 0.0]
