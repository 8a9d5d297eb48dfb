"""Would the clusters be found again, and are they more than slices of one blob?

Two different questions: an elongated single blob is cut at the same place time and again (stable), yet has no
groups. ``cluster_stability`` answers the first; ``single_blob_test`` the second, and ``gaps_between`` says where the
groups are apart.
"""

from typing import Final, NamedTuple

import numpy as np
from numpy.typing import NDArray

from analysis.segments.k_means import k_means
from analysis.stats.agreement import jaccard_matrix

__all__ = ["BlobTest", "Gaps", "Stability", "cluster_stability", "gaps_between", "single_blob_test"]

Floats = NDArray[np.float64]
Matrix = NDArray[np.float32]
Codes = NDArray[np.int64]

_STARTS: Final = 8
"""Starts per resample: with three, k-means misses a small group in one resample of ten, and blames the group."""

_BLOB_STARTS: Final = 3
_TOLERANCE: Final = 1e-3

_NULL_ROWS: Final = 2_000
_NULL_DRAWS: Final = 99
_GRID: Final = 512
_SILVERMAN_DRAWS: Final = 199


class Stability(NamedTuple):
    """How well each cluster is found again.

    Attributes:
        jaccard: Mean over resamples of the best Jaccard similarity, one per cluster, 0-1.
        resamples: Bootstrap samples drawn.
    """

    jaccard: Floats
    resamples: int


class Gaps(NamedTuple):
    """Between which clusters customers are rare.

    Attributes:
        borders: Pairs of neighbouring clusters that were looked at.
        open: How many of them have a valley in between: fewer customers on the border than on both sides.
    """

    borders: int
    open: int


class BlobTest(NamedTuple):
    """Whether the rows hang together in groups more than one blob of the same spread and correlation would.

    Attributes:
        spread_within: Share of the spread that is left within clusters, 0-1; lower is tighter.
        expected: Mean of the same over single blobs.
        pvalue: Share of single blobs at least as tight, within 0-1.
        rejected: Whether a single blob is rejected.
    """

    spread_within: float
    expected: float
    pvalue: float
    rejected: bool


