"""Columns told as positions in short lists: what depends on one column only is then computed once per value."""

from typing import Final

import numpy as np
import numpy.typing as npt

__all__ = ["distinct"]

Floats = npt.NDArray[np.float64]
Codes = npt.NDArray[np.intp]

_LATTICES: Final = (1.0, 7.0)  # periods are whole, or whole days in weeks
_LONGEST: Final = 100_000  # counting is quicker than sorting up to here
_ROUNDING: Final = 1e-10  # of a whole number told in sevenths


def distinct(values: Floats) -> tuple[Floats, Codes]:
    """Return ascending distinct values and each row's position among them.

    Whole numbers, and whole days told in weeks, are counted instead of sorted.

    Examples:
        >>> [column.tolist() for column in distinct(np.array([2.5, 0.1, 2.5]))]
        [[0.1, 2.5], [1, 0, 1]]
    """
    top = float(values.max())
    for per_unit in _LATTICES:
        if top * per_unit < _LONGEST and _whole(values[:1000] * per_unit):
            counts = values if per_unit == 1 else values * per_unit
            codes = (counts + 0.5).astype(np.intp)
            if float(np.abs(counts - codes).max()) <= _ROUNDING:
                present = np.bincount(codes) > 0
                found = np.flatnonzero(present)
                if len(found) < len(present):
                    codes = (np.cumsum(present) - 1)[codes]
                return found / per_unit, codes
    ascending, position = np.unique(values, return_inverse=True)
    return ascending, position.astype(np.intp, copy=False)


def _whole(values: Floats) -> bool:
    return bool(np.all(np.abs(values - np.rint(values)) <= _ROUNDING))
