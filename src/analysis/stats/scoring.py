"""How good are predicted probabilities of a yes-or-no outcome: ranking, honesty, and by how much.

Arrays in, numbers out. Outcomes are 0 or 1, probabilities lie in 0-1; all functions ignore row order.
"""

from typing import Final, NamedTuple

import numpy as np
from numpy.typing import ArrayLike, NDArray

from analysis.errors import AnalysisError

__all__ = [
    "CalibrationLine",
    "Score",
    "area_under_curve",
    "brier_score",
    "calibration_line",
    "expected_calibration_error",
    "log_loss",
    "log_loss_difference",
    "log_losses",
    "perfect_calibration_error",
    "proportion",
    "reliability_bins",
]

Floats = NDArray[np.float64]

_FLOOR: Final = 1e-6
"""Probabilities are held within [1e-6, 1 - 1e-6]: one certain and wrong forecast would cost infinity."""

_NEWTON_STEPS: Final = 50
_NEWTON_TOLERANCE: Final = 1e-10


class Score(NamedTuple):
    """A number with its interval."""

    value: float
    ci_lower: float
    ci_upper: float


class CalibrationLine(NamedTuple):
    """Log-odds of the outcome against log-odds of the forecast: a perfect forecaster has slope 1, intercept 0."""

    slope: Score
    intercept: Score


class ReliabilityBins(NamedTuple):
    """Forecast and outcome in bins of equal count, one entry per bin that holds a row.

    Attributes:
        n: Rows in the bin.
        mean_forecast: Mean probability, 0-1.
        share_observed: Share with outcome 1, 0-1.
        ci_lower: Lower end of Wilson's interval of the share observed.
        ci_upper: Its upper end.
    """

    n: NDArray[np.int64]
    mean_forecast: Floats
    share_observed: Floats
    ci_lower: Floats
    ci_upper: Floats


def area_under_curve(outcome: ArrayLike, probability: ArrayLike, *, confidence_level: float = 0.95) -> Score:
    """Return the probability that a random 1 is ranked above a random 0 (ROC AUC), with DeLong's interval.

    The interval is built on the log-odds scale, so it stays within 0-1. Ties count half.

    Raises:
        AnalysisError: If one of the outcomes does not occur.

    References:
        DeLong, DeLong, Clarke-Pearson 1988, Biometrics 44; Sun, Xu 2014, IEEE Signal Processing Letters 21.

    Examples:
        >>> area_under_curve([0, 0, 1, 1], [0.1, 0.4, 0.35, 0.8]).value
        0.75
    """
    from scipy.special import expit, logit
    from scipy.stats import rankdata

    y, p = _paired(outcome, probability)
    positive = y == 1
    n_positive, n_negative = int(positive.sum()), int((~positive).sum())
    if not n_positive or not n_negative:
        raise AnalysisError("The area under the curve needs both outcomes, only one occurs.")
    rank = rankdata(p)
    above = (rank[positive] - rankdata(p[positive])) / n_negative
    below = 1 - (rank[~positive] - rankdata(p[~positive])) / n_positive
    area = float(above.mean())
    variance = _variance(above) / n_positive + _variance(below) / n_negative
    if not 0 < area < 1 or variance == 0:
        return Score(area, area, area)
    half = _normal_quantile(confidence_level) * np.sqrt(variance) / (area * (1 - area))
    return Score(area, float(expit(logit(area) - half)), float(expit(logit(area) + half)))


def log_losses(outcome: ArrayLike, probability: ArrayLike) -> Floats:
    """Return each row's log loss, -ln of the probability given to what happened, in nats."""
    y, p = _paired(outcome, probability)
    p = np.clip(p, _FLOOR, 1 - _FLOOR)
    return -np.where(y == 1, np.log(p), np.log1p(-p))


def log_loss(outcome: ArrayLike, probability: ArrayLike, *, confidence_level: float = 0.95) -> Score:
    """Return the mean log loss in nats (0 is perfect, lower is better), with its interval.

    Examples:
        >>> round(log_loss([1, 0], [0.5, 0.5]).value, 4)
        0.6931
    """
    return _mean(log_losses(outcome, probability), confidence_level=confidence_level)


