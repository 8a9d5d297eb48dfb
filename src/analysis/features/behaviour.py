"""How a customer buys: gaps, habits of weekday and hour, categories, discounts, refunds, trend.

One row per customer with at least one purchase as of a day. A column whose source column the book does
not have is absent, so a table says by its columns what it could see.
"""

from datetime import date, timedelta
from typing import TYPE_CHECKING, Any, Final

import narwhals as nw

from analysis.features.expressions import (
    count_where,
    days_between,
    is_weekend,
    joined,
    money_sum,
    quotient,
    sample_std,
    to_money,
)
from analysis.features.purchase_history import history_sums, with_visits
from analysis.features.rfm import rfm_sums

if TYPE_CHECKING:
    from analysis.data.connect import Tables

__all__ = [
    "HOUR_BLOCKS",
    "ORDER_WINDOWS",
    "behaviour",
    "category_habits",
    "gap_columns",
    "gap_sums",
    "habit_columns",
    "habit_inputs",
    "habit_sums",
    "with_refund_habits",
]

Frame = nw.LazyFrame[Any]

ORDER_WINDOWS: Final = (30, 90, 180, 365)
"""Days back from ``as_of`` in which orders are counted."""

TREND_DAYS: Final = 90
"""Days back from ``as_of`` whose order value is set against the value before."""

HOUR_BLOCKS: Final = {"night": (0, 5), "morning": (6, 11), "afternoon": (12, 17), "evening": (18, 23)}
"""Blocks of the day by their first and last local hour."""


def behaviour(tables: "Tables", *, as_of: date) -> Frame:
    """Return how each customer buys, as known at the end of ``as_of``.

    Args:
        tables: The book's tables; rows after ``as_of`` are cut here.
        as_of: Day of the book's zone, inclusive.

    Returns:
        One row per customer with a purchase: ``customer_id``; ``n_orders_30d`` … ``n_orders_365d``;
        ``order_value_trend`` (mean order value of the last 90 days over the mean before, ratio, null
        without orders on both sides); ``share_weekend`` and ``share_night`` … ``share_evening`` of orders;
        gaps between purchase days: ``median_gap_days``, ``std_gap_days``, ``last_gap_ratio`` (last gap over
        mean gap), ``overdue_ratio`` (days since the last order over the median gap); and, where the source
        has them, ``discount_share`` of the undiscounted value, ``coupon_share`` of orders,
        ``mean_quantity``, ``n_categories``, ``top_category_share`` of orders, ``n_refunds``,
        ``refund_share`` of the value before refunds. Shares are in 0-1.

    Raises:
        MissingTableError: If there are no orders.
    """
    cut = tables.as_of(as_of)
    visits = with_visits(habit_inputs(cut.purchases()))
    sums = visits.group_by("customer_id").agg(
        *rfm_sums(), *history_sums(), *gap_sums(), *habit_sums(visits, as_of=as_of)
    )
    columns = (*habit_columns(sums), *gap_columns(sums, as_of=as_of))
    table = with_refund_habits(sums.select("customer_id", "revenue_parts", *columns), cut).drop("revenue_parts")
    return joined(table, category_habits(cut)) if cut.has_column("orders", "category") else table


def habit_inputs(purchases: Frame) -> Frame:
    """Return purchases with only the columns that habits are made of, narrow enough to be sorted."""
    present = set(purchases.collect_schema().names())
    plain = ("customer_id", "ordered_on", "amount", "ordered_hour", "discount", "quantity")
    coupon = [(~nw.col("coupon_id").is_null()).alias("has_coupon")] if "coupon_id" in present else []
    return purchases.select(*(name for name in plain if name in present), *coupon)


def habit_sums(visits: Frame, *, as_of: date) -> list[nw.Expr]:
    """Return the aggregates of visits that ``habit_columns`` starts from, as far as the columns are there."""
    day, present = nw.col("ordered_on"), set(visits.collect_schema().names())
    start = {days: nw.lit(as_of - timedelta(days=days)) for days in (*ORDER_WINDOWS, TREND_DAYS)}
    sums = [
        *(count_where(day > start[days]).alias(f"n_orders_{days}d") for days in ORDER_WINDOWS),
        money_sum(nw.when(day > start[TREND_DAYS]).then("amount")).alias("recent_parts"),
        count_where(is_weekend(visits, day)).alias("n_weekend"),
    ]
    if "ordered_hour" in present:
        hour = nw.col("ordered_hour")
        sums += [count_where((hour >= a) & (hour <= b)).alias(f"n_{name}") for name, (a, b) in HOUR_BLOCKS.items()]
    if "discount" in present:
        sums.append(money_sum(nw.col("discount")).alias("discount_parts"))
    if "has_coupon" in present:
        sums.append(count_where(nw.col("has_coupon")).alias("n_coupon"))
    if "quantity" in present:
        sums.append(money_sum(nw.col("quantity")).alias("quantity_parts"))
    return sums


