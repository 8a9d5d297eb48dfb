"""The feature table's columns of purchases, as sums over purchases in order: what the engine's window gives, for less.

A window over ten million rows, sorted by a text, is most of what the feature table costs. In order of customer and day
each column is a sum over neighbours. The numbers are those of ``rfm``, ``purchase_history`` and ``behaviour``, to the
last bit; a test holds them to it.
"""

from datetime import date
from typing import TYPE_CHECKING, Any, Final

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from analysis.features.behaviour import HOUR_BLOCKS, ORDER_WINDOWS, TREND_DAYS
from analysis.features.ordered_purchases import (
    PARTS,
    Habits,
    Known,
    Purchases,
    gaps_of,
    known_on,
    run_starts,
    summed,
)
from analysis.features.places import places_of
from analysis.features.replenishment import day_number

if TYPE_CHECKING:
    from analysis.data.connect import Tables

__all__ = ["purchase_columns"]

Floats = NDArray[np.float64]
Counts = NDArray[np.int32]

_THURSDAY: Final = 3
"""Weekday of day number 0, Monday being 0."""


def purchase_columns(purchases: Purchases, habits: Habits, *, tables: "Tables", as_of: date) -> pd.DataFrame:
    """Return the columns that ``feature_table`` makes of orders and refunds, collected: one row per customer, by id.

    Args:
        purchases: Purchases to ``as_of`` at least.
        habits: What else is known of them.
        tables: The book's tables, for refunds; rows after ``as_of`` are cut here.
        as_of: Day of the book's zone, inclusive.
    """
    today = day_number(as_of)
    known = known_on(purchases, today)
    if purchases.category is not None:
        habits = {"category_place": purchases.category, **habits}
    if not known.stands.all():
        habits = {name: values[known.stands] for name, values in habits.items()}
    revenue = summed(known.parts, known.starts)
    columns = {
        "customer_id": pd.Series(known.customer_id, dtype="str"),
        **_recency_and_money(known, revenue, today=today),
        **_history(known, today=today),
        **_windows(known, revenue, today=today),
        **_habits(known, revenue, habits),
        **_gap_columns(known, today=today),
    }
    table = pd.DataFrame(columns, copy=False)
    if tables.has("refunds"):
        n_refunds, back = _refunds(tables.as_of(as_of), table["customer_id"])
        table = table.assign(n_refunds=n_refunds, refund_share=_shares(back, revenue + back))
    return table.assign(**_categories(known, habits["category_place"])) if "category_place" in habits else table


def _ratio(above: NDArray[Any], below: NDArray[Any]) -> Floats:
    """Return a ratio as ``expressions.quotient``: unknown where what stands below is not above zero."""
    ratio: Floats = np.divide(above, below, out=np.full(len(below), np.nan), where=below > 0)
    return ratio


def _shares(part: Floats, whole: Floats) -> Floats:
    return np.nan_to_num(_ratio(part, whole))


def _n(known: Known) -> Counts:
    return (known.ends - known.starts + 1).astype(np.int32)


def _count(where: NDArray[np.bool_], known: Known) -> Counts:
    return summed(where, known.starts, dtype=np.int32)


def _recency_and_money(known: Known, revenue: Floats, *, today: int) -> dict[str, NDArray[Any]]:
    return {
        "n_orders": _n(known),
        "revenue": revenue / PARTS,
        "mean_order_value": _ratio(revenue / PARTS, _n(known)),
        "first_order_on": known.first.astype("datetime64[D]"),
        "last_order_on": known.last.astype("datetime64[D]"),
        "days_since_last_order": today - known.last,
        "tenure_days": today - known.first,
    }


def _history(known: Known, *, today: int) -> dict[str, NDArray[Any]]:
    frequency = _count(gaps_of(known) > 0, known)
    repeat = np.where(known.day > known.per_row(known.first), known.parts, 0.0)
    return {
        "frequency": frequency,
        "recency": (known.last - known.first).astype(np.float64),
        "T": (today - known.first).astype(np.float64),
        "monetary_value": np.nan_to_num(_ratio(summed(repeat, known.starts) / PARTS, frequency)),
    }


def _windows(known: Known, revenue: Floats, *, today: int) -> dict[str, NDArray[Any]]:
    counts = {days: _count(known.day > today - days, known) for days in ORDER_WINDOWS}
    recent = summed(np.where(known.day > today - TREND_DAYS, known.parts, 0.0), known.starts)
    before = _ratio(revenue - recent, _n(known) - counts[TREND_DAYS])
    is_weekend = (known.day + _THURSDAY) % 7 >= 5
    return {
        **{f"n_orders_{days}d": count for days, count in counts.items()},
        "order_value_trend": _ratio(_ratio(recent, counts[TREND_DAYS]), before),
        "share_weekend": _ratio(_count(is_weekend, known), _n(known)),
    }


