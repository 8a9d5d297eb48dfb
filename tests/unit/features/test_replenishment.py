"""The purchase log says what the engine says, at any past day, and nothing later."""

from datetime import date

import numpy as np
import pandas as pd
import pytest

from analysis.data.connect import open_tables
from analysis.features.purchase_rhythm import category_rhythm, purchase_rhythm
from analysis.features.replenishment import (
    NEVER,
    OTHER,
    PurchaseLog,
    category_clocks,
    day_number,
    known_at,
    log_of,
    of_customers,
    purchase_log,
    table_of,
)

FIRST = day_number(date(2026, 1, 1))
AS_OF = date(2026, 6, 30)


def random_log(*, customers=60, orders=600, seed=0, categories=("tea", "cake")):
    rng = np.random.default_rng(seed)
    who = np.sort(rng.integers(0, customers, orders)).astype(np.int32)
    day = (FIRST + rng.integers(0, 180, orders)).astype(np.int32)
    order = np.lexsort((day, who))
    undone = np.where(rng.random(orders) < 0.1, day + rng.integers(0, 30, orders), NEVER).astype(np.int32)
    code = rng.integers(0, len(categories), orders).astype(np.int8)
    ids = np.array([f"c{i:03d}" for i in range(customers)], dtype=object)
    return PurchaseLog(ids, who[order], day[order], undone[order], code[order], categories)


@pytest.fixture
def tables(tmp_path):
    rng = np.random.default_rng(3)
    n = 400
    on = pd.Timestamp("2026-01-01") + pd.to_timedelta(rng.integers(0, 180, n), unit="D")
    orders = pd.DataFrame(
        {
            "order_id": [f"o{i:04d}" for i in range(n)],
            "customer_id": [f"c{i:02d}" for i in rng.integers(0, 40, n)],
            "ordered_at": on,
            "ordered_on": on.date,
            "amount": 10.0,
            "category": [f"k{min(c, 15)}" for c in rng.geometric(0.2, n)],
        }
    )
    orders.loc[::50, "customer_id"] = None
    back = orders.iloc[1::7].copy()
    back_on = back["ordered_at"] + pd.to_timedelta(rng.integers(0, 40, len(back)), unit="D")
    halves = [
        pd.DataFrame(
            {
                "refund_id": [f"r{part}-{i}" for i in back["order_id"]],
                "customer_id": back["customer_id"],
                "order_id": back["order_id"],
                "refunded_at": back_on + pd.Timedelta(days=7 * part),
                "refunded_on": (back_on + pd.Timedelta(days=7 * part)).dt.date,
                "amount": 5.0,
                "matched_by": "order_id",
            }
        )
        for part in (0, 1)
    ]
    refunds = pd.concat([halves[0], halves[1].iloc[::2]])
    orders.to_parquet(tmp_path / "orders.parquet", index=False)
    refunds.to_parquet(tmp_path / "refunds.parquet", index=False)
    return open_tables(tmp_path).as_of(AS_OF)


@pytest.mark.parametrize("day", [date(2026, 2, 1), date(2026, 4, 15), AS_OF])
def test_log_at_a_past_day_holds_the_purchases_that_the_engine_knew_then(tables, day):
    seen = known_at(purchase_log(tables, as_of=AS_OF), day_number(day))
    bought = tables.as_of(day).purchases().select("customer_id", "ordered_on").collect("pandas").to_native()
    expected = sorted((c, day_number(pd.Timestamp(d).date())) for c, d in bought.itertuples(index=False))
    assert sorted(zip(seen.customer_id[seen.customer], seen.day.tolist(), strict=True)) == expected


def test_two_half_refunds_undo_an_order_on_the_day_of_the_second(tables):
    log = purchase_log(tables, as_of=AS_OF)
    assert ((log.undone - log.day)[log.undone < NEVER] >= 7).all()
    assert (log.undone < NEVER).any()


def test_rare_categories_are_taken_together(tables):
    log = purchase_log(tables, as_of=AS_OF)
    assert len(log.categories) == 12
    assert log.categories[-1] == OTHER
    counts = np.bincount(log.category[log.category >= 0])
    assert (np.diff(counts[:-1]) <= 0).all()


def test_log_survives_being_kept_as_a_table(tables, tmp_path):
    log = purchase_log(tables, as_of=AS_OF)
    table_of(log).to_parquet(tmp_path / "log.parquet")
    kept = log_of(pd.read_parquet(tmp_path / "log.parquet"))
    assert (kept.customer_id[kept.customer] == log.customer_id[log.customer]).all()
    names, read = (np.array([*x.categories, ""], dtype=object)[x.category] for x in (log, kept))
    assert (names == read).all()
    assert (kept.undone == log.undone).all()


def test_category_clock_equals_a_count_by_hand():
    log, day = random_log(), FIRST + 120
    clocks = category_clocks(log, day)
    rows = pd.DataFrame(
        {"customer": log.customer, "day": log.day, "undone": log.undone, "category": log.category}
    ).query("day <= @day and undone > @day")
    days = rows.groupby(["customer", "category"])["day"]
    assert clocks["n_days"].tolist() == days.nunique().tolist()
    assert clocks["days_since"].tolist() == (day - days.max()).tolist()


def test_rhythm_equals_a_count_by_hand():
    log, day = random_log(), FIRST + 120
    rhythm = purchase_rhythm(log, day=day, horizon_days=30, first_day=FIRST).set_index("customer")
    for who in rhythm.index[:10]:
        mine = (log.customer == who) & (log.day <= day) & (log.undone > day)
        days = np.unique(log.day[mine])
        assert rhythm.loc[who, "n_purchase_days"] == len(days)
        assert rhythm.loc[who, "days_since_last_order"] == day - days[-1]
        assert rhythm.loc[who, "purchase_days_30d"] == (days > day - 30).sum()
        if len(days) > 3:
            assert rhythm.loc[who, "middle_gap_days"] == np.median(np.diff(days)[-3:])


@pytest.mark.parametrize("day", [FIRST + 40, FIRST + 120])
def test_no_predictor_changes_when_the_future_is_removed(day):
    log = random_log()
    past = log.day <= day
    undone = np.where(log.undone <= day, log.undone, NEVER).astype(np.int32)
    cut = log._replace(customer=log.customer[past], day=log.day[past], undone=undone[past], category=log.category[past])
    whole, known = (purchase_rhythm(each, day=day, horizon_days=30, first_day=FIRST) for each in (log, cut))
    pd.testing.assert_frame_equal(whole, known)
    pairs, known_pairs = (category_rhythm(each, whole, day=day) for each in (log, cut))
    pd.testing.assert_frame_equal(pairs, known_pairs)


def test_log_of_some_customers_is_theirs_alone():
    log = random_log()
    some = of_customers(log, np.array([3, 7]))
    assert some.customer_id.tolist() == ["c003", "c007"]
    assert len(some.day) == ((log.customer == 3) | (log.customer == 7)).sum()


def test_rhythm_of_nobody_has_no_rows():
    log = random_log()
    assert purchase_rhythm(log, day=FIRST - 1, horizon_days=30, first_day=FIRST).empty
