"""Purchase history as buy-till-you-die models define it: frequency, recency, T and monetary value.

A *period* is a day (``period_days=1``) or a week of exactly seven days counted from the customer's own
first day (``period_days=7``). Several orders in one period are one purchase. The *unit* in which
``recency`` and ``T`` are measured is separate: CDNOW's weeks are daily periods in units of seven days.

References:
    Fader, P. S., Hardie, B. G. S. and Lee, K. L. (2005). "Counting Your Customers" the Easy Way.
    Marketing Science 24(2), 275-284. doi:10.1287/mksc.1040.0098
"""

import math
from datetime import date, timedelta
from typing import TYPE_CHECKING, Any, Final

import narwhals as nw

from analysis.checks import positive
from analysis.errors import AnalysisError
from analysis.features.expressions import count_where, days_between, money_sum, quotient, to_money

if TYPE_CHECKING:
    from analysis.data.connect import Tables

__all__ = ["LOG_PARTS", "history_columns", "history_sums", "holdout_purchases", "purchase_history", "with_visits"]

Frame = nw.LazyFrame[Any]

_PERIODS: Final = (1, 7)
LOG_PARTS: Final = 2.0**32
"""Parts of a natural logarithm: sums over millions of gaps stay whole."""


def purchase_history(tables: "Tables", *, as_of: date, period_days: int = 1, unit_days: int | None = None) -> Frame:
    """Return frequency, recency, T and monetary value of each customer at the end of ``as_of``.

    Args:
        tables: The book's tables; rows after ``as_of`` are cut here.
        as_of: Last day of the calibration period, inclusive, in the book's zone.
        period_days: Orders within one period count as one purchase: 1 (a day) or 7 (a week of the customer).
        unit_days: Days of one unit of ``recency`` and ``T``; default ``period_days``.

    Returns:
        One row per customer with a purchase: ``customer_id``; ``frequency``, periods with a purchase after
        the first one; ``recency``, age at the last of them, 0 without repeats; ``T``, age at the end of
        ``as_of``, both from the start of the first period, in units, and with weekly periods in whole
        periods; ``monetary_value``, mean value of a repeat period in currency, 0 without repeats;
        ``sum_log_gaps``, sum of the natural logarithms of the gaps between periods with a purchase, in units:
        gaps below one unit count negative, 0 without repeats.

    Raises:
        AnalysisError: If ``period_days`` is neither 1 nor 7, or a unit is not above zero.
        MissingTableError: If there are no orders.
    """
    unit = positive(period_days if unit_days is None else unit_days, what="unit_days")
    if period_days not in _PERIODS:
        raise AnalysisError(f"period_days must be 1 or 7, got {period_days}.", hint="use unit_days for other units")
    purchases = tables.as_of(as_of).purchases().select("customer_id", "ordered_on", "amount")
    visits = with_visits(purchases, period_days=period_days)
    first, last = nw.col("ordered_on").min(), nw.col("ordered_on").max()
    sums = visits.group_by("customer_id").agg(
        first.alias("first_order_on"), last.alias("last_order_on"), *history_sums(), _log_gap_sum().alias("log_gaps")
    )
    columns = history_columns(sums, as_of=as_of, period_days=period_days, unit_days=unit)
    in_units = nw.col("log_gaps") / LOG_PARTS + nw.col("frequency").cast(nw.Float64) * math.log(period_days / unit)
    return sums.select("customer_id", *columns, in_units.alias("sum_log_gaps"))


