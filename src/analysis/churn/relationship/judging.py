"""Do the chances of deletion hold on a window that was not seen, and which of the two forecasts is used?"""

from enum import StrEnum
from typing import Final, NamedTuple

import numpy as np
import pandas as pd

from analysis.churn.at_risk import LevelDrift, level_drift
from analysis.churn.evaluation import EXCESS_ERROR_AT_MOST, FEWEST_EVENTS, SLOPE_WITHIN, Evaluation, evaluate

__all__ = ["MOST_JUDGED", "RANKS_FROM", "Judgement", "Verdict", "drift_of_levels", "evaluate_deletions", "judge"]

MOST_JUDGED: Final = 200_000
"""Contacts judged; of more a random sample says the same."""


RANKS_FROM: Final = 0.6
"""Area under the curve below which a forecast hardly tells contacts apart: 0.5 is chance."""


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


class Judgement(NamedTuple):
    """What the judging window says.

    Attributes:
        verdict: Which forecast is used.
        failed: Gates that the full model failed.
        ranks: Whether the forecast used tells contacts apart; True where nothing was judged.
    """

    verdict: Verdict
    failed: tuple[str, ...]
    ranks: bool


def judge(judged: pd.DataFrame, *, n_recorded: int, n_learnt: int, seed: int) -> Judgement:
    """Return which forecast is used, the gates that the full model failed, and whether it tells contacts apart.

    Args:
        judged: As in ``evaluate_deletions``.
        n_recorded: Deletions by customers ever recorded.
        n_learnt: Of those, before the window.
        seed: Of the draws that give the calibration error's luck.
    """
    if not n_recorded:
        return Judgement(Verdict.NONE_RECORDED, (), ranks=True)
    if min(n_learnt, int(judged["deleted"].sum())) < FEWEST_EVENTS:
        return Judgement(Verdict.TOO_FEW, (), ranks=True)
    model, baseline = evaluate_deletions(judged, seed=seed)
    failed = _failed_gates(model, beats_baseline=model.log_loss_gain.value > 0)
    if not failed:
        return Judgement(Verdict.MODEL, (), ranks=model.auc.value >= RANKS_FROM)
    verdict = Verdict.LEVEL_OFF if _failed_gates(baseline, beats_baseline=True) else Verdict.TENURE
    return Judgement(verdict, failed, ranks=baseline.auc.value >= RANKS_FROM)


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
