"""The effect on those whom the assignment reached, where some assigned customers were never touched.

Assignment is the instrument: random, and it changes the outcome only through the touch (exclusion: an argument in
words, no test shows it). Arrays in, numbers out; errors by cluster.
"""

import math
from typing import NamedTuple

import numpy as np
from numpy.typing import ArrayLike
from scipy.special import stdtrit

from analysis.errors import AnalysisError
from analysis.stats.clustering import ClusterSums, cluster_sums, covariance

__all__ = ["ReachedEffect", "reached_effect"]


class ReachedEffect(NamedTuple):
    """Complier average causal effect.

    Attributes:
        value: Effect of assignment over the difference it made to being touched, in the unit of the outcome.
        std_error: By the delta method.
        ci_lower: Lower end of Anderson and Rubin's interval; -inf where assignment moved touching too little.
        ci_upper: Upper end.
        first_stage: How much more often the assigned were touched, 0-1.
        first_stage_f: F of that difference, by cluster; weak below about 10.
        n_clusters: Clusters.
    """

    value: float
    std_error: float
    ci_lower: float
    ci_upper: float
    first_stage: float
    first_stage_f: float
    n_clusters: int


def reached_effect(
    outcome: ArrayLike,
    *,
    treated: ArrayLike,
    reached: ArrayLike,
    clusters: ArrayLike,
    confidence_level: float = 0.95,
) -> ReachedEffect:
    """Return the effect on customers who were touched because they were assigned.

    Args:
        outcome: One entry per customer.
        treated: Whether assigned to be touched.
        reached: Whether the touch went out.
        clusters: Label of the cluster, such as the member of staff.
        confidence_level: Of the interval.

    Raises:
        AnalysisError: If clusters are too few, or nobody was reached.

    References:
        Imbens, Angrist (1994), Identification and estimation of local average treatment effects, Econometrica 62.
        Anderson, Rubin (1949), Estimation of the parameters of a single equation, Annals of Mathematical Statistics 20.
    """
    itt = cluster_sums(outcome, treated=treated, clusters=clusters)
    first = cluster_sums(np.asarray(reached, dtype=np.float64), treated=treated, clusters=clusters)
    moved = first.difference
    if not moved > 0:
        raise AnalysisError("Assignment did not make touches more frequent: there is nobody whom it reached.")
    spread = covariance(itt, first)
    value = itt.difference / moved
    variance = (spread[0, 0] - 2 * value * spread[0, 1] + value**2 * spread[1, 1]) / moved**2
    lower, upper = _anderson_rubin(itt, first, spread_level=confidence_level)
    strength = moved**2 / spread[1, 1] if spread[1, 1] > 0 else math.inf
    return ReachedEffect(value, math.sqrt(max(variance, 0.0)), lower, upper, moved, float(strength), len(itt.n1))


def _anderson_rubin(itt: ClusterSums, first: ClusterSums, *, spread_level: float) -> tuple[float, float]:
    """Return the ends of all effects b for which outcome - b × reached shows no difference between the sides.

    |Δy - bΔd| ≤ t × se(Δy - bΔd) is a quadratic inequality in b: an interval if Δd itself is beyond t, else unbounded.
    """
    spread, t = covariance(itt, first), float(stdtrit(itt.dof, 0.5 + spread_level / 2))
    dy, dd = itt.difference, first.difference
    a = dd**2 - t**2 * spread[1, 1]
    b = -2 * (dy * dd - t**2 * spread[0, 1])
    c = dy**2 - t**2 * spread[0, 0]
    inside = b**2 - 4 * a * c
    if a <= 0 or inside < 0:
        return -math.inf, math.inf
    return float((-b - math.sqrt(inside)) / (2 * a)), float((-b + math.sqrt(inside)) / (2 * a))
