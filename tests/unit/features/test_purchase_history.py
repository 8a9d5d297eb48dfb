"""Frequency, recency, T and monetary value, by hand and against a slow count in plain Python."""

from collections import defaultdict
from datetime import date, datetime, timedelta

import numpy as np
import pytest

from analysis.errors import AnalysisError
from analysis.features.purchase_history import holdout_purchases, purchase_history
from analysis.features.table import collect

AS_OF = date(2026, 3, 31)


def test_orders_of_one_day_are_one_purchase_and_the_first_day_is_no_repeat(tables, order):
    days = ["03-01 09:00", "03-01 21:00", "03-11 09:00", "03-11 10:00", "03-21 09:00"]
    data = tables(orders=[order("a", f"2026-{day}", value) for day, value in zip(days, (9, 8, 10, 20, 6), strict=True)])
    row = collect(purchase_history(data, as_of=AS_OF)).iloc[0]
    assert (row.frequency, row.recency, row["T"], row.monetary_value) == (2, 20.0, 30.0, 18.0)


def test_a_customer_without_repeats_has_zero_frequency_recency_and_value(tables, order):
    data = tables(orders=[order("a", "2026-03-01 09:00", 9), order("a", "2026-03-01 10:00", 9)])
    row = collect(purchase_history(data, as_of=AS_OF)).iloc[0]
    assert (row.frequency, row.recency, row["T"], row.monetary_value) == (0, 0.0, 30.0, 0.0)


def test_weekly_periods_are_seven_days_from_the_customers_own_first_day(tables, order):
    days = ("03-03", "03-09", "03-10", "03-16", "03-17")  # a Tuesday; weeks 0, 0, 1, 1, 2
    data = tables(
        orders=[order("a", f"2026-{day} 09:00", value) for day, value in zip(days, (1, 2, 4, 8, 16), strict=True)]
    )
    row = collect(purchase_history(data, as_of=AS_OF, period_days=7)).iloc[0]
    assert (row.frequency, row.recency, row["T"]) == (2, 2.0, 4.0)
    assert row.monetary_value == (4 + 8 + 16) / 2


def test_daily_periods_may_be_measured_in_weeks(tables, order):
    data = tables(orders=[order("a", "2026-03-03 09:00"), order("a", "2026-03-06 09:00")])
    row = collect(purchase_history(data, as_of=AS_OF, period_days=1, unit_days=7)).iloc[0]
    assert (row.frequency, row.recency, row["T"]) == (1, 3 / 7, 4.0)
    assert row.sum_log_gaps == pytest.approx(np.log(3 / 7), abs=1e-9)


def counted_by_hand(orders, *, as_of, period_days):
    """Return what the definitions say, customer by customer."""
    by_customer = defaultdict(list)
    for row in orders:
        day = datetime.fromisoformat(row["ordered_at"]).date()
        if day <= as_of:
            by_customer[row["customer_id"]].append((day, row["amount"]))
    history = {}
    for customer, bought in by_customer.items():
        first = min(day for day, _ in bought)
        repeats = {(day - first).days // period_days for day, _ in bought} - {0}
        value = sum(amount for day, amount in bought if (day - first).days >= period_days)
        age = (as_of - first).days // period_days
        mean = value / len(repeats) if repeats else 0.0
        log_gaps = np.log(np.diff([0, *sorted(repeats)])).sum()
        history[customer] = (len(repeats), max(repeats, default=0), age, mean, log_gaps)
    return history


@pytest.mark.parametrize("period_days", [1, 7])
@pytest.mark.parametrize("seed", [1, 2])
def test_histories_equal_a_count_by_hand(tables, order, seed, period_days):
    rng = np.random.default_rng(seed)
    start = datetime.fromisoformat("2025-12-01 00:00")
    orders = [
        order(
            f"c{rng.integers(25)}",
            f"{start + timedelta(hours=int(rng.integers(24 * 130)))}",
            float(rng.integers(1, 99)),
        )
        for _ in range(200)
    ]
    orders = list({row["order_id"]: row for row in orders}.values())
    frame = collect(purchase_history(tables(orders=orders), as_of=AS_OF, period_days=period_days))
    expected = counted_by_hand(orders, as_of=AS_OF, period_days=period_days)
    assert set(frame["customer_id"]) == set(expected)
    for row in frame.itertuples():
        found = (row.frequency, row.recency, row.T, row.monetary_value, row.sum_log_gaps)
        assert found == pytest.approx(expected[row.customer_id], abs=1e-8)


def test_holdout_counts_purchase_days_after_the_calibration_period_of_its_customers_only(tables, order):
    data = tables(
        orders=[
            order("a", "2026-03-01 09:00"),
            order("a", "2026-03-31 23:00"),
            *(order("a", f"2026-04-{day} 09:00", 7.5) for day in ("01", "02", "20")),
            order("a", "2026-04-02 10:00", 2),
            order("late", "2026-04-02 10:00"),
            order("quiet", "2026-03-02 10:00"),
        ]
    )
    frame = collect(holdout_purchases(data, calibration_ends_on=AS_OF, holdout_ends_on=date(2026, 4, 15)))
    assert frame["customer_id"].tolist() == ["a", "quiet"]
    assert frame["holdout_purchases"].tolist() == [2, 0]
    assert frame["holdout_revenue"].tolist() == [17.0, 0.0]


def test_other_periods_and_empty_holdouts_are_refused(tables, order):
    data = tables(orders=[order("a", "2026-03-01 09:00")])
    with pytest.raises(AnalysisError, match="1 or 7"):
        purchase_history(data, as_of=AS_OF, period_days=30)
    with pytest.raises(AnalysisError, match="must end after"):
        holdout_purchases(data, calibration_ends_on=AS_OF, holdout_ends_on=AS_OF)
