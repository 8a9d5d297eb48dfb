"""How far a policy's value can be from its estimate: ratios of sums over customers, few rewards, few decisions."""

from collections.abc import Sequence
from typing import Final, NamedTuple

import numpy as np
from numpy.typing import NDArray
from scipy.special import gammaincinv, stdtrit

__all__ = ["Counted", "Ratio", "bootstrap_factors", "counted_interval", "draws", "ratio"]

Floats = NDArray[np.float64]

RESAMPLES: Final = 499
_CELLS: Final = 4_000_000


class Ratio(NamedTuple):
    """A ratio of two sums over customers.

    Attributes:
        value: The ratio.
        std_error: Of it, by the spread of what customers add to its error.
        moves: What each customer adds to the error, summing to 0.
    """

    value: float
    std_error: float
    moves: Floats

    @property
    def n(self) -> int:
        """Number of customers."""
        return len(self.moves)

    def less(self, other: "Ratio") -> "Ratio":
        """Return the difference to another ratio of the same customers."""
        return _with_error(self.value - other.value, self.moves - other.moves)


class Counted(NamedTuple):
    """A weighted sum of few rewards of 0 or 1.

    Attributes:
        total: Sum of the weights of the rare ones, as a share.
        variance: Sum of their squares, by customer.
        largest: The largest weight of all, also of those without a reward.
        value: The estimate that the interval is of; it may differ from the total by what a model adds.
        of_failures: Whether it is the zeros that are rare.
    """

    total: float
    variance: float
    largest: float
    value: float
    of_failures: bool


def ratio(above: Floats, below: Floats) -> Ratio:
    """Return the ratio of two sums over customers with its linearised error.

    Args:
        above: One entry per customer.
        below: One entry per customer, not all 0.

    Examples:
        >>> round(ratio(np.array([1.0, 2.0, 3.0]), np.ones(3)).std_error, 3)
        0.577
    """
    total = float(below.sum())
    value = float(above.sum()) / total
    return _with_error(value, (above - value * below) / total)


def counted_interval(counted: Counted, *, confidence_level: float) -> tuple[float, float]:
    """Return the interval of a share that rests on few weighted events; with none of them it starts at 0.

    References:
        Fay, Feuer (1997), Confidence intervals for directly standardized rates, Statistics in Medicine 16.
    """
    alpha = 1 - confidence_level
    lower = 0.0
    if counted.total > 0:
        lower = _gamma(alpha / 2, mean=counted.total, variance=counted.variance)
    upper = _gamma(1 - alpha / 2, mean=counted.total + counted.largest, variance=counted.variance + counted.largest**2)
    if counted.of_failures:
        below, above = upper - counted.total, counted.total - lower
    else:
        below, above = counted.total - lower, upper - counted.total
    share = 1 - counted.total if counted.of_failures else counted.total
    low, high = min(counted.value, share), max(counted.value, share)  # a model's part is not sure either
    return max(low - below, min(counted.value, 0.0)), min(high + above, max(counted.value, 1.0))


def draws(n: int, *, seed: int, resamples: int = RESAMPLES) -> NDArray[np.int8]:
    """Return how often each of n customers is drawn in each resample, shape (resamples, n)."""
    rng = np.random.default_rng(seed)
    found = np.empty((resamples, n), dtype=np.int8)
    for row in found:
        row[:] = np.minimum(np.bincount(rng.integers(0, n, size=n), minlength=n), 127)
    return found


def bootstrap_factors(
    sums: Sequence[tuple[Floats, Floats]], *, drawn: NDArray[np.int8], confidence_level: float
) -> list[float]:
    """Return how much wider the symmetric studentised bootstrap makes intervals of ratios (below 1: narrower).

    Args:
        sums: Both sums of each ratio, one entry per customer.
        drawn: From ``draws``.
        confidence_level: Of the interval.

    References:
        Hall (1988), On symmetric bootstrap confidence intervals, Journal of the Royal Statistical Society B 50.
    """
    n = len(sums[0][0])
    columns = []
    for above, below in sums:
        unit = below / below.mean()
        left = above / below.mean() - float(above.sum() / below.sum()) * unit
        scale = float(np.sqrt(np.mean(left**2))) or 1.0
        columns += [left / scale, unit, (left / scale) ** 2, left / scale * unit, unit**2]
    moments = np.column_stack(columns).astype(np.float32)
    step = max(1, _CELLS // n)
    found = np.vstack([drawn[i : i + step].astype(np.float32) @ moments for i in range(0, len(drawn), step)])
    usual = float(stdtrit(n - 1, 0.5 + confidence_level / 2))
    factors = []
    for place in range(len(sums)):
        left, unit, squares, crossed, units = found.astype(np.float64)[:, 5 * place : 5 * place + 5].T
        with np.errstate(divide="ignore", invalid="ignore"):
            apart = left / unit
            error = np.sqrt(np.maximum(squares - 2 * apart * crossed + apart**2 * units, 0.0) * n / (n - 1)) / unit
            reached = np.abs(apart) / error
        reached[~np.isfinite(reached)] = np.inf
        factors.append(float(np.quantile(reached, confidence_level, method="higher")) / usual)
    return factors


def _with_error(value: float, moves: Floats) -> Ratio:
    n = len(moves)
    return Ratio(value, float(np.sqrt(np.sum(moves**2) * n / max(n - 1, 1))), moves)


def _gamma(share: float, *, mean: float, variance: float) -> float:
    """Return the quantile of the gamma law of that mean and variance."""
    return float(gammaincinv(mean**2 / variance, share)) * variance / mean
