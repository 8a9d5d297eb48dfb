"""How good is a forecast that is a whole distribution: covered or not, how far off, and where the outcome fell in it.

A forecast is its quantiles at ``LEVELS``, 39 numbers in ascending order and in the unit of what was forecast; outcomes
are one number each. All functions take many forecasts at once, one a row.

References:
    Gneiting, T. and Raftery, A. (2007). Strictly Proper Scoring Rules, Prediction, and Estimation. JASA 102.
"""

from typing import Final

import numpy as np
from numpy.typing import ArrayLike, NDArray

from analysis.checks import share
from analysis.errors import AnalysisError

__all__ = ["LEVELS", "band_of", "covered", "crps", "log_quantiles", "median_of", "moved", "probability_transform"]

Floats = NDArray[np.float64]

LEVELS: Final = tuple(k / 40 for k in range(1, 40))
"""Levels of the quantiles that are kept: 2.5 %, 5 %, … 97.5 %."""

_STEP: Final = 1 / 40
_HALF: Final = 0.5
"""Added before a logarithm is taken: a forecast of no customer at all stays finite."""


def log_quantiles(value: float, *, error: float, degrees: float | None = None) -> Floats:
    """Return the quantiles of what is about log-normal around a value.

    Args:
        value: Its median, at least 0.
        error: Standard error of its logarithm.
        degrees: Degrees of freedom where the error itself was learnt from few cases (Student's t); None: the normal.

    Examples:
        >>> band_of(log_quantiles(100.0, error=0.1)).round(1).tolist()
        [[88.0, 113.7]]
    """
    from scipy.special import ndtri, stdtrit

    levels = np.array(LEVELS)
    scores = ndtri(levels) if degrees is None else stdtrit(degrees, levels)
    return np.asarray(value * np.exp(error * scores), dtype=np.float64)


def band_of(quantiles: ArrayLike, *, level: float = 0.8) -> Floats:
    """Return both ends of the central band of each forecast, shape (n, 2).

    Raises:
        AnalysisError: If the band does not end on two of ``LEVELS``.
    """
    low = round((1 - share(level, what="level")) / 2 / _STEP)
    if low < 1 or not np.isclose(low * _STEP, (1 - level) / 2):
        raise AnalysisError(f"A band of {level:.0%} does not end on kept quantiles.", hint="take 0.5, 0.8, 0.9 or 0.95")
    return _rows(quantiles)[:, [low - 1, -low]]


def median_of(quantiles: ArrayLike) -> Floats:
    """Return the middle of each forecast, shape (n,)."""
    return _rows(quantiles)[:, len(LEVELS) // 2]


def covered(quantiles: ArrayLike, actual: ArrayLike, *, level: float = 0.8) -> NDArray[np.bool_]:
    """Return whether each outcome fell inside the central band, ends included."""
    ends, y = band_of(quantiles, level=level), np.asarray(actual, dtype=np.float64)
    return np.asarray((ends[:, 0] <= y) & (y <= ends[:, 1]))


def crps(quantiles: ArrayLike, actual: ArrayLike) -> Floats:
    """Return the continuous ranked probability score of each forecast, in its own unit: 0 is perfect, lower is better.

    It is the distance of forecast and outcome, made smaller by owning up to what is not known; of a forecast without
    any doubt it is the absolute error. Twice the mean pinball loss over ``LEVELS``: the tails beyond count nothing.

    Examples:
        >>> crps(np.full((1, 39), 3.0), [5.0]).round(2).tolist()
        [1.95]
    """
    q, y = _rows(quantiles), np.asarray(actual, dtype=np.float64)[:, None]
    pinball = (np.array(LEVELS) - (y < q)) * (y - q)
    return np.asarray(2 * _STEP * pinball.sum(axis=1), dtype=np.float64)


def probability_transform(quantiles: ArrayLike, actual: ArrayLike, *, draw: ArrayLike) -> Floats:
    """Return where each outcome fell in its forecast, 0-1: even where forecasts are honest (randomised PIT).

    Args:
        quantiles: Forecasts.
        actual: Outcomes.
        draw: A number in 0-1 for each: places the outcome between two kept quantiles, and among equal ones.

    References:
        Czado, Gneiting, Held 2009, Biometrics 65 (counts).
    """
    q, y = _rows(quantiles), np.asarray(actual, dtype=np.float64)[:, None]
    below, upto = (q < y).sum(axis=1) * _STEP, ((q <= y).sum(axis=1) + 1) * _STEP
    return np.asarray(below + np.asarray(draw, dtype=np.float64) * (upto - below), dtype=np.float64)


def moved(quantiles: ArrayLike, *, shift: float, widen: float) -> Floats:
    """Return forecasts moved and widened about their median, on the log scale.

    Args:
        quantiles: Forecasts of what is at least 0.
        shift: Added to the logarithm of the median.
        widen: Factor of the distance to the median; below 1 narrows.

    Examples:
        >>> band_of(moved(log_quantiles(100.0, error=0.1), shift=0.0, widen=2.0)).round(0).tolist()
        [[77.0, 129.0]]
    """
    logs = np.log(np.maximum(_rows(quantiles), 0.0) + _HALF)
    middle = logs[:, [len(LEVELS) // 2]]
    return np.maximum(np.exp(middle + shift + widen * (logs - middle)) - _HALF, 0.0)


def _rows(quantiles: ArrayLike) -> Floats:
    q = np.atleast_2d(np.asarray(quantiles, dtype=np.float64))
    if q.shape[1] != len(LEVELS):
        raise AnalysisError(f"A forecast has {len(LEVELS)} quantiles, got {q.shape[1]}.")
    return q