def log_loss_difference(
    outcome: ArrayLike, probability: ArrayLike, *, baseline: ArrayLike, confidence_level: float = 0.95
) -> Score:
    """Return mean log loss of the forecast minus that of the baseline on the same rows: below 0 is better.

    The interval is the paired one, far narrower than the two intervals beside each other suggest.
    """
    difference = log_losses(outcome, probability) - log_losses(outcome, baseline)
    return _mean(difference, confidence_level=confidence_level)


def brier_score(outcome: ArrayLike, probability: ArrayLike, *, confidence_level: float = 0.95) -> Score:
    """Return the mean squared error of the probabilities (0 is perfect), with its interval."""
    y, p = _paired(outcome, probability)
    return _mean((y - p) ** 2, confidence_level=confidence_level)


def calibration_line(outcome: ArrayLike, probability: ArrayLike, *, confidence_level: float = 0.95) -> CalibrationLine:
    """Return slope and intercept of the outcome's log-odds on the forecast's, with Wald intervals.

    A slope below 1 says the forecasts are too extreme, above 1 too timid. The intercept is the log-odds of the
    outcome where the forecast says one half.

    Raises:
        AnalysisError: If only one outcome occurs, or the forecasts do not vary.

    References:
        Cox 1958, Biometrika 45; Van Calster et al. 2019, BMC Medicine 17.
    """
    y, p = _paired(outcome, probability)
    odds = np.log(np.clip(p, _FLOOR, 1 - _FLOOR)) - np.log1p(-np.clip(p, _FLOOR, 1 - _FLOOR))
    if y.min() == y.max() or np.ptp(odds) < _FLOOR:
        raise AnalysisError("A calibration line needs both outcomes and forecasts that differ.")
    design = np.column_stack([np.ones_like(odds), odds])
    coefficient, covariance = _logistic_fit(design, y)
    half = _normal_quantile(confidence_level) * np.sqrt(np.diag(covariance))
    intercept, slope = (Score(float(c), float(c - h), float(c + h)) for c, h in zip(coefficient, half, strict=True))
    return CalibrationLine(slope, intercept)


def proportion(hits: int, n: int, *, confidence_level: float = 0.95) -> Score:
    """Return the share of hits among n, 0-1, with Wilson's interval.

    Raises:
        AnalysisError: If there are no rows, or more hits than rows.

    References:
        Wilson 1927, Journal of the American Statistical Association 22.
    """
    if not 0 <= hits <= n or not n:
        raise AnalysisError(f"A share needs 0 to n hits among n rows, got {hits} of {n}.")
    share = np.array([hits / n])
    lower, upper = _wilson(share, np.array([n]), confidence_level=confidence_level)
    return Score(float(share[0]), float(lower[0]), float(upper[0]))


def reliability_bins(
    outcome: ArrayLike, probability: ArrayLike, *, n_bins: int = 10, confidence_level: float = 0.95
) -> ReliabilityBins:
    """Return forecast against outcome in bins of equal count by forecast; equal forecasts share a bin."""
    y, p = _paired(outcome, probability)
    index = _equal_count_bins(p, n_bins=n_bins)
    count = np.bincount(index, minlength=n_bins)
    held = count > 0
    n = count[held].astype(np.int64)
    forecast = np.bincount(index, weights=p, minlength=n_bins)[held] / n
    observed = np.bincount(index, weights=y, minlength=n_bins)[held] / n
    return ReliabilityBins(n, forecast, observed, *_wilson(observed, n, confidence_level=confidence_level))


def expected_calibration_error(outcome: ArrayLike, probability: ArrayLike, *, n_bins: int = 10) -> float:
    """Return the mean distance of forecast and outcome over bins of equal count, 0-1 (ECE).

    Even a perfect forecaster's is above 0 by luck: subtract ``perfect_calibration_error``.
    """
    bins = reliability_bins(outcome, probability, n_bins=n_bins)
    return float(np.abs(bins.share_observed - bins.mean_forecast) @ bins.n / bins.n.sum())


