"""Clusters of customers by behaviour: as many as are stable, and no more.

Stability comes first: of all numbers of clusters the largest is taken whose *worst* cluster is found again
in bootstrap samples and which leaves no cluster too small. The most stable number is nearly always 2 and says
nothing.
"""

from typing import Final, NamedTuple

import numpy as np
from numpy.typing import NDArray

from analysis.checks import share
from analysis.errors import AnalysisError
from analysis.segments.k_means import k_means
from analysis.segments.stability import cluster_stability

__all__ = [
    "Clustering",
    "Trial",
    "assign_clusters",
    "choose_clusters",
    "fit_clusters",
    "one_cluster",
    "weigh_by_size",
]

Matrix = NDArray[np.float32]
Codes = NDArray[np.int64]

_FIT_ROWS: Final = 10_000
"""Starting centres are sought on so many rows; all rows then move them."""

_STABILITY_ROWS: Final = 5_000
"""Rows that are resampled; more rows only raise stability."""

_FIT_STARTS: Final = 10
_MAX_MOVES: Final = 50
_TOLERANCE: Final = 1e-4


class Trial(NamedTuple):
    """One number of clusters that was tried.

    Attributes:
        k: Clusters.
        worst_jaccard: Mean Jaccard similarity of the least stable cluster, 0-1; NaN if it was not needed.
        mean_jaccard: Mean over clusters, 0-1.
        smallest_share: Share of customers in the smallest cluster, 0-1.
        resamples: Bootstrap samples drawn: fewer than asked for once no outcome of the rest could have helped.
        accepted: Whether both conditions hold.
    """

    k: int
    worst_jaccard: float
    mean_jaccard: float
    smallest_share: float
    resamples: int
    accepted: bool


class Clustering(NamedTuple):
    """The clusters chosen.

    Attributes:
        labels: Cluster of each row, 0 … k - 1, the largest cluster first.
        centres: One row per cluster, in the scale of the matrix.
        jaccard: Mean Jaccard similarity of each cluster, 0-1; NaN for a single cluster.
        trials: What was tried, from the largest number of clusters down to the one chosen.
        head_start: Squared distance that each cluster is given when rows are assigned; zero: the nearest centre.
    """

    labels: Codes
    centres: Matrix
    jaccard: NDArray[np.float64]
    trials: tuple[Trial, ...]
    head_start: NDArray[np.float64]

    @property
    def k(self) -> int:
        """Number of clusters."""
        return len(self.centres)


def choose_clusters(
    matrix: Matrix,
    *,
    seed: int,
    k_max: int = 8,
    resamples: int = 50,
    min_jaccard: float = 0.85,
    min_share: float = 0.03,
) -> Clustering:
    """Return the largest number of clusters whose worst one is stable and whose smallest is not too small.

    Numbers are tried from ``k_max`` down, and the first that holds is taken: nothing below could change it. If none
    holds there is one cluster, everybody.

    Args:
        matrix: One row per customer, scaled measures (``scaling.Scaling.apply``).
        seed: Of starts, samples and resamples.
        k_max: Largest number tried, at least 2.
        resamples: Bootstrap samples per number.
        min_jaccard: Mean Jaccard similarity that the worst cluster must keep, 0-1.
        min_share: Share of customers that the smallest cluster must hold, 0-1.

    Raises:
        AnalysisError: If a bound is out of range or there are no rows.

    References:
        Hennig, C. (2007). Cluster-wise assessment of cluster stability. Computational Statistics & Data
        Analysis 52(1), 258-271.
    """
    share(min_jaccard, what="min_jaccard")
    share(min_share, what="min_share")
    if k_max < 2 or len(matrix) == 0:
        raise AnalysisError(f"Clusters need rows and a k_max of at least 2, got {len(matrix)} rows, k_max {k_max}.")
    sample = _sample(matrix, rows=_STABILITY_ROWS, seed=seed)
    trials: list[Trial] = []
    for k in range(min(k_max, len(np.unique(sample, axis=0)) - 1), 1, -1):
        fitted = fit_clusters(matrix, k=k, seed=seed)
        sizes = np.bincount(fitted.labels, minlength=k) / len(matrix)
        if sizes.min() < min_share:
            trials.append(Trial(k, float("nan"), float("nan"), float(sizes.min()), 0, accepted=False))
            continue
        labels = assign_clusters(sample, fitted.centres)
        stable = cluster_stability(sample, labels, seed=seed + k, resamples=resamples, needed=min_jaccard)
        worst = float(stable.jaccard.min())
        accepted = worst >= min_jaccard and stable.resamples == resamples
        trials.append(
            Trial(k, worst, float(stable.jaccard.mean()), float(sizes.min()), stable.resamples, accepted=accepted)
        )
        if accepted:
            return fitted._replace(jaccard=stable.jaccard, trials=tuple(trials))
    return one_cluster(matrix, trials=tuple(trials))


