"""Would the clusters be found again, and are they more than slices of one blob?

Two different questions: an elongated single blob is cut at the same place time and again (stable), yet has no
groups. ``cluster_stability`` answers the first, ``single_blob_test`` the second.
"""

from typing import Final, NamedTuple

import numpy as np
from numpy.typing import NDArray

from analysis.stats.agreement import jaccard_matrix

__all__ = ["BlobTest", "Stability", "cluster_stability", "single_blob_test"]

Floats = NDArray[np.float64]
Matrix = NDArray[np.float32]
Codes = NDArray[np.int64]

_STARTS: Final = 3
_MAX_MOVES: Final = 50
_TOLERANCE: Final = 1e-3

_NULL_ROWS: Final = 2_000
_NULL_DRAWS: Final = 99
_GRID: Final = 512


class Stability(NamedTuple):
    """How well each cluster is found again.

    Attributes:
        jaccard: Mean over resamples of the best Jaccard similarity, one per cluster, 0-1.
        resamples: Bootstrap samples drawn.
    """

    jaccard: Floats
    resamples: int


class BlobTest(NamedTuple):
    """Whether the rows hang together in groups more than one blob of the same spread and correlation would.

    Attributes:
        spread_within: Share of the spread that is left within clusters, 0-1; lower is tighter.
        expected: Mean of the same over single blobs.
        pvalue: Share of single blobs at least as tight, within 0-1.
        natural: Whether a single blob is rejected.
    """

    spread_within: float
    expected: float
    pvalue: float
    natural: bool


def cluster_stability(
    matrix: Matrix, labels: Codes, *, seed: int, resamples: int = 50, needed: float = 0.0
) -> Stability:
    """Return how well each cluster is found again in bootstrap samples of the rows.

    In each sample the rows are clustered anew (k-means, three starts); each original cluster, restricted to the rows
    drawn, is compared with its most similar new one.

    Args:
        matrix: One row per customer, scaled measures.
        labels: Cluster of each row, 0 … k - 1.
        seed: Of resamples and starts.
        resamples: Bootstrap samples.
        needed: Stop as soon as the worst cluster cannot reach this mean any more, whatever the rest would bring.

    References:
        Hennig, C. (2007). Cluster-wise assessment of cluster stability. Computational Statistics & Data
        Analysis 52(1), 258-271.
    """
    from sklearn.cluster import KMeans

    rng = np.random.default_rng(seed)
    n, k = len(matrix), int(labels.max()) + 1
    total = np.zeros(k)
    drawn = 0
    for _ in range(resamples):
        count = np.bincount(rng.integers(0, n, n), minlength=n)
        rows = np.flatnonzero(count)
        model = KMeans(
            k, n_init=_STARTS, max_iter=_MAX_MOVES, tol=_TOLERANCE, random_state=int(rng.integers(2**31 - 1))
        ).fit(matrix[rows], sample_weight=count[rows].astype(np.float32))
        found_again = jaccard_matrix(labels[rows], model.labels_).max(axis=1)
        total[: len(found_again)] += found_again  # a cluster of which no row was drawn is not found again
        drawn += 1
        if (total.min() + resamples - drawn) / resamples < needed:
            break
    return Stability(total / drawn, drawn)


