"""How far two groupings of the same rows agree: contingency, Jaccard, matching, adjusted Rand.

Labels are codes from 0; row order does not matter as long as it is the same for both.
"""

from typing import NamedTuple

import numpy as np
from numpy.typing import ArrayLike, NDArray

from analysis.errors import AnalysisError

__all__ = ["Match", "adjusted_rand", "contingency", "jaccard_matrix", "match_labels"]

Floats = NDArray[np.float64]
Codes = NDArray[np.int64]


class Match(NamedTuple):
    """One pair of matched labels and how much of their union they share (0-1)."""

    first: int
    second: int
    jaccard: float


def contingency(first: ArrayLike, second: ArrayLike) -> Codes:
    """Return how many rows have each pair of labels: a row per label of ``first``, a column per label of ``second``.

    Raises:
        AnalysisError: If the groupings differ in length.

    Examples:
        >>> contingency([0, 0, 1], [1, 1, 0]).tolist()
        [[0, 2], [1, 0]]
    """
    a, b = np.asarray(first, dtype=np.int64), np.asarray(second, dtype=np.int64)
    if len(a) != len(b):
        raise AnalysisError(f"Two groupings of the same rows are needed, got {len(a)} and {len(b)} rows.")
    n_a, n_b = (int(labels.max()) + 1 if len(labels) else 0 for labels in (a, b))
    return np.bincount(a * n_b + b, minlength=n_a * n_b).reshape(n_a, n_b)


def jaccard_matrix(first: ArrayLike, second: ArrayLike) -> Floats:
    """Return the Jaccard similarity of each pair of groups: shared rows over rows of either; 0 for two empty ones.

    Raises:
        AnalysisError: If the groupings differ in length.

    Examples:
        >>> jaccard_matrix([0, 0, 1, 1], [0, 0, 0, 1]).round(2).tolist()
        [[0.67, 0.0], [0.25, 0.5]]
    """
    shared = contingency(first, second).astype(np.float64)
    either = shared.sum(axis=1, keepdims=True) + shared.sum(axis=0, keepdims=True) - shared
    similarity: Floats = np.divide(shared, either, out=np.zeros_like(shared), where=either > 0)
    return similarity


def match_labels(first: ArrayLike, second: ArrayLike) -> list[Match]:
    """Return the one-to-one matching of labels with the largest total Jaccard similarity (Hungarian method).

    Raises:
        AnalysisError: If the groupings differ in length.

    Examples:
        >>> [(m.first, m.second) for m in match_labels([0, 0, 1, 1], [1, 1, 0, 0])]
        [(0, 1), (1, 0)]
    """
    from scipy.optimize import linear_sum_assignment

    similarity = jaccard_matrix(first, second)
    rows, columns = linear_sum_assignment(-similarity)
    return [Match(int(i), int(j), float(similarity[i, j])) for i, j in zip(rows, columns, strict=True)]


def adjusted_rand(first: ArrayLike, second: ArrayLike) -> float:
    """Return the Rand index corrected for chance: 1 for equal groupings, about 0 for unrelated ones.

    Raises:
        AnalysisError: If the groupings differ in length or have fewer than two rows.

    References:
        Hubert, L. and Arabie, P. (1985). Comparing partitions. Journal of Classification 2, 193-218.

    Examples:
        >>> adjusted_rand([0, 0, 1, 1], [1, 1, 0, 0])
        1.0
    """
    table = contingency(first, second).astype(np.float64)
    n = table.sum()
    if n < 2:
        raise AnalysisError("Agreement needs two rows or more.")
    both = _pairs(table).sum()
    in_first, in_second = _pairs(table.sum(axis=1)).sum(), _pairs(table.sum(axis=0)).sum()
    expected = in_first * in_second / _pairs(n)
    largest = (in_first + in_second) / 2
    return 1.0 if largest == expected else float((both - expected) / (largest - expected))


def _pairs(count: Floats | float) -> Floats:
    n = np.asarray(count, dtype=np.float64)
    return n * (n - 1) / 2
