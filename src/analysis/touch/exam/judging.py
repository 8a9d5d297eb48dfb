"""How a row of the exam is judged: paired means over replicates of luck, with their 95 % intervals."""

from collections.abc import Callable, Sequence
from typing import Final, NamedTuple

import numpy as np
import numpy.typing as npt

__all__ = ["Interval", "paired", "ratio", "sliced"]

Floats = npt.NDArray[np.float64]

_NORMAL_975: Final = 1.959964  # with 40 replicates and more Student's t is within 4 % of it
_SLICES: Final = 20


class Interval(NamedTuple):
    """A number with its 95 % interval: the Monte Carlo error of its mean over replicates of luck."""

    value: float
    lower: float
    upper: float

    def above(self, bound: float = 0.0) -> bool:
        """Return whether the whole interval lies above."""
        return self.lower > bound

    def below(self, bound: float = 0.0) -> bool:
        """Return whether the whole interval lies below."""
        return self.upper < bound


def paired(differences: Floats) -> Interval:
    """Return the mean of paired differences, one per replicate.

    Examples:
        >>> paired(np.array([1.0, 2.0, 3.0])).value
        2.0
    """
    return _around(float(differences.mean()), error=float(differences.std(ddof=1) / np.sqrt(len(differences))))


def ratio(above: Floats, below: Floats) -> Interval:
    """Return the ratio of two means over the same replicates, its error by linearisation.

    Examples:
        >>> ratio(np.array([1.0, 3.0]), np.array([2.0, 6.0]))
        Interval(value=0.5, lower=0.5, upper=0.5)
    """
    value = float(above.mean() / below.mean())
    errors = (above - value * below) / below.mean()
    return _around(value, error=float(errors.std(ddof=1) / np.sqrt(len(errors))))


def sliced(statistic: Callable[[Floats], Sequence[float]], replicates: Floats) -> list[Interval]:
    """Return what a function of the mean over replicates gives, each with its interval by the jackknife.

    Args:
        statistic: Takes a mean over replicates (the last axis gone), returns numbers.
        replicates: Any array whose last axis are replicates; twenty slices of them are left out in turn.

    References:
        Quenouille, M. (1956), Biometrika 43; Tukey, J. (1958): the jackknife, here by groups.
    """
    whole = np.asarray(statistic(replicates.mean(axis=-1)))
    n = replicates.shape[-1]
    slices = min(_SLICES, n)
    place = np.arange(n) * slices // n
    left = np.array([statistic(replicates[..., place != k].mean(axis=-1)) for k in range(slices)])
    error = np.sqrt((slices - 1) / slices * ((left - left.mean(axis=0)) ** 2).sum(axis=0))
    return [_around(float(v), error=float(e)) for v, e in zip(whole, error, strict=True)]


def _around(value: float, *, error: float) -> Interval:
    return Interval(value, value - _NORMAL_975 * error, value + _NORMAL_975 * error)