def single_blob_test(matrix: Matrix, *, k: int, seed: int, level: float = 0.05) -> BlobTest:
    """Test whether the rows are a single blob that k-means merely slices.

    The null draws rows with the same correlations (a Gaussian copula) whose every measure has the shape it has in the
    data, smoothed as little as it takes to have one peak only (Silverman's critical bandwidth). Groups show as a
    tighter fit of k clusters than such blobs give.

    Args:
        matrix: One row per customer, scaled measures.
        k: Number of clusters, at least 2.
        seed: Of sample, noise and blobs.
        level: Share of single blobs that may be called groups, 0-1.

    References:
        Silverman, B. W. (1981). Using kernel density estimates to investigate multimodality. JRSS B 43(1), 97-99.
        Liu, Y., Hayes, D. N., Nobel, A. and Marron, J. S. (2008). Statistical significance of clustering for
        high-dimension, low-sample-size data. JASA 103(483), 1281-1293.
    """
    from scipy.special import ndtr, ndtri

    rng = np.random.default_rng(seed)
    chosen = np.sort(rng.choice(len(matrix), size=min(len(matrix), _NULL_ROWS), replace=False))
    rows = _spread_ties(matrix[chosen].astype(np.float64), rng)
    n, d = rows.shape
    observed = _spread_within(rows, k=k, seed=seed)
    ranks = rows.argsort(axis=0).argsort(axis=0)
    scores = ndtri((ranks + 0.5) / n)
    correlation = np.corrcoef(scores, rowvar=False).reshape(d, d)
    root = np.linalg.cholesky(correlation + 1e-6 * np.eye(d))
    shapes = [_one_peak_quantiles(rows[:, j]) for j in range(d)]
    at = (np.arange(_GRID) + 0.5) / _GRID
    null = np.empty(_NULL_DRAWS)
    for i in range(_NULL_DRAWS):
        uniform = ndtr(rng.standard_normal((n, d)) @ root.T)
        blob = np.column_stack([np.interp(uniform[:, j], at, shapes[j]) for j in range(d)])
        null[i] = _spread_within(blob, k=k, seed=seed + i)
    pvalue = float((1 + (null <= observed).sum()) / (1 + _NULL_DRAWS))
    return BlobTest(observed, float(null.mean()), pvalue, pvalue <= level)


def _spread_within(rows: Floats, *, k: int, seed: int) -> float:
    """Return the share of the sum of squares that k-means leaves within clusters."""
    from sklearn.cluster import KMeans

    scaled = (rows - rows.mean(axis=0)).astype(np.float32)
    model = KMeans(k, n_init=_STARTS, max_iter=_MAX_MOVES, tol=_TOLERANCE, random_state=seed % 2**31).fit(scaled)
    return float(model.inertia_ / (scaled.astype(np.float64) ** 2).sum())


def _spread_ties(rows: Floats, rng: np.random.Generator) -> Floats:
    """Spread equal values over the gap to the next one: that orders come in whole numbers makes no groups."""
    spread = rows.copy()
    for j in range(rows.shape[1]):
        levels, position, count = np.unique(rows[:, j], return_inverse=True, return_counts=True)
        if len(levels) < 2:
            continue
        gap = np.append(np.diff(levels), levels[-1] - levels[-2])
        tied = count[position] > 1
        spread[:, j] += np.where(tied, gap[position] * (rng.random(len(rows)) - 0.5), 0)
    return spread


def _one_peak_quantiles(values: Floats) -> Floats:
    """Return quantiles of the least smoothed version of the values that has one peak, with the same mean and spread."""
    from scipy.ndimage import gaussian_filter1d

    low, high = values.min(), values.max()
    margin = 0.75 * (high - low)
    edges = np.linspace(low - margin, high + margin, _GRID + 1)
    width = edges[1] - edges[0]
    density = np.histogram(values, edges)[0].astype(np.float64)
    least, most = 0.1 * float(values.std()) / width, float(high - low) / width
    for _ in range(20):
        middle = np.sqrt(least * most)
        smooth = gaussian_filter1d(density, middle, mode="constant", truncate=5)
        rising = np.diff(smooth) > 1e-9 * smooth.max()
        if (rising[1:] & ~rising[:-1]).any():
            least = middle
        else:
            most = middle
    smooth = gaussian_filter1d(density, most, mode="constant", truncate=5)
    upto = np.concatenate([[0], np.cumsum(smooth)]) / smooth.sum()
    quantiles = np.interp((np.arange(_GRID) + 0.5) / _GRID, upto, edges)
    centred = quantiles - quantiles.mean()
    return np.asarray(centred / centred.std() * values.std() + values.mean())
