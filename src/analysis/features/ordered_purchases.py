"""All purchases in order of customer and day, read once: histories at any past day are then sums over arrays.

Models of purchases ask for the same ten million rows at many days. The engine hands them over once, narrow and in
order; what stood at a day follows from the refunds known by then. The numbers are those of ``purchase_history``,
``rfm``, ``holdout_purchases``, ``purchase_days`` and ``revenue_by_age``, to the last bit.
"""

import math
from datetime import date
from typing import Any, Final, NamedTuple

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from analysis.features.purchase_history import LOG_PARTS
from analysis.features.replenishment import NEVER, PurchaseLog, day_number

__all__ = [
    "BOUGHT",
    "HISTORY",
    "PARTS",
    "Habits",
    "Known",
    "Purchases",
    "gaps_at",
    "gaps_of",
    "habits_of",
    "history_at",
    "holdout_after",
    "known_on",
    "log_of_purchases",
    "n_active_at",
    "of_some_customers",
    "purchase_days_of",
    "purchases_of",
    "revenue_by_month_of_age",
    "rfm_at",
    "run_starts",
    "share_in_largest_order",
    "standing",
    "summed",
    "table_of_purchases",
]

Ints = NDArray[np.int32]
Places = NDArray[np.int64]
Floats = NDArray[np.float64]

_HALF_A_CENT: Final = 0.005  # as ``Tables.sales``: an order of which no more is left is no purchase
PARTS: Final = 10_000  # as ``expressions.money_sum``: money is summed in whole parts


Habits = dict[str, NDArray[Any]]
"""By name a number for each purchase: ``ordered_hour``, ``discount`` (currency), ``quantity``, ``has_coupon`` and,
where there are more categories than ``Purchases`` tells apart, ``category_place``; as far as orders tell them."""

BOUGHT: Final = ("customer_id", "day", "amount")
"""Columns of ``table_of_purchases`` that say who bought when for how much."""

HISTORY: Final = (*BOUGHT, "category")
"""Columns of ``table_of_purchases`` that ``purchases_of`` reads."""


class Purchases(NamedTuple):
    """Every purchase by a day in order of customer, day and source, and what was given back of it.

    Attributes:
        customer_id: Ids in order; ``customer`` points into it.
        customer: Position of the customer of each purchase, ascending.
        day: Day number of each purchase, ascending within a customer.
        amount: What was paid, before refunds (currency).
        category: Position in ``categories``, -1 where there is none; None where orders have no categories.
        categories: Names of the categories, as ``PurchaseLog`` has them.
        refund_of: Place of the purchase of each refund, ascending.
        refund_day: Day number of each refund.
        refund: What was given back (currency).
    """

    customer_id: NDArray[Any]
    customer: Ints
    day: Ints
    amount: Floats
    category: NDArray[np.int8] | None
    categories: tuple[str, ...]
    refund_of: Places
    refund_day: Ints
    refund: Floats


def table_of_purchases(purchases: Purchases, habits: Habits | None = None) -> pd.DataFrame:
    """Return purchases and refunds as one table, each customer's id on their first row only, refunds below zero.

    ``customer_id``, ``day`` (day number), ``amount`` (currency), ``category`` (categorical, where orders have any). A
    refund follows its purchase. Ids that repeat ten times would cost more to read than all the rest. Habits stand
    beside their purchase; a refund has none.
    """
    import pyarrow as pa

    places = purchases.refund_of
    total = len(purchases.day) + len(places)
    bought = np.ones(total, dtype=np.bool_)
    refund_row = places + np.arange(1, len(places) + 1)  # each row moves down by the refunds of those above it
    bought[refund_row] = False
    starts = run_starts(purchases.customer)
    place = np.full(total, -1, dtype=np.int32)
    place[starts + np.searchsorted(places, starts)] = purchases.customer[starts]
    ids = pa.array(purchases.customer_id, pa.large_string()).take(pa.array(place, mask=place < 0))
    day, amount = np.empty(total, dtype=np.int32), np.empty(total)
    day[bought], day[refund_row] = purchases.day, purchases.refund_day
    amount[bought], amount[refund_row] = purchases.amount, -purchases.refund
    table = pd.DataFrame(
        {"customer_id": pd.Series(ids.to_pandas(), dtype="str"), "day": day, "amount": amount}, copy=False
    )
    if purchases.category is not None:
        codes = np.full(total, -1, dtype=np.int8)
        codes[bought] = purchases.category
        table["category"] = pd.Categorical.from_codes(codes, categories=pd.Index(list(purchases.categories)))
    for name, values in (habits or {}).items():
        beside = np.zeros(total, dtype=values.dtype)
        beside[bought] = values
        table[name] = beside
    return table


