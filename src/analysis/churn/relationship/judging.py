"""Do the chances of deletion hold on a window that was not seen, and which of the two forecasts is used?"""

from enum import StrEnum
from typing import Final

import numpy as np
import pandas as pd

from analysis.churn.at_risk import LevelDrift, level_drift
from analysis.churn.evaluation import EXCESS_ERROR_AT_MOST, FEWEST_EVENTS, SLOPE_WITHIN, Evaluation, evaluate

__all__ = ["MOST_JUDGED", "Verdict", "drift_of_levels", "evaluate_deletions", "verdict_of"]

MOST_JUDGED: Final = 200_000
"""Contacts judged; of more a random sample says the same."""


class Verdict(StrEnum):
    """Which chance of deletion is used, and how far it is to be trusted."""

    MODEL = "model"
    """The full model's chances hold on the window nobody had seen."""
    TENURE = "tenure"
    """They do not, or are no better; those by tenure alone hold and are used."""
    LEVEL_OFF = "level_off"
    """Neither level holds: by tenure alone, to rank contacts rather than to count them."""
    TOO_FEW = "too_few"
    """Too few deletions to judge: by tenure alone, unjudged."""
    NONE_RECORDED = "none_recorded"
    """No customer's deletion was ever recorded: there is nothing to learn from."""


def evaluate_deletions(judged: pd.DataFrame, *, seed: int) -> tuple[Evaluation, Evaluation]:
    """Judge both forecasts: the full model, and tenure alone.

    Args:
        judged: One row per contact open when the window began: ``deleted`` (0, 1), ``p_model``, ``p_baseline``.
        seed: Of the draws that give the calibration error's luck.
    """
    model, baseline = (
        evaluate(judged["deleted"], judged[p], baseline=judged["p_baseline"], seed=seed)
        for p in ("p_model", "p_baseline")
    )
    return model, baseline


def verdict_of(judged: pd.DataFrame, *, n_recorded: int, n_learnt: int, seed: int) -> tuple[Verdict, tuple[str, ...]]:
    """Return which forecast is used, and the gates that the full model failed.

    Args:
        judged: As in ``evaluate_deletions``.
        n_recorded: Deletions by customers ever recorded.
        n_learnt: Of those, before the window.
        seed: Of the draws that give the calibration error's luck.
    """
    if not n_recorded:
        return Verdict.NONE_RECORDED, ()
    if min(n_learnt, int(judged["deleted"].sum())) < FEWEST_EVENTS:
        return Verdict.TOO_FEW, ()
    model, baseline = evaluate_deletions(judged, seed=seed)
    failed = _failed_gates(model, beats_baseline=model.log_loss_gain.value > 0)
    if not failed:
        return Verdict.MODEL, ()
    return Verdict.LEVEL_OFF if _failed_gates(baseline, beats_baseline=True) else Verdict.TENURE, failed


def _failed_gates(evaluation: Evaluation, *, beats_baseline: bool) -> tuple[str, ...]:
    """Return the gates of the purchase classifier that a forecast of deletions fails."""
    slope = evaluation.calibration_slope
    gates = {
        "calibration_slope": slope.ci_upper >= SLOPE_WITHIN[0] and slope.ci_lower <= SLOPE_WITHIN[1],
        "calibration_error": evaluation.excess_ece <= EXCESS_ERROR_AT_MOST,
        "beats_baseline": beats_baseline,
    }
    return tuple(name for name, holds in gates.items() if not holds)


def drift_of_levels(observed: "pd.Series[float]", expected: "pd.Series[float]") -> LevelDrift | None:
    """Return how far past windows fell from what tenure alone foretold; None without a past window.

    Args:
        observed: Deletions by customers in each window.
        expected: Foretold from what was known when it began.
    """
    moves = np.log((observed.to_numpy(float) + 0.5) / (expected.to_numpy(float) + 0.5))
    return level_drift(moves.tolist()) if len(moves) else None
