"""Histories read from one ordered pass are those of the engine, to the last bit, at any day."""

from datetime import date, timedelta

import numpy as np
import pandas as pd
import pytest

from analysis.data.connect import open_tables
from analysis.features.ordered_purchases import (
    gaps_at,
    history_at,
    holdout_after,
    log_of_purchases,
    n_active_at,
    of_some_customers,
    purchase_days_of,
    purchases_of,
    revenue_by_month_of_age,
    rfm_at,
    share_in_largest_order,
    table_of_purchases,
)
from analysis.features.purchase_days import purchase_days
from analysis.features.purchase_history import holdout_purchases, purchase_history
from analysis.features.read_purchases import read_purchases
from analysis.features.repetition import money_that_repeats, purchase_gaps
from analysis.features.replenishment import NEVER, log_of, purchase_log, table_of
from analysis.features.revenue_by_age import revenue_by_age
from analysis.features.rfm import rfm
from analysis.features.table import collect

AS_OF = date(2026, 6, 30)
DAYS = [AS_OF, date(2026, 4, 1), date(2026, 1, 3), date(2025, 12, 31)]


@pytest.fixture
def tables(tmp_path):
    """Orders of 60 customers over half a year, some of nobody, some of nothing, some given back whole or in parts."""
    rng = np.random.default_rng(3)
    n = 900
    at = pd.Timestamp("2026-01-01") + pd.to_timedelta(rng.integers(0, 181, n), unit="D")
    orders = pd.DataFrame(
        {
            "order_id": [f"o{i:04d}" for i in range(n)],
            "customer_id": [f"c{i:02d}" for i in rng.integers(0, 60, n)],
            "ordered_at": at,
            "ordered_on": at.date,
            "amount": np.round(rng.gamma(2, 20, n), 2),
            "category": [None if c > 9 else f"k{c}" for c in rng.geometric(0.2, n)],
        }
    )
    orders.loc[::50, "customer_id"] = None
    orders.loc[3::60, "amount"] = 0.0
    orders.loc[orders.customer_id == "c59", "ordered_on"] = date(2026, 3, 3)
    back = orders.iloc[1::6]
    parts = [
        pd.DataFrame(
            {
                "refund_id": [f"r{part}-{i}" for i in back["order_id"]],
                "customer_id": back["customer_id"],
                "order_id": back["order_id"],
                "refunded_on": [d + timedelta(int(rng.integers(0, 40))) for d in back["ordered_on"]],
                "amount": back["amount"] * share,
                "matched_by": "order_id",
            }
        )
        for part, share in enumerate(np.where(rng.random(len(back)) < 0.5, 0.5, 0.3).repeat(2).reshape(-1, 2).T)
    ]
    refunds = pd.concat([*parts, parts[0].head(3).assign(order_id="o9999"), parts[0].head(3).assign(order_id=None)])
    refunds["refunded_at"] = pd.to_datetime(refunds["refunded_on"])
    orders.to_parquet(tmp_path / "orders.parquet")
    refunds.to_parquet(tmp_path / "refunds.parquet")
    return open_tables(tmp_path)


@pytest.fixture
def purchases(tables, tmp_path):
    table_of_purchases(read_purchases(tables, as_of=AS_OF)).to_parquet(tmp_path / "kept")
    return purchases_of(pd.read_parquet(tmp_path / "kept"))


def same(ours, engine):
    pd.testing.assert_frame_equal(ours, engine, check_exact=True)


def test_what_is_kept_is_what_was_read(tables, purchases):
    for kept, read in zip(purchases, read_purchases(tables, as_of=AS_OF), strict=True):
        assert np.array_equal(np.asarray(kept), np.asarray(read))
    assert len(purchases.refund) > 200


@pytest.mark.parametrize("day", DAYS)
@pytest.mark.parametrize("unit", [1, 7])
def test_the_history_is_the_engines(tables, purchases, day, unit):
    engine = collect(purchase_history(tables, as_of=day, period_days=1, unit_days=unit))
    same(history_at(purchases, as_of=day, unit_days=unit), engine)


@pytest.mark.parametrize("day", DAYS)
def test_recency_frequency_and_money_are_the_engines(tables, purchases, day):
    same(rfm_at(purchases, as_of=day), collect(rfm(tables, as_of=day)))


@pytest.mark.parametrize("day", DAYS[1:])
def test_the_holdout_is_the_engines(tables, purchases, day):
    engine = collect(holdout_purchases(tables, calibration_ends_on=day, holdout_ends_on=AS_OF))
    same(holdout_after(purchases, calibration_ends_on=day, holdout_ends_on=AS_OF), engine)


@pytest.mark.parametrize("day", DAYS[:3])
def test_purchase_days_of_a_cohort_are_the_engines(tables, purchases, day):
    engine = purchase_days(tables, as_of=day, began_by=DAYS[2])
    same(purchase_days_of(purchases, as_of=day, began_by=DAYS[2]), engine)


def test_revenue_by_month_of_age_is_the_engines(tables, purchases):
    ours = revenue_by_month_of_age(purchases, as_of=AS_OF)
    same(ours.assign(customer_id=ours["customer_id"].astype("str")), revenue_by_age(tables, as_of=AS_OF))


@pytest.mark.parametrize("day", DAYS)
@pytest.mark.parametrize("share", [0.5, 1.0])
def test_gaps_and_repeated_money_of_a_part_of_the_customers_are_the_engines(tables, purchases, day, share):
    chosen = np.flatnonzero(np.random.default_rng(1).random(len(purchases.customer_id)) < share)
    few = tables.among(purchases.customer_id[chosen])
    part = purchases_of(of_some_customers(table_of_purchases(purchases), customers=chosen))
    gaps = purchase_gaps(few, as_of=day).collect("pandas").to_native().sort_values("gap_days", ignore_index=True)
    same(gaps_at(part, as_of=day), gaps)
    same(history_at(part, as_of=day), collect(purchase_history(few, as_of=day)))
    money = money_that_repeats(few, as_of=day).collect("pandas").to_native().iloc[0]
    expected = money["in_largest_order"] / money["revenue"] if money["revenue"] > 0 else None
    assert share_in_largest_order(part, as_of=day) == expected


@pytest.mark.parametrize("day", DAYS)
@pytest.mark.parametrize("active_days", [0, 5, 40])
def test_active_customers_are_counted_as_their_last_purchase_that_stood_says(purchases, day, active_days):
    last = rfm_at(purchases, as_of=day)["days_since_last_order"]
    assert n_active_at(purchases, as_of=day, active_days=active_days) == (last <= active_days).sum()


def test_the_log_is_the_engines_and_survives_its_table(tables, purchases):
    log, engine = log_of_purchases(purchases), purchase_log(tables, as_of=AS_OF)
    assert log.categories == engine.categories
    for name in ("customer_id", "customer", "day", "undone"):
        assert np.array_equal(getattr(log, name), getattr(engine, name))
    assert 50 < (log.undone < NEVER).sum() < 200
    for kept, made in zip(log_of(table_of(log)), log, strict=True):
        assert np.array_equal(np.asarray(kept), np.asarray(made))
