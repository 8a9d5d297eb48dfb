"""What a customer's own purchase days say about the next one: gaps, how overdue, last year's same weeks, categories.

Arrays in, arrays out, one row per customer who has bought by the day; every number was known at its end.
"""

from typing import Final

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from analysis.features.replenishment import PurchaseLog, category_clocks, known_at

__all__ = ["CATEGORIES_ASKED", "LAST_YEAR_DAYS", "category_rhythm", "purchase_rhythm"]

Floats = NDArray[np.float32]

LAST_YEAR_DAYS: Final = 364
"""52 weeks: the same season and the same days of the week."""

_RECENT_DAYS: Final = (7, 14, 30, 60, 90, 180, 365)
_PRIOR_GAPS: Final = 2.0
"""A customer's own mean gap is drawn towards the shop's with the weight of two gaps."""

CATEGORIES_ASKED: Final = 6
"""The most common categories are asked about."""

_OF_CUSTOMER: Final = (
    "days_since_last_order",
    "tenure_days",
    "n_purchase_days",
    "mean_gap_days",
    "overdue_ratio",
    "purchase_days_30d",
    "purchase_days_180d",
    "last_category",
)


def purchase_rhythm(log: PurchaseLog, *, day: int, horizon_days: int, first_day: int) -> pd.DataFrame:
    """Return the rhythm of every customer who bought by the end of a day.

    Args:
        log: Purchases; what happened after the day is cut here.
        day: Day number, inclusive.
        horizon_days: Days ahead that will be asked about: last year's same days are looked at.
        first_day: Day number at which the shop's history begins.

    Returns:
        ``customer`` (position in the log), then predictors as float32, NaN where not known: ``days_since_last_order``,
        ``tenure_days``, ``n_purchase_days``, ``mean_gap_days`` (drawn towards the shop's), ``gap_spread`` (standard
        deviation of the gaps over their mean), ``last_gap_days``, ``middle_gap_days`` (median of the last three),
        ``overdue_ratio`` and ``overdue_middle_ratio`` (days since the last over either gap), ``purchase_days_<n>d``,
        ``purchase_days_last_year`` (in the same days a year ago), ``last_category`` and ``days_since__<category>``.
    """
    seen = known_at(log, day)
    is_first = _differs(seen.customer)
    new = is_first | _differs(seen.day)
    who, days = seen.customer[new], seen.day[new]
    starts = np.flatnonzero(is_first[new])
    ends = np.r_[starts[1:], len(who)] - 1 if len(who) else starts
    columns: dict[str, Floats] = _gaps(days, starts=starts, ends=ends, day=day)
    for recent in _RECENT_DAYS:
        columns[f"purchase_days_{recent}d"] = _count(days > day - recent, starts)
    twin = day - LAST_YEAR_DAYS
    inside = (days > twin) & (days <= twin + horizon_days)
    # Before the shop's first day nobody bought, which says nothing of anybody.
    known = np.float32(1.0 if twin >= first_day else np.nan)
    columns["purchase_days_last_year"] = _count(inside, starts) * known
    columns |= _categories(seen, day=day)
    return pd.DataFrame({"customer": who[starts], **columns}, copy=False)


def _differs(values: NDArray[np.int32]) -> NDArray[np.bool_]:
    """Return where a value is not the one before it; the first is not."""
    found = np.ones(len(values), dtype=np.bool_)
    np.not_equal(values[1:], values[:-1], out=found[1:])
    return found


def _gaps(
    days: NDArray[np.int32], *, starts: NDArray[np.int64], ends: NDArray[np.int64], day: int
) -> dict[str, Floats]:
    n = (ends - starts + 1).astype(np.float32)
    first, last = days[starts], days[ends]
    since = (day - last).astype(np.float32)
    gaps = np.zeros(len(days), dtype=np.float32)
    gaps[1:] = np.diff(days)
    gaps[starts] = 0.0
    total = (last - first).astype(np.float32)
    squares = np.add.reduceat(gaps * gaps, starts) if len(starts) else gaps
    repeats = n - 1
    shop = float(total.sum() / repeats.sum()) if repeats.sum() > 0 else np.nan
    mean = (total + _PRIOR_GAPS * shop) / (repeats + _PRIOR_GAPS)
    own = np.divide(total, repeats, out=np.full_like(n, np.nan), where=repeats > 0)
    variance = np.divide(squares, repeats, out=np.full_like(n, np.nan), where=repeats > 1) - own * own
    last_three = np.stack([_earlier_gap(gaps, starts=starts, ends=ends, back=k) for k in range(3)])
    middle = (
        np.where(
            repeats > 2,
            _middle_of(*last_three),
            np.where(repeats > 1, last_three[:2].mean(axis=0), last_three[0]),
        )
        if len(n)
        else n
    )
    return {
        "days_since_last_order": since,
        "tenure_days": (day - first).astype(np.float32),
        "n_purchase_days": n,
        "mean_gap_days": mean.astype(np.float32),
        "gap_spread": (np.sqrt(np.maximum(variance, 0.0)) / own).astype(np.float32),
        "last_gap_days": last_three[0],
        "middle_gap_days": middle.astype(np.float32),
        "overdue_ratio": (since / mean).astype(np.float32),
        "overdue_middle_ratio": (since / middle).astype(np.float32),
    }


