"""Recency, frequency and money as the trade reads them: how long ago, how often, how much.

One row per customer with at least one purchase as of a day. *Recency* here is
``days_since_last_order``; the age at the last repeat purchase, which purchase models call recency, is
in ``purchase_history``.
"""

from datetime import date
from typing import TYPE_CHECKING, Any

import narwhals as nw

from analysis.features.expressions import days_between, money_sum, quotient, to_money

if TYPE_CHECKING:
    from analysis.data.connect import Tables

__all__ = ["rfm", "rfm_columns", "rfm_sums"]

Frame = nw.LazyFrame[Any]


def rfm(tables: "Tables", *, as_of: date) -> Frame:
    """Return how long ago, how often and how much each customer bought.

    Args:
        tables: The book's tables; rows after ``as_of`` are cut here.
        as_of: Day of the book's zone, inclusive.

    Returns:
        One row per customer with a purchase: ``customer_id``, ``n_orders`` (orders), ``revenue`` and
        ``mean_order_value`` (currency, net of refunds known by ``as_of``), ``first_order_on`` and
        ``last_order_on`` (dates), ``days_since_last_order`` and ``tenure_days`` (days, 0 = on ``as_of``).

    Raises:
        MissingTableError: If there are no orders.
    """
    sums = tables.as_of(as_of).purchases().group_by("customer_id").agg(*rfm_sums())
    return sums.select("customer_id", *rfm_columns(sums, as_of=as_of))


def rfm_sums() -> list[nw.Expr]:
    """Return the aggregates of purchases that ``rfm_columns`` starts from."""
    return [
        nw.len().alias("n_orders"),
        money_sum(nw.col("amount")).alias("revenue_parts"),
        nw.col("ordered_on").min().alias("first_order_on"),
        nw.col("ordered_on").max().alias("last_order_on"),
    ]


def rfm_columns(sums: Frame, *, as_of: date) -> list[nw.Expr]:
    """Return the columns of ``rfm``, computed from one row of sums per customer."""
    revenue, n_orders = to_money(nw.col("revenue_parts")), nw.col("n_orders")
    first, last, today = nw.col("first_order_on"), nw.col("last_order_on"), nw.lit(as_of)
    return [
        n_orders.cast(nw.Int32),
        revenue.alias("revenue"),
        quotient(revenue, n_orders).alias("mean_order_value"),
        first,
        last,
        days_between(sums, last, today).cast(nw.Int32).alias("days_since_last_order"),
        days_between(sums, first, today).cast(nw.Int32).alias("tenure_days"),
    ]