def fit_clusters(matrix: Matrix, *, k: int, seed: int) -> Clustering:
    """Return k clusters by k-means: ten starts on a sample, then all rows move the centres.

    Args:
        matrix: One row per customer, scaled measures.
        k: Number of clusters.
        seed: Of sample and starts.
    """
    sample = _sample(matrix, rows=_FIT_ROWS, seed=seed)
    model = k_means(sample, k=k, starts=_FIT_STARTS, tolerance=_TOLERANCE, seed=seed)
    if len(sample) < len(matrix):
        model = k_means(matrix, k=k, centres=model.cluster_centers_, tolerance=_TOLERANCE)
    centres = model.cluster_centers_.astype(np.float32)
    size = np.bincount(model.labels_, minlength=k)
    order = np.lexsort((*centres.T, -size))  # largest first, so that a label does not depend on the start
    centres = centres[order]
    return Clustering(assign_clusters(matrix, centres), centres, np.full(k, np.nan), (), np.zeros(k))


def one_cluster(matrix: Matrix, *, trials: tuple[Trial, ...] = ()) -> Clustering:
    """Return the cluster of everybody."""
    centre = matrix.mean(axis=0, dtype=np.float64).astype(np.float32)[None, :]
    return Clustering(np.zeros(len(matrix), dtype=np.int64), centre, np.array([np.nan]), trials, np.zeros(1))


def weigh_by_size(matrix: Matrix, found: Clustering, *, seed: int) -> Clustering:
    """Return the clusters with borders where both sides are equally likely, not halfway between centres.

    k-means cuts halfway, which gives a small group customers of a large neighbour. Where groups are natural they are
    taken as round clouds of one width and of different sizes, fitted by expectation-maximisation from k-means' centres.
    Slices of a blob have no sizes of their own: do not use it on them.

    Args:
        matrix: One row per customer, scaled measures.
        found: Clusters by k-means.
        seed: Of the sample that is fitted.
    """
    rows = _sample(matrix, rows=_FIT_ROWS, seed=seed).astype(np.float64)
    n, d = rows.shape
    square = np.einsum("ij,ij->i", rows, rows)
    centres = found.centres.astype(np.float64)
    size = np.bincount(found.labels, minlength=found.k) / len(matrix)
    variance = float(((matrix - found.centres[found.labels]) ** 2).sum(dtype=np.float64)) / (len(matrix) * d)
    for _ in range(_MAX_MOVES):
        distance = square[:, None] - 2 * rows @ centres.T + np.einsum("ij,ij->i", centres, centres)
        log_odds = np.log(size) - distance / (2 * variance)
        weight = np.exp(log_odds - log_odds.max(axis=1, keepdims=True))
        weight /= weight.sum(axis=1, keepdims=True)
        total = weight.sum(axis=0)
        moved = (weight.T @ rows) / total[:, None]
        size, variance = total / n, float((weight * distance).sum()) / (n * d)
        settled = float(np.abs(moved - centres).max()) < 1e-4
        centres = moved
        if settled:
            break
    head_start = 2 * variance * np.log(size)
    made = centres.astype(np.float32)
    return found._replace(
        labels=assign_clusters(matrix, made, head_start=head_start), centres=made, head_start=head_start
    )


def assign_clusters(matrix: Matrix, centres: Matrix, *, head_start: NDArray[np.float64] | None = None) -> Codes:
    """Return the nearest centre of each row, after each centre's head start (a squared distance)."""
    # |x|² is the same for all centres of a row and can be left out.
    square = np.einsum("ij,ij->i", centres, centres) - (0 if head_start is None else head_start.astype(np.float32))
    labels = np.empty(len(matrix), dtype=np.int64)
    for start in range(0, len(matrix), 65_536):
        rows = slice(start, start + 65_536)
        labels[rows] = (square - 2 * matrix[rows] @ centres.T).argmin(axis=1)
    return labels


def _sample(matrix: Matrix, *, rows: int, seed: int) -> Matrix:
    if len(matrix) <= rows:
        return matrix
    chosen = np.random.default_rng(seed).choice(len(matrix), size=rows, replace=False)
    return matrix[np.sort(chosen)]
