"""Whether the logged probabilities can be the designed ones, and whether a policy's value held over time.

If they are, weights average one: for every action, and beside every column known before the decision.
"""

from collections.abc import Sequence
from typing import Any, Final, NamedTuple

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from scipy.special import chdtrc, stdtr, stdtrit

from analysis.experiment.policies import Policy
from analysis.experiment.policy_intervals import ratio
from analysis.experiment.policy_log import Log
from analysis.experiment.policy_value import weights_of

__all__ = ["ACTION_COLUMNS", "ALARM", "PERIOD_COLUMNS", "Calibration", "by_period", "calibration", "drift_pvalue"]

Floats = NDArray[np.float64]
Codes = NDArray[np.int64]

ALARM: Final = 0.001
"""Chance, over all checks together, of an alarm at probabilities that are right."""

_FEWEST_BEHIND: Final = 100  # decisions expected to carry a check: with fewer its score is not near normal
_MOST_COLUMNS: Final = 20

ACTION_COLUMNS: Final = (
    "action", "n", "share_logged", "mean_reward", "mean_weight", "mean_weight_ci_lower", "mean_weight_ci_upper",
    "max_weight", "confidence_level",
)  # fmt: skip

PERIOD_COLUMNS: Final = (
    "period", "n", "logged", "logged_ci_lower", "logged_ci_upper", "value", "value_ci_lower", "value_ci_upper",
    "difference", "difference_ci_lower", "difference_ci_upper", "difference_std_error", "logged_std_error",
    "confidence_level",
)  # fmt: skip


class Calibration(NamedTuple):
    """What the weights say of the logged probabilities.

    Attributes:
        n_actions: Actions in the log: what 1 / propensity should average.
        mean_inverse: What it does average, with the ends of its interval.
        pvalue: Of the worst of all checks, all of them counted.
        worst: The action that it is about.
        column: The column beside which its weights do not average one; "" if they do not at all.
        table: One row per action (``ACTION_COLUMNS``).
    """

    n_actions: int
    mean_inverse: tuple[float, float, float]
    pvalue: float
    worst: str
    column: str
    table: pd.DataFrame

    @property
    def holds(self) -> bool:
        """Whether the probabilities can be the designed ones."""
        return self.pvalue >= ALARM


def calibration(log: Log, *, confidence_level: float = 0.95) -> Calibration:
    """Check the logged probabilities: for every action alone, and beside the first 20 measures of context.

    The weight of an action (1 / propensity where it was taken, else 0) averages one among any customers, whatever is
    known of them, if its probability was the designed one and every customer could get it.
    """
    sizes = np.diff(np.append(log.starts, log.n)).astype(np.float64)
    reach = float(stdtrit(log.n_customers - 1, 0.5 + confidence_level / 2))
    inverse = ratio(log.by_customer(1 / log.propensity), sizes)
    half = reach * inverse.std_error
    beside = log.context[:, :_MOST_COLUMNS]
    carried = np.sum(beside**2, axis=0) ** 2 / np.sum(beside**4, axis=0)  # a mark of few customers: as many as those
    found: list[tuple[float, str, str]] = []
    rows = []
    for code, action in enumerate(log.actions):
        taken = log.action == code
        weight = np.where(taken, 1 / log.propensity, 0.0)
        mean = ratio(log.by_customer(weight), sizes)
        ends = reach * mean.std_error
        rows.append(
            (action, int(taken.sum()), float(taken.mean()), float(log.reward[taken].mean()), mean.value,
             mean.value - ends, mean.value + ends, float(weight.max()), confidence_level)
        )  # fmt: skip
        if taken.sum() < _FEWEST_BEHIND:
            continue
        found.append((_score(mean.value - 1, mean.std_error), action, ""))
        squares = log.by_customer((weight - 1)[:, None] * beside) ** 2
        totals, errors = (weight - 1) @ beside, np.sqrt(squares.sum(axis=0))
        found += [
            (_score(total, error), action, name)
            for total, error, many, name in zip(totals, errors, carried, log.measures, strict=False)
            if many * taken.mean() >= _FEWEST_BEHIND
        ]
    worst = max(found, default=(0.0, "", ""))
    single = 2 * float(stdtr(log.n_customers - 1, -worst[0]))
    mean_inverse = (inverse.value, inverse.value - half, inverse.value + half)
    pvalue = min(1.0, single * max(len(found), 1))
    table = pd.DataFrame(rows, columns=list(ACTION_COLUMNS))
    return Calibration(len(log.actions), mean_inverse, pvalue, worst[1], worst[2], table)


def by_period(
    log: Log, policy: Policy, *, forecast: Floats, periods: Codes, labels: Sequence[Any], confidence_level: float = 0.95
) -> pd.DataFrame:
    """Return one row per period: the logged policy's mean reward, the policy's value (DR), and their difference.

    Args:
        log: The decisions.
        policy: Whose value it is.
        forecast: Forecast rewards, shape (n, K).
        periods: Number of each decision's period; -1 for one without a date.
        labels: Name of each period.
        confidence_level: Of the intervals.
    """
    if policy.inside is not None:
        periods = periods[policy.inside]
    policy, log, forecast = policy.where_valued(log, forecast)
    weights = weights_of(log, policy)
    misses = log.reward - forecast[np.arange(log.n), log.action]
    scores = policy.expected(forecast) + weights * misses
    rows = []
    for period, name in enumerate(labels):
        inside = (periods == period).astype(np.float64)
        sizes = log.by_customer(inside)
        here = sizes > 0
        reach = float(stdtrit(max(int(here.sum()) - 1, 1), 0.5 + confidence_level / 2))
        logged, own = (ratio(log.by_customer(inside * what)[here], sizes[here]) for what in (log.reward, scores))
        apart = own.less(logged)
        ends = [
            (one.value, one.value - reach * one.std_error, one.value + reach * one.std_error)
            for one in (logged, own, apart)
        ]
        errors = (apart.std_error, logged.std_error)
        rows.append((name, int(inside.sum()), *ends[0], *ends[1], *ends[2], *errors, confidence_level))
    return pd.DataFrame(rows, columns=list(PERIOD_COLUMNS))


def drift_pvalue(values: Sequence[float], errors: Sequence[float]) -> float:
    """Return the chance that values of a constant would differ as much: Cochran's Q over periods.

    Examples:
        >>> drift_pvalue([1.0, 1.0, 1.0], [0.1, 0.1, 0.1])
        1.0
    """
    known = [(value, error) for value, error in zip(values, errors, strict=True) if error > 0]
    if len(known) < 2:
        return 1.0
    value, precision = np.array([v for v, _ in known]), np.array([error**-2 for _, error in known])
    mean = float(np.sum(value * precision) / precision.sum())
    return float(chdtrc(len(known) - 1, float(np.sum(precision * (value - mean) ** 2))))


def _score(apart: float, error: float) -> float:
    return abs(apart) / error if error > 0 else 0.0 if abs(apart) < 1e-9 else np.inf
