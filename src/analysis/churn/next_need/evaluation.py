"""Do the windows hold what they promise on days nobody has seen, and are they worth having?

A window holds if its interval of coverage is not wholly outside 75-85 %; it is worth having if, on the same buyers,
its dates are denser at the day that came than the pooled ones and it is shorter. Otherwise everybody gets the pooled
window, and the page says so.
"""

from enum import StrEnum
from typing import Final, NamedTuple

import numpy as np
import pandas as pd

from analysis.churn.next_need.need import LEVELS
from analysis.stats.scoring import (
    Score,
    calibration_line,
    expected_calibration_error,
    log_loss,
    log_loss_difference,
    perfect_calibration_error,
    proportion,
)

__all__ = [
    "COVERAGE_WITHIN",
    "FEWEST_BUYERS",
    "NeedEvaluation",
    "NeedVerdict",
    "chance_holds",
    "choose_window",
    "coverage",
    "evaluate_need",
    "pit_histogram",
]

COVERAGE_WITHIN: Final = (0.75, 0.85)
FEWEST_BUYERS: Final = 100
"""Buyers in a window below which its coverage is known to no better than eight points."""

_SLOPE_WITHIN: Final = (0.9, 1.1)
_EXCESS_ERROR_AT_MOST: Final = 0.02


class NeedVerdict(StrEnum):
    """What the page can say of the windows."""

    OWN = "own"
    """Each customer's own window holds and is sharper than the pooled one."""
    POOLED = "pooled"
    """Own windows are no sharper, or do not hold: everybody has the pooled window."""
    TOO_FEW = "too_few"
    """Too few buyers to judge any window: the pooled one is shown, unproven."""
    TOO_SHORT = "too_short"
    """The history is shorter than learning, putting right and judging need: no windows."""


class NeedEvaluation(NamedTuple):
    """Forecasts of the next need on the judging window.

    Attributes:
        n: Customers judged.
        n_buyers: Those who bought within the horizon.
        coverage: Share of buyers in their own 80 % window, whole days halved by luck (randomised PIT).
        coverage_of_days: Share of buyers between the two printed days, both included.
        pooled_coverage: As ``coverage``, of the pooled window.
        width_days: Mean length of the own windows of buyers, days.
        pooled_width_days: Length of the pooled window, days.
        density_gain: Mean log density at the day that came, own less pooled; above 0 is sharper.
        calibration_slope: Of the probability to buy; 1 is honest.
        excess_ece: Its calibration error beyond luck.
        log_loss: Of the probability.
        base_log_loss: Of the share of buyers in the window before.
        log_loss_gain: The latter less the former, paired.
    """

    n: int
    n_buyers: int
    coverage: Score
    coverage_of_days: Score
    pooled_coverage: Score
    width_days: float
    pooled_width_days: float
    density_gain: Score
    calibration_slope: Score
    excess_ece: float
    log_loss: Score
    base_log_loss: Score
    log_loss_gain: Score


def coverage(pit: "pd.Series[float]") -> Score:
    """Return the share of randomised PITs inside the 80 % window, with its 95 % interval."""
    values = pit.dropna().to_numpy(dtype=np.float64)
    return proportion(int(((values >= LEVELS[0]) & (values <= LEVELS[2])).sum()), len(values))


