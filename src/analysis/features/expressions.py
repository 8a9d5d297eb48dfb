"""Expressions that every engine computes alike and in any order of rows.

Sums of floating-point money depend on the order in which threads meet the rows. Money is therefore
summed as whole ten-thousandths of the currency, which float64 adds exactly up to 900 thousand million,
and turned back at the end.
"""

from typing import Any, Final

import narwhals as nw

__all__ = ["count_where", "days_between", "is_weekend", "joined", "money_sum", "quotient", "sample_std", "to_money"]

Frame = nw.LazyFrame[Any]

_PARTS: Final = 10_000  # parts of one unit of currency; no shop charges less


def money_sum(amount: nw.Expr) -> nw.Expr:
    """Return the sum of an amount of money in ten-thousandths, the same in any order of rows; null counts as 0."""
    return (amount * _PARTS).round(0).sum()


def joined(table: Frame, block: Frame) -> Frame:
    """Return a table of customers with a block beside it; who is not in it has counts of 0 and the rest unknown."""
    counts = {name: kind for name, kind in block.collect_schema().items() if name.startswith("n_")}
    table = table.join(block, on="customer_id", how="left")
    filled = [nw.col(name).fill_null(0).cast(kind) for name, kind in counts.items()]
    return table.with_columns(*filled) if filled else table


def to_money(parts: nw.Expr) -> nw.Expr:
    """Return a sum made by ``money_sum`` as currency, float64."""
    return parts / _PARTS


def quotient(numerator: nw.Expr, denominator: nw.Expr) -> nw.Expr:
    """Return the ratio of two expressions as float64, null where the denominator is not above zero."""
    return nw.when(denominator > 0).then(numerator.cast(nw.Float64) / denominator.cast(nw.Float64))


def sample_std(n: nw.Expr, total: nw.Expr, total_of_squares: nw.Expr) -> nw.Expr:
    """Return the sample standard deviation from whole-number sums, null below two values.

    Whole-number sums make it exact up to the last division, whatever the order of rows.
    """
    n, total, total_of_squares = (e.cast(nw.Float64) for e in (n, total, total_of_squares))
    return nw.when(n > 1).then(((total_of_squares * n - total * total) / (n * (n - 1))).sqrt())


def days_between(frame: Frame, earlier: nw.Expr, later: nw.Expr) -> nw.Expr:
    """Return whole days from one date to a later one.

    DuckDB gives the difference of two dates as a number of days, other engines as durations of several kinds.
    """
    if frame.implementation.is_duckdb():
        return later - earlier
    return _day_number(later) - _day_number(earlier)


def is_weekend(frame: Frame, day: nw.Expr) -> nw.Expr:
    """Return whether a date is a Saturday or a Sunday; engines number weekdays from 0 or from 1."""
    if frame.implementation.is_duckdb():
        return day.dt.weekday() >= 6
    return (_day_number(day) - 1) % 7 >= 5


def _day_number(day: nw.Expr) -> nw.Expr:
    """Return the number of a day in the Gregorian calendar; day 1 is Monday, 1 January of the year 1."""
    years = day.dt.year().cast(nw.Int64) - 1
    leap_days = years // 4 - years // 100 + years // 400
    return (years * 365 + leap_days + day.dt.ordinal_day()).cast(nw.Int64)


def count_where(condition: nw.Expr) -> nw.Expr:
    """Return the number of rows where the condition holds."""
    return nw.when(condition).then(nw.lit(1)).count()
