"""Make probabilities mean what they say, learnt on customers and days the model never saw."""

from typing import Final

import numpy as np
from numpy.typing import ArrayLike, NDArray

from analysis.errors import AnalysisError

__all__ = ["BetaCalibration"]

_FLOOR: Final = 1e-6


class BetaCalibration:
    """Map raw scores in 0-1 to honest probabilities by beta calibration.

    The map is ``1 / (1 + exp(-(a ln s - b ln(1 - s) + c)))`` with a, b at least 0: it rises, is the identity at
    a = b = 1, c = 0, and three numbers cannot invent steps where data are thin, as isotonic calibration does.

    Attributes:
        a: Exponent at the low end.
        b: Exponent at the high end.
        c: Level, log-odds.

    References:
        Kull, Silva Filho, Flach 2017, Proceedings of AISTATS, section 3 (fit by logistic regression; a term with a
        negative weight is dropped and the rest fitted again).
    """

    a: float
    b: float
    c: float

    def fit(self, score: ArrayLike, outcome: ArrayLike) -> "BetaCalibration":
        """Learn the map from scores and what happened (0 or 1).

        Raises:
            AnalysisError: If only one outcome occurs.
        """
        from sklearn.linear_model import LogisticRegression

        y = np.asarray(outcome, dtype=np.float64)
        if y.min() == y.max():
            raise AnalysisError("Probabilities cannot be calibrated: only one outcome occurs.")
        terms = _terms(score)
        kept = [0, 1]
        while True:
            model = LogisticRegression(C=np.inf, tol=1e-8, max_iter=500).fit(terms[:, kept], y)
            weights = dict(zip(kept, model.coef_[0], strict=True))
            lowest = min(kept, key=lambda term: weights[term])
            if weights[lowest] >= 0 or len(kept) == 1:
                break
            kept.remove(lowest)
        self.a, self.b = (max(float(weights.get(term, 0.0)), 0.0) for term in (0, 1))
        self.c = float(model.intercept_[0])
        return self

    def predict(self, score: ArrayLike) -> NDArray[np.float64]:
        """Return the calibrated probabilities, 0-1."""
        terms = _terms(score)
        return 1 / (1 + np.exp(-(self.a * terms[:, 0] + self.b * terms[:, 1] + self.c)))


def _terms(score: ArrayLike) -> NDArray[np.float64]:
    s = np.clip(np.asarray(score, dtype=np.float64), _FLOOR, 1 - _FLOOR)
    return np.column_stack([np.log(s), -np.log1p(-s)])