def habit_columns(sums: Frame) -> list[nw.Expr]:
    """Return the habits of each customer, computed from one row of sums per customer."""
    present = set(sums.collect_schema().names())
    n_orders, revenue = nw.col("n_orders"), nw.col("revenue_parts")
    n_recent, recent = nw.col(f"n_orders_{TREND_DAYS}d"), nw.col("recent_parts")
    before = quotient(revenue - recent, n_orders - n_recent)
    columns = [
        *(nw.col(f"n_orders_{days}d").cast(nw.Int32) for days in ORDER_WINDOWS),
        quotient(quotient(recent, n_recent), before).alias("order_value_trend"),
        quotient(nw.col("n_weekend"), n_orders).alias("share_weekend"),
        *(quotient(nw.col(f"n_{b}"), n_orders).alias(f"share_{b}") for b in HOUR_BLOCKS if f"n_{b}" in present),
    ]
    if "discount_parts" in present:
        discount = nw.col("discount_parts").fill_null(0)
        columns.append(quotient(discount, revenue + discount).fill_null(0.0).alias("discount_share"))
    if "n_coupon" in present:
        columns.append(quotient(nw.col("n_coupon"), n_orders).alias("coupon_share"))
    if "quantity_parts" in present:
        columns.append(quotient(to_money(nw.col("quantity_parts")), n_orders).alias("mean_quantity"))
    return columns


def gap_sums() -> list[nw.Expr]:
    """Return the aggregates of daily visits that ``gap_columns`` needs beside those of ``history`` and ``rfm``."""
    gap = nw.when(nw.col("gap") > 0).then("gap")
    return [
        (gap * gap).cast(nw.Float64).sum().alias("gap_squares"),
        gap.median().alias("median_gap_days"),
        nw.when(nw.col("gap") > 0).then("previous_order_on").max().alias("last_but_one_on"),
    ]


def gap_columns(sums: Frame, *, as_of: date) -> list[nw.Expr]:
    """Return the gaps between purchase days of each customer, null where there is none."""
    first, last, n_gaps = nw.col("first_order_on"), nw.col("last_order_on"), nw.col("frequency")
    span = days_between(sums, first, last)
    median = nw.col("median_gap_days").cast(nw.Float64)
    last_gap = days_between(sums, nw.col("last_but_one_on"), last)
    return [
        median.alias("median_gap_days"),
        sample_std(n_gaps, span, nw.col("gap_squares")).alias("std_gap_days"),
        quotient(last_gap, quotient(span, n_gaps)).alias("last_gap_ratio"),
        quotient(days_between(sums, last, nw.lit(as_of)), median).alias("overdue_ratio"),
    ]


def category_habits(cut: "Tables") -> Frame:
    """Return how many categories each customer bought and the share of orders in the most frequent.

    Args:
        cut: The tables, cut at the day, with a category of orders.

    Returns:
        One row per customer with an order of a known category: ``customer_id``, ``n_categories``,
        ``top_category_share`` (0-1).
    """
    known = cut.purchases().filter(~nw.col("category").is_null())
    by_category = known.group_by("customer_id", "category").agg(nw.len().alias("n"))
    sums = by_category.group_by("customer_id").agg(
        nw.len().alias("n_categories"), nw.col("n").max().alias("top"), nw.col("n").sum().alias("all")
    )
    return sums.select(
        "customer_id",
        nw.col("n_categories").cast(nw.Int32),
        quotient(nw.col("top"), nw.col("all")).alias("top_category_share"),
    )


def with_refund_habits(table: Frame, cut: "Tables") -> Frame:
    """Return the table with ``n_refunds`` and ``refund_share``, where the source has refunds.

    Args:
        table: One row per customer with ``revenue_parts`` (net of refunds).
        cut: The tables, cut at the day.
    """
    if not cut.has("refunds"):
        return table
    matched = cut.lazy("refunds").filter(~nw.col("order_id").is_null() & ~nw.col("customer_id").is_null())
    refunds = matched.group_by("customer_id").agg(
        nw.len().alias("n_refunds"), money_sum(nw.col("amount")).alias("refund_parts")
    )
    back = nw.col("refund_parts").fill_null(0)
    return (
        table.join(refunds, on="customer_id", how="left")
        .with_columns(
            nw.col("n_refunds").fill_null(0).cast(nw.Int32),
            quotient(back, nw.col("revenue_parts") + back).fill_null(0.0).alias("refund_share"),
        )
        .drop("refund_parts")
    )
