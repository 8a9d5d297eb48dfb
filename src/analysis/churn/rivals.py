"""The buy-till-you-die models as forecasts of churn: each one's chance of no purchase within the horizon.

They see how often, how lately and how long, and nothing else, and have a theory of it. A classifier that knows thirty
things must beat the best of them, or it has learnt little beyond their three.
"""

from collections.abc import Mapping
from typing import Any, Final

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from analysis.churn.btyd.catalogue import WEAK_PRIOR, fit_model, thaw
from analysis.churn.btyd.fitting import NotIdentifiedError

__all__ = ["COLUMNS", "CUSTOMERS_FITTED", "RIVALS", "fit_rivals", "p_no_purchase"]

RIVALS: Final = ("bg_nbd", "pareto_nbd")
"""Slugs of ``btyd.catalogue.CLASSES``; one more is one more entry. They bracket the family: MBG/NBD differs from BG/NBD
in the fourth digit of the log loss on all brands, NBD (nobody ever leaves) is far behind."""

CUSTOMERS_FITTED: Final = 20_000
"""Customers, at most, that the four parameters are learnt from; more move no probability by a thousandth."""

COLUMNS: Final = ("frequency", "days_since_last_order", "tenure_days")
"""All that the rivals know of a customer."""


def fit_rivals(customers: pd.DataFrame, *, seed: int) -> dict[str, dict[str, Any]]:
    """Return the rivals fitted on all customers known on a day, frozen, by slug.

    A weak prior worth one customer keeps a model on its feet where the data do not fix a parameter (nobody ever seems
    to leave); one that still cannot be fitted is left out.

    Args:
        customers: ``frequency``, ``recency``, ``T`` in days, one row per customer.
        seed: Of the sample of customers.
    """
    if len(customers) > CUSTOMERS_FITTED:
        customers = customers.sample(CUSTOMERS_FITTED, random_state=seed)
    found: dict[str, dict[str, Any]] = {}
    for slug in RIVALS:
        try:
            fitted = fit_model(slug, customers[["frequency", "recency", "T"]], ridge=WEAK_PRIOR)
        except NotIdentifiedError:
            continue
        if np.isfinite(list(fitted.parameters.values())).all():
            found[slug] = {**fitted._asdict(), "covariance": None}
    return found


def p_no_purchase(
    features: pd.DataFrame, *, fitted: Mapping[str, Mapping[str, Any]], horizon_days: int
) -> dict[str, NDArray[np.float64]]:
    """Return each rival's chance that a customer buys nothing within the horizon, 0-1, by slug.

    Args:
        features: ``frequency``, ``days_since_last_order`` and ``tenure_days`` (days), one row per customer.
        fitted: As ``fit_rivals`` gives it.
        horizon_days: Days ahead.
    """
    age = features["tenure_days"].to_numpy(dtype=np.float64)
    away = features["days_since_last_order"].to_numpy(dtype=np.float64)
    frequency = np.minimum(features["frequency"].to_numpy(dtype=np.float64), age)
    # Shuffled columns (drivers) may contradict each other: a customer who came back did so a day after the first, or
    # later.
    recency = np.where(frequency > 0, np.clip(age - away, np.minimum(1.0, age), age), 0.0)
    customers = {"frequency": frequency, "recency": recency, "T": age}
    return {
        slug: thaw(kept).purchase_distribution(customers, horizon=float(horizon_days), most=1)[:, 0]
        for slug, kept in fitted.items()
    }
