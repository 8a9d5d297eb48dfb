"""Risk beside value: which customers carry the money that is likely to be lost."""

from typing import Final

import numpy as np
import pandas as pd
from numpy.typing import ArrayLike, NDArray

__all__ = ["BANDS", "band", "revenue_in_horizon", "risk_grid", "risk_histogram"]

BANDS: Final = ("top_20", "next_30", "other_50")
"""Customers in order of risk, or of value: the first fifth, the next 30 %, the other half."""

_BAND_ENDS: Final = (0.2, 0.5)
_YEAR: Final = 365
_BARS: Final = 10
"""Bars of the histogram, each of ten points of probability."""


def revenue_in_horizon(revenue_last_year: ArrayLike, *, horizon_days: int) -> NDArray[np.float64]:
    """Return what the last 365 days' spending would bring in over the horizon, currency.

    A plain proportion, not a forecast; cautious for customers of less than a year, whose spending counts as it is.

    Examples:
        >>> revenue_in_horizon([730.0], horizon_days=60).tolist()
        [120.0]
    """
    return np.maximum(np.asarray(revenue_last_year, dtype=np.float64), 0.0) * horizon_days / _YEAR


def band(values: ArrayLike) -> NDArray[np.str_]:
    """Return each customer's band of ``BANDS`` by a value, highest first; equal values share the higher band.

    Examples:
        >>> band([9, 8, 7, 6, 5, 4, 3, 2, 1, 0]).tolist()[:6]
        ['top_20', 'top_20', 'next_30', 'next_30', 'next_30', 'other_50']
    """
    from scipy.stats import rankdata

    v = np.asarray(values, dtype=np.float64)
    place = (rankdata(-v, method="min") - 1) / max(v.size, 1)
    return np.array(BANDS, dtype=np.str_)[np.digitize(place, _BAND_ENDS)]


def risk_grid(scores: pd.DataFrame) -> pd.DataFrame:
    """Return customers and money at risk in each cell of value and risk, empty cells included.

    Args:
        scores: ``p_churn``, ``value_at_risk``, ``risk_band`` and ``value_band``, one row per customer.

    Returns:
        One row per cell: ``value_band``, ``risk_band``, ``n_customers``, ``expected_leavers``, ``value_at_risk``.
    """
    cells = pd.MultiIndex.from_product([BANDS, BANDS], names=["value_band", "risk_band"])
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
    bar = np.minimum(scores["p_churn"].to_numpy() * _BARS, _BARS - 1).astype(int)
    return pd.DataFrame(
        {
            "p_from": np.arange(_BARS) / _BARS,
            "p_to": np.arange(1, _BARS + 1) / _BARS,
            "n_customers": np.bincount(bar, minlength=_BARS).astype(np.int64),
            "value_at_risk": np.bincount(bar, weights=scores["value_at_risk"], minlength=_BARS),
        }
    )
