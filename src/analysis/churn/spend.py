"""What an order of each customer is worth: Gamma-Gamma where the data fix it, else a mean drawn towards all.

The unit is the value of a purchase *day*, as the purchase models count days.
"""

import math
from collections.abc import Mapping
from typing import Any, Final, NamedTuple

import numpy as np
import numpy.typing as npt
import pandas as pd

from analysis.churn.btyd import uncertainty
from analysis.churn.btyd.fitting import NotIdentifiedError
from analysis.churn.btyd.gamma_gamma import GammaGamma

__all__ = ["FrozenSpend", "OrderValues", "fit_spend", "gamma_gamma_order_values", "shrunken_order_values"]

Floats = npt.NDArray[np.float64]

_FEWEST: Final = 50
"""Customers who came back and paid: with fewer the spread between customers cannot be told from that within them."""

_MOST_CORRELATED: Final = 0.3
"""Of frequency and value: the model takes it as zero, and beyond this is the wrong model."""


class OrderValues(NamedTuple):
    """What an order of each customer is expected to be worth.

    Attributes:
        value: Shape (customers,), currency.
        slope: Slope of the logarithm of ``value`` in the spend model's log-parameters, shape (parameters, customers).
        covariance: Covariance of those parameters, shape (parameters, parameters).
    """

    value: Floats
    slope: Floats
    covariance: Floats


class FrozenSpend(NamedTuple):
    """Gamma-Gamma as it travels: plain values.

    Attributes:
        model: ``gamma_gamma``.
        parameters: p, q, v; empty where it was not fitted.
        covariance: Of their logarithms, nested lists.
        log_likelihood: Sum over customers; NaN where it was not fitted.
        n_customers: Customers who came back and paid, on whom it was fitted.
        ridge: Weight of the weak prior, in customers.
        usable: Whether it gives order values.
        advice: Why not; empty if all is well.
        correlation: Of frequency and value among those customers; NaN where it is not known.
    """

    model: str
    parameters: dict[str, float]
    covariance: list[list[float]]
    log_likelihood: float
    n_customers: int
    ridge: float
    usable: bool
    advice: str
    correlation: float


def fit_spend(customers: pd.DataFrame, *, ridge: float = 0.0) -> FrozenSpend:
    """Return Gamma-Gamma fitted to the customers who came back and paid.

    Args:
        customers: frequency, monetary_value (mean value of a repeat purchase day, currency).
        ridge: Weight of the weak prior, in customers.
    """
    x, mean = (customers[name].to_numpy(dtype=float) for name in ("frequency", "monetary_value"))
    n = int(((x > 0) & (mean > 0)).sum())
    nothing = FrozenSpend("gamma_gamma", {}, [], math.nan, n, ridge, usable=False, advice="", correlation=math.nan)
    if n < _FEWEST:
        return nothing._replace(advice=f"Only {n} customers came back and paid; it takes {_FEWEST}.")
    try:
        model = GammaGamma(ridge=ridge).fit({"frequency": x, "monetary_value": mean})
    except NotIdentifiedError as error:
        return nothing._replace(advice=error.found)
    together = model.correlation_
    apart = not abs(together) > _MOST_CORRELATED
    advice = model.advice_ if apart else f"Frequency and value go together (correlation {together:.2f})."
    return FrozenSpend(
        model="gamma_gamma",
        parameters=dict(model.parameters_),
        covariance=model.covariance_.tolist(),
        log_likelihood=model.log_likelihood_,
        n_customers=n,
        ridge=ridge,
        usable=model.converged_ and apart and math.isfinite(model.expected_value),
        advice=advice,
        correlation=together,
    )


def gamma_gamma_order_values(spend: Mapping[str, Any], customers: pd.DataFrame) -> OrderValues:
    """Return each customer's expected value of a purchase day by a usable ``FrozenSpend``.

    Args:
        spend: As a dict.
        customers: frequency, monetary_value; of those who never came back the mean of all is expected.
    """
    model = GammaGamma.from_parameters(spend["parameters"], covariance=spend["covariance"])
    x, mean = (customers[name].to_numpy(dtype=float) for name in ("frequency", "monetary_value"))
    known = {"frequency": np.where(mean > 0, x, 0.0), "monetary_value": np.where(x > 0, mean, 0.0)}

    def expected(other: Any) -> Floats:
        return np.asarray(other.conditional_expected_value(known))

    return OrderValues(expected(model), uncertainty.log_gradient(model, expected), np.asarray(model.covariance_))


def shrunken_order_values(n_orders: npt.ArrayLike, revenue: npt.ArrayLike, *, prior_orders: float = 2.0) -> OrderValues:
    """Return order values drawn towards the mean of all: what remains where no spend model can be identified.

    A customer's own mean counts with its number of orders, the mean of all with ``prior_orders``.

    Args:
        n_orders: Orders of each customer, 1 or more.
        revenue: Of each customer, currency.
        prior_orders: Weight of the overall mean, in orders.
    """
    n, paid = np.asarray(n_orders, dtype=float), np.asarray(revenue, dtype=float)
    overall = paid.sum() / n.sum()
    value = (paid + prior_orders * overall) / (n + prior_orders)
    # The overall mean is the only thing estimated: the relative error of a ratio of sums over customers.
    residual = paid - overall * n
    relative = math.sqrt(float(residual @ residual)) / max(paid.sum(), 1e-300)
    slope = prior_orders * overall / (n + prior_orders) / np.maximum(value, 1e-300)
    return OrderValues(value, slope[None, :], np.array([[relative**2]]))
