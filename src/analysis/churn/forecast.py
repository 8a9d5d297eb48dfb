"""The forecasts side by side: boosted trees on all predictors, recency alone, and the buy-till-you-die models.

All are put right by the same kind of map on the same later days. The trees are put right together with the opinion of
the best buy-till-you-die model: trees average over what they saw, the model carries a theory to where they saw little.
Then all move half the way back to the usual level (``SETTLING``).

What was tried, on 65 windows of the Complete Journey, CDNOW and demo brands (coffee, beauty; several seeds), each
judged as if it were the newest; the newest window of each was left out. Mean log loss, spread of ln(calibration slope)
around 0, mean excess ECE, and windows that failed on slope, on calibration error, against recency, against the rival:

| procedure | log loss | spread | excess | slope | error | recency | rival |
|---|---|---|---|---|---|---|---|
| beta calibration alone | .5369 | .097 | .026 | 3 | 22 | 2 | 6 |
| on two windows pooled | .5367 | .095 | .026 | 3 | 22 | 2 | 5 |
| a, b drawn to 1 by 100 customers | .5367 | .087 | .026 | 2 | 22 | 2 | 6 |
| BG/NBD's log-odds as a predictor | .5362 | .091 | .026 | 2 | 24 | 1 | 5 |
| BG/NBD beside the score | .5352 | .082 | .025 | 1 | 22 | 0 | 1 |
| the same, half the way back | .5333 | .082 | .021 | 1 | 17 | 0 | 3 |
| half the way back, thirty predictors of 51, the better of two rivals beside | .5330 | .087 | .021 | 2 | 18 | 0 | 3 |
| the same, all the way back | .5331 | .087 | .022 | 2 | 22 | 1 | 5 |

The rival is BG/NBD in the first five rows, then the better of BG/NBD and Pareto/NBD, moved back alike. Half the way
back by what *recency* leaves unexplained instead of what the trees do is worse (.5337, error 20), and far worse where a
cohort ages (CDNOW). Most windows that still fail on error hold a sale with no twin in the year before.
"""

from collections.abc import Mapping, Sequence
from typing import Final, NamedTuple

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from analysis.churn.baseline import RecencyBaseline
from analysis.churn.classifier import ChurnClassifier
from analysis.churn.probability_calibration import BetaCalibration
from analysis.churn.season import level_offset, shifted
from analysis.stats.scoring import log_loss

__all__ = ["BASELINE", "MODEL", "RECENCY", "SETTLING", "Forecasts", "Opinions", "fit_forecasts", "forecast_column"]

RECENCY: Final = "days_since_last_order"
MODEL: Final = "p_model"
BASELINE: Final = "p_baseline"

SETTLING: Final = 0.5
"""Part of an unusual level that is gone one window later: between a level that stays (0) and one that was luck (1)."""

Floats = NDArray[np.float64]
Opinions = Mapping[str, Floats]
"""Chances of no purchase by the slug of a buy-till-you-die model, each of shape (n,)."""


def forecast_column(slug: str) -> str:
    """Return the column that holds a buy-till-you-die model's calibrated forecast.

    Examples:
        >>> forecast_column("bg_nbd")
        'p_bg_nbd'
    """
    return f"p_{slug}"


class Forecasts(NamedTuple):
    """All forecasts, fitted.

    Attributes:
        model: The trees.
        model_calibration: Their map to honest probabilities, with the second opinion.
        baseline: Recency alone.
        baseline_calibration: Its map.
        rivals: The map of each buy-till-you-die model, by slug.
        second: Slug of the second opinion: the rival with the least log loss on the calibration window; None if none.
        settling: By how much log-odds are expected to move back in the window after the calibration window.
    """

    model: ChurnClassifier
    model_calibration: BetaCalibration
    baseline: RecencyBaseline
    baseline_calibration: BetaCalibration
    rivals: Mapping[str, BetaCalibration]
    second: str | None
    settling: float

    def p_model(self, features: pd.DataFrame, *, opinions: Opinions) -> Floats:
        """Return the boosted probability that each customer leaves, 0-1, at the level of the calibration window."""
        second = opinions[self.second] if self.second else None
        return self.model_calibration.predict(self.model.predict(features), second=second)

    def all(self, features: pd.DataFrame, *, opinions: Opinions, move: float) -> pd.DataFrame:
        """Return every forecast, a column each, at a level moved by so much (log-odds) from the calibration window."""
        simple = self.baseline_calibration.predict(self.baseline.predict(features[RECENCY]))
        columns = {MODEL: self.p_model(features, opinions=opinions), BASELINE: simple}
        columns |= {forecast_column(slug): map_.predict(opinions[slug]) for slug, map_ in self.rivals.items()}
        return pd.DataFrame({name: shifted(p, by=move) for name, p in columns.items()}, index=features.index)


def fit_forecasts(
    training: pd.DataFrame, *, calibration: pd.DataFrame, opinions: Opinions, columns: Sequence[str], seed: int
) -> Forecasts:
    """Learn the forecasts from the training origins and put them right on the later calibration origin.

    Args:
        training: One row per customer and training origin: predictors and ``churned``.
        calibration: The same for the calibration origin.
        opinions: The buy-till-you-die models' chances for the calibration rows.
        columns: Predictors of the boosted forecast.
        seed: Of the row sample.

    Raises:
        AnalysisError: If only one outcome occurs in either.
    """
    model = ChurnClassifier(columns, seed=seed).fit(training, training["churned"])
    baseline = RecencyBaseline().fit(training[RECENCY], training["churned"])
    outcome = calibration["churned"].to_numpy(dtype=np.float64)
    rivals = {slug: BetaCalibration().fit(p, outcome) for slug, p in opinions.items()}
    losses = {slug: log_loss(outcome, map_.predict(opinions[slug])).value for slug, map_ in rivals.items()}
    second = min(losses, key=lambda slug: losses[slug]) if losses else None
    score = model.predict(calibration)
    return Forecasts(
        model,
        BetaCalibration().fit(score, outcome, second=opinions[second] if second else None),
        baseline,
        BetaCalibration().fit(baseline.predict(calibration[RECENCY]), outcome),
        rivals,
        second,
        -SETTLING * level_offset(outcome, score),
    )
