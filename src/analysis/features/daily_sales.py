"""Sales by day: orders, buyers and revenue of known customers, net of refunds."""

from datetime import date
from typing import Any

import narwhals as nw

from analysis.data.connect import Tables
from analysis.features.expressions import money_sum, to_money

__all__ = ["daily_sales"]


def daily_sales(tables: Tables, *, as_of: date) -> nw.LazyFrame[Any]:
    """Return one row per day with purchases up to ``as_of``.

    Columns: ordered_on (day), n_orders (orders), n_customers (customers who bought that day), revenue (currency).

    Raises:
        MissingTableError: If there are no orders.
    """
    return (
        tables.as_of(as_of)
        .purchases()
        .group_by("ordered_on")
        .agg(
            nw.len().alias("n_orders"),
            nw.col("customer_id").n_unique().alias("n_customers"),
            money_sum(nw.col("amount")).alias("revenue"),
        )
        .with_columns(to_money(nw.col("revenue")))
        .sort("ordered_on")
    )
