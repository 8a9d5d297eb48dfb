"""Populations, labels and origins: who is asked about, when, and that no window sees another."""

from datetime import date, timedelta

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from analysis.churn.labels import active_population, default_active_days, label_churn, rolling_origins

ORIGIN = date(2026, 3, 1)


def later(**last_orders):
    return pd.DataFrame({"customer_id": list(last_orders), "last_order_on": list(last_orders.values())})


def test_purchase_on_the_origin_itself_does_not_save_a_customer_one_on_the_next_day_does():
    table = later(same_day=ORIGIN, next_day=ORIGIN + timedelta(days=1))
    assert label_churn(table["customer_id"], later=table, origin=ORIGIN).tolist() == [True, False]


def test_customer_whose_purchases_were_all_refunded_by_the_end_of_the_window_has_churned():
    assert label_churn(pd.Series(["refunded"]), later=later(other=ORIGIN), origin=ORIGIN).tolist() == [True]


def test_labels_follow_the_order_of_the_customers_asked_about():
    table = later(a=date(2026, 4, 1), b=date(2026, 1, 1))
    assert label_churn(pd.Series(["b", "a"]), later=table, origin=ORIGIN).tolist() == [True, False]


def test_population_holds_those_whose_last_purchase_is_at_most_so_old():
    features = pd.DataFrame({"customer_id": ["a", "b", "c"], "days_since_last_order": [0, 90, 91]})
    assert active_population(features, active_days=90)["customer_id"].tolist() == ["a", "b"]


@given(st.lists(st.integers(1, 400), min_size=1, max_size=60))
def test_default_active_days_is_the_95th_percentile_of_gaps_at_most_a_year(gaps):
    expected = min(int(np.percentile(gaps, 95, method="inverted_cdf")), 365)
    values, counts = np.unique(gaps, return_counts=True)
    assert default_active_days(gaps) == expected
    assert default_active_days(values, n_gaps=counts) == expected


def test_without_a_single_gap_everyone_within_a_year_is_active():
    assert default_active_days([]) == 365


@pytest.mark.parametrize("horizon", [7, 30, 60, 90])
def test_windows_of_training_calibration_and_judging_never_overlap(horizon):
    as_of = date(2026, 6, 30)
    days = rolling_origins(as_of=as_of, horizon_days=horizon, first_day=date(2024, 7, 1))
    origins = [*days.training, days.calibration, days.judging]
    ends = [origin + timedelta(days=horizon) for origin in origins]
    assert len(days.training) == 4
    assert all(end <= following for end, following in zip(ends, origins[1:], strict=False))
    assert ends[-1] == as_of
    assert days.training[-1] <= as_of - timedelta(days=2 * horizon)


def test_origins_without_a_horizon_of_history_are_left_out():
    days = rolling_origins(as_of=date(2026, 6, 30), horizon_days=60, first_day=date(2025, 11, 15))
    assert [str(day) for day in days.training] == []
    days = rolling_origins(as_of=date(2026, 6, 30), horizon_days=60, first_day=date(2025, 11, 2))
    assert [str(day) for day in days.training] == ["2026-01-01"]
