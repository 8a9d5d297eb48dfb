"""Sales by day: orders and revenue of known customers, and revenue from nobody known, net of refunds."""

from datetime import date
from typing import Any

import narwhals as nw

from analysis.data.connect import Tables
from analysis.features.expressions import money_sum, to_money

__all__ = ["daily_sales"]


def daily_sales(tables: Tables, *, as_of: date) -> nw.LazyFrame[Any]:
    """Return one row per day with sales up to ``as_of``.

    Columns: ordered_on (day), n_orders (orders of known customers) and their revenue (currency), revenue_anonymous
    (currency).

    Raises:
        MissingTableError: If there are no orders.
    """
    known, amount = ~nw.col("customer_id").is_null(), nw.col("amount")
    return (
        tables.as_of(as_of)
        .sales()
        .with_columns(
            nw.when(known).then(amount).otherwise(0.0).alias("_known"),
            nw.when(known).then(0.0).otherwise(amount).alias("_anonymous"),
            nw.when(known).then(1).otherwise(0).alias("_order"),
        )
        .group_by("ordered_on")
        .agg(
            nw.col("_order").sum().alias("n_orders"),
            money_sum(nw.col("_known")).alias("revenue"),
            money_sum(nw.col("_anonymous")).alias("revenue_anonymous"),
        )
        .with_columns(to_money(nw.col("revenue")), to_money(nw.col("revenue_anonymous")))
        .sort("ordered_on")
    )
