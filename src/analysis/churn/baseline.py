"""The forecast any other must beat: how long ago was the last order, and nothing else."""

import numpy as np
from numpy.typing import ArrayLike, NDArray

__all__ = ["RecencyBaseline"]


class RecencyBaseline:
    """Logistic regression of churn on ``ln(1 + days since last order)``."""

    slope: float
    intercept: float

    def fit(self, days_since_last_order: ArrayLike, churned: ArrayLike) -> "RecencyBaseline":
        """Learn from days since the last order and whether each customer churned (0 or 1)."""
        from sklearn.linear_model import LogisticRegression

        days = np.log1p(np.asarray(days_since_last_order, dtype=np.float64))
        model = LogisticRegression(C=np.inf, tol=1e-8, max_iter=500).fit(days[:, None], np.asarray(churned))
        self.slope, self.intercept = float(model.coef_[0, 0]), float(model.intercept_[0])
        return self

    def predict(self, days_since_last_order: ArrayLike) -> NDArray[np.float64]:
        """Return the probability of churn, 0-1."""
        days = np.log1p(np.asarray(days_since_last_order, dtype=np.float64))
        return 1 / (1 + np.exp(-(self.intercept + self.slope * days)))
