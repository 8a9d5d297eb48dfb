"""How long ago, how often, how much; and what counts as a purchase."""

from datetime import date

import pandas as pd
import pytest

from analysis.errors import MissingTableError
from analysis.features.rfm import rfm
from analysis.features.table import collect

AS_OF = date(2026, 3, 31)


def test_customer_is_described_by_last_day_number_and_value_of_orders(tables, order):
    data = tables(orders=[order("a", "2026-03-01 09:00", 30), order("a", "2026-03-21 09:00", 10.5)])
    row = collect(rfm(data, as_of=AS_OF)).iloc[0]
    assert (row.n_orders, row.revenue, row.mean_order_value) == (2, 40.5, 20.25)
    assert (row.days_since_last_order, row.tenure_days) == (10, 30)
    assert row.first_order_on == pd.Timestamp("2026-03-01")


def test_an_order_late_on_the_day_of_as_of_counts_and_one_after_its_midnight_does_not(tables, order):
    data = tables(
        orders=[order("a", "2026-03-31 23:59"), order("a", "2026-04-01 00:00"), order("b", "2026-04-01 00:00")]
    )
    frame = collect(rfm(data, as_of=AS_OF))
    assert frame["customer_id"].tolist() == ["a"]
    assert frame["n_orders"].tolist() == [1]
    assert frame["days_since_last_order"].tolist() == [0]


def test_a_refund_counts_from_the_day_it_was_given_and_an_order_given_back_in_full_is_no_purchase(tables, order):
    orders = [order("a", "2026-03-01 09:00", 30), order("a", "2026-03-10 09:00", 20), order("b", "2026-03-10 09:00", 5)]
    back = [
        {"refund_id": "1", "customer_id": "a", "order_id": orders[0]["order_id"], "refunded_at": "2026-03-05 12:00"}
        | {"amount": 12.0, "matched_by": "order_id"},
        {"refund_id": "2", "customer_id": "a", "order_id": orders[1]["order_id"], "refunded_at": "2026-03-20 12:00"}
        | {"amount": 20.0, "matched_by": "order_id"},
        {"refund_id": "3", "customer_id": "b", "order_id": orders[2]["order_id"], "refunded_at": "2026-03-20 12:00"}
        | {"amount": 5.0, "matched_by": "order_id"},
    ]
    data = tables(orders=orders, refunds=back)
    before, after = (collect(rfm(data, as_of=date(2026, 3, day))).set_index("customer_id") for day in (19, 20))
    assert before["revenue"].to_dict() == {"a": 38.0, "b": 5.0}
    assert after["revenue"].to_dict() == {"a": 18.0}
    assert after["n_orders"].to_dict() == {"a": 1}


def test_sums_of_money_are_exact_to_the_cent(tables, order):
    data = tables(orders=[order("a", f"2026-03-01 09:{minute:02d}", 0.1) for minute in range(30)])
    assert collect(rfm(data, as_of=AS_OF))["revenue"].tolist() == [3.0]


def test_without_orders_the_missing_table_is_named(tables):
    data = tables(consents=[{"customer_id": "a", "channel": "sms", "status": "refused", "changed_at": "2026-01-01"}])
    with pytest.raises(MissingTableError, match="orders"):
        rfm(data, as_of=AS_OF)
