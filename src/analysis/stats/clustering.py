"""The difference of two means where customers come in clusters: staff, groups, shops.

Arrays in, numbers out. A cluster may hold treated customers, controls, or both. The error is that of cluster sums
(Liang and Zeger) with each cluster's residuals blown up by its leverage (CR2 of Bell and McCaffrey, which for a
difference of means has a closed form).
"""

import math
from collections.abc import Callable
from typing import Final, NamedTuple

import numpy as np
from numpy.typing import ArrayLike, NDArray

from analysis.errors import AnalysisError
from analysis.stats.means import Difference, difference_from

__all__ = ["FEWEST_CLUSTERS", "ClusterSums", "cluster_sums", "clustered_difference", "covariance", "wild_difference"]

Floats = NDArray[np.float64]

FEWEST_CLUSTERS: Final = 4
"""Fewer clusters cannot tell their own spread."""

_STEPS: Final = 22
"""Halvings of an interval: the ends are exact to a millionth of a standard error."""

_WEBB: Final = np.sqrt([0.5, 1.0, 1.5])
"""Webb's six-point weights, of both signs: more distinct draws than two points where clusters are few."""


class ClusterSums(NamedTuple):
    """Customers and outcome by cluster and side, one entry per cluster.

    Attributes:
        n1: Treated customers.
        n0: Controls.
        y1: Sum of the outcome of the treated.
        y0: Sum of the outcome of the controls.
    """

    n1: Floats
    n0: Floats
    y1: Floats
    y0: Floats

    @property
    def difference(self) -> float:
        """Mean of the treated minus mean of the controls."""
        return float(self.y1.sum() / self.n1.sum() - self.y0.sum() / self.n0.sum())

    @property
    def scores(self) -> Floats:
        """What each cluster adds to the error of the difference."""
        at1, at0 = self.y1.sum() / self.n1.sum(), self.y0.sum() / self.n0.sum()
        return _blown_up(self.n1, self.y1 - at1 * self.n1) - _blown_up(self.n0, self.y0 - at0 * self.n0)

    @property
    def dof(self) -> float:
        """Degrees of freedom: by Satterthwaite where clusters are of one side, else clusters less one."""
        whole = not np.any((self.n1 > 0) & (self.n0 > 0))
        scores = self.scores
        if not whole:
            return float(len(scores) - 1)
        first, second = (float(np.sum(scores[n > 0] ** 2)) for n in (self.n1, self.n0))
        g1, g0 = int((self.n1 > 0).sum()), int((self.n0 > 0).sum())
        below = first**2 / (g1 - 1) + second**2 / (g0 - 1)
        return (first + second) ** 2 / below if below > 0 else float(g1 + g0 - 2)


def cluster_sums(outcome: ArrayLike, *, treated: ArrayLike, clusters: ArrayLike) -> ClusterSums:
    """Return customers and outcome summed by cluster and side.

    Args:
        outcome: One entry per customer.
        treated: Whether the customer is treated (else control).
        clusters: Label of the customer's cluster.

    Raises:
        AnalysisError: If lengths differ, or a side has fewer than two clusters, or there are fewer than four in all.
    """
    y, side = np.asarray(outcome, dtype=np.float64), np.asarray(treated, dtype=bool)
    labels, codes = np.unique(np.asarray(clusters), return_inverse=True)
    if not len(y) == len(side) == len(codes):
        raise AnalysisError("Outcome, side and cluster must have one entry per customer each.")

    def summed(weights: Floats) -> Floats:
        return np.bincount(codes, weights=weights, minlength=len(labels)).astype(np.float64)

    one, nought = side.astype(np.float64), (~side).astype(np.float64)
    sums = ClusterSums(summed(one), summed(nought), summed(one * y), summed(nought * y))
    if len(labels) < FEWEST_CLUSTERS or min((sums.n1 > 0).sum(), (sums.n0 > 0).sum()) < 2:
        raise AnalysisError(
            f"Clusters are too few: {len(labels)}, of which {int((sums.n1 > 0).sum())} hold treated customers and "
            f"{int((sums.n0 > 0).sum())} controls.",
            hint=f"at least {FEWEST_CLUSTERS} are needed, two on each side",
        )
    return sums


