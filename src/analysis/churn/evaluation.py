"""Do the probabilities hold on a window nobody has seen? The gates, and which forecast is used.

The full model is *used* only if, on the judging window, its calibration line is not clearly off, its calibration error
is more than luck by at most 0.02, and its log loss is below that of recency alone and of the best buy-till-you-die
model. Otherwise the better of these two is used, and the page says which gate failed. Which of them is better, and
which buy-till-you-die model is the best, the calibration window decides: the judging window only judges.
"""

from collections.abc import Mapping
from enum import StrEnum
from typing import Final, NamedTuple

import numpy as np
import pandas as pd
from numpy.typing import ArrayLike

from analysis.churn.forecast import BASELINE, MODEL
from analysis.stats.scoring import (
    Score,
    area_under_curve,
    brier_score,
    calibration_line,
    expected_calibration_error,
    log_loss,
    log_loss_difference,
    perfect_calibration_error,
)

__all__ = [
    "EXCESS_ERROR_AT_MOST",
    "FEWEST_EVENTS",
    "REPEAT_SHARE_AT_LEAST",
    "SINGLE_ORDER_AT_MOST",
    "SLOPE_WITHIN",
    "Choice",
    "Evaluation",
    "Verdict",
    "answerable",
    "choose",
    "evaluate",
    "evaluate_all",
    "failed_gates",
    "is_the_question",
    "simple_forecasts",
]

FEWEST_EVENTS: Final = 200
"""Leavers, and stayers, that a window must hold before its numbers say anything (design: issue of the foundation)."""

REPEAT_SHARE_AT_LEAST: Final = 0.10
"""Below this share of customers who ever bought on a second day, "will they buy again soon" is the wrong question."""

SINGLE_ORDER_AT_MOST: Final = 0.75
"""Above this share of the money of those who came back in each one's single largest order, the rest is small change
beside it (a transplant and its care goods), and to come back for that is not to stay."""

SLOPE_WITHIN: Final = (0.9, 1.1)
EXCESS_ERROR_AT_MOST: Final = 0.02


class Verdict(StrEnum):
    """What the page can say."""

    MODEL = "model"
    """The boosted, calibrated probabilities hold and are used."""
    BASELINE = "baseline"
    """They failed a gate; recency alone is used, and holds."""
    BTYD = "btyd"
    """They failed a gate; the best buy-till-you-die model is used, and holds."""
    RANKING_ONLY = "ranking_only"
    """No forecast's level holds: the better simple one is used, to rank customers, not to count them."""
    TOO_FEW = "too_few"
    """Too few customers left, or stayed, to judge anything."""
    TOO_SHORT = "too_short"
    """The history is shorter than learning, calibrating and judging need."""
    NOT_THE_QUESTION = "not_the_question"
    """Customers here buy once, or once that counts."""


class Evaluation(NamedTuple):
    """One forecast on the judging window; log losses in nats, the rest as ratios or shares.

    Attributes:
        n: Customers judged.
        n_churned: Those who left.
        auc: Probability that a random leaver is ranked above a random stayer.
        log_loss: Mean log loss.
        baseline_log_loss: That of recency alone.
        btyd_log_loss: That of the best buy-till-you-die model; None where none could be fitted.
        log_loss_gain: The baseline's minus this one's, paired by customer: above 0 is better.
        btyd_gain: The best buy-till-you-die model's minus this one's, in the same way.
        brier: Mean squared error.
        calibration_slope: 1 is honest, below 1 too extreme, above 1 too timid.
        calibration_intercept: Log-odds of leaving where the forecast says one half.
        ece: Expected calibration error over ten equal-count bins.
        ece_by_luck: What a perfect forecaster would have by luck.
    """

    n: int
    n_churned: int
    auc: Score
    log_loss: Score
    baseline_log_loss: Score
    btyd_log_loss: Score | None
    log_loss_gain: Score
    btyd_gain: Score | None
    brier: Score
    calibration_slope: Score
    calibration_intercept: Score
    ece: float
    ece_by_luck: float

    @property
    def excess_ece(self) -> float:
        """Calibration error beyond luck."""
        return self.ece - self.ece_by_luck


def is_the_question(*, share_repeat: float, share_single_order: float) -> bool:
    """Return whether these customers come back at all, so that staying away can be told from being done.

    Args:
        share_repeat: Share of customers who bought on a second day, 0-1.
        share_single_order: Of the money of those, the share in each one's largest order, 0-1; NaN if there are none.
    """
    return share_repeat >= REPEAT_SHARE_AT_LEAST and share_single_order <= SINGLE_ORDER_AT_MOST


def answerable(*, is_the_question: bool, n_training_origins: int, n_churned: int, n_stayed: int) -> Verdict | None:
    """Return why churn cannot be judged on these data, or None if it can.

    Args:
        is_the_question: Whether customers come back here at all.
        n_training_origins: Origins with enough history to learn from.
        n_churned: Leavers in the smallest of the judging, calibration and training windows.
        n_stayed: Stayers in the same way.
    """
    if not is_the_question:
        return Verdict.NOT_THE_QUESTION
    if not n_training_origins:
        return Verdict.TOO_SHORT
    if min(n_churned, n_stayed) < FEWEST_EVENTS:
        return Verdict.TOO_FEW
    return None


