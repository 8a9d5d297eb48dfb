"""Correcting forecasts by how earlier ones of their kind turned out: proposed, shown, applied only when it helps.

A correction moves the median and widens the distance to it, on the log scale (conformal: the widening is the one at
which four in five earlier outcomes would have been inside). Whether it helps is asked of forecasts that came later:
each is corrected by what was due when it was made, and by nothing else. It is applied when those later forecasts score
better with it, beyond doubt; too few of them, and nothing is said.

References:
    Romano, Patterson, Candès 2019, Conformalized Quantile Regression.
"""

from enum import StrEnum
from typing import Any, Final, NamedTuple

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from analysis.stats.forecast_scoring import band_of, covered, crps, median_of, moved

__all__ = ["FEWEST_DAYS", "Correction", "Verdict", "corrections", "learn_correction"]

Floats = NDArray[np.float64]

FEWEST_DAYS: Final = 8
"""Days on which forecasts were made that a correction is judged by, at least."""

_FEWEST_LEARNT: Final = 3
_PRIOR_DAYS: Final = 4.0
"""A correction learnt from so many days is believed by half."""

_WIDEN_WITHIN: Final = (0.5, 5.0)
_INSIDE: Final = 0.8
_HALF: Final = 0.5
_LEAST: Final = 1e-9


class Verdict(StrEnum):
    """What is done with a correction."""

    TOO_FEW = "too_few"
    HELPS = "helps"
    DOES_NOT_HELP = "does_not_help"


class Correction(NamedTuple):
    """By how much forecasts are moved and widened.

    Attributes:
        shift: Of the logarithm of the median.
        widen: Factor of the distance to the median.
        n_days: Days it was learnt from.
    """

    shift: float
    widen: float
    n_days: int


def learn_correction(quantiles: Floats, actual: Floats, *, days: NDArray[np.generic]) -> Correction:
    """Return the correction that earlier forecasts ask for, drawn towards none while they are few.

    Args:
        quantiles: Of the forecasts before any correction, (n, 39).
        actual: Outcomes, (n,).
        days: On which each was made: forecasts of one day count as one.
    """
    n_days = len(np.unique(days))
    trust = n_days / (n_days + _PRIOR_DAYS)
    middle, ends = np.log(median_of(quantiles) + _HALF), np.log(band_of(quantiles, level=_INSIDE) + _HALF)
    gap = np.log(actual + _HALF) - middle
    weight = _weight_by_day(days)
    shift = trust * _weighted_quantile(gap, weight, 0.5)
    side = np.where(gap >= shift, ends[:, 1] - middle, middle - ends[:, 0])
    distance = np.abs(gap - shift) / np.maximum(side, _LEAST)
    level = min(_INSIDE * (1 + 1 / n_days), 1.0)
    widen = float(np.clip(_weighted_quantile(distance, weight, level), *_WIDEN_WITHIN))
    return Correction(float(shift), float(np.exp(trust * np.log(widen))), n_days)


def _weight_by_day(days: NDArray[np.generic]) -> Floats:
    _, place, n = np.unique(days, return_inverse=True, return_counts=True)
    return np.asarray(1.0 / n[place], dtype=np.float64)


def _weighted_quantile(values: Floats, weight: Floats, level: float) -> float:
    order = np.argsort(values, kind="stable")
    upto = np.cumsum(weight[order]) / weight.sum()
    return float(values[order][min(int(np.searchsorted(upto, level - _LEAST)), len(values) - 1)])


def corrections(scores: pd.DataFrame) -> pd.DataFrame:
    """Return what is proposed for each kind of forecast, how it did on later ones, and what follows.

    Args:
        scores: From ``ledger_scores.scored``.

    Returns:
        One row per notebook and quantity: ``shift``, ``widen`` (learnt from all that is due), ``n_days`` (learnt from),
        ``n_judged`` and ``n_days_judged`` (later forecasts it was tried on), ``coverage_before`` and
        ``coverage_after``, ``crps_before`` and ``crps_after`` (over the median), ``crps_gain`` (after less before:
        below 0 is better) with its 95 % interval over days, ``verdict``.
    """
    rows = [_proposed(str(n), str(q), group) for (n, q), group in scores.groupby(["notebook", "quantity"], sort=False)]
    return pd.DataFrame(rows, columns=_COLUMNS)


