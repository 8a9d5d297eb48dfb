"""Intervals of statistics that a few huge values decide: shares of revenue, Gini.

Arrays in, numbers out. The usual normal interval of such a statistic is too short: a sample without the
rare huge customer shows both a wrong value and a small standard error. Here the largest values are
described by a fitted tail instead of by themselves, and the interval's critical values are simulated.
"""

from typing import Final, NamedTuple

import numpy as np
from numpy.typing import ArrayLike, NDArray

from analysis.checks import share
from analysis.errors import AnalysisError

__all__ = ["Interval", "ParetoTail", "fit_pareto_tail", "heavy_tail_interval", "normal_interval"]

Floats = NDArray[np.float64]

_TAIL_SHARE: Final = 0.2
"""The largest fifth of the values, at most, is described by a fitted tail."""

_TAIL_ROWS: Final = 1000
"""No more rows than this: further ones add bias, not knowledge of the tail."""

_FEWEST_TAIL_ROWS: Final = 20

_PRIOR_SHAPE: Final = 0.4
"""Tail shape believed before the data speak; spending is as a rule between 0 (exponential) and 0.5."""

_PRIOR_ROWS: Final = 100
"""The prior shape weighs as many rows: it keeps critical values from jumping from sample to sample."""

_HEAVIEST_SHAPE: Final = 0.47
"""Above 0.5 the variance is infinite and no interval of this kind covers."""

_DRAWS: Final = 500


class Interval(NamedTuple):
    """Both ends of an interval; NaN where there are too few values to say."""

    lower: float
    upper: float


class ParetoTail(NamedTuple):
    """Generalised Pareto law of what exceeds a threshold: P(excess > y) = (1 + shape y / scale)^(-1 / shape)."""

    shape: float
    scale: float


class _Split(NamedTuple):
    """The sample seen as a body and a tail in which the influence is linear: intercept + slope × excess."""

    n: int
    n_tail: int
    body_mean: float
    body_variance: float
    intercept: float
    slope: float
    tail: ParetoTail


def normal_interval(estimate: float, *, influence: ArrayLike, confidence_level: float = 0.95) -> Interval:
    """Return the interval of the central limit theorem, from the influence of each row on the estimate.

    Args:
        estimate: The estimate, any unit.
        influence: Influence of each row, mean about zero, the estimate's unit.
        confidence_level: In (0, 1).
    """
    values = np.asarray(influence, dtype=np.float64)
    if len(values) < 2:
        return Interval(float("nan"), float("nan"))
    from scipy.special import ndtri

    half = float(ndtri(0.5 + confidence_level / 2) * values.std(ddof=1) / np.sqrt(len(values)))
    return Interval(estimate - half, estimate + half)


def fit_pareto_tail(excess: ArrayLike) -> ParetoTail:
    """Fit the generalised Pareto law to excesses over a threshold by the quasi-Bayesian method of Zhang and Stephens.

    Args:
        excess: Excesses, above zero, at least two, any order.

    Raises:
        AnalysisError: If there are fewer than two, or one is not above zero.

    References:
        Zhang, J. and Stephens, M. A. (2009). A new and efficient estimation method for the generalized
        Pareto distribution. Technometrics 51(3), 316-325.
    """
    values = np.sort(np.asarray(excess, dtype=np.float64))
    if len(values) < 2 or values[0] <= 0:
        raise AnalysisError(f"A tail is fitted to two or more excesses above zero, got {len(values)}.")
    n = len(values)
    m = 30 + int(np.sqrt(n))
    grid = 1 / values[-1] + (1 - np.sqrt(m / (np.arange(1, m + 1) - 0.5))) / (3 * values[int(n / 4 + 0.5) - 1])
    shapes = np.log1p(-grid[:, None] * values).mean(axis=1)
    likelihood = n * (np.log(-grid / shapes) - shapes - 1)
    weight = np.exp(likelihood - likelihood.max())
    rate = float((grid * weight).sum() / weight.sum())
    shape = float(np.log1p(-rate * values).mean())
    return ParetoTail(shape, -shape / rate)


