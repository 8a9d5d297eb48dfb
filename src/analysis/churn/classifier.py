"""Probability that a customer leaves, from the feature table, by gradient-boosted trees."""

from collections.abc import Sequence
from typing import TYPE_CHECKING, Final

import numpy as np
import pandas as pd
from numpy.typing import ArrayLike, NDArray

from analysis.errors import AnalysisError
from analysis.stats.boosted_trees import probabilities

if TYPE_CHECKING:
    from sklearn.ensemble import HistGradientBoostingClassifier
    from threadpoolctl import threadpool_limits

__all__ = ["LARGEST_FIT", "ChurnClassifier"]

LARGEST_FIT: Final = 200_000
"""Rows at most for one fit: 800 thousand cost four times as much for 0.006 of AUC (design/speed.md)."""

_TREES: Final = 80
_LEARNING_RATE: Final = 0.07
_LEAVES: Final = 8
_ROWS_PER_LEAF: Final = 150
_RIDGE: Final = 10.0
_SHARE_OF_COLUMNS: Final = 0.3
_BINS: Final = 63
"""Small trees, each split from a part of the columns: customer histories are noisy. Chosen by log loss and spread on
eleven windows of the Complete Journey, CDNOW and the demo brands, among trees of 5 to 15 leaves; the choice hardly
matters (third digit of the log loss), and 80 trees cost a third less than 120."""


class ChurnClassifier:
    """Histogram gradient boosting on chosen columns of the feature table.

    Scores are raw: they are made honest by ``probability_calibration.BetaCalibration`` on a later origin.

    Args:
        columns: Predictors, numbers or booleans; anything else in the table is never seen.
        seed: Seed of the row sample and of the columns that each split may use.

    Examples:
        >>> rng = np.random.default_rng(0)
        >>> seen = pd.DataFrame({"days_since_last_order": rng.uniform(0, 100, 2_000)})
        >>> left = rng.random(2_000) < seen["days_since_last_order"] / 100
        >>> model = ChurnClassifier(["days_since_last_order"], seed=1).fit(seen, left)
        >>> low, high = model.predict(pd.DataFrame({"days_since_last_order": [5.0, 95.0]}))
        >>> bool(low < 0.2 and high > 0.8)
        True
    """

    def __init__(self, columns: Sequence[str], *, seed: int) -> None:
        self.columns = list(columns)
        self.seed = seed
        self._known: list[str] = []
        self._model: HistGradientBoostingClassifier | None = None

    def fit(self, features: pd.DataFrame, churned: ArrayLike) -> "ChurnClassifier":
        """Learn from customers at past origins and whether each left; at most ``LARGEST_FIT`` rows are used.

        Raises:
            AnalysisError: If only one outcome occurs.
        """
        from sklearn.ensemble import HistGradientBoostingClassifier

        y = np.asarray(churned, dtype=np.float64)
        if y.min() == y.max():
            raise AnalysisError("Churn cannot be learnt: only one outcome occurs.")
        rows = _sample(len(y), seed=self.seed)
        # A column of which nothing was known yet (no touch so far) cannot be put into bins.
        self._known = [name for name in self.columns if features[name].iloc[rows].notna().any()]
        model = HistGradientBoostingClassifier(
            max_iter=_TREES,
            learning_rate=_LEARNING_RATE,
            max_leaf_nodes=_LEAVES,
            min_samples_leaf=_ROWS_PER_LEAF,
            l2_regularization=_RIDGE,
            max_bins=_BINS,
            max_features=_SHARE_OF_COLUMNS,
            early_stopping=False,
            random_state=self.seed,
        )
        with _one_thread():
            self._model = model.fit(self._matrix(features.iloc[rows]), y[rows])
        return self

    def predict(self, features: pd.DataFrame) -> NDArray[np.float64]:
        """Return each customer's raw score, 0-1.

        Raises:
            AnalysisError: If it was not fitted.
        """
        if self._model is None:
            raise AnalysisError("The churn classifier was not fitted.", hint="call fit first")
        return probabilities(self._model, self._matrix(features))[:, 1]

    def _matrix(self, features: pd.DataFrame) -> NDArray[np.float32]:
        # Nullable and boolean columns become plain floats; what is not known stays NaN, which the trees understand.
        return features[self._known].to_numpy(dtype=np.float32, na_value=np.nan)


def _one_thread() -> "threadpool_limits":
    """Threads that wait for each other burn more than they save, and sums would depend on how many there are."""
    from threadpoolctl import threadpool_limits

    return threadpool_limits(limits=1, user_api="openmp")


def _sample(n: int, *, seed: int) -> NDArray[np.int64]:
    if n <= LARGEST_FIT:
        return np.arange(n)
    return np.sort(np.random.default_rng(seed).choice(n, LARGEST_FIT, replace=False, shuffle=False))