def _proposed(notebook: str, quantity: str, scores: pd.DataFrame) -> dict[str, object]:
    quantiles, actual, days = _arrays(scores)
    learnt = learn_correction(quantiles, actual, days=days)
    tried = _tried_later(scores)
    row: dict[str, object] = {
        "notebook": notebook,
        "quantity": quantity,
        "shift": learnt.shift,
        "widen": learnt.widen,
        "n_days": learnt.n_days,
        "n_judged": len(tried),
        "n_days_judged": int(tried["day"].nunique()) if len(tried) else 0,
        "confidence_level": 0.95,
    }
    if tried.empty:
        return {**row, "verdict": Verdict.TOO_FEW.value}
    gain, lower, upper = _over_days(tried["after"] - tried["before"], tried["day"])
    n_days = int(tried["day"].nunique())
    verdict = Verdict.HELPS if upper < 0 else Verdict.DOES_NOT_HELP
    return {
        **row,
        "coverage_before": float(tried["inside_before"].mean()),
        "coverage_after": float(tried["inside_after"].mean()),
        "crps_before": float(tried["before"].mean()),
        "crps_after": float(tried["after"].mean()),
        "crps_gain": gain,
        "crps_gain_ci_lower": lower,
        "crps_gain_ci_upper": upper,
        "verdict": (Verdict.TOO_FEW if n_days < FEWEST_DAYS else verdict).value,
    }


def _arrays(scores: pd.DataFrame) -> tuple[Floats, Floats, NDArray[np.generic]]:
    quantiles = np.stack([np.asarray(row, dtype=np.float64) for row in scores["quantiles_model"]])
    return quantiles, scores["actual"].to_numpy(dtype=np.float64), scores["made_on"].to_numpy()


def _tried_later(scores: pd.DataFrame) -> pd.DataFrame:
    """Return each forecast's score without and with the correction that could be known on the day it was made."""
    quantiles, actual, days = _arrays(scores)
    over = scores["due_on"].to_numpy()
    parts = []
    for day in np.unique(days):
        known, now = over <= day, days == day
        if len(np.unique(days[known])) < _FEWEST_LEARNT:
            continue
        found = learn_correction(quantiles[known], actual[known], days=days[known])
        plain, y = quantiles[now], actual[now]
        better, size = moved(plain, shift=found.shift, widen=found.widen), np.maximum(median_of(plain), _LEAST)
        parts.append(
            pd.DataFrame(
                {
                    "day": day,
                    "before": crps(plain, y) / size,
                    "after": crps(better, y) / size,
                    "inside_before": covered(plain, y),
                    "inside_after": covered(better, y),
                }
            )
        )
    return pd.concat(parts, ignore_index=True) if parts else pd.DataFrame(columns=["day"])


def _over_days(values: "pd.Series[float]", days: "pd.Series[Any]") -> tuple[float, float, float]:
    from scipy.special import stdtrit

    means = values.groupby(days).mean().to_numpy(dtype=np.float64)
    mean, n = float(means.mean()), len(means)
    if n < 2:
        return mean, float("-inf"), float("inf")
    half = float(stdtrit(n - 1, 0.975) * means.std(ddof=1) / np.sqrt(n))
    return mean, mean - half, mean + half


_COLUMNS: Final = [
    "notebook",
    "quantity",
    "shift",
    "widen",
    "n_days",
    "n_judged",
    "n_days_judged",
    "coverage_before",
    "coverage_after",
    "crps_before",
    "crps_after",
    "crps_gain",
    "crps_gain_ci_lower",
    "crps_gain_ci_upper",
    "confidence_level",
    "verdict",
]