def with_visits(purchases: Frame, *, period_days: int = 1) -> Frame:
    """Return purchases with the customer's first day and the number of periods since the purchase before.

    One window over each customer's purchases in order serves repeat counts, repeat spend and gaps. Hand over
    few and narrow columns: all of them travel through the sort.

    Returns:
        One row per purchase, with ``first_order_on``, ``previous_order_on`` (null at the first), ``gap``
        (whole periods since then, 0 in the same period, null at the first) and ``is_repeat`` (after the
        first period) beside the columns that were there.
    """
    day = nw.col("ordered_on")
    visits = purchases.with_columns(
        day.shift(1).over("customer_id", order_by="ordered_on").alias("previous_order_on"),
        day.min().over("customer_id").alias("first_order_on"),
    )
    first, previous = nw.col("first_order_on"), nw.col("previous_order_on")
    if period_days == 1:
        gap = days_between(visits, previous, day)
    else:
        gap = days_between(visits, first, day) // period_days - days_between(visits, first, previous) // period_days
    age = days_between(visits, first, day) // period_days
    return visits.with_columns(gap.cast(nw.Int32).alias("gap"), (age > 0).alias("is_repeat"))


def history_sums() -> list[nw.Expr]:
    """Return the aggregates of visits that ``history_columns`` needs beside the first and last day."""
    return [
        count_where(nw.col("gap") > 0).alias("frequency"),
        money_sum(nw.when("is_repeat").then("amount")).alias("repeat_parts"),
    ]


def _log_gap_sum() -> nw.Expr:
    """Return the sum of ln(gap in periods) in whole parts: the same in any order of rows."""
    parts = nw.col("gap").cast(nw.Float64).log() * LOG_PARTS
    return nw.when(nw.col("gap") > 0).then(parts.round(0)).sum()


def history_columns(sums: Frame, *, as_of: date, period_days: int = 1, unit_days: float = 1) -> list[nw.Expr]:
    """Return the columns of ``purchase_history``, computed from one row of sums per customer."""
    first, last = nw.col("first_order_on"), nw.col("last_order_on")
    frequency = nw.col("frequency")
    last_age, age = (days_between(sums, first, day) for day in (last, nw.lit(as_of)))
    if period_days > 1:
        last_age, age = (days // period_days * period_days for days in (last_age, age))
    repeat_value = quotient(to_money(nw.col("repeat_parts")), frequency)
    return [
        frequency.cast(nw.Int32),
        (last_age.cast(nw.Float64) / unit_days).alias("recency"),
        (age.cast(nw.Float64) / unit_days).alias("T"),
        repeat_value.fill_null(0.0).alias("monetary_value"),
    ]


def holdout_purchases(
    tables: "Tables", *, calibration_ends_on: date, holdout_ends_on: date, period_days: int = 1
) -> Frame:
    """Return what each customer of the calibration period bought in the holdout period after it.

    Customers are those with a purchase as of ``calibration_ends_on``, as known then; what they bought
    later is as known at ``holdout_ends_on``. Periods of the holdout are counted from its first day.

    Returns:
        One row per customer: ``customer_id``, ``holdout_purchases`` (periods with a purchase),
        ``holdout_revenue`` (currency).

    Raises:
        AnalysisError: If the holdout period is empty or ``period_days`` is neither 1 nor 7.
        MissingTableError: If there are no orders.
    """
    if holdout_ends_on <= calibration_ends_on:
        raise AnalysisError(f"The holdout must end after {calibration_ends_on}, got {holdout_ends_on}.")
    if period_days not in _PERIODS:
        raise AnalysisError(f"period_days must be 1 or 7, got {period_days}.")
    customers = tables.as_of(calibration_ends_on).purchases().select("customer_id").unique()
    later = tables.as_of(holdout_ends_on).purchases().filter(nw.col("ordered_on") > nw.lit(calibration_ends_on))
    first_day = nw.lit(calibration_ends_on + timedelta(days=1))
    bought = (
        later.with_columns((days_between(later, first_day, nw.col("ordered_on")) // period_days).alias("period"))
        .group_by("customer_id")
        .agg(nw.col("period").n_unique().alias("n"), money_sum(nw.col("amount")).alias("parts"))
    )
    return customers.join(bought, on="customer_id", how="left").select(
        "customer_id",
        nw.col("n").fill_null(0).cast(nw.Int32).alias("holdout_purchases"),
        to_money(nw.col("parts")).fill_null(0.0).alias("holdout_revenue"),
    )
