"""Risk beside value: which customers carry the money that is likely to be lost."""

from typing import Final

import numpy as np
import pandas as pd
from numpy.typing import ArrayLike, NDArray

__all__ = ["RISK_BANDS", "VALUE_BANDS", "revenue_in_horizon", "risk_band", "risk_grid", "risk_histogram", "value_band"]

RISK_BANDS: Final = ("0-25", "25-50", "50-75", "75-100")
"""Probability of leaving, percent, lower end included."""

VALUE_BANDS: Final = ("top_20", "next_30", "other_50")
"""Customers by what they spent in the last year: the top fifth, the next 30 %, the other half."""

_YEAR: Final = 365
_BAR: Final = 10
"""Bars of the histogram: ten, each of ten points of probability."""


def revenue_in_horizon(revenue_last_year: ArrayLike, *, horizon_days: int) -> NDArray[np.float64]:
    """Return what the last 365 days' spending would bring in over the horizon, currency.

    A plain proportion, not a forecast; cautious for customers of less than a year, whose spending counts as it is.

    Examples:
        >>> revenue_in_horizon([730.0], horizon_days=60).tolist()
        [120.0]
    """
    return np.maximum(np.asarray(revenue_last_year, dtype=np.float64), 0.0) * horizon_days / _YEAR


def risk_band(p_churn: ArrayLike) -> NDArray[np.str_]:
    """Return each customer's band of ``RISK_BANDS``."""
    codes = np.minimum(np.asarray(p_churn, dtype=np.float64) * len(RISK_BANDS), len(RISK_BANDS) - 1).astype(np.int64)
    return np.array(RISK_BANDS, dtype=np.str_)[codes]


def value_band(value: ArrayLike) -> NDArray[np.str_]:
    """Return each customer's band of ``VALUE_BANDS``; customers of equal value share the higher band."""
    from scipy.stats import rankdata

    v = np.asarray(value, dtype=np.float64)
    place = (rankdata(-v, method="min") - 1) / max(v.size, 1)
    return np.array(VALUE_BANDS)[np.digitize(place, [0.2, 0.5])]


def risk_grid(scores: pd.DataFrame) -> pd.DataFrame:
    """Return customers and money at risk in each cell of risk and value, empty cells included.

    Args:
        scores: ``p_churn``, ``value_at_risk``, ``risk_band`` and ``value_band``, one row per customer.

    Returns:
        One row per cell: ``value_band``, ``risk_band``, ``n_customers``, ``expected_leavers``, ``value_at_risk``.
    """
    cells = pd.MultiIndex.from_product([VALUE_BANDS, RISK_BANDS], names=["value_band", "risk_band"])
    grouped = scores.groupby(["value_band", "risk_band"])[["p_churn", "value_at_risk"]].agg(["size", "sum"])
    table = pd.DataFrame(
        {
            "n_customers": grouped[("p_churn", "size")],
            "expected_leavers": grouped[("p_churn", "sum")],
            "value_at_risk": grouped[("value_at_risk", "sum")],
        }
    ).reindex(cells, fill_value=0)
    return table.astype({"n_customers": "int64"}).reset_index()


def risk_histogram(scores: pd.DataFrame) -> pd.DataFrame:
    """Return customers and money at risk by ten points of probability.

    Returns:
        One row per bar: ``p_from`` and ``p_to`` (0-1), ``n_customers``, ``value_at_risk``.
    """
    bar = np.minimum(scores["p_churn"].to_numpy() * _BAR, _BAR - 1).astype(int)
    return pd.DataFrame(
        {
            "p_from": np.arange(_BAR) / _BAR,
            "p_to": np.arange(1, _BAR + 1) / _BAR,
            "n_customers": np.bincount(bar, minlength=_BAR).astype(np.int64),
            "value_at_risk": np.bincount(bar, weights=scores["value_at_risk"], minlength=_BAR),
        }
    )