def heavy_tail_interval(
    estimate: float,
    *,
    influence: ArrayLike,
    values: ArrayLike,
    seed: int,
    confidence_level: float = 0.95,
    tail_share: float = _TAIL_SHARE,
) -> Interval:
    """Return an interval that covers also where a few huge rows decide the statistic.

    The influence of the largest rows is taken as linear in their value, their value as generalised Pareto.
    That gives a standard error that does not depend on whether a huge row happens to be in the sample, and
    its critical values by simulation. Coverage of the share of customers that carries 80 % of revenue, nominal
    95 %, 2,000 rows: 93-97 % for gamma, log-normal (sigma 1) and Pareto (alpha 3) spending; about 93 % for
    log-normal with sigma 1.5. No interval covers where the variance is infinite (Pareto, alpha < 2).

    Args:
        estimate: The estimate, any unit.
        influence: Influence of each row on the estimate, mean about zero, the estimate's unit.
        values: The value of each row that has the heavy tail, such as revenue, the same order.
        seed: Of the simulated critical values.
        confidence_level: In (0, 1).
        tail_share: Largest share of rows described by the fitted tail.

    Raises:
        AnalysisError: If the arrays differ in length or a share is not within 0-1.

    References:
        Cowell, F. A. and Flachaire, E. (2007). Income distribution and inequality measurement: the problem
        of extreme values. Journal of Econometrics 141(2), 1044-1072.
    """
    share(confidence_level, what="confidence_level")
    share(tail_share, what="tail_share")
    effect = np.asarray(influence, dtype=np.float64)
    size = np.asarray(values, dtype=np.float64)
    if len(effect) != len(size):
        raise AnalysisError(f"influence has {len(effect)} rows, values has {len(size)}.")
    split = _split(effect, size, rows=int(min(tail_share * len(size), _TAIL_ROWS)))
    if split is None:
        return normal_interval(estimate, influence=effect, confidence_level=confidence_level)
    low, high = _critical_values(split, seed=seed, confidence_level=confidence_level)
    error, _ = _standard_error(split, np.array([split.n_tail / split.n]), np.array([split.tail.scale]))
    return Interval(float(estimate - high * error[0]), float(estimate - low * error[0]))


def _split(effect: Floats, size: Floats, *, rows: int) -> _Split | None:
    """Return body and tail, or None where the tail is too short or flat to be fitted."""
    if rows < _FEWEST_TAIL_ROWS:
        return None
    threshold = float(np.partition(size, len(size) - rows - 1)[len(size) - rows - 1])
    in_tail = size > threshold
    excess = size[in_tail] - threshold
    if len(excess) < _FEWEST_TAIL_ROWS or excess.max() - excess.min() <= 1e-9 * excess.max():
        return None
    fitted = fit_pareto_tail(excess).shape
    shape = min((len(excess) * fitted + _PRIOR_ROWS * _PRIOR_SHAPE) / (len(excess) + _PRIOR_ROWS), _HEAVIEST_SHAPE)
    slope, intercept = np.polyfit(excess, effect[in_tail], 1)
    body = effect[~in_tail]
    return _Split(
        n=len(size),
        n_tail=len(excess),
        body_mean=float(body.mean()),
        body_variance=float(body.var()),
        intercept=float(intercept),
        slope=float(slope),
        tail=ParetoTail(shape, float(excess.mean()) * (1 - shape)),
    )


def _standard_error(split: _Split, tail_share: Floats, scale: Floats) -> tuple[Floats, Floats]:
    """Return standard error and mean of the influence, one per pair of tail share and scale."""
    shape = split.tail.shape
    first = scale / (1 - shape)
    second = 2 * scale**2 / ((1 - shape) * (1 - 2 * shape))
    tail_mean = split.intercept + split.slope * first
    tail_square = split.intercept**2 + 2 * split.intercept * split.slope * first + split.slope**2 * second
    mean = (1 - tail_share) * split.body_mean + tail_share * tail_mean
    square = (1 - tail_share) * (split.body_variance + split.body_mean**2) + tail_share * tail_square
    return np.sqrt(np.maximum(square - mean**2, 0) / split.n), mean


def _critical_values(split: _Split, *, seed: int, confidence_level: float) -> tuple[float, float]:
    """Return both quantiles of the studentised estimate, simulated under the fitted body and tail."""
    rng = np.random.default_rng(seed)
    shape, scale = split.tail
    n_tail = np.maximum(rng.binomial(split.n, split.n_tail / split.n, _DRAWS), 1)
    uniform = rng.random((_DRAWS, int(n_tail.max())), dtype=np.float32)
    excess = np.float32(scale / shape) * np.expm1(np.float32(-shape) * np.log(1 - uniform))
    excess[np.arange(excess.shape[1]) >= n_tail[:, None]] = 0
    total = excess.sum(axis=1, dtype=np.float64)
    n_body = split.n - n_tail
    body = n_body * split.body_mean + np.sqrt(n_body * split.body_variance) * rng.standard_normal(_DRAWS)
    drawn = (body + n_tail * split.intercept + split.slope * total) / split.n
    error, _ = _standard_error(split, n_tail / split.n, total / n_tail * (1 - shape))
    _, truth = _standard_error(split, np.array([split.n_tail / split.n]), np.array([scale]))
    low, high = np.quantile((drawn - truth[0]) / error, [(1 - confidence_level) / 2, (1 + confidence_level) / 2])
    return float(low), float(high)