def clustered_difference(
    outcome: ArrayLike, *, treated: ArrayLike, clusters: ArrayLike, confidence_level: float = 0.95
) -> Difference:
    """Return the difference of means with the error of clusters.

    Args:
        outcome: One entry per customer.
        treated: Whether the customer is treated.
        clusters: Label of the customer's cluster.
        confidence_level: Of the interval.

    Raises:
        AnalysisError: If clusters are too few.

    References:
        Liang, Zeger (1986), Longitudinal data analysis using generalized linear models, Biometrika 73.
        Bell, McCaffrey (2002), Bias reduction in standard errors for linear regression with multi-stage samples,
        Survey Methodology 28.
    """
    sums = cluster_sums(outcome, treated=treated, clusters=clusters)
    error = math.sqrt(float(np.sum(sums.scores**2)))
    return difference_from(sums.difference, std_error=error, dof=sums.dof, confidence_level=confidence_level)


def covariance(first: ClusterSums, second: ClusterSums) -> Floats:
    """Return the 2 × 2 covariance of two differences of the same customers in the same clusters."""
    scores = np.vstack([first.scores, second.scores])
    found: Floats = scores @ scores.T
    return found


def wild_difference(
    outcome: ArrayLike,
    *,
    treated: ArrayLike,
    clusters: ArrayLike,
    rng: np.random.Generator,
    resamples: int = 999,
    confidence_level: float = 0.95,
) -> Difference:
    """Return the difference with a wild cluster bootstrap interval: honest with few clusters.

    Residuals under the null are kept or turned whole clusters at a time (Webb's weights, at least 999 draws); the
    interval holds every effect that this test does not reject.

    Raises:
        AnalysisError: If clusters are too few.

    References:
        Cameron, Gelbach, Miller (2008), Bootstrap-based improvements for inference with clustered errors, Review of
        Economics and Statistics 90. Webb (2023), Reworking wild bootstrap-based inference for clustered errors,
        Canadian Journal of Economics 56.
    """
    sums = cluster_sums(outcome, treated=treated, clusters=clusters)
    plain = clustered_difference(outcome, treated=treated, clusters=clusters, confidence_level=confidence_level)
    if not plain.std_error > 0:
        return plain
    weights = rng.choice(np.concatenate([-_WEBB, _WEBB]), size=(resamples, len(sums.n1)))

    def pvalue(effect: float) -> float:
        return _wild_pvalue(sums, plain=plain, effect=effect, weights=weights)

    alpha = 1 - confidence_level
    lower = _end(pvalue, plain.value, step=-plain.std_error, alpha=alpha)
    upper = _end(pvalue, plain.value, step=plain.std_error, alpha=alpha)
    return plain._replace(pvalue=pvalue(0.0), ci_lower=lower, ci_upper=upper)


def _blown_up(n: Floats, residual: Floats) -> Floats:
    """Return residual sums over the side's customers, each corrected for its cluster's pull on the mean."""
    total = float(n.sum())
    held = np.maximum(1 - n / total, 1e-12)
    found: Floats = np.where(n > 0, residual / np.sqrt(held), 0.0) / total
    return found


def _wild_pvalue(sums: ClusterSums, *, plain: Difference, effect: float, weights: Floats) -> float:
    """Return the share of draws under ``effect`` whose t is at least as far out as the observed one."""
    n1, n0 = sums.n1, sums.n0
    total1, total0 = float(n1.sum()), float(n0.sum())
    # residuals under the null: outcome less effect where treated, less one common mean
    common = float((sums.y1.sum() - effect * total1 + sums.y0.sum()) / (total1 + total0))
    r1, r0 = sums.y1 - (effect + common) * n1, sums.y0 - common * n0
    mean1, mean0 = weights @ r1 / total1, weights @ r0 / total0
    left1 = weights * r1 - mean1[:, None] * n1
    left0 = weights * r0 - mean0[:, None] * n0
    held1, held0 = (np.sqrt(np.maximum(1 - n / t, 1e-12)) for n, t in ((n1, total1), (n0, total0)))
    scores = left1 / held1 / total1 - left0 / held0 / total0
    error = np.sqrt(np.sum(scores**2, axis=1))
    ratio = np.divide(mean1 - mean0, error, out=np.zeros(len(weights)), where=error > 0)
    observed = abs(plain.value - effect) / plain.std_error
    return float((1 + np.sum(np.abs(ratio) >= observed)) / (len(weights) + 1))


def _end(pvalue: Callable[[float], float], start: float, *, step: float, alpha: float) -> float:
    """Return where the test begins to reject, going from ``start`` in steps; unbounded if it never does."""
    inside, outside = start, start + 2 * step
    for _ in range(12):
        if pvalue(outside) <= alpha:
            break
        inside, outside = outside, outside + 2 * (outside - start)
    else:
        return math.copysign(math.inf, step)
    for _ in range(_STEPS):
        middle = (inside + outside) / 2
        inside, outside = (inside, middle) if pvalue(middle) <= alpha else (middle, outside)
    return (inside + outside) / 2
