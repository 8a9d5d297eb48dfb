"""Intervals that stay honest however often somebody looks: confidence sequences for a difference of means.

An ordinary 95 % interval is right for one look fixed in advance; who looks every day and stops at the first "success"
is wrong far more often. A confidence sequence holds the truth at all looks together.
"""

import math
from typing import Final

from analysis.errors import AnalysisError
from analysis.stats.means import Difference

__all__ = ["TUNED_FOR", "always_valid_difference", "always_valid_pvalue"]

TUNED_FOR: Final = 1000
"""Effective customers at which the interval is narrowest; fixed once, never chosen by what was seen."""


def always_valid_difference(
    plain: Difference, *, n_treated: int, n_control: int, tuned_for: float = TUNED_FOR, confidence_level: float = 0.95
) -> Difference:
    """Return the difference with an interval valid at every look at once (normal mixture boundary).

    Half-width = standard error × sqrt((1 + r) / r × log((1 + r) / α²)), r = ρ² × effective customers, with ρ chosen so
    that the interval is narrowest near ``tuned_for``. Effective customers: n1 n0 / (n1 + n0). Asymptotic: it wants
    some dozens of customers in each group at the first look.

    Args:
        plain: The plain difference at this look.
        n_treated: Treated customers so far.
        n_control: Controls so far.
        tuned_for: Effective customers at which it is narrowest.
        confidence_level: Of the whole sequence.

    Raises:
        AnalysisError: If a group is empty.

    References:
        Robbins (1970), Statistical methods related to the law of the iterated logarithm, Annals of Mathematical
        Statistics 41. Waudby-Smith, Arbour, Sinha, Kennedy, Ramdas (2024), Time-uniform central limit theory and
        asymptotic confidence sequences, Annals of Statistics 52.

    Examples:
        >>> plain = Difference(1.0, 0.5, 1998.0, 0.046, 0.02, 1.98)
        >>> found = always_valid_difference(plain, n_treated=1000, n_control=1000)
        >>> round(found.ci_lower, 2), round(found.ci_upper, 2)
        (-0.53, 2.53)
    """
    alpha = 1 - confidence_level
    r = _ratio(n_treated, n_control, tuned_for=tuned_for, alpha=alpha)
    half = plain.std_error * math.sqrt((1 + r) / r * (math.log1p(r) - 2 * math.log(alpha)))
    pvalue = always_valid_pvalue(plain, n_treated=n_treated, n_control=n_control, tuned_for=tuned_for)
    return plain._replace(pvalue=pvalue, ci_lower=plain.value - half, ci_upper=plain.value + half)


def always_valid_pvalue(plain: Difference, *, n_treated: int, n_control: int, tuned_for: float = TUNED_FOR) -> float:
    """Return the p-value that may be looked at any number of times: the inverse of the mixture likelihood ratio."""
    r = _ratio(n_treated, n_control, tuned_for=tuned_for, alpha=0.05)
    if not plain.std_error > 0:
        return plain.pvalue
    z = plain.value / plain.std_error
    return min(1.0, math.exp(0.5 * math.log1p(r) - 0.5 * z**2 * r / (1 + r)))


def _ratio(n_treated: int, n_control: int, *, tuned_for: float, alpha: float) -> float:
    if min(n_treated, n_control) < 1:
        raise AnalysisError(f"Both groups need customers, got {n_treated} and {n_control}.")
    effective = n_treated * n_control / (n_treated + n_control)
    steep = -2 * math.log(alpha)
    return (steep + math.log(steep) + 1) * effective / tuned_for
