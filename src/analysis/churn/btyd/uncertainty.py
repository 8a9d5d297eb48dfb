"""How sure a buy-till-you-die model is: parameters are not known exactly, and what customers do is also luck.

Two sources, kept apart. *Not knowing* the parameters moves P(alive), expected purchases and customer value of all
customers together; it does not average out over customers, and the delta method carries it from the logarithms of the
parameters to any smooth quantity. *Luck* is what a customer does given the parameters; an interval for purchases that
will be counted one day needs both.
"""

from collections.abc import Callable
from typing import Any, Final, Literal, NamedTuple

import numpy as np
import numpy.typing as npt

from analysis.checks import one_of, share
from analysis.churn.btyd.customers import CustomerTable
from analysis.errors import AnalysisError

__all__ = [
    "Band",
    "Groups",
    "band",
    "gradient",
    "group_alike",
    "log_gradient",
    "logit_gradient",
    "luck_variance",
    "models_drawn",
    "predictive_band",
    "spread",
]

Floats = npt.NDArray[np.float64]
Scale = Literal["log", "logit", "plain"]

_STEP: Final = 1e-3
"""Of the central differences, in the logarithms of the parameters: wide against rounding, narrow against curvature."""

_MOST: Final = 64
"""Counts told apart when luck is summed up; the tail above keeps its mean."""

_TAIL_MEAN_AT_MOST: Final = 4.0
"""Purchases of those in the tail, in multiples of where it starts or of the mean: more is rounding."""

_EXACT_CUSTOMERS: Final = 5_000
"""Up to so many rows a total's spread is computed row by row, above in groups of customers nearly alike."""

_FREQUENCY_CUTS: Final = (1, 2, 3, 4, 5, 6, 8, 10, 13, 17, 22, 30, 45, 70, 120)
_SILENCE_CELLS: Final = 24
_AGE_CELLS: Final = 12


class Band(NamedTuple):
    """A number, or an array of them, with both ends of its interval."""

    value: Any
    ci_lower: Any
    ci_upper: Any


class Groups(NamedTuple):
    """Customers who are nearly alike, taken together.

    Attributes:
        customers: Mean frequency, recency and T of each group, in the same units.
        member: Group of each customer.
        n_customers: CustomerTable of each group.
    """

    customers: dict[str, Floats]
    member: npt.NDArray[np.intp]
    n_customers: Floats


def gradient(model: Any, quantity: Callable[[Any], Any]) -> Floats:
    """Return the slope of a quantity in the logarithm of each parameter, by central differences.

    Args:
        model: A fitted model.
        quantity: Takes a model of other parameters, returns a number or an array.

    Returns:
        Shape (parameters, *shape of the quantity).
    """
    logs = np.log([model.parameters_[name] for name in model.parameter_names])
    steps = _STEP * np.eye(len(logs))
    return np.array([(quantity(_at(model, logs + h)) - quantity(_at(model, logs - h))) / (2 * _STEP) for h in steps])


def log_gradient(model: Any, quantity: Callable[[Any], Any]) -> Floats:
    """Return the slope of the logarithm of a positive quantity; 0 where the quantity is 0."""
    return _finite(gradient(model, lambda other: np.log(np.maximum(quantity(other), 1e-300))))


def logit_gradient(model: Any, quantity: Callable[[Any], Any]) -> Floats:
    """Return the slope of the log-odds of a share; 0 where the share is 0 or 1 by the model."""

    def log_odds(other: Any) -> Any:
        p = np.asarray(quantity(other), dtype=float)
        with np.errstate(divide="ignore", invalid="ignore"):
            return np.log(p) - np.log1p(-p)

    with np.errstate(invalid="ignore"):
        return _finite(gradient(model, log_odds))


def spread(slope: Floats, covariance: Any) -> Any:
    """Return the standard error of a quantity from its slopes, shape (parameters, …), and the parameters' covariance.

    Examples:
        >>> spread(np.array([3.0, 4.0]), np.eye(2)).item()
        5.0
    """
    matrix = np.asarray(covariance, dtype=float)
    variance = np.einsum("i...,ij,j...->...", slope, matrix, slope)
    return np.sqrt(np.maximum(variance, 0.0))


def band(value: Any, *, standard_error: Any, scale: Scale = "log", confidence_level: float = 0.8) -> Band:
    """Return the interval of a quantity that is about normal on a scale.

    Args:
        value: The quantity, in its own unit.
        standard_error: Of its logarithm (``log``), its log-odds (``logit``) or itself (``plain``).
        scale: ``log`` for what is above zero, ``logit`` for shares, ``plain`` for the rest.
        confidence_level: In (0, 1).

    Examples:
        >>> [round(float(end), 3) for end in band(100.0, standard_error=0.1)]
        [100.0, 87.972, 113.673]
    """
    one_of(scale, allowed=("log", "logit", "plain"), what="scale")
    half = _quantile(confidence_level) * np.asarray(standard_error, dtype=float)
    number = np.asarray(value, dtype=float)
    if scale == "log":
        return Band(value, number * np.exp(-half), number * np.exp(half))
    if scale == "plain":
        return Band(value, number - half, number + half)
    with np.errstate(divide="ignore"):
        centre = np.log(number) - np.log1p(-number)
    lower, upper = (1 / (1 + np.exp(-(centre + end))) for end in (-half, half))
    return Band(value, lower, upper)


def models_drawn(model: Any, *, draws: int, rng: np.random.Generator) -> list[Any]:
    """Return models whose parameters are drawn from Laplace's approximation: log-normal around the fit."""
    logs = np.log([model.parameters_[name] for name in model.parameter_names])
    return [_at(model, drawn) for drawn in rng.multivariate_normal(logs, _covariance(model), size=draws)]