def habits_of(table: pd.DataFrame) -> Habits:
    """Return the habits from a table that ``table_of_purchases`` made."""
    bought = table["amount"].to_numpy() >= 0
    return {str(name): table[name].to_numpy()[bought] for name in table if name not in HISTORY}


def purchases_of(table: pd.DataFrame) -> Purchases:
    """Return the purchases from a table that ``table_of_purchases`` made."""
    amount, day = table["amount"].to_numpy(), table["day"].to_numpy()
    is_refund = amount < 0
    bought, refund_rows = ~is_refund, np.flatnonzero(is_refund)
    first_rows = np.flatnonzero(table["customer_id"].notna().to_numpy())
    firsts = first_rows - np.searchsorted(refund_rows, first_rows)  # among purchases alone
    n_of_each = np.diff(firsts, append=len(table) - len(refund_rows))
    category = table["category"].cat if "category" in table else None
    return Purchases(
        table["customer_id"].take(first_rows).to_numpy(dtype=object),
        np.repeat(np.arange(len(firsts), dtype=np.int32), n_of_each),
        day[bought],
        amount[bought],
        None if category is None else category.codes.to_numpy().astype(np.int8, copy=False)[bought],
        () if category is None else tuple(map(str, category.categories)),
        refund_rows - np.arange(1, len(refund_rows) + 1),  # a refund follows its purchase
        day[refund_rows],
        -amount[refund_rows],
    )


def log_of_purchases(purchases: Purchases) -> PurchaseLog:
    """Return the purchases without their amounts, each with the day on which it was given back in full."""
    undone = np.full(len(purchases.day), NEVER, dtype=np.int32)
    so_far = _so_far(purchases)
    whole = purchases.amount[purchases.refund_of] - so_far <= _HALF_A_CENT
    np.minimum.at(undone, purchases.refund_of[whole], purchases.refund_day[whole])
    category = purchases.category
    codes = np.full(len(undone), -1, dtype=np.int8) if category is None else category
    return PurchaseLog(purchases.customer_id, purchases.customer, purchases.day, undone, codes, purchases.categories)


def _so_far(purchases: Purchases) -> Floats:
    """Return what was given back of its purchase by each refund, itself included."""
    total = purchases.refund.copy()
    same = np.flatnonzero(np.diff(purchases.refund_of) == 0) + 1
    for place in same:  # few purchases are given back in parts
        total[place] += total[place - 1]
    return total


def standing(purchases: Purchases) -> tuple[NDArray[np.bool_], Floats]:
    """Return which purchases stand after every refund there is, and what is left of each (currency)."""
    places, left = _left(purchases, NEVER)
    amount, stands = purchases.amount.copy(), np.ones(len(purchases.amount), dtype=np.bool_)
    amount[places], stands[places] = left, left > _HALF_A_CENT
    return stands, amount


def _left(purchases: Purchases, day: int) -> tuple[Places, Floats]:
    """Return the places of the purchases of which something was given back by a day, and what was left of each."""
    known = purchases.refund_day <= day
    places = purchases.refund_of[known]
    starts = run_starts(places)
    back = summed(purchases.refund[known], starts)
    return places[starts], purchases.amount[places[starts]] - back


def run_starts(groups: NDArray[Any]) -> Places:
    """Return where each run of equal values begins."""
    return np.flatnonzero(np.r_[True, groups[1:] != groups[:-1]]) if len(groups) else np.zeros(0, dtype=np.int64)


def summed(values: NDArray[Any], starts: Places, *, dtype: Any = np.float64) -> NDArray[Any]:
    """Return the sum of each run of values."""
    return np.add.reduceat(values, starts, dtype=dtype) if len(starts) else np.zeros(0, dtype=dtype)


