"""Columns told as positions in short lists: what depends on one column only is then computed once per value."""

from typing import Final

import numpy as np
import numpy.typing as npt

__all__ = ["distinct"]

Floats = npt.NDArray[np.float64]
Codes = npt.NDArray[np.intp]

_LATTICES: Final = (1.0, 7.0)  # periods are whole, or whole days in weeks
_LONGEST: Final = 100_000  # counting is quicker than sorting up to here
_SLICE: Final = 16_384  # rows whose working arrays stay in the processor's cache
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
            counted = _counted(values, per_unit=per_unit, longest=int(top * per_unit) + 2)
            if counted is not None:
                return counted
    ascending, position = np.unique(values, return_inverse=True)
    return ascending, position.astype(np.intp, copy=False)


def _counted(values: Floats, *, per_unit: float, longest: int) -> tuple[Floats, Codes] | None:
    """Return what ``distinct`` does, or None where a value is between two counts."""
    codes = np.empty(len(values), dtype=np.intp)
    rows_at = np.zeros(longest, dtype=np.intp)
    for start in range(0, len(values), _SLICE):
        rows = slice(start, start + _SLICE)
        counts = values[rows] * per_unit
        some = (counts + 0.5).astype(np.intp)
        counts -= some
        if max(float(counts.max()), -float(counts.min())) > _ROUNDING:
            return None
        rows_at += np.bincount(some, minlength=longest)
        codes[rows] = some
    found = np.flatnonzero(rows_at)
    if len(found) <= found[-1]:
        codes = np.take(np.cumsum(rows_at > 0) - 1, codes, out=codes, mode="clip")
    return found / per_unit, codes


def _whole(values: Floats) -> bool:
    return bool(np.all(np.abs(values - np.rint(values)) <= _ROUNDING))