def luck_variance(model: Any, customers: CustomerTable, *, horizon: float, most: int = _MOST) -> Floats:
    """Return the variance of each customer's purchases within the horizon, the parameters taken as known.

    Above ``most`` purchases the distribution is one lump: it counts with its own mean, so the variance is a little low
    for customers who reach it.

    Returns:
        Shape (customers,), purchases squared.
    """
    chances = np.asarray(model.purchase_distribution(customers, horizon=horizon, most=most), dtype=float)
    counts = np.arange(chances.shape[1])
    mean = np.asarray(model.conditional_expected_purchases(customers, horizon=horizon), dtype=float)
    tail = chances[:, -1]
    in_tail = np.maximum(mean - chances[:, :-1] @ counts[:-1], tail * counts[-1])
    # Of a tail next to nothing the difference of two means is rounding, which its square over the tail would blow up.
    in_tail = np.minimum(in_tail, tail * _TAIL_MEAN_AT_MOST * np.maximum(mean, counts[-1]))
    square = chances[:, :-1] @ counts[:-1] ** 2 + np.where(tail > 0, in_tail**2 / np.maximum(tail, 1e-300), 0.0)
    return np.asarray(np.maximum(square - mean**2, 0.0))


def predictive_band(
    model: Any,
    customers: CustomerTable,
    *,
    horizon: float,
    weights: npt.ArrayLike | None = None,
    confidence_level: float = 0.8,
    luck: bool = True,
    level_error: float = 0.0,
) -> Band:
    """Return the expected purchases of all customers together within the horizon, with an interval.

    With ``luck`` the interval is for the purchases that will be counted, and holds both sources; without it, it is for
    the expected number alone and covers what will be counted far too seldom.

    Args:
        model: A fitted model.
        customers: frequency, recency, T, in the model's time unit.
        horizon: In the model's time unit.
        weights: Customers that each row stands for; one each by default.
        confidence_level: In (0, 1).
        luck: Whether the interval is for what will be counted.
        level_error: Standard error of the logarithm of the level, beyond parameters and luck: seasons and trends that
            the model does not know, as far as past forecasts missed by them.
    """
    n = len(np.asarray(customers["frequency"]))
    weight = np.ones(n) if weights is None else np.asarray(weights, dtype=float)
    value = float(weight @ model.conditional_expected_purchases(customers, horizon=horizon))
    if n > _EXACT_CUSTOMERS:
        groups = group_alike(customers)
        customers, weight = groups.customers, np.bincount(groups.member, weights=weight)

    def total(other: Any) -> float:
        return float(weight @ other.conditional_expected_purchases(customers, horizon=horizon))

    variance = spread(gradient(model, total), _covariance(model)) ** 2 + (level_error * value) ** 2
    if luck:
        variance += float(weight @ luck_variance(model, customers, horizon=horizon))
    relative = np.sqrt(variance) / value if value > 0 else 0.0
    ends = band(value, standard_error=relative, confidence_level=confidence_level)
    return Band(value, float(ends.ci_lower), float(ends.ci_upper))


def group_alike(customers: CustomerTable) -> Groups:
    """Return customers grouped by frequency, silence since the last purchase, and age: a few thousand groups.

    Standard errors change smoothly with these three, so one of a group serves all its members; a million customers
    then cost no more than a few thousand.
    """
    x, t_x, age = (np.asarray(customers[name], dtype=float) for name in ("frequency", "recency", "T"))
    if len(x) == 0:
        raise AnalysisError("There are no customers to group.")
    often = np.searchsorted(_FREQUENCY_CUTS, x, side="right")
    # A customer without a repeat differs from others of their kind by age alone.
    silence = np.where(x > 0, 1 + _cells(age - t_x, _SILENCE_CELLS), 0)
    key = (often * (_SILENCE_CELLS + 2) + silence) * (_AGE_CELLS * 8) + np.where(
        x > 0, _cells(age, _AGE_CELLS), _cells(age, _AGE_CELLS * 8)
    )
    _, member, n = np.unique(key, return_inverse=True, return_counts=True)
    means = {
        name: np.bincount(member, weights=column) / n
        for name, column in (("frequency", x), ("recency", t_x), ("T", age))
    }
    means["frequency"] = np.rint(means["frequency"])
    return Groups(means, member, n.astype(float))


def _cells(values: Floats, n: int) -> npt.NDArray[np.intp]:
    """Return the cell of each value, cells holding about as many values each."""
    cuts = np.unique(np.quantile(values, np.arange(1, n) / n))
    return np.searchsorted(cuts, values, side="right")


def _at(model: Any, logs: Floats) -> Any:
    """Return the model at other parameters; what was not estimated (the k of regular models) stays."""
    named = dict(zip(model.parameter_names, np.exp(logs).tolist(), strict=True))
    fixed = {name: value for name, value in model.parameters_.items() if name not in named}
    return type(model).from_parameters({**fixed, **named})


def _covariance(model: Any) -> Floats:
    matrix = np.asarray(model.covariance_, dtype=float)
    if not np.all(np.isfinite(matrix)):
        raise AnalysisError(
            f"The parameters of '{model.slug}' have no covariance, so nothing can be said of how sure they are.",
            hint="fit the model to more customers, or with ridge=…",
        )
    return matrix


def _finite(slope: Floats) -> Floats:
    return np.nan_to_num(slope, nan=0.0, posinf=0.0, neginf=0.0)


def _quantile(confidence_level: float) -> float:
    from scipy.special import ndtri

    return float(ndtri(0.5 + share(confidence_level, what="confidence_level") / 2))
