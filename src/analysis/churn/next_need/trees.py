"""Boosted trees of the next need, and the predictors as they take them."""

from typing import TYPE_CHECKING, Final

import numpy as np
import pandas as pd
from numpy.typing import NDArray

if TYPE_CHECKING:
    from collections.abc import Sequence

    from sklearn.ensemble import HistGradientBoostingClassifier
    from threadpoolctl import threadpool_limits

__all__ = ["learnt", "matrix", "varying"]

_RIDGE: Final = 10.0
_SHARE_OF_COLUMNS: Final = 0.3
_BINS: Final = 63
_LEARNING_RATE: Final = 0.1


def learnt(
    rows: NDArray[np.float32], outcome: NDArray[np.float64], *, trees: int, leaves: int, rows_per_leaf: int, seed: int
) -> "HistGradientBoostingClassifier":
    """Return boosted trees, each split looking at a part of the columns."""
    from sklearn.ensemble import HistGradientBoostingClassifier

    model = HistGradientBoostingClassifier(
        max_iter=trees,
        learning_rate=_LEARNING_RATE,
        max_leaf_nodes=leaves,
        min_samples_leaf=rows_per_leaf,
        l2_regularization=_RIDGE,
        max_bins=_BINS,
        max_features=_SHARE_OF_COLUMNS,
        early_stopping=False,
        random_state=seed,
    )
    with _one_thread():
        return model.fit(rows, outcome)


def matrix(features: pd.DataFrame, columns: "Sequence[str]") -> NDArray[np.float32]:
    """Return predictors as the trees take them; what is not known stays NaN."""
    found = np.empty((len(features), len(columns)), dtype=np.float32)
    for place, name in enumerate(columns):
        found[:, place] = features[name].to_numpy(dtype=np.float32, na_value=np.nan)
    return found


def varying(features: pd.DataFrame) -> list[str]:
    """Return the columns in which the customers differ."""
    return [str(name) for name in features.columns if _varies(features[name])]


def _varies(column: "pd.Series[float]") -> bool:
    known = column.to_numpy(dtype=np.float32, na_value=np.nan)
    known = known[~np.isnan(known)]
    return bool(known.size) and bool(known.min() < known.max())


def _one_thread() -> "threadpool_limits":
    """Threads that wait for each other burn more than they save, and sums would depend on how many there are."""
    from threadpoolctl import threadpool_limits

    return threadpool_limits(limits=1, user_api="openmp")
