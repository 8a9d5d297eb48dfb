"""Unit economics: what a new customer earns against what it cost, by source; margins, not revenue.

LTV here is the mean cumulative margin of a new customer by months since the first purchase, that purchase included.
A month of age counts only those customers who have lived through it, so young cohorts pull nothing down; it says
nothing beyond the ages that were seen.
"""

import math
from typing import Any, Final

import numpy as np
import numpy.typing as npt
import pandas as pd

from analysis.stats.intervals import normal_interval

__all__ = ["ALL_SOURCES", "CURVE_COLUMNS", "margin_curves", "unit_economics"]

ALL_SOURCES: Final = "*"
"""Source of the row of all customers together."""

_FEWEST: Final = 30
"""New customers that must have lived through a month of age for it to count."""

CURVE_COLUMNS: Final = [
    "source",
    "month",
    "n_customers",
    "margin",
    "margin_ci_lower",
    "margin_ci_upper",
    "confidence_level",
]
_COLUMNS: Final = [
    "source",
    "n_new",
    "acquisition_spend",
    "cac",
    "months_seen",
    "ltv",
    "ltv_ci_lower",
    "ltv_ci_upper",
    "ltv_to_cac",
    "ltv_to_cac_ci_lower",
    "ltv_to_cac_ci_upper",
    "payback_months",
    "confidence_level",
]


def margin_curves(
    customers: pd.DataFrame, revenue: pd.DataFrame, *, margin_share: float, months: int, confidence_level: float = 0.8
) -> pd.DataFrame:
    """Return the mean cumulative margin of a new customer by month of age and source.

    Args:
        customers: One row per new customer: customer_id, source (may be missing), months_lived (whole months of age).
        revenue: customer_id, month (of age, from 0), revenue (currency).
        margin_share: Margin of revenue, in (0, 1].
        months: Longest age.
        confidence_level: Of the intervals, in (0, 1).

    Returns:
        source (``*`` for all), month (1 is the end of the first), n_customers (who lived through it), margin with
        margin_ci_lower and margin_ci_upper (currency a head), confidence_level. A source ends where fewer than thirty
        customers are left.
    """
    paid = revenue[revenue["month"] < months]
    place = pd.Index(customers["customer_id"]).get_indexer(paid["customer_id"])
    known = place >= 0
    spent = np.zeros((len(customers), months), dtype=np.float32)
    spent[place[known], paid["month"].to_numpy()[known]] = paid["revenue"].to_numpy()[known] * margin_share
    lived = customers["months_lived"].to_numpy()
    codes, names = pd.factorize(customers["source"].astype("str"), sort=True)
    rows = [{"source": ALL_SOURCES, **row} for row in _curve(spent, lived, level=confidence_level)]
    for code, name in enumerate(names):
        chosen = np.flatnonzero(codes == code)
        rows += [{"source": name, **row} for row in _curve(spent[chosen], lived[chosen], level=confidence_level)]
    return pd.DataFrame(rows, columns=CURVE_COLUMNS)


def _curve(spent: npt.NDArray[Any], lived: npt.NDArray[Any], *, level: float) -> list[dict[str, Any]]:
    influence, total = np.zeros(len(spent)), 0.0
    rows = []
    for month in range(spent.shape[1]):
        seen = lived > month
        n = int(seen.sum())
        if n < _FEWEST:
            break
        mean = float(spent[seen, month].mean(dtype=np.float64))
        total += mean
        influence += np.where(seen, spent[:, month] - mean, 0.0) / n
        ends = normal_interval(total, influence=influence * len(spent), confidence_level=level)
        rows.append(
            {
                "month": month + 1,
                "n_customers": n,
                "margin": total,
                "margin_ci_lower": ends.lower,
                "margin_ci_upper": ends.upper,
                "confidence_level": level,
            }
        )
    return rows


def unit_economics(curves: pd.DataFrame, costs: pd.DataFrame) -> pd.DataFrame:
    """Return LTV : CAC and payback by source, all sources first, then the most new customers first.

    Args:
        curves: From ``margin_curves``.
        costs: One row per source: source, n_new (new customers), acquisition_spend (currency).

    Returns:
        source, n_new, acquisition_spend, cac (spend per new customer; unknown where nobody came), months_seen (age to
        which ltv counts), ltv with interval (currency a head), ltv_to_cac with interval (unknown where nothing was
        spent), payback_months (first month of age whose cumulative margin reaches cac; unknown where not yet).
    """
    everything: dict[str, Any] = {
        "source": ALL_SOURCES,
        "n_new": int(costs["n_new"].sum()),
        "acquisition_spend": float(costs["acquisition_spend"].sum()),
    }
    ordered: list[Any] = costs.sort_values(["n_new", "source"], ascending=[False, True]).to_dict("records")
    rows = []
    for entry in [everything, *ordered]:
        curve = curves[curves["source"] == entry["source"]]
        cac = _quotient(entry["acquisition_spend"], entry["n_new"])
        rows.append({**entry, "cac": cac, **_against(curve, cac)})
    return pd.DataFrame(rows, columns=_COLUMNS)


def _against(curve: pd.DataFrame, cac: float) -> dict[str, Any]:
    if curve.empty:
        return {}
    last = curve.iloc[-1]
    reached = curve.loc[curve["margin"] >= cac, "month"] if cac > 0 else pd.Series(dtype=float)
    return {
        "months_seen": int(last["month"]),
        "ltv": last["margin"],
        "ltv_ci_lower": last["margin_ci_lower"],
        "ltv_ci_upper": last["margin_ci_upper"],
        "ltv_to_cac": _quotient(last["margin"], cac),
        "ltv_to_cac_ci_lower": _quotient(last["margin_ci_lower"], cac),
        "ltv_to_cac_ci_upper": _quotient(last["margin_ci_upper"], cac),
        "payback_months": float(reached.iloc[0]) if len(reached) else math.nan,
        "confidence_level": last["confidence_level"],
    }


def _quotient(above: float, below: float) -> float:
    return float(above) / float(below) if below > 0 else math.nan