class Known(NamedTuple):
    """The purchases that stood at a day, with where each customer's begin and end.

    Attributes:
        customer_id: Ids of the customers.
        customer: Their positions among all.
        day: Day number of each purchase.
        parts: What was left of each, in whole parts; empty where nobody asked for it.
        stands: Which of all purchases these are.
        starts: Place of each customer's first purchase.
        ends: Place of the last.
    """

    customer_id: NDArray[Any]
    customer: Ints
    day: Ints
    parts: Floats
    stands: NDArray[np.bool_]
    starts: Places
    ends: Places

    @property
    def first(self) -> Ints:
        """Day number of each customer's first purchase."""
        return self.day[self.starts]

    @property
    def last(self) -> Ints:
        """Day number of each customer's last purchase."""
        return self.day[self.ends]

    def per_row(self, of_customer: NDArray[Any]) -> NDArray[Any]:
        """Return a value of each customer beside every one of their purchases."""
        return np.repeat(of_customer, self.ends - self.starts + 1)


def known_on(purchases: Purchases, day: int, *, money: bool = True) -> Known:
    """Return the purchases that stood at the end of a day (day number), without their money if nobody asks for it."""
    places, left = _left(purchases, day)
    stands = purchases.day <= day
    stands[places] &= left > _HALF_A_CENT
    customer = purchases.customer[stands]
    parts = np.zeros(0)
    if money:
        parts = purchases.amount[stands]
        in_part = stands[places]
        gone = np.flatnonzero(~stands)
        parts[places[in_part] - np.searchsorted(gone, places[in_part])] = left[in_part]
        parts *= PARTS
        np.rint(parts, out=parts)
    starts = run_starts(customer)
    ends = np.r_[starts[1:], len(customer)] - 1 if len(starts) else starts
    whose = customer[starts]
    return Known(purchases.customer_id[whose], whose, purchases.day[stands], parts, stands, starts, ends)


def gaps_of(known: Known) -> Ints:
    """Return days since the customer's purchase before, 0 at the first."""
    gaps = np.zeros(len(known.day), dtype=np.int32)
    np.subtract(known.day[1:], known.day[:-1], out=gaps[1:])
    gaps[known.starts] = 0
    return gaps


def _ids(known: Known) -> "pd.Series[str]":
    return pd.Series(known.customer_id, dtype="str")


def of_some_customers(table: pd.DataFrame, *, customers: NDArray[np.int64]) -> pd.DataFrame:
    """Return the rows of some customers of a table that ``table_of_purchases`` made.

    Args:
        table: Purchases and refunds.
        customers: Places of the customers in the order of the table.
    """
    is_first = table["customer_id"].notna().to_numpy()
    wanted = np.zeros(int(is_first.sum()), dtype=np.bool_)
    wanted[customers] = True
    return table[wanted[np.cumsum(is_first, dtype=np.int32) - 1]].reset_index(drop=True)


def n_active_at(purchases: Purchases, *, as_of: date, active_days: int) -> int:
    """Return how many customers' last purchase that stood at the end of a day is at most so many days old."""
    day = day_number(as_of)
    places, left = _left(purchases, day)
    recent = (purchases.day <= day) & (purchases.day >= day - active_days)
    recent[places[left <= _HALF_A_CENT]] = False
    return len(run_starts(purchases.customer[recent]))


def gaps_at(purchases: Purchases, *, as_of: date) -> pd.DataFrame:
    """Return ``purchase_gaps``: how often each gap between two purchase days occurred, shortest first."""
    gaps = gaps_of(known_on(purchases, day_number(as_of), money=False))
    days, n_gaps = np.unique(gaps[gaps > 0], return_counts=True)
    return pd.DataFrame({"gap_days": days, "n_gaps": n_gaps.astype(np.int64)})


def share_in_largest_order(purchases: Purchases, *, as_of: date) -> float | None:
    """Return the share of ``money_that_repeats`` that was the largest order of each; None if nobody came back."""
    known = known_on(purchases, day_number(as_of))
    if not len(known.starts):
        return None
    returned = known.last > known.first
    revenue = summed(known.parts, known.starts)[returned].sum()
    largest = np.maximum.reduceat(known.parts, known.starts)[returned].sum()
    return float((largest / PARTS) / (revenue / PARTS)) if revenue > 0 else None


