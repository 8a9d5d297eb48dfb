"""What an experiment can see: power, the smallest effect it finds, and the customers it takes.

Arrays in, numbers out; two-sided tests of a difference of two means by the normal law.
"""

import math

from scipy.special import ndtr, ndtri

from analysis.checks import positive
from analysis.errors import AnalysisError

__all__ = ["design_effect", "minimum_detectable_effect", "power", "sample_size"]


def minimum_detectable_effect(
    spread: float, *, n_treated: float, n_control: float, power: float = 0.8, alpha: float = 0.05
) -> float:
    """Return the smallest true difference found with that power, in the unit of the outcome.

    Args:
        spread: Standard deviation of the outcome; for a rate p, sqrt(p (1 - p)).
        n_treated: Treated customers.
        n_control: Controls.
        power: Chance of finding it, 0-1.
        alpha: Chance of finding what is not there, two-sided.

    Raises:
        AnalysisError: If a group is empty or a chance is not within 0-1.

    Examples:
        >>> round(minimum_detectable_effect(0.3, n_treated=2500, n_control=2500), 4)
        0.0238
    """
    return _reach(power, alpha) * _error(spread, n_treated, n_control)


def power(effect: float, *, spread: float, n_treated: float, n_control: float, alpha: float = 0.05) -> float:
    """Return the chance that an experiment finds a true difference of ``effect``, on the right side of 0.

    Examples:
        >>> round(power(0.0238, spread=0.3, n_treated=2500, n_control=2500), 2)
        0.8
    """
    error = _error(spread, n_treated, n_control)
    return float(ndtr(abs(effect) / error - ndtri(1 - alpha / 2))) if error > 0 else float(effect != 0)


def sample_size(
    effect: float, *, spread: float, share_control: float = 0.5, power: float = 0.8, alpha: float = 0.05
) -> int:
    """Return the customers, treated and controls together, that it takes to find ``effect``.

    Raises:
        AnalysisError: If the effect is 0 or a share or chance is not within 0-1.

    Examples:
        >>> sample_size(0.0238, spread=0.3)
        4989
    """
    positive(abs(effect), what="the size of the effect")
    if not 0 < share_control < 1:
        raise AnalysisError(f"The control's share must be within 0-1, got {share_control}.")
    needed = (_reach(power, alpha) * spread / effect) ** 2 / (share_control * (1 - share_control))
    return math.ceil(needed)


def design_effect(cluster_size: float, *, alike: float) -> float:
    """Return how many times the variance grows where whole clusters are assigned.

    Args:
        cluster_size: Mean customers in a cluster.
        alike: Correlation of outcomes within a cluster (intraclass), 0-1.

    Examples:
        >>> design_effect(50, alike=0.02)
        1.98
    """
    return 1 + max(cluster_size - 1, 0) * alike


def _reach(power: float, alpha: float) -> float:
    if not (0 < power < 1 and 0 < alpha < 1):
        raise AnalysisError(f"Power and alpha must be within 0-1, got {power} and {alpha}.")
    return float(ndtri(1 - alpha / 2) + ndtri(power))


def _error(spread: float, n_treated: float, n_control: float) -> float:
    if min(n_treated, n_control) <= 0:
        raise AnalysisError(f"Both groups need customers, got {n_treated} and {n_control}.")
    return spread * math.sqrt(1 / n_treated + 1 / n_control)
