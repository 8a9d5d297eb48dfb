"""The effect of an experiment from sums by arm: no customer is needed, so any number of experiments is read at once.

An arm is six sums over its customers: ``n``, ``y`` (outcome), ``x`` (the same measured before), ``yy``, ``xx``, ``xy``.
"""

import math
from collections.abc import Mapping, Sequence
from typing import Final, NamedTuple

from analysis.errors import AnalysisError

__all__ = ["SUMS", "SumsEffect", "added", "effect_of_sums", "slope_of"]

Sums = Mapping[str, float]

SUMS: Final = ("n", "y", "yy", "x", "xx", "xy")


class SumsEffect(NamedTuple):
    """Treated less control, adjusted for what was measured before.

    Attributes:
        effect: Difference of means.
        base: The control's mean.
        variance_treated: Of the treated arm's mean.
        variance_control: Of the control's mean.
    """

    effect: float
    base: float
    variance_treated: float
    variance_control: float

    @property
    def std_error(self) -> float:
        """Standard error of the effect."""
        return math.sqrt(self.variance_treated + self.variance_control)


def added(parts: Sequence[Sums]) -> dict[str, float]:
    """Return the sums of several groups together."""
    return {name: float(sum(part[name] for part in parts)) for name in SUMS}


def slope_of(arms: Sequence[Sums]) -> float:
    """Return by how much the outcome rises with the measure from before, within arms (CUPED's slope).

    Examples:
        >>> slope_of([{"n": 2, "y": 4, "yy": 10, "x": 2, "xx": 4, "xy": 6}])
        1.0
    """
    within = sum(arm["xx"] - arm["x"] ** 2 / arm["n"] for arm in arms)
    both = sum(arm["xy"] - arm["x"] * arm["y"] / arm["n"] for arm in arms)
    return float(both / within) if within > 0 else 0.0


def effect_of_sums(treated: Sums, control: Sums, *, slope: float = 0.0) -> SumsEffect:
    """Return the effect on the mean outcome, adjusted by the slope (CUPED), with unequal variances.

    Args:
        treated: Sums of the treated arm.
        control: Sums of the control.
        slope: Of the outcome on the measure from before; 0 for the plain difference.

    Raises:
        AnalysisError: If an arm has fewer than two customers.

    References:
        Deng, Xu, Kohavi, Walker (2013), WSDM: controlled experiments utilizing pre-experiment data.
    """
    if min(treated["n"], control["n"]) < 2:
        raise AnalysisError("An arm needs two customers for an error.")
    (mean1, variance1), (mean0, variance0) = (_adjusted(arm, slope=slope) for arm in (treated, control))
    middle = slope * (treated["x"] + control["x"]) / (treated["n"] + control["n"])
    return SumsEffect(mean1 - mean0, mean0 + middle, variance1, variance0)


def _adjusted(arm: Sums, *, slope: float) -> tuple[float, float]:
    """Return the mean of outcome less slope × measure before, and the variance of that mean."""
    n = arm["n"]
    mean = (arm["y"] - slope * arm["x"]) / n
    squares = arm["yy"] - 2 * slope * arm["xy"] + slope**2 * arm["xx"]
    return mean, max(squares - n * mean**2, 0.0) / (n - 1) / n