def history_at(purchases: Purchases, *, as_of: date, unit_days: float = 1) -> pd.DataFrame:
    """Return ``purchase_history`` in daily periods, collected: one row per customer, by id.

    Args:
        purchases: Purchases to ``as_of`` at least.
        as_of: Last day of the calibration period, inclusive.
        unit_days: Days of one unit of ``recency`` and ``T``.
    """
    day = day_number(as_of)
    known = known_on(purchases, day)
    gaps, first = gaps_of(known), known.first
    frequency = summed(gaps > 0, known.starts, dtype=np.int32)
    repeat = summed(np.where(known.day > known.per_row(first), known.parts, 0.0), known.starts) / PARTS
    logs = np.zeros(int(gaps.max(initial=0)) + 1)
    logs[1:] = np.rint(np.log(np.arange(1, len(logs), dtype=np.float64)) * LOG_PARTS)
    value = np.divide(repeat, frequency, out=np.zeros(len(first)), where=frequency > 0)
    return pd.DataFrame(
        {
            "customer_id": _ids(known),
            "frequency": frequency,
            "recency": (known.last - first) / float(unit_days),
            "T": (day - first) / float(unit_days),
            "monetary_value": value,
            "sum_log_gaps": summed(logs[gaps], known.starts) / LOG_PARTS + frequency * math.log(1 / unit_days),
        },
        copy=False,
    )


def holdout_after(purchases: Purchases, *, calibration_ends_on: date, holdout_ends_on: date) -> pd.DataFrame:
    """Return ``holdout_purchases`` in daily periods, collected: one row per customer of the calibration period."""
    begun = known_on(purchases, day_number(calibration_ends_on), money=False)
    all_of = known_on(purchases, day_number(holdout_ends_on))
    later = all_of.day > day_number(calibration_ends_on)
    is_new = np.r_[True, all_of.day[1:] != all_of.day[:-1]] if len(later) else later
    is_new[all_of.starts] = True
    days = summed(later & is_new, all_of.starts, dtype=np.int32)
    revenue = summed(np.where(later, all_of.parts, 0.0), all_of.starts) / PARTS
    purchases_of_each = np.zeros(len(purchases.customer_id), dtype=np.int32)
    revenue_of_each = np.zeros(len(purchases.customer_id))
    purchases_of_each[all_of.customer], revenue_of_each[all_of.customer] = days, revenue
    columns = {
        "holdout_purchases": purchases_of_each[begun.customer],
        "holdout_revenue": revenue_of_each[begun.customer],
    }
    return pd.DataFrame({"customer_id": _ids(begun), **columns})


def rfm_at(purchases: Purchases, *, as_of: date) -> pd.DataFrame:
    """Return ``rfm`` collected: one row per customer, by id."""
    day = day_number(as_of)
    known = known_on(purchases, day)
    n_orders = (known.ends - known.starts + 1).astype(np.int32)
    revenue = summed(known.parts, known.starts) / PARTS
    return pd.DataFrame(
        {
            "customer_id": _ids(known),
            "n_orders": n_orders,
            "revenue": revenue,
            "mean_order_value": revenue / n_orders,
            "first_order_on": known.first.astype("datetime64[D]"),
            "last_order_on": known.last.astype("datetime64[D]"),
            "days_since_last_order": day - known.last,
            "tenure_days": day - known.first,
        },
        copy=False,
    )


def purchase_days_of(purchases: Purchases, *, as_of: date, began_by: date) -> pd.DataFrame:
    """Return ``purchase_days``: first and repeat purchase days of the customers who began by a day."""
    known = known_on(purchases, day_number(as_of), money=False)
    is_visit = gaps_of(known) > 0
    is_visit[known.starts] = known.first <= day_number(began_by)
    mine = is_visit & known.per_row(is_visit[known.starts])
    oldest = int(known.first.min()) if len(known.starts) else 0
    visits = np.bincount(known.day[mine] - oldest).astype(np.int64)
    began = np.bincount(known.first[is_visit[known.starts]] - oldest, minlength=len(visits)).astype(np.int64)
    days = np.flatnonzero(visits)
    dates = (days + oldest).astype("datetime64[D]").astype("datetime64[us]")
    return pd.DataFrame({"day": dates, "n_first": began[days], "n_repeat": visits[days] - began[days]})


def revenue_by_month_of_age(purchases: Purchases, *, as_of: date) -> pd.DataFrame:
    """Return ``revenue_by_age``: revenue by customer (categorical) and month of age, sorted by both."""
    known = known_on(purchases, day_number(as_of))
    month = (known.day - known.per_row(known.first)).astype(np.int64) * 12 // 365
    customer = known.per_row(np.arange(len(known.starts), dtype=np.int64))
    starts = run_starts(customer << 32 | month)
    ids = pd.Categorical.from_codes(customer[starts], categories=pd.Index(known.customer_id))
    revenue = summed(known.parts, starts) / PARTS
    return pd.DataFrame({"customer_id": ids, "month": month[starts].astype(np.int32), "revenue": revenue})
