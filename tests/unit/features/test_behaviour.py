"""Gaps, habits, categories, discounts, refunds and trend, each by a customer small enough to count."""

from datetime import date

import pytest

from analysis.features.behaviour import behaviour
from analysis.features.table import collect

AS_OF = date(2026, 3, 31)


def one(data):
    """Return the only customer's row."""
    frame = collect(behaviour(data, as_of=AS_OF))
    assert len(frame) == 1
    return frame.iloc[0]


def test_gaps_are_between_purchase_days_not_between_orders(tables, order):
    days = ["01-01", "01-11", "01-11", "01-31", "03-02", "03-02"]  # gaps 10, 20, 30
    row = one(tables(orders=[order("a", f"2026-{day} {hour:02d}:00") for hour, day in enumerate(days)]))
    assert row.median_gap_days == 20
    assert row.std_gap_days == pytest.approx(10.0)
    assert row.last_gap_ratio == pytest.approx(30 / 20)
    assert row.overdue_ratio == pytest.approx(29 / 20)


def test_a_customer_seen_on_one_day_has_no_gaps(tables, order):
    row = one(tables(orders=[order("a", "2026-03-01 09:00"), order("a", "2026-03-01 10:00")]))
    assert row[["median_gap_days", "std_gap_days", "last_gap_ratio", "overdue_ratio", "order_value_trend"]].isna().all()


def test_windows_reach_back_whole_days_from_as_of(tables, order):
    # 2026-03-02 is 29 days before as_of and within 30 days, 2026-03-01 is 30 days before and outside
    days = ("2026-03-02", "2026-03-01", "2025-12-01", "2025-03-31")
    row = one(tables(orders=[order("a", f"{day} 09:00") for day in days]))
    assert (row.n_orders_30d, row.n_orders_90d, row.n_orders_180d, row.n_orders_365d) == (1, 2, 3, 3)


def test_trend_is_recent_order_value_over_the_value_before(tables, order):
    row = one(
        tables(
            orders=[
                order("a", "2025-01-01 09:00", 10),
                order("a", "2025-02-01 09:00", 20),
                order("a", "2026-03-01 09:00", 45),
            ]
        )
    )
    assert row.order_value_trend == pytest.approx(3.0)


def test_weekdays_and_hours_are_those_of_the_books_zone(tables, order):
    # local Saturday 00:30 is Friday 16:30 in UTC
    row = one(
        tables(orders=[order("a", "2026-03-07 00:30"), order("a", "2026-03-09 07:00"), order("a", "2026-03-10 13:00")])
    )
    assert row.share_weekend == pytest.approx(1 / 3)
    assert row[["share_night", "share_morning", "share_afternoon", "share_evening"]].tolist() == pytest.approx(
        [1 / 3, 1 / 3, 1 / 3, 0]
    )


def test_categories_discounts_and_coupons_are_shares_of_orders_and_value(tables, order):
    row = one(
        tables(
            orders=[
                order("a", "2026-03-01 09:00", 80, category="tea", discount=20.0, coupon_id="k", quantity=2),
                order("a", "2026-03-02 09:00", 100, category="tea", discount=None, coupon_id=None, quantity=1),
                order("a", "2026-03-03 09:00", 100, category="cup", discount=0.0, coupon_id=None, quantity=3),
                order("a", "2026-03-04 09:00", 100, category=None, discount=0.0, coupon_id=None, quantity=2),
            ]
        )
    )
    assert (row.n_categories, row.top_category_share) == (2, pytest.approx(2 / 3))
    assert row.discount_share == pytest.approx(20 / 400)
    assert (row.coupon_share, row.mean_quantity) == (0.25, 2.0)


def test_refund_share_is_of_the_value_before_refunds(tables, order):
    orders = [order("a", "2026-03-01 09:00", 60), order("a", "2026-03-02 09:00", 40)]
    back = {"refund_id": "1", "customer_id": "a", "order_id": orders[1]["order_id"], "refunded_at": "2026-03-05 12:00"}
    row = one(tables(orders=orders, refunds=[back | {"amount": 40.0, "matched_by": "order_id"}]))
    assert (row.n_refunds, row.refund_share) == (1, pytest.approx(0.4))


def test_columns_without_a_source_are_absent(tables, order):
    frame = collect(behaviour(tables(orders=[order("a", "2026-03-01 09:00")]), as_of=AS_OF))
    absent = {"discount_share", "coupon_share", "mean_quantity", "n_categories", "n_refunds", "refund_share"}
    assert not absent & set(frame.columns)
