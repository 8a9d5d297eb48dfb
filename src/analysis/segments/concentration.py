"""How much of the revenue a few customers carry: Lorenz curve, Gini, the 80/20 question.

Arrays in, numbers out: one revenue per customer, currency, not negative. Intervals are for the population
of customers like these, not for the list at hand, which is counted.
"""

from typing import Final, NamedTuple

import numpy as np
from numpy.typing import ArrayLike, NDArray

from analysis.checks import share
from analysis.errors import AnalysisError
from analysis.stats.intervals import heavy_tail_interval

__all__ = ["Concentration", "customers_carrying", "gini", "lorenz_curve", "revenue_of_top"]

Floats = NDArray[np.float64]

_SMALLEST_SAMPLE: Final = 30
"""With fewer customers no interval is given."""


class Concentration(NamedTuple):
    """One measure of concentration with its interval, all shares in 0-1; NaN where it cannot be said."""

    value: float
    ci_lower: float
    ci_upper: float
    confidence_level: float
    n: int


class LorenzCurve(NamedTuple):
    """Customers from the largest spender down, and what they carry; both shares in 0-1."""

    share_customers: Floats
    share_revenue: Floats


def lorenz_curve(revenue: ArrayLike, *, points: int = 100) -> LorenzCurve:
    """Return the Lorenz curve read from the largest spender down, at even steps of the share of customers.

    Args:
        revenue: One per customer, currency, not negative.
        points: Steps between 0 and 1.

    Raises:
        AnalysisError: If a value is negative or missing, or all are zero.

    Examples:
        >>> lorenz_curve([6, 2, 1, 1], points=2).share_revenue.tolist()
        [0.0, 0.8, 1.0]
    """
    largest_first = _largest_first(revenue)
    carried = np.concatenate([[0.0], np.cumsum(largest_first)]) / largest_first.sum()
    steps = np.linspace(0, 1, points + 1)
    return LorenzCurve(steps, np.interp(steps, np.arange(len(carried)) / len(largest_first), carried))


def customers_carrying(
    revenue: ArrayLike, *, carried: float = 0.8, seed: int = 0, confidence_level: float = 0.95
) -> Concentration:
    r"""Return the smallest share of customers who carry a given share of revenue.

    With $q$ the revenue of the last customer who is needed and $\mu$ the mean, a customer of revenue $x$ moves the
    share by $1(x>q)(1-x/q)-p+a\,x/q$: no density has to be estimated.

    Args:
        revenue: One per customer, currency, not negative.
        carried: Share of revenue to be carried, 0-1.
        seed: Of the interval's simulated critical values.
        confidence_level: In (0, 1).

    Raises:
        AnalysisError: If a value is negative or missing, or all are zero.

    Examples:
        >>> customers_carrying([6, 2, 1, 1], carried=0.8).value
        0.5
    """
    share(carried, what="carried")
    values = np.asarray(revenue, dtype=np.float64)
    largest_first = _largest_first(values)
    n = len(largest_first)
    total = np.cumsum(largest_first)
    wanted = carried * total[-1]
    last = int(np.searchsorted(total, wanted))
    before = total[last - 1] if last else 0.0
    needed = largest_first[last]
    value = float((last + (wanted - before) / needed) / n) if needed else 0.0
    if not needed:
        return Concentration(value, float("nan"), float("nan"), confidence_level, n)
    influence = (values > needed) * (1 - values / needed) - value + carried * values / needed
    # The fitted tail must lie where the influence is linear: above the last customer who is needed.
    return _with_interval(
        value, influence, values, seed=seed, confidence_level=confidence_level, tail_share=min(0.2, value / 2)
    )


def revenue_of_top(
    revenue: ArrayLike, *, top: float = 0.2, seed: int = 0, confidence_level: float = 0.95
) -> Concentration:
    """Return the share of revenue that the given top share of customers carries.

    Args:
        revenue: One per customer, currency, not negative.
        top: Share of customers, 0-1, largest spenders first.
        seed: Of the interval's simulated critical values.
        confidence_level: In (0, 1).

    Raises:
        AnalysisError: If a value is negative or missing, or all are zero.

    Examples:
        >>> revenue_of_top([6, 2, 1, 1], top=0.25).value
        0.6
    """
    share(top, what="top")
    values = np.asarray(revenue, dtype=np.float64)
    largest_first = _largest_first(values)
    n = len(largest_first)
    carried = np.concatenate([[0.0], np.cumsum(largest_first)])
    value = float(np.interp(top * n, np.arange(n + 1), carried) / carried[-1])
    last = largest_first[min(int(top * n), n - 1)]
    influence = (np.maximum(values - last, 0) + top * last - value * values) / values.mean()
    return _with_interval(
        value, influence, values, seed=seed, confidence_level=confidence_level, tail_share=min(0.2, top / 2)
    )


def gini(revenue: ArrayLike, *, seed: int = 0, confidence_level: float = 0.95) -> Concentration:
    """Return the Gini coefficient: 0 if all customers spend the same, near 1 if one spends all.

    Args:
        revenue: One per customer, currency, not negative.
        seed: Of the interval's simulated critical values.
        confidence_level: In (0, 1).

    Raises:
        AnalysisError: If a value is negative or missing, or all are zero.

    References:
        Davidson, R. (2009). Reliable inference for the Gini index. Journal of Econometrics 150(1), 30-40.

    Examples:
        >>> gini([1, 1, 1, 1]).value
        0.0
        >>> gini([0, 0, 0, 4]).value
        0.75
    """
    values = np.asarray(revenue, dtype=np.float64)
    smallest_first = _largest_first(values)[::-1]
    n, mean = len(values), values.mean()
    rank = np.arange(1, n + 1)
    value = float(((2 * rank - n - 1) * smallest_first).sum() / (n * n * mean))
    upto = np.cumsum(smallest_first) / n
    influence = (-(value + 1) * smallest_first + 2 * (smallest_first * rank / n - upto)) / mean
    influence -= influence.mean()
    return _with_interval(
        max(value, 0.0), influence, smallest_first, seed=seed, confidence_level=confidence_level, tail_share=0.2
    )


def _largest_first(revenue: ArrayLike) -> Floats:
    values = np.asarray(revenue, dtype=np.float64)
    if len(values) == 0 or not np.isfinite(values).all() or values.min() < 0:
        raise AnalysisError("Concentration needs revenues that are known and not negative, one per customer.")
    if values.sum() <= 0:
        raise AnalysisError("Concentration needs revenue: all customers have spent nothing.")
    return np.sort(values)[::-1]


def _with_interval(
    value: float, influence: Floats, values: Floats, *, seed: int, confidence_level: float, tail_share: float
) -> Concentration:
    n = len(values)
    if n < _SMALLEST_SAMPLE:
        return Concentration(value, float("nan"), float("nan"), confidence_level, n)
    interval = heavy_tail_interval(
        value,
        influence=influence,
        values=values,
        seed=seed,
        confidence_level=confidence_level,
        tail_share=tail_share,
    )
    lower, upper = np.clip(interval, 0, 1)
    return Concentration(value, float(lower), float(upper), confidence_level, n)
