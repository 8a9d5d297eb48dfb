"""What today's customers will buy within a short window, with an error that owns up to seasons and sales.

Three things make the total uncertain: the luck of single customers, the parameters of the model, and the level of the
window, which a model without a calendar does not know. How far the level of past windows of the same length fell from
what the model says is how far that of the next one may.
"""

from collections.abc import Callable
from typing import Any, Final, NamedTuple

import numpy as np
import numpy.typing as npt

from analysis.churn.btyd import uncertainty
from analysis.churn.btyd.uncertainty import Groups

__all__ = ["Coming", "LevelError", "Visits", "coming", "grouped", "level_error"]

Floats = npt.NDArray[np.float64]
Ints = npt.NDArray[np.int64]

_GROUPED_ABOVE: Final = 5_000
_MOST_WINDOWS: Final = 12
_FEWEST_EXPECTED: Final = 30.0
"""Purchases: a window in which fewer are expected says more of luck than of level."""

_PRIOR_ERROR: Final = 0.1
_PRIOR_WINDOWS: Final = 2.0
"""What the level is taken to do before any window was seen: off by a tenth, with the weight of two windows."""


class Coming(NamedTuple):
    """A total within a window.

    Attributes:
        expected: Mean.
        parameter_error: Standard error of its logarithm, from the parameters.
        luck_error: The same from the luck of single customers.
    """

    expected: float
    parameter_error: float
    luck_error: float


class LevelError(NamedTuple):
    """How far the level of a window may fall from what the model says.

    Attributes:
        error: Root mean square of the logarithm of actual over expected, beyond luck.
        degrees: Windows it was learnt from, those of the prior included.
        n_windows: Without the prior.
    """

    error: float
    degrees: float
    n_windows: int


class Visits(NamedTuple):
    """Purchase days of customers, in order of customer and day.

    Attributes:
        customer: Place of the customer.
        day: Day number.
    """

    customer: Ints
    day: Ints


def coming(
    model: Any,
    customers: dict[str, Floats],
    *,
    horizon: float,
    value: npt.ArrayLike = 1.0,
    variation: float = 0.0,
    groups: Groups | None = None,
) -> Coming:
    """Return what the customers together will buy within the horizon.

    Args:
        model: A fitted buy-till-you-die model.
        customers: frequency, recency, T, in the model's time unit.
        horizon: In that unit.
        value: What a purchase day of each customer is worth, currency; 1 counts purchase days.
        variation: Standard deviation of a purchase day's value over its mean, within a customer.
        groups: Of the customers, as ``grouped`` gives them, where more than one total is asked for.
    """
    worth = np.broadcast_to(np.asarray(value, dtype=np.float64), np.shape(customers["frequency"]))
    weight, square = worth, worth**2
    groups = groups or grouped(customers)
    if groups is not None:
        customers = groups.customers
        weight, square = (np.bincount(groups.member, weights=column).astype(np.float64) for column in (weight, square))

    def total(other: Any) -> float:
        return float(weight @ other.conditional_expected_purchases(customers, horizon=horizon))

    expected = total(model)
    if expected <= 0:
        return Coming(0.0, 0.0, 0.0)
    slope = uncertainty.gradient(model, total)
    purchases = np.asarray(model.conditional_expected_purchases(customers, horizon=horizon), dtype=np.float64)
    spread = uncertainty.luck_variance(model, customers, horizon=horizon) + purchases * variation**2
    return Coming(
        expected,
        float(uncertainty.spread(slope, model.covariance_)) / expected,
        float(np.sqrt(square @ spread)) / expected,
    )


def grouped(customers: dict[str, Floats]) -> Groups | None:
    """Return many customers in groups of those who are nearly alike; None for few, who are taken one by one."""
    return uncertainty.group_alike(customers) if len(customers["frequency"]) > _GROUPED_ABOVE else None


def level_error(
    model: Any,
    visits: Visits,
    *,
    today: int,
    horizon_days: int,
    unit_days: float,
    pace: Callable[[int], float | None] | None = None,
) -> LevelError:
    """Return how far past windows fell from what the model says of them.

    The model was fitted on all history, so its parameters have seen these windows: a few numbers learnt from thousands
    of customers, which makes the error smaller by next to nothing.

    Args:
        model: Fitted on history up to ``today``.
        visits: Purchase days up to ``today``.
        today: Day number.
        horizon_days: Length of the windows; they lie back to back and end today.
        unit_days: Days of the model's time unit.
        pace: What the season was to make of the window after a day, by what was known on it (a factor of the rate);
            windows of which it says nothing are passed over. None: forecasts without a season.
    """
    first = int(visits.day.min()) if len(visits.day) else today
    misses, luck = [], []
    for back in range(1, _MOST_WINDOWS + 1):
        origin = today - back * horizon_days
        if origin - first < max(horizon_days, 90):
            break
        factor = 1.0 if pace is None else pace(origin)
        if factor is None:
            continue
        known = _known(visits, origin=origin, unit_days=unit_days)
        expected, luck_error = _expected(model, known, horizon=horizon_days / unit_days)
        if expected < _FEWEST_EXPECTED:
            break
        actual = _bought(visits, since=origin, upto=origin + horizon_days)
        misses.append(np.log((actual + 0.5) / (expected * factor + 0.5)))
        luck.append((luck_error / expected) ** 2)
    n = len(misses)
    beyond = max(float(np.sum(np.square(misses)) - np.sum(luck)), 0.0)
    degrees = n + _PRIOR_WINDOWS
    return LevelError(float(np.sqrt((beyond + _PRIOR_WINDOWS * _PRIOR_ERROR**2) / degrees)), degrees, n)


def _expected(model: Any, customers: dict[str, Floats], *, horizon: float) -> tuple[float, float]:
    """Return the purchase days expected of the customers together, and how far luck spreads them."""
    groups, weight = grouped(customers), np.broadcast_to(1.0, len(customers["frequency"]))
    if groups is not None:
        customers, weight = groups.customers, groups.n_customers
    expected = weight @ model.conditional_expected_purchases(customers, horizon=horizon)
    luck = weight @ uncertainty.luck_variance(model, customers, horizon=horizon)
    return float(expected), float(np.sqrt(luck))


def _known(visits: Visits, *, origin: int, unit_days: float) -> dict[str, Floats]:
    """Return frequency, recency and T of the customers known at the end of a day."""
    seen = visits.day <= origin
    customer, day = visits.customer[seen], visits.day[seen]
    starts = np.flatnonzero(np.r_[True, np.diff(customer) > 0])
    ends = np.r_[starts[1:], len(customer)] - 1
    began, last = day[starts], day[ends]
    return {
        "frequency": (ends - starts).astype(np.float64),
        "recency": (last - began) / unit_days,
        "T": (origin - began) / unit_days,
    }


def _bought(visits: Visits, *, since: int, upto: int) -> int:
    """Return the purchase days in a window of those who were customers when it opened."""
    window = (visits.day > since) & (visits.day <= upto)
    known = np.unique(visits.customer[visits.day <= since])
    return int(np.isin(visits.customer[window], known).sum())