def _middle_of(one: Floats, other: Floats, third: Floats) -> Floats:
    """Return the median of three numbers, row by row."""
    middle: Floats = np.maximum(np.minimum(one, other), np.minimum(np.maximum(one, other), third))
    return middle


def _earlier_gap(gaps: Floats, *, starts: NDArray[np.int64], ends: NDArray[np.int64], back: int) -> Floats:
    """Return the gap before the last purchase day (``back`` 0), the one before that (1), …; NaN where there is none."""
    at = ends - back
    return np.where(at > starts, gaps[np.maximum(at, 0)], np.float32(np.nan))


def _count(condition: NDArray[np.bool_], starts: NDArray[np.int64]) -> Floats:
    if not len(starts):
        return np.zeros(0, dtype=np.float32)
    return np.add.reduceat(condition, starts, dtype=np.float32)


def _categories(seen: PurchaseLog, *, day: int) -> dict[str, Floats]:
    """Return days since each of the common categories was bought last, and the category of the last purchase."""
    if not seen.categories or not len(seen.customer):
        return {}
    is_last = np.r_[seen.customer[1:] != seen.customer[:-1], True]
    present = seen.customer[is_last]
    # a cell for every customer and category, and one for none; rows are in order of day: the last one stays
    wide = len(seen.categories) + 1
    since = np.full(wide * (int(present[-1]) + 1), np.nan, dtype=np.float32)
    since[wide * seen.customer.astype(np.int64) + (seen.category + 1)] = day - seen.day
    of_customer = since.reshape(-1, wide)[present]
    columns = {
        f"days_since__{name}": of_customer[:, place]
        for place, name in enumerate(seen.categories[:CATEGORIES_ASKED], start=1)
    }
    return {"last_category": seen.category[is_last].astype(np.float32), **columns}


def category_rhythm(log: PurchaseLog, rhythm: pd.DataFrame, *, day: int) -> pd.DataFrame:
    """Return the replenishment clock of every customer and common category, bought before or not.

    Args:
        log: Purchases; what happened after the day is cut here.
        rhythm: ``purchase_rhythm`` of the customers asked about, on that day.
        day: Day number, inclusive.

    Returns:
        One row per customer and category: ``customer`` and ``category`` (positions in the log), then predictors:
        ``category_code``, ``days_since_category``, ``n_category_days``, ``category_gap_days`` (own mean gap, drawn
        towards the category's), ``category_overdue_ratio``, ``category_share`` (of the customer's purchase days) and
        the customer's own of ``rhythm``; NaN where the category was not bought.
    """
    n_categories = min(len(log.categories), CATEGORIES_ASKED)
    who = rhythm["customer"].to_numpy()
    place = np.full(len(log.customer_id), -1, dtype=np.int64)
    place[who] = np.arange(len(who))
    clocks = category_clocks(log, day)
    clocks = clocks[(clocks["category"] < n_categories) & (place[clocks["customer"]] >= 0)]
    cell = place[clocks["customer"]] * n_categories + clocks["category"].to_numpy()
    n = np.zeros(len(who) * n_categories, dtype=np.float32)
    since, gap = (np.full(len(n), np.nan, dtype=np.float32) for _ in range(2))
    n[cell] = clocks["n_days"]
    since[cell] = clocks["days_since"]
    spans = (clocks["last_day"] - clocks["first_day"]).to_numpy(dtype=np.float64)
    repeats = clocks["n_days"].to_numpy(dtype=np.float64) - 1
    totals, gaps = (np.bincount(clocks["category"], weights=x, minlength=n_categories) for x in (spans, repeats))
    usual = np.divide(totals, gaps, out=np.full(n_categories, np.nan), where=gaps > 0)[clocks["category"]]
    gap[cell] = (spans + _PRIOR_GAPS * usual) / (repeats + _PRIOR_GAPS)
    code = np.tile(np.arange(n_categories, dtype=np.float32), len(who))
    of_customer = [c for c in rhythm.columns if c in _OF_CUSTOMER or str(c).startswith("days_since__")]
    columns = {
        "category_code": code,
        "days_since_category": since,
        "n_category_days": n,
        "category_gap_days": gap,
        "category_overdue_ratio": since / gap,
        "category_share": n / np.repeat(rhythm["n_purchase_days"].to_numpy(np.float32), n_categories),
        **{str(c): np.repeat(rhythm[c].to_numpy(), n_categories) for c in of_customer},
    }
    keys = {"customer": np.repeat(who, n_categories), "category": code.astype(np.int8)}
    return pd.DataFrame({**keys, **columns}, copy=False)
