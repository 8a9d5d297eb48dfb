"""Tracking: the repeat purchases of a cohort, week by week, against what a model fitted on its first part says.

Counted from the cohort's first day, as the papers draw it: the forecast of a week sums the model's expectation for a
new customer over everybody's age in that week, so it knows nobody's history.

References:
    Fader, P. S., Hardie, B. G. S. and Lee, K. L. (2005). "Counting Your Customers" the Easy Way: An Alternative to
    the Pareto/NBD Model. Marketing Science 24(2), figures 4 and 5.
"""

from datetime import date, timedelta
from typing import Any, Final

import numpy as np
import numpy.typing as npt
import pandas as pd

from analysis.churn.btyd import uncertainty

__all__ = ["track_repeat_purchases"]

Floats = npt.NDArray[np.float64]

_LUCK_AGES: Final = 24
_MOST: Final = 200


def track_repeat_purchases(
    model: Any,
    days: pd.DataFrame,
    *,
    unit_days: float,
    calibration_ends_on: date,
    ends_on: date,
    confidence_level: float = 0.8,
) -> pd.DataFrame:
    """Return cumulative repeat purchase days by week, actual and forecast.

    The interval holds what is not known of the parameters and the luck of the customers; within the calibration
    period, which the model was fitted to, it is wider than it need be.

    Args:
        model: Fitted on the calibration period, in units of ``unit_days`` days.
        days: One row per day: day, n_first (customers who began), n_repeat (repeat purchases of the cohort).
        unit_days: Days of one time unit of the model.
        calibration_ends_on: Last day of the calibration period.
        ends_on: Last day of all; the last week is whole.
        confidence_level: Of the interval, in (0, 1).

    Returns:
        One row per whole week: week (1 ends six days after the first day), week_ends_on, in_calibration, actual,
        forecast with forecast_ci_lower and forecast_ci_upper, confidence_level.
    """
    first = days["day"].min().date()
    n_weeks = max(((ends_on - first).days + 1) // 7, 0)
    last_days = np.arange(1, n_weeks + 1) * 7 - 1
    at = (days["day"] - pd.Timestamp(first)).dt.days.to_numpy()
    began = np.bincount(at, weights=days["n_first"], minlength=int(last_days.max(initial=0)) + 1)
    repeats = np.cumsum(np.bincount(at, weights=days["n_repeat"], minlength=len(began)))
    # cohort[w, age]: customers who are that many days old at the end of week w
    cohort = _by_age(began, last_days)
    ages = np.arange(cohort.shape[1]) / unit_days

    def cumulative(other: Any) -> Floats:
        return np.asarray(cohort @ np.asarray(other.expected_purchases(ages), dtype=float))

    forecast = cumulative(model)
    unknown = uncertainty.spread(uncertainty.gradient(model, cumulative), model.covariance_)
    error = np.sqrt(unknown**2 + cohort @ _luck_by_age(model, ages))
    relative = np.divide(error, forecast, out=np.zeros_like(error), where=forecast > 0)
    ends = uncertainty.band(forecast, standard_error=relative, confidence_level=confidence_level)
    week_ends = [first + timedelta(days=int(day)) for day in last_days]
    return pd.DataFrame(
        {
            "week": np.arange(1, n_weeks + 1),
            "week_ends_on": pd.to_datetime(week_ends),
            "in_calibration": [day <= calibration_ends_on for day in week_ends],
            "actual": repeats[last_days] if n_weeks else np.array([]),
            "forecast": forecast,
            "forecast_ci_lower": ends.ci_lower,
            "forecast_ci_upper": ends.ci_upper,
            "confidence_level": confidence_level,
        }
    )


def _by_age(began: npt.NDArray[Any], last_days: npt.NDArray[np.int_]) -> Floats:
    """Return customers by week (rows) and age in days at its end (columns)."""
    cohort = np.zeros((len(last_days), int(last_days.max(initial=0)) + 1))
    for row, last in enumerate(last_days):
        known = began[: last + 1]
        cohort[row, : len(known)] = known[::-1]
    return cohort


def _luck_by_age(model: Any, ages: Floats) -> Floats:
    """Return the variance of a new customer's repeat purchases by age: it is smooth, so a few ages serve all."""
    if len(ages) < 2:
        return np.zeros(len(ages))
    nobody = {name: np.zeros(1) for name in ("frequency", "recency", "T")}
    places = np.linspace(ages[1], ages[-1], _LUCK_AGES)
    variances = [uncertainty.luck_variance(model, nobody, horizon=float(age), most=_MOST)[0] for age in places]
    return np.asarray(np.interp(ages, [0.0, *places], [0.0, *variances]))