def evaluate_need(judgement: pd.DataFrame, *, seed: int) -> NeedEvaluation | None:
    """Judge the forecasts on the judging window; None where nobody, or everybody, bought in it.

    Args:
        judgement: Rows of ``need.judged`` with ``role``: those of the calibration and of the judging window.
        seed: Of the draws that give the calibration error's luck.
    """
    rows = judgement[judgement["role"] == "judging"]
    before = judgement[judgement["role"] == "calibration"]
    bought = (rows["wait_days"] > 0).to_numpy()
    if bought.all() or not bought.any() or before.empty:
        return None
    buyers, p, y = rows[bought], rows["p_purchase"].to_numpy(), bought.astype(np.float64)
    said = float(((before["wait_days"] > 0).sum() + 0.5) / (len(before) + 1))
    base = np.full(len(y), said)
    inside = (buyers["wait_days"] >= buyers["from_day"]) & (buyers["wait_days"] <= buyers["until_day"])
    gain = np.log(buyers["density"]) - np.log(buyers["pooled_density"])
    worse = log_loss_difference(y, p, baseline=base)
    slope = Score(float("nan"), float("nan"), float("nan"))
    ece = float("nan")
    if np.ptp(p) > 1e-9:
        slope = calibration_line(y, p).slope
        luck = perfect_calibration_error(p, rng=np.random.default_rng(seed))
        ece = expected_calibration_error(y, p) - luck
    return NeedEvaluation(
        n=len(rows),
        n_buyers=len(buyers),
        coverage=coverage(buyers["pit"]),
        coverage_of_days=proportion(int(inside.sum()), len(buyers)),
        pooled_coverage=coverage(buyers["pooled_pit"]),
        width_days=_width(buyers["from_day"], buyers["until_day"]),
        pooled_width_days=_width(buyers["pooled_from_day"], buyers["pooled_until_day"]),
        density_gain=_mean(gain),
        calibration_slope=slope,
        excess_ece=ece,
        log_loss=log_loss(y, p),
        base_log_loss=log_loss(y, base),
        log_loss_gain=Score(-worse.value, -worse.ci_upper, -worse.ci_lower),
    )


def _width(first: "pd.Series[int]", last: "pd.Series[int]") -> float:
    return float((last - first + 1).mean())


def _mean(values: "pd.Series[float]") -> Score:
    mean, error = float(values.mean()), float(values.std(ddof=1) / np.sqrt(len(values))) if len(values) > 1 else 0.0
    return Score(mean, mean - 1.96 * error, mean + 1.96 * error)


def choose_window(found: NeedEvaluation | None, *, n_learnt: int, n_put_right: int) -> NeedVerdict:
    """Return which window is shown.

    Args:
        found: The evaluation; None where there was no window to judge.
        n_learnt: Buyers of the training windows.
        n_put_right: Buyers of the calibration window.
    """
    if found is None or min(found.n_buyers, n_put_right, n_learnt / 2) < FEWEST_BUYERS:
        return NeedVerdict.TOO_FEW
    holds = found.coverage.ci_upper >= COVERAGE_WITHIN[0] and found.coverage.ci_lower <= COVERAGE_WITHIN[1]
    sharper = found.density_gain.ci_lower > 0 and found.width_days < found.pooled_width_days
    return NeedVerdict.OWN if holds and sharper else NeedVerdict.POOLED


def chance_holds(found: NeedEvaluation) -> tuple[str, ...]:
    """Return which gates the probability to buy fails: ``calibration_slope``, ``calibration_error``, ``base_rate``."""
    slope = found.calibration_slope
    gates = {
        "calibration_slope": not (slope.ci_upper < _SLOPE_WITHIN[0] or slope.ci_lower > _SLOPE_WITHIN[1]),
        "calibration_error": not found.excess_ece > _EXCESS_ERROR_AT_MOST,
        "base_rate": found.log_loss_gain.ci_lower > 0,
    }
    return tuple(name for name, holds in gates.items() if not holds)


def pit_histogram(pit: "pd.Series[float]", *, bins: int = 10) -> pd.DataFrame:
    """Return one row per tenth of the forecast distribution: buyers who fell in it.

    Returns:
        ``pit_from``, ``pit_to`` (0-1), ``n_buyers``, ``share`` (0-1), ``expected_share`` and the ends between which
        luck leaves a share 95 times in 100 (``luck_lower``, ``luck_upper``).
    """
    from scipy.stats import binom

    values = pit.dropna().to_numpy(dtype=np.float64)
    counts = np.histogram(values, bins=bins, range=(0.0, 1.0))[0]
    n = max(len(values), 1)
    edges = np.linspace(0, 1, bins + 1)
    low, high = (float(binom.ppf(level, n, 1 / bins)) / n for level in (0.025, 0.975))
    return pd.DataFrame(
        {
            "pit_from": edges[:-1],
            "pit_to": edges[1:],
            "n_buyers": counts,
            "share": counts / n,
            "expected_share": 1 / bins,
            "luck_lower": low,
            "luck_upper": high,
        }
    )
