"""Sales by day: orders, buyers and revenue of known customers, net of refunds."""

from datetime import date

import narwhals as nw

from analysis.data.connect import Tables

__all__ = ["daily_sales"]


def daily_sales(tables: Tables, *, as_of: date) -> nw.LazyFrame:
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
            nw.col("amount").sum().alias("revenue"),
        )
        .sort("ordered_on")
    )
