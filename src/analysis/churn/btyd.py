"""BG/NBD: each customer's own purchase clock, with a chance of leaving for good after each purchase.

While alive a customer buys at a rate drawn from Gamma(r, α); after each purchase they drop out with a
chance drawn from Beta(a, b). Rates carry the time unit of ``recency`` and ``T``.

References:
    Fader, P. S., Hardie, B. G. S. and Lee, K. L. (2005). "Counting Your Customers" the Easy Way: An
    Alternative to the Pareto/NBD Model. Marketing Science 24(2). Equation numbers below are theirs.
"""

from typing import Final, NamedTuple

import numpy as np
import numpy.typing as npt

from analysis.errors import AnalysisError

__all__ = ["BgNbd", "expected_purchases", "fit_bg_nbd", "log_likelihood", "probability_alive"]

Floats = npt.NDArray[np.float64]

_SCALED_T: Final = 10.0  # time is fitted on a scale where the oldest customer is this old: well-conditioned steps
_BOUNDS: Final = (-9.0, 9.0)  # of the logarithm of each parameter on that scale


class BgNbd(NamedTuple):
    """The four parameters of a BG/NBD model.

    Attributes:
        r: Shape of the purchase rates.
        alpha: Scale of the purchase rates, in periods.
        a: First shape of the dropout chances.
        b: Second shape of the dropout chances.
    """

    r: float
    alpha: float
    a: float
    b: float


def fit_bg_nbd(frequency: npt.ArrayLike, recency: npt.ArrayLike, T: npt.ArrayLike) -> BgNbd:  # noqa: N803 - the model's own letter
    """Return the maximum-likelihood parameters for a table of customers.

    Customers alike in all three columns are counted once, with a weight.

    Args:
        frequency: Repeat purchase periods of each customer.
        recency: Age at the last repeat purchase, in periods; 0 without one.
        T: Age at the end of the calibration period, in periods.

    Raises:
        AnalysisError: If there is no customer, or the columns contradict each other.
    """
    from scipy.optimize import minimize

    x, t_x, age = _checked(frequency, recency, T)
    rows, weights = np.unique(np.column_stack([x, t_x, age]), axis=0, return_counts=True)
    stretch = _SCALED_T / max(float(age.max()), 1e-9)
    x, t_x, age = rows[:, 0], rows[:, 1] * stretch, rows[:, 2] * stretch

    def negative(logs: Floats) -> tuple[float, Floats]:
        value, slope = _value_and_slope(np.exp(logs), x, t_x, age, weights)
        return -value / weights.sum(), -slope * np.exp(logs) / weights.sum()

    start = np.log([1.0, 1.0, 1.0, 2.0])
    found = minimize(negative, start, jac=True, method="L-BFGS-B", bounds=[_BOUNDS] * 4, options={"ftol": 1e-12})
    r, alpha, a, b = (float(value) for value in np.exp(found.x))
    return BgNbd(r, alpha / stretch, a, b)


def log_likelihood(
    model: BgNbd,
    *,
    frequency: npt.ArrayLike,
    recency: npt.ArrayLike,
    T: npt.ArrayLike,  # noqa: N803 - the model's own letter
) -> float:
    """Return the sum over customers of the individual log-likelihoods (equation 6)."""
    x, t_x, age = _checked(frequency, recency, T)
    return _value_and_slope(np.asarray(model), x, t_x, age, np.ones_like(x))[0]


def probability_alive(
    model: BgNbd,
    *,
    frequency: npt.ArrayLike,
    recency: npt.ArrayLike,
    T: npt.ArrayLike,  # noqa: N803 - the model's own letter
) -> Floats:
    """Return each customer's probability of being alive at T; 1 without a repeat, by the model.

    Examples:
        >>> cdnow = BgNbd(0.243, 4.414, 0.793, 2.426)
        >>> probability_alive(cdnow, frequency=[2], recency=[30.43], T=[38.86]).round(4).tolist()
        [0.7266]
    """
    x, t_x, age = _checked(frequency, recency, T)
    r, alpha, a, b = model
    repeated = np.maximum(x, 1.0)
    odds_dead = a / (b + repeated - 1) * ((alpha + age) / (alpha + t_x)) ** (r + x)
    return np.where(x > 0, 1 / (1 + odds_dead), 1.0)


def expected_purchases(
    model: BgNbd,
    *,
    horizon: float,
    frequency: npt.ArrayLike,
    recency: npt.ArrayLike,
    T: npt.ArrayLike,  # noqa: N803 - the model's own letter
) -> Floats:
    """Return each customer's expected purchases in (T, T + horizon] (equation 10).

    Examples:
        >>> cdnow = BgNbd(0.243, 4.414, 0.793, 2.426)
        >>> expected_purchases(cdnow, horizon=39, frequency=[2], recency=[30.43], T=[38.86]).round(3).tolist()
        [1.226]
    """
    from scipy.special import hyp2f1

    x, _, age = _checked(frequency, recency, T)
    r, alpha, a, b = model
    later = alpha + age + horizon
    series = hyp2f1(r + x, b + x, a + b + x - 1, horizon / later)
    while_alive = (a + b + x - 1) / (a - 1) * (1 - ((alpha + age) / later) ** (r + x) * series)
    return np.asarray(while_alive * probability_alive(model, frequency=frequency, recency=recency, T=T))


def _checked(frequency: npt.ArrayLike, recency: npt.ArrayLike, age: npt.ArrayLike) -> tuple[Floats, Floats, Floats]:
    x, t_x, until = (np.asarray(column, dtype=float) for column in (frequency, recency, age))
    if x.size == 0:
        raise AnalysisError("A purchase clock needs at least one customer, got none.")
    if not (np.all(x >= 0) and np.all(t_x >= 0) and np.all(t_x <= until)):
        raise AnalysisError(
            "frequency, recency and T contradict each other: 0 ≤ recency ≤ T and frequency ≥ 0 must hold.",
            hint="recency is the age at the last repeat purchase, not the days since it",
        )
    return x, t_x, until


def _value_and_slope(
    parameters: Floats, x: Floats, t_x: Floats, age: Floats, weights: npt.NDArray[np.generic]
) -> tuple[float, Floats]:
    """Return the weighted log-likelihood and its slope in (r, α, a, b)."""
    from scipy.special import digamma, gammaln

    r, alpha, a, b = parameters
    shared = gammaln(r + x) - gammaln(r) + r * np.log(alpha)
    shared += gammaln(a + b) + gammaln(b + x) - gammaln(b) - gammaln(a + b + x)
    log_alive = -(r + x) * np.log(alpha + age)
    repeated = x > 0
    seen = np.where(repeated, b + x - 1, 1.0)
    log_left = np.where(repeated, np.log(a) - np.log(seen) - (r + x) * np.log(alpha + t_x), -np.inf)
    log_either = np.logaddexp(log_alive, log_left)
    left = np.exp(log_left - log_either)
    alive = 1 - left

    by_r = digamma(r + x) - digamma(r) + np.log(alpha) - alive * np.log(alpha + age) - left * np.log(alpha + t_x)
    by_alpha = r / alpha - (r + x) * (alive / (alpha + age) + left / (alpha + t_x))
    both = digamma(a + b) - digamma(a + b + x)
    by_a = both + left / a
    by_b = both + digamma(b + x) - digamma(b) - np.where(repeated, left / seen, 0.0)
    slope = np.array([np.dot(weights, part) for part in (by_r, by_alpha, by_a, by_b)])
    return float(np.dot(weights, shared + log_either)), slope
