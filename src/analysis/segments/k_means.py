"""k-means as scikit-learn does it, started several times faster, on one thread."""

from functools import cache, partial
from typing import TYPE_CHECKING, Any, Final

import numpy as np
from numpy.typing import NDArray

if TYPE_CHECKING:
    from sklearn.cluster import KMeans
    from threadpoolctl import ThreadpoolController

__all__ = ["k_means"]

Matrix = NDArray[np.float32]

_MAX_MOVES: Final = 50


def k_means(
    matrix: Matrix,
    *,
    k: int,
    seed: int | None = None,
    starts: int = 1,
    tolerance: float,
    weight: Matrix | None = None,
    centres: Matrix | None = None,
) -> "KMeans":
    """Return the fitted model: the best of so many starts, or what moving the given centres leads to.

    One thread: sums then have one order, and the same seed gives the same bytes anywhere.

    Args:
        matrix: One row per customer, scaled measures.
        k: Number of clusters.
        seed: Of the starts.
        starts: How often k-means++ picks centres to start from.
        tolerance: Moves of the centres, relative to the spread, that are none.
        weight: Of each row; default 1.
        centres: Where to start instead, a row each.
    """
    from sklearn.cluster import KMeans

    weights = np.ones(len(matrix), dtype=np.float32) if weight is None else weight
    init = partial(_spread_out, weight=weights) if centres is None else centres
    model = KMeans(k, init=init, n_init=starts, max_iter=_MAX_MOVES, tol=tolerance, random_state=seed)
    with _pools().limit(limits=1):
        return model.fit(matrix, sample_weight=weight)


@cache
def _pools() -> "ThreadpoolController":
    """Return what limits the threads; to look for the libraries that have any costs more than to move centres."""
    from threadpoolctl import ThreadpoolController

    return ThreadpoolController()


def _spread_out(matrix: Matrix, k: int, random_state: Any, *, weight: Matrix) -> Matrix:
    """Return the rows that greedy k-means++ picks as centres: the same picks as scikit-learn's, without its checks.

    References:
        Arthur, D. and Vassilvitskii, S. (2007). k-means++: the advantages of careful seeding. Proceedings of SODA.
    """
    rows = matrix.astype(np.float64)
    square = np.einsum("ij,ij->i", rows, rows)

    def distances(places: Any) -> Matrix:
        apart: Matrix = (square[places][:, None] - 2 * rows[places] @ rows.T + square).astype(np.float32)
        return np.maximum(apart, 0.0, out=apart)

    candidates = 2 + int(np.log(k))
    picked = [int(random_state.choice(len(rows), p=weight / weight.sum()))]
    nearest = distances(picked)[0]
    left = nearest @ weight
    for _ in range(1, k):
        luck = random_state.uniform(size=candidates) * left
        places = np.searchsorted(np.cumsum(weight * nearest), luck).clip(max=len(rows) - 1)
        closer = np.minimum(nearest, distances(places))
        totals = closer @ weight
        best = int(totals.argmin())
        left, nearest = totals[best], closer[best]
        picked.append(int(places[best]))
    return matrix[picked]