def perfect_calibration_error(
    probability: ArrayLike, *, rng: np.random.Generator, n_bins: int = 10, resamples: int = 100
) -> float:
    """Return the ECE that luck alone gives: the mean over outcomes drawn from the probabilities themselves.

    Args:
        probability: Forecasts, 0-1.
        rng: Source of the draws.
        n_bins: Bins of equal count.
        resamples: Draws of all outcomes; 100 know the mean to about 5 % of itself or better.
    """
    p = np.asarray(probability, dtype=np.float64)
    index = _equal_count_bins(p, n_bins=n_bins)
    order = np.argsort(index, kind="stable")
    p, starts = p[order], np.flatnonzero(np.r_[True, np.diff(index[order]) > 0])
    expected = np.add.reduceat(p, starts)
    errors = np.empty(resamples)
    threshold = p.astype(np.float32)
    for i in range(resamples):
        drawn = np.add.reduceat(rng.random(p.size, dtype=np.float32) < threshold, starts, dtype=np.int64)
        errors[i] = np.abs(drawn - expected).sum() / p.size
    return float(errors.mean())


def _paired(outcome: ArrayLike, probability: ArrayLike) -> tuple[Floats, Floats]:
    y, p = np.asarray(outcome, dtype=np.float64), np.asarray(probability, dtype=np.float64)
    if y.ndim != 1 or y.shape != p.shape or not y.size:
        raise AnalysisError(f"Outcomes and probabilities must be two equally long lists, got {y.shape} and {p.shape}.")
    if not np.isin(y, (0, 1)).all():
        raise AnalysisError("Outcomes must be 0 or 1.")
    if not ((p >= 0) & (p <= 1)).all():
        raise AnalysisError("Probabilities must lie within 0-1, without gaps.")
    return y, p


def _variance(values: Floats) -> float:
    return float(values.var(ddof=1)) if values.size > 1 else 0.0


def _mean(values: Floats, *, confidence_level: float) -> Score:
    mean = float(values.mean())
    half = _normal_quantile(confidence_level) * np.sqrt(_variance(values) / values.size)
    return Score(mean, float(mean - half), float(mean + half))


def _normal_quantile(confidence_level: float) -> float:
    from scipy.special import ndtri

    return float(ndtri(0.5 + confidence_level / 2))


def _equal_count_bins(p: Floats, *, n_bins: int) -> NDArray[np.int64]:
    from scipy.stats import rankdata

    # Average ranks keep ties together, so the bins do not depend on row order.
    return np.minimum((rankdata(p) - 0.5) / p.size * n_bins, n_bins - 1).astype(np.int64)


def _wilson(share: Floats, n: NDArray[np.int64], *, confidence_level: float) -> tuple[Floats, Floats]:
    z = _normal_quantile(confidence_level)
    centre = (share + z**2 / (2 * n)) / (1 + z**2 / n)
    half = z / (1 + z**2 / n) * np.sqrt(share * (1 - share) / n + z**2 / (4 * n**2))
    return np.maximum(centre - half, 0.0), np.minimum(centre + half, 1.0)


def _logistic_fit(design: Floats, y: Floats) -> tuple[Floats, Floats]:
    """Fit a logistic regression without penalty by Newton's method; coefficients and their covariance."""
    from scipy.special import expit

    coefficient = np.zeros(design.shape[1])
    for _ in range(_NEWTON_STEPS):
        fitted = expit(design @ coefficient)
        information = (design * (fitted * (1 - fitted))[:, None]).T @ design
        step = np.linalg.solve(information, design.T @ (y - fitted))
        coefficient = coefficient + step
        if np.abs(step).max() < _NEWTON_TOLERANCE:
            break
    return coefficient, np.linalg.inv(information).astype(np.float64)
