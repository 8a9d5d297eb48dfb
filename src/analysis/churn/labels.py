"""Who is asked about, and who turned out to have left: populations, labels and the days they are taken at.

A customer is in the *population* of a day (the origin) if their last purchase is at most ``active_days`` old, and
*churned* if no unrefunded purchase falls in ``(origin, origin + horizon]``. Features are taken at the origin, labels
at the end of the window; the windows of training, calibration and judging never overlap.
"""

import math
from datetime import date
from typing import Final, NamedTuple

import numpy as np
import pandas as pd
from numpy.typing import ArrayLike

from analysis.periods import days_after, days_before

__all__ = [
    "LONGEST_ACTIVE_DAYS",
    "Origins",
    "active_population",
    "default_active_days",
    "label_churn",
    "rolling_origins",
]

LONGEST_ACTIVE_DAYS: Final = 365
"""Nobody who has been away for more than a year is called active, however long the gaps (days)."""

_GAP_PERCENTILE: Final = 95


class Origins(NamedTuple):
    """Days at which customers are looked at, each one horizon before the next.

    Attributes:
        training: Origins the model learns from, oldest first; empty where history is too short.
        calibration: Origin at which its probabilities are put right, one horizon later.
        judging: Origin at which it is judged, once more one horizon later.
    """

    training: tuple[date, ...]
    calibration: date
    judging: date


def rolling_origins(*, as_of: date, horizon_days: int, first_day: date, n_training: int = 4) -> Origins:
    """Return the origins for judging on the window that ends with ``as_of``.

    The newest training origin is three horizons back, so its label is complete before the calibration window begins;
    the oldest has at least one horizon of history behind it.

    Examples:
        >>> days = rolling_origins(as_of=date(2026, 6, 30), horizon_days=60, first_day=date(2025, 11, 1))
        >>> [str(day) for day in (*days.training, days.calibration, days.judging)]
        ['2026-01-01', '2026-03-02', '2026-05-01']
    """
    judging, calibration, *training = (days_before(as_of, days=k * horizon_days) for k in range(1, n_training + 3))
    oldest = days_after(first_day, days=horizon_days)
    return Origins(tuple(day for day in reversed(training) if day >= oldest), calibration, judging)


def default_active_days(gap_days: ArrayLike, *, n_gaps: ArrayLike | None = None) -> int:
    """Return the 95th percentile of the days between successive purchases, rounded up, at most 365.

    Args:
        gap_days: Gaps in days, or the distinct gaps if ``n_gaps`` is given.
        n_gaps: How often each gap occurs.

    Returns:
        Days; 365 where nobody bought twice.

    Examples:
        >>> default_active_days(range(1, 101))
        95
        >>> default_active_days([7, 30, 500], n_gaps=[90, 6, 4])
        30
    """
    gaps = np.asarray(gap_days, dtype=np.float64)
    counts = np.ones_like(gaps) if n_gaps is None else np.asarray(n_gaps, dtype=np.float64)
    if not counts.sum():
        return LONGEST_ACTIVE_DAYS
    order = np.argsort(gaps)
    reached = np.cumsum(counts[order]) >= counts.sum() * _GAP_PERCENTILE / 100
    return int(max(1, min(LONGEST_ACTIVE_DAYS, math.ceil(gaps[order][np.argmax(reached)]))))


def active_population(features: pd.DataFrame, *, active_days: int) -> pd.DataFrame:
    """Return the rows of customers whose last purchase is at most ``active_days`` old.

    Args:
        features: One row per customer as of a day, with ``days_since_last_order``.
        active_days: Largest age of the last purchase, days.
    """
    return features[features["days_since_last_order"] <= active_days].reset_index(drop=True)


def label_churn(customers: pd.Series, *, later: pd.DataFrame, origin: date) -> "pd.Series[bool]":
    """Return for each customer whether no unrefunded purchase falls in ``(origin, end of the window]``.

    A purchase counts unless it was cancelled or refunded in full by the end of the window: the features as of that day
    know which those are, and the last of them tells.

    Args:
        customers: Customer ids, the population of the origin.
        later: Features as of the end of the window: ``customer_id`` and ``last_order_on`` of everyone who has bought.
        origin: The day customers are looked at, inclusive.

    Returns:
        One boolean per customer, in their order.

    Examples:
        >>> later = pd.DataFrame({"customer_id": ["a", "b"], "last_order_on": [date(2026, 3, 1), date(2026, 3, 2)]})
        >>> label_churn(pd.Series(["a", "b", "c"]), later=later, origin=date(2026, 3, 1)).tolist()
        [True, False, True]
    """
    bought = later.loc[pd.to_datetime(later["last_order_on"]) > pd.Timestamp(origin), "customer_id"]
    stayed = pd.Index(bought).get_indexer(pd.Index(customers)) >= 0  # what isin says, without a list of all values
    return pd.Series(~stayed, index=customers.index, name="churned")
