"""CLV: the present value of a customer's expected future margin over a stated horizon.

CLV = margin share × expected order value × ∫ e^(-δt) dE[purchases in (0, t]] from 0 to the horizon. A margin is not a
revenue, the horizon is not "lifetime", and what was bought already is not in it. The interval carries how well the
parameters of both models are known, the purchase model's and the spend model's; it holds no luck: it is about the
expectation.
"""

import math
from typing import Any, Final, NamedTuple

import numpy as np
import numpy.typing as npt

from analysis.checks import positive, share
from analysis.churn.btyd import uncertainty
from analysis.churn.btyd.uncertainty import Band, Groups
from analysis.churn.spend import OrderValues

__all__ = [
    "CustomerValues",
    "customer_values",
    "discounted_purchases",
    "independent_slopes",
    "total_band",
]

Floats = npt.NDArray[np.float64]

_NODES: Final = 5
"""Gauss-Legendre nodes of the discount integral: exact to six digits for horizons of years."""


class CustomerValues(NamedTuple):
    """One entry per customer.

    Attributes:
        p_alive: Probability of being alive, 0-1, with its interval.
        expected_purchases: Within the horizon, not discounted, with its interval.
        order_value: Expected value of an order, currency.
        clv: Currency, with its interval.
        slope: Slope of log CLV in the log-parameters of both models and the log level, shape (parameters, customers).
        covariance: Of all those parameters.
    """

    p_alive: Band
    expected_purchases: Band
    order_value: Floats
    clv: Band
    slope: Floats
    covariance: Floats


def discounted_purchases(model: Any, customers: Any, *, horizon: float, discount_rate: float) -> Floats:
    """Return each customer's expected purchases within the horizon, each weighed by its present value.

    Args:
        model: A fitted buy-till-you-die model.
        customers: frequency, recency, T in the model's time unit.
        horizon: In the model's time unit.
        discount_rate: Continuous rate δ per time unit: a purchase at t counts e^(-δt).
    """
    whole = model.conditional_expected_purchases(customers, horizon=horizon)
    if discount_rate == 0:
        return np.asarray(whole)
    # By parts: ∫ e^(-δt) dE(t) = e^(-δH) E(H) + δ ∫ e^(-δt) E(t) dt, and E is smooth.
    places, weights = np.polynomial.legendre.leggauss(_NODES)
    times = horizon * (places + 1) / 2
    earlier = sum(
        weight * math.exp(-discount_rate * time) * model.conditional_expected_purchases(customers, horizon=float(time))
        for time, weight in zip(times, weights, strict=True)
    )
    return np.asarray(math.exp(-discount_rate * horizon) * whole + discount_rate * horizon / 2 * earlier)


def customer_values(
    model: Any,
    customers: Any,
    *,
    orders: OrderValues,
    margin_share: float,
    horizon: float,
    discount_rate: float,
    level_error: float = 0.0,
    confidence_level: float = 0.8,
) -> CustomerValues:
    """Return P(alive), expected purchases and CLV of every customer, with intervals.

    Point values are computed for each customer; how they move with the parameters for groups of customers who are
    nearly alike, so that a million customers cost little more than a few thousand.

    Args:
        model: A fitted buy-till-you-die model.
        customers: frequency, recency, T in the model's time unit.
        orders: What an order is worth.
        margin_share: Margin of an order's value, in (0, 1].
        horizon: In the model's time unit.
        discount_rate: Continuous rate per time unit.
        level_error: Standard error of the logarithm of all customers' purchases together, beyond the parameters: what
            past forecasts missed by. It is shared by all customers.
        confidence_level: In (0, 1).
    """
    share(margin_share, what="margin_share")
    positive(horizon, what="horizon")
    groups = uncertainty.group_alike(customers)
    covariance = np.asarray(model.covariance_, dtype=float)

    alive = np.asarray(model.p_alive(customers))
    alive_error = uncertainty.spread(
        uncertainty.logit_gradient(model, lambda m: m.p_alive(groups.customers)), covariance
    )
    expected = np.asarray(model.conditional_expected_purchases(customers, horizon=horizon))
    ratio, slope = _discounting(model, groups, horizon=horizon, discount_rate=discount_rate)
    slope, covariance = np.vstack([slope, np.ones(slope.shape[1])]), _joint(covariance, np.array([[level_error**2]]))
    both = np.concatenate([slope[:, groups.member], orders.slope])
    joint = _joint(covariance, orders.covariance)
    clv = margin_share * orders.value * expected * ratio[groups.member]
    level = confidence_level
    return CustomerValues(
        p_alive=_alive_band(alive, error=alive_error[groups.member], confidence_level=level),
        expected_purchases=uncertainty.band(
            expected, standard_error=uncertainty.spread(slope, covariance)[groups.member], confidence_level=level
        ),
        order_value=orders.value,
        clv=uncertainty.band(clv, standard_error=uncertainty.spread(both, joint), confidence_level=level),
        slope=both,
        covariance=joint,
    )


def independent_slopes(values: CustomerValues) -> Floats:
    """Return how log CLV of each customer moves with independent standard errors, shape (parameters, customers).

    Each column's sum of squares is the variance of a customer's log CLV; for a sum of customers the columns, weighed by
    CLV, are added before they are squared: see ``total_band``.
    """
    scales, directions = np.linalg.eigh(values.covariance)
    return np.asarray((np.sqrt(np.maximum(scales, 0.0))[:, None] * directions.T) @ values.slope)


def total_band(values: npt.ArrayLike, *, slopes: Floats, confidence_level: float = 0.8) -> Band:
    """Return the sum of customers' values with its interval: their errors have the same sources and add up.

    Args:
        values: Of each customer, currency.
        slopes: Of the logarithm of each, as ``independent_slopes`` returns them.
        confidence_level: In (0, 1).
    """
    worth = np.asarray(values, dtype=float)
    total = float(worth.sum())
    if total <= 0:
        return Band(total, total, total)
    error = float(np.sqrt(((slopes @ worth / total) ** 2).sum()))
    ends = uncertainty.band(total, standard_error=error, confidence_level=confidence_level)
    return Band(total, float(ends.ci_lower), float(ends.ci_upper))


def _discounting(model: Any, groups: Groups, *, horizon: float, discount_rate: float) -> tuple[Floats, Floats]:
    """Return by group discounted over plain purchases, and the slope of the logarithm of the discounted ones."""

    def discounted(other: Any) -> Floats:
        return discounted_purchases(other, groups.customers, horizon=horizon, discount_rate=discount_rate)

    plain = model.conditional_expected_purchases(groups.customers, horizon=horizon)
    ratio = np.where(plain > 0, discounted(model) / np.maximum(plain, 1e-300), 1.0)
    return ratio, uncertainty.log_gradient(model, discounted)


def _joint(one: Floats, other: Floats) -> Floats:
    """Return the covariance of two sets of parameters that were estimated from different things."""
    joint = np.zeros((len(one) + len(other),) * 2)
    joint[: len(one), : len(one)] = one
    joint[len(one) :, len(one) :] = other
    return joint


def _alive_band(alive: Floats, *, error: Floats, confidence_level: float) -> Band:
    found = uncertainty.band(alive, standard_error=error, scale="logit", confidence_level=confidence_level)
    certain = (alive <= 0) | (alive >= 1)
    return Band(alive, np.where(certain, alive, found.ci_lower), np.where(certain, alive, found.ci_upper))
