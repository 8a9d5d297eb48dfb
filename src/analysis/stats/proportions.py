"""Did the arms come out as planned, and which of many findings stand: sample ratio, Holm's correction.

Arrays in, numbers out.
"""

from collections.abc import Sequence

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy.special import chdtrc

from analysis.errors import AnalysisError

__all__ = ["holm", "sample_ratio_pvalue"]

Floats = NDArray[np.float64]


def sample_ratio_pvalue(counts: Sequence[int], *, shares: Sequence[float]) -> float:
    """Return how likely customers fall so far from the planned shares by luck: Pearson's chi-square.

    Args:
        counts: Customers in each arm.
        shares: Planned share of each arm, in the same order; scaled to sum to 1.

    Raises:
        AnalysisError: If there are fewer than two arms, or a share is not above 0.

    References:
        Fabijan et al. (2019), Diagnosing sample ratio mismatch in online controlled experiments, KDD.

    Examples:
        >>> round(sample_ratio_pvalue([5050, 4950], shares=[1, 1]), 3)
        0.317
    """
    found, planned = np.asarray(counts, dtype=np.float64), np.asarray(shares, dtype=np.float64)
    if len(found) < 2 or len(found) != len(planned):
        raise AnalysisError(f"At least two arms with a share each are needed, got {len(found)} and {len(planned)}.")
    if np.any(planned <= 0):
        raise AnalysisError(f"Planned shares must be above 0, got {planned.tolist()}.")
    expected = planned / planned.sum() * found.sum()
    if not found.sum() > 0:
        return 1.0
    return float(chdtrc(len(found) - 1, float(np.sum((found - expected) ** 2 / expected))))


def holm(pvalues: ArrayLike) -> Floats:
    """Return p-values corrected so that any false finding among all is as rare as each was; NaN stays and counts not.

    References:
        Holm (1979), A simple sequentially rejective multiple test procedure, Scandinavian Journal of Statistics 6.

    Examples:
        >>> holm([0.01, 0.04, 0.03]).round(2).tolist()
        [0.03, 0.06, 0.06]
    """
    given = np.asarray(pvalues, dtype=np.float64)
    found = np.full(given.shape, np.nan)
    known = np.flatnonzero(~np.isnan(given))
    order = known[np.argsort(given[known], kind="stable")]
    steps = given[order] * np.arange(len(order), 0, -1)
    found[order] = np.minimum(np.maximum.accumulate(steps), 1.0) if len(order) else steps
    return found