def _habits(known: Known, revenue: Floats, habits: Habits) -> dict[str, NDArray[Any]]:
    columns, n = {}, _n(known)
    if "ordered_hour" in habits:
        hour = habits["ordered_hour"]
        for block, (first, last) in HOUR_BLOCKS.items():
            columns[f"share_{block}"] = _ratio(_count((hour >= first) & (hour <= last), known), n)
    if "discount" in habits:
        discount = _sum_of_parts(habits["discount"], known)
        columns["discount_share"] = _shares(discount, revenue + discount)
    if "has_coupon" in habits:
        columns["coupon_share"] = _ratio(_count(habits["has_coupon"], known), n)
    if "quantity" in habits:
        columns["mean_quantity"] = _ratio(_sum_of_parts(habits["quantity"], known) / PARTS, n)
    return columns


def _sum_of_parts(values: Floats, known: Known) -> Floats:
    """Return the sum for each customer in whole parts, as ``expressions.money_sum``."""
    return summed(np.rint(values * PARTS), known.starts)


def _gap_columns(known: Known, *, today: int) -> dict[str, NDArray[Any]]:
    gaps, customers = gaps_of(known), len(known.starts)
    later = np.flatnonzero(gaps)  # the first purchase of each later day
    gap = gaps[later].astype(np.int64)
    whose = known.per_row(np.arange(customers, dtype=np.int32))[later]
    n = np.bincount(whose, minlength=customers)
    span = (known.last - known.first).astype(np.float64)
    squares = np.bincount(whose, weights=gap * gap, minlength=customers)
    variance = np.divide(squares * n - span * span, n * (n - 1.0), out=np.full(customers, np.nan), where=n > 1)
    last_gap = np.full(customers, np.nan)
    last_gap[whose] = gap  # the last one written stays
    median = _medians(whose, gap, n)
    return {
        "median_gap_days": median,
        "std_gap_days": np.sqrt(variance),
        "last_gap_ratio": _ratio(last_gap, _ratio(span, n)),
        "overdue_ratio": _ratio((today - known.last).astype(np.float64), median),
    }


def _medians(group: NDArray[np.int32], values: NDArray[np.int64], n: NDArray[np.int64]) -> Floats:
    """Return the median of whole numbers of each group, unknown where it has none.

    Args:
        group: Of each value, ascending.
        values: Not below zero and under two to the power of 32.
        n: Values of each group.
    """
    ordered = np.sort((group.astype(np.int64) << 32) | values) & (2**32 - 1)
    medians = np.full(len(n), np.nan)
    some = np.flatnonzero(n)
    start = np.cumsum(n)[some] - n[some]
    medians[some] = (ordered[start + (n[some] - 1) // 2] + ordered[start + n[some] // 2]) / 2
    return medians


def _refunds(cut: "Tables", customers: "pd.Series[str]") -> tuple[Counts, Floats]:
    """Return how many refunds of orders each customer had, and their sum in whole parts."""
    import narwhals as nw

    matched = cut.lazy("refunds").filter(~nw.col("order_id").is_null() & ~nw.col("customer_id").is_null())
    found = matched.select("customer_id", "amount").collect(backend="pyarrow").to_native()
    place = places_of(found.column("customer_id"), among=customers)
    parts = np.rint(found.column("amount").fill_null(0).to_numpy() * PARTS)[place >= 0]
    place = place[place >= 0]
    counts = np.bincount(place, minlength=len(customers)).astype(np.int32)
    return counts, np.bincount(place, weights=parts, minlength=len(customers)).astype(np.float64)


def _categories(known: Known, category: NDArray[Any]) -> dict[str, NDArray[Any]]:
    """Return the columns of ``category_habits``."""
    pair = known.per_row(np.arange(len(known.starts), dtype=np.int64)) << 32 | category
    pair = np.sort(pair[category >= 0])
    starts = run_starts(pair)
    n = np.diff(starts, append=len(pair))
    whose = pair[starts] >> 32
    firsts, customers = run_starts(whose), len(known.starts)
    counts, top, together = np.zeros(customers, dtype=np.int32), np.zeros(customers), np.zeros(customers)
    counts[whose[firsts]] = np.diff(firsts, append=len(whose))
    if len(firsts):
        top[whose[firsts]] = np.maximum.reduceat(n, firsts)
        together[whose[firsts]] = np.add.reduceat(n, firsts)
    return {"n_categories": counts, "top_category_share": _ratio(top, together)}