def cluster_stability(
    matrix: Matrix, labels: Codes, *, seed: int, resamples: int = 50, needed: float = 0.0
) -> Stability:
    """Return how well each cluster is found again in bootstrap samples of the rows.

    In each sample the rows are clustered anew (k-means, eight starts); each original cluster, restricted to the rows
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
    rng = np.random.default_rng(seed)
    n, k = len(matrix), int(labels.max()) + 1
    total = np.zeros(k)
    drawn = 0
    for _ in range(resamples):
        count = np.bincount(rng.integers(0, n, n), minlength=n)
        rows = np.flatnonzero(count)
        start = int(rng.integers(2**31 - 1))
        weight = count[rows].astype(np.float32)
        model = k_means(matrix[rows], k=k, weight=weight, starts=_STARTS, tolerance=_TOLERANCE, seed=start)
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


def gaps_between(matrix: Matrix, labels: Codes, *, centres: Matrix, seed: int, level: float = 0.05) -> Gaps:
    """Return between how many neighbouring clusters there is a valley.

    The customers of each cluster and of its nearest neighbour are laid on the line through both centres; Silverman's
    test asks whether their density has one peak. The level is shared among the borders.

    Args:
        matrix: One row per customer, scaled measures.
        labels: Cluster of each row, 0 … k - 1.
        centres: One row per cluster.
        seed: Of sample, noise and draws.
        level: Share of single-peaked data in which a valley may be seen, 0-1.

    References:
        Silverman, B. W. (1981). Using kernel density estimates to investigate multimodality. JRSS B 43(1), 97-99.
    """
    rng = np.random.default_rng(seed)
    chosen = np.sort(rng.choice(len(matrix), size=min(len(matrix), 5 * _NULL_ROWS), replace=False))
    rows, of = _spread_ties(matrix[chosen].astype(np.float64), rng), labels[chosen]
    apart = np.linalg.norm(centres[:, None] - centres[None], axis=2) + np.diag(np.full(len(centres), np.inf))
    borders = sorted({(min(i, int(j)), max(i, int(j))) for i, j in enumerate(apart.argmin(axis=1))})
    valleys = 0
    for i, j in borders:
        along = rows[(of == i) | (of == j)] @ (centres[j] - centres[i]).astype(np.float64)
        valleys += len(along) > 50 and _one_peak_pvalue(along, rng) <= level / len(borders)
    return Gaps(len(borders), valleys)


def _spread_within(rows: Floats, *, k: int, seed: int) -> float:
    """Return the share of the sum of squares that k-means leaves within clusters."""
    scaled = (rows - rows.mean(axis=0)).astype(np.float32)
    model = k_means(scaled, k=k, starts=_BLOB_STARTS, tolerance=_TOLERANCE, seed=seed % 2**31)
    return float(model.inertia_ / (scaled.astype(np.float64) ** 2).sum())


def _spread_ties(rows: Floats, rng: np.random.Generator) -> Floats:
    """Spread equal values up to the midpoints between levels: that orders come in whole numbers makes no gaps."""
    spread = rows.copy()
    for j in range(rows.shape[1]):
        levels, position, count = np.unique(rows[:, j], return_inverse=True, return_counts=True)
        if len(levels) < 2:
            continue
        middle = (levels[1:] + levels[:-1]) / 2
        low = np.concatenate([[2 * levels[0] - middle[0]], middle])
        high = np.concatenate([middle, [2 * levels[-1] - middle[-1]]])
        anywhere = low[position] + (high - low)[position] * rng.random(len(rows))
        spread[:, j] = np.where(count[position] > 1, anywhere, spread[:, j])
    return spread


def _one_peak_quantiles(values: Floats) -> Floats:
    """Return quantiles of the least smoothed version of the values that has one peak, with the same mean and spread."""
    density, edges = _histogram(values)
    smooth = _smoothed(density, _least_one_peak_width(density, values, edges))
    upto = np.concatenate([[0], np.cumsum(smooth)]) / smooth.sum()
    quantiles = np.interp((np.arange(_GRID) + 0.5) / _GRID, upto, edges)
    centred = quantiles - quantiles.mean()
    return np.asarray(centred / centred.std() * values.std() + values.mean())


def _one_peak_pvalue(values: Floats, rng: np.random.Generator) -> float:
    """Return how often data with one peak need at least as much smoothing to show one peak (Silverman)."""
    density, edges = _histogram(values)
    width = _least_one_peak_width(density, values, edges)
    quantiles = _one_peak_quantiles(values)
    at = (np.arange(_GRID) + 0.5) / _GRID
    several = 0
    for _ in range(_SILVERMAN_DRAWS):
        drawn, _ = _histogram(np.interp(rng.random(len(values)), at, quantiles), edges)
        several += not _has_one_peak(_smoothed(drawn, width))
    return (1 + several) / (1 + _SILVERMAN_DRAWS)


def _histogram(values: Floats, edges: Floats | None = None) -> tuple[Floats, Floats]:
    if edges is None:
        low, high = float(values.min()), float(values.max())
        margin = 0.75 * (high - low)
        edges = np.linspace(low - margin, high + margin, _GRID + 1)
    return np.histogram(values, edges)[0].astype(np.float64), edges


def _least_one_peak_width(density: Floats, values: Floats, edges: Floats) -> float:
    """Return the smallest smoothing width that leaves one peak, in cells of the grid."""
    cell = float(edges[1] - edges[0])
    least, most = 0.1 * float(values.std()) / cell, float(values.max() - values.min()) / cell
    for _ in range(16):
        middle = float(np.sqrt(least * most))
        if _has_one_peak(_smoothed(density, middle)):
            most = middle
        else:
            least = middle
    return most


def _smoothed(density: Floats, width: float) -> Floats:
    from scipy.ndimage import gaussian_filter1d

    return np.asarray(gaussian_filter1d(density, width, mode="constant", truncate=5))


def _has_one_peak(smooth: Floats) -> bool:
    """Return whether the density never rises again after it fell; ripples below 1/1000 of the peak do not count."""
    peak = smooth.max()
    falls = np.maximum.accumulate(smooth[::-1])[::-1] - smooth  # how far a later value lies above
    up_to_peak = int(smooth.argmax())
    rises_after = falls[up_to_peak:].max()
    rises_before = (np.maximum.accumulate(smooth) - smooth)[: up_to_peak + 1].max()
    return bool(max(rises_after, rises_before) <= 1e-3 * peak)