def evaluate(
    churned: ArrayLike,
    probability: ArrayLike,
    *,
    baseline: ArrayLike,
    btyd: ArrayLike | None = None,
    seed: int,
    confidence_level: float = 0.95,
) -> Evaluation:
    """Judge a forecast against what happened and against the simple ones, on the same customers.

    Args:
        churned: Whether each customer left, 0 or 1.
        probability: The forecast, 0-1.
        baseline: The recency-only forecast, 0-1.
        btyd: That of the best buy-till-you-die model, 0-1.
        seed: Of the draws that give the calibration error's luck.
        confidence_level: Of all intervals.
    """
    y = np.asarray(churned, dtype=np.float64)
    level = confidence_level
    line = calibration_line(y, probability, confidence_level=level)
    return Evaluation(
        n=int(y.size),
        n_churned=int(y.sum()),
        auc=area_under_curve(y, probability, confidence_level=level),
        log_loss=log_loss(y, probability, confidence_level=level),
        baseline_log_loss=log_loss(y, baseline, confidence_level=level),
        btyd_log_loss=None if btyd is None else log_loss(y, btyd, confidence_level=level),
        log_loss_gain=_gain(y, probability, over=baseline, level=level),
        btyd_gain=None if btyd is None else _gain(y, probability, over=btyd, level=level),
        brier=brier_score(y, probability, confidence_level=level),
        calibration_slope=line.slope,
        calibration_intercept=line.intercept,
        ece=expected_calibration_error(y, probability),
        ece_by_luck=perfect_calibration_error(probability, rng=np.random.default_rng(seed)),
    )


def _gain(y: ArrayLike, probability: ArrayLike, *, over: ArrayLike, level: float) -> Score:
    difference = log_loss_difference(y, probability, baseline=over, confidence_level=level)
    return Score(-difference.value, -difference.ci_upper, -difference.ci_lower)


def simple_forecasts(judgement: pd.DataFrame) -> dict[str, float]:
    """Return recency alone and the best buy-till-you-die model by their log loss on the calibration window, best first.

    Args:
        judgement: One row per customer and window: ``role``, ``churned`` and the forecasts, ``p_…``.

    Returns:
        Log loss (nats) by column; without a buy-till-you-die model where none could be fitted.
    """
    known = judgement[judgement["role"] == "calibration"]
    simple = [name for name in judgement.columns if name.startswith("p_") and name != MODEL]
    losses = {name: log_loss(known["churned"], known[name]).value for name in simple}
    models = sorted((name for name in simple if name != BASELINE), key=lambda name: losses[name])
    return {name: losses[name] for name in sorted([BASELINE, *models[:1]], key=lambda name: losses[name])}


def evaluate_all(judgement: pd.DataFrame, *, seed: int) -> dict[str, Evaluation]:
    """Judge the full model, recency alone and the best buy-till-you-die model on the judging window.

    Args:
        judgement: One row per customer and window: ``role``, ``churned`` and the forecasts, ``p_…``.
        seed: Of the draws that give the calibration error's luck.

    Returns:
        Evaluations by column: the full model, then the simple ones, the better one on the calibration window first.
    """
    judged = judgement[judgement["role"] == "judging"]
    simple = list(simple_forecasts(judgement))
    btyd = next((judged[name] for name in simple if name != BASELINE), None)
    return {
        name: evaluate(judged["churned"], judged[name], baseline=judged[BASELINE], btyd=btyd, seed=seed)
        for name in (MODEL, *simple)
    }


def failed_gates(evaluation: Evaluation, *, against_simple: bool = True) -> tuple[str, ...]:
    """Return the gates a forecast fails: calibration_slope, calibration_error, beats_baseline, beats_btyd.

    Args:
        evaluation: Of the forecast on the judging window.
        against_simple: Whether it must beat the simple forecasts (these themselves need not).
    """
    slope, btyd = evaluation.calibration_slope, evaluation.btyd_gain
    gates = {
        "calibration_slope": slope.ci_upper >= SLOPE_WITHIN[0] and slope.ci_lower <= SLOPE_WITHIN[1],
        "calibration_error": evaluation.excess_ece <= EXCESS_ERROR_AT_MOST,
        "beats_baseline": not against_simple or evaluation.log_loss_gain.value > 0,
        "beats_btyd": not against_simple or btyd is None or btyd.value > 0,
    }
    return tuple(name for name, holds in gates.items() if not holds)


class Choice(NamedTuple):
    """Which forecast is used.

    Attributes:
        verdict: What the page can say.
        column: The forecast.
    """

    verdict: Verdict
    column: str


def choose(evaluations: Mapping[str, Evaluation]) -> Choice:
    """Return which forecast is used: the full model if it passes every gate, else the better simple one that holds.

    Args:
        evaluations: As ``evaluate_all`` gives them: the full model, then the simple forecasts, the better one first.
    """
    simple = [name for name in evaluations if name != MODEL]
    if not failed_gates(evaluations[MODEL]):
        return Choice(Verdict.MODEL, MODEL)
    for name in simple:
        if not failed_gates(evaluations[name], against_simple=False):
            return Choice(Verdict.BASELINE if name == BASELINE else Verdict.BTYD, name)
    return Choice(Verdict.RANKING_ONLY, simple[0])
