"""The two forecasts side by side: boosted trees on all predictors, and recency alone, both put right on later days."""

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from analysis.churn.baseline import RecencyBaseline
from analysis.churn.classifier import ChurnClassifier
from analysis.churn.probability_calibration import BetaCalibration

__all__ = ["RECENCY", "Forecasts", "fit_forecasts"]

RECENCY = "days_since_last_order"


class Forecasts(NamedTuple):
    """Both forecasts, fitted."""

    model: ChurnClassifier
    model_calibration: BetaCalibration
    baseline: RecencyBaseline
    baseline_calibration: BetaCalibration

    def p_model(self, features: pd.DataFrame) -> NDArray[np.float64]:
        """Return the boosted probability that each customer leaves, 0-1."""
        return self.model_calibration.predict(self.model.predict(features))

    def p_baseline(self, features: pd.DataFrame) -> NDArray[np.float64]:
        """Return the recency-only probability that each customer leaves, 0-1."""
        return self.baseline_calibration.predict(self.baseline.predict(features[RECENCY]))


def fit_forecasts(training: pd.DataFrame, *, calibration: pd.DataFrame, columns: Sequence[str], seed: int) -> Forecasts:
    """Learn both forecasts from the training origins and put them right on the later calibration origin.

    Args:
        training: One row per customer and training origin: predictors and ``churned``.
        calibration: The same for the calibration origin.
        columns: Predictors of the boosted forecast.
        seed: Of the row sample.

    Raises:
        AnalysisError: If only one outcome occurs in either.
    """
    model = ChurnClassifier(columns, seed=seed).fit(training, training["churned"])
    baseline = RecencyBaseline().fit(training[RECENCY], training["churned"])
    outcome = calibration["churned"]
    return Forecasts(
        model,
        BetaCalibration().fit(model.predict(calibration), outcome),
        baseline,
        BetaCalibration().fit(baseline.predict(calibration[RECENCY]), outcome),
    )
