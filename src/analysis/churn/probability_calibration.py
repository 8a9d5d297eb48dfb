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
    A second opinion q of the same outcome may stand beside the score; then ``d ln(q / (1 - q))`` joins the sum.

    Attributes:
        a: Exponent at the low end.
        b: Exponent at the high end.
        c: Level, log-odds.
        d: Weight of the second opinion's log-odds, at least 0; 0 without one.

    References:
        Kull, Silva Filho, Flach 2017, Proceedings of AISTATS, section 3 (fit by logistic regression; a term with a
        negative weight is dropped and the rest fitted again).
    """

    a: float
    b: float
    c: float
    d: float

    def fit(self, score: ArrayLike, outcome: ArrayLike, *, second: ArrayLike | None = None) -> "BetaCalibration":
        """Learn the map from scores and what happened (0 or 1).

        Args:
            score: Raw scores, 0-1.
            outcome: 0 or 1.
            second: A second opinion, 0-1, for each score.

        Raises:
            AnalysisError: If only one outcome occurs.
        """
        from sklearn.linear_model import LogisticRegression

        y = np.asarray(outcome, dtype=np.float64)
        if y.min() == y.max():
            raise AnalysisError("Probabilities cannot be calibrated: only one outcome occurs.")
        terms = _terms(score, second)
        kept = list(range(terms.shape[1]))
        while True:
            model = LogisticRegression(C=np.inf, tol=1e-8, max_iter=500).fit(terms[:, kept], y)
            weights = dict(zip(kept, model.coef_[0], strict=True))
            lowest = min(kept, key=lambda term: weights[term])
            if weights[lowest] >= 0 or len(kept) == 1:
                break
            kept.remove(lowest)
        self.a, self.b, self.d = (max(float(weights.get(term, 0.0)), 0.0) for term in (0, 1, 2))
        self.c = float(model.intercept_[0])
        return self

    def predict(self, score: ArrayLike, *, second: ArrayLike | None = None) -> NDArray[np.float64]:
        """Return the calibrated probabilities, 0-1; with a second opinion if it was fitted with one."""
        terms = _terms(score, second)
        weights = np.array([self.a, self.b, self.d][: terms.shape[1]])
        return np.asarray(1 / (1 + np.exp(-(terms @ weights + self.c))), dtype=np.float64)


def _terms(score: ArrayLike, second: ArrayLike | None) -> NDArray[np.float64]:
    s = np.clip(np.asarray(score, dtype=np.float64), _FLOOR, 1 - _FLOOR)
    terms = [np.log(s), -np.log1p(-s)]
    if second is not None:
        q = np.clip(np.asarray(second, dtype=np.float64), _FLOOR, 1 - _FLOOR)
        terms.append(np.log(q) - np.log1p(-q))
    return np.column_stack(terms)
