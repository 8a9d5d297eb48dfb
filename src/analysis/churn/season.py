"""How the level of churn moves with the season, learnt from the same weeks a year ago.

A calibrated forecast knows the level of the window it was calibrated on; the next window may hold a sale, or the quiet
weeks after one. The move of the level at the same time last year foretells this year's, as far as it did so before.
"""

from collections.abc import Sequence
from datetime import date
from itertools import pairwise
from typing import Final, NamedTuple

import numpy as np
from numpy.typing import ArrayLike, NDArray

from analysis.errors import AnalysisError
from analysis.periods import days_before

__all__ = ["LAST_YEAR_DAYS", "Season", "level_offset", "seasonal_move", "shifted", "year_before"]

Floats = NDArray[np.float64]

LAST_YEAR_DAYS: Final = 364
"""52 weeks: the same season and the same days of the week."""

_SMALL_MOVE: Final = 0.1
"""Log-odds: moves no larger than this say little about seasons, and a weight learnt from them would be noise."""

_FLOOR: Final = 1e-6
_WIDEST_OFFSET: Final = 20.0
_BISECTIONS: Final = 60


class Season(NamedTuple):
    """What last year says about the next window.

    Attributes:
        move: By how much the log-odds of leaving are expected to move, compared with the window before.
        weight: How far last year's moves foretold this year's so far, 0 (not at all, or not known) to 1.
        surprises: This year's moves so far, less what last year foretold of them; log-odds.
    """

    move: float
    weight: float
    surprises: tuple[float, ...]


def year_before(day: date) -> date:
    """Return the same weekday 52 weeks earlier."""
    return days_before(day, days=LAST_YEAR_DAYS)


def level_offset(churned: ArrayLike, probability: ArrayLike) -> float:
    """Return by how much all log-odds must move for the expected number of leavers to equal the actual one.

    Above 0: more left than forecast. Half a customer is added to both sides, so that it is finite.

    Examples:
        >>> abs(level_offset([1, 0, 1, 0], [0.5, 0.5, 0.5, 0.5])) < 1e-6
        True
    """
    y, p = np.asarray(churned, dtype=np.float64), np.asarray(probability, dtype=np.float64)
    target = (y.sum() + 0.5) / (y.size + 1) * y.size
    low, high = -_WIDEST_OFFSET, _WIDEST_OFFSET
    for _ in range(_BISECTIONS):
        middle = (low + high) / 2
        low, high = (middle, high) if shifted(p, by=middle).sum() < target else (low, middle)
    return (low + high) / 2


def shifted(probability: ArrayLike, *, by: ArrayLike) -> Floats:
    """Return probabilities whose log-odds are moved by that much, each by its own or all alike.

    Examples:
        >>> shifted([0.5], by=0.0).tolist()
        [0.5]
    """
    p = np.clip(np.asarray(probability, dtype=np.float64), _FLOOR, 1 - _FLOOR)
    return np.asarray(1 / (1 + (1 - p) / p * np.exp(-np.asarray(by, dtype=np.float64))), dtype=np.float64)


def seasonal_move(levels: Sequence[float], *, last_year: Sequence[float | None]) -> Season:
    """Return how the level is expected to move from the newest known window to the next one.

    Args:
        levels: ``level_offset`` of one and the same forecast on successive windows, oldest first.
        last_year: The same a year earlier, one more than ``levels``: the last one is the year-old twin of the window
            asked about. None where there was no history.

    Returns:
        The move, 0 where the year-old twins are not known; each move of the past counts in the weight in proportion to
        its square, and a ridge keeps small moves from mattering.

    Raises:
        AnalysisError: If there are no levels, or the two do not fit.

    Examples:
        >>> season = seasonal_move([0.0, 0.6], last_year=[0.1, 0.7, 0.1])
        >>> round(season.move, 2), round(season.weight, 2)
        (-0.58, 0.97)
    """
    if not levels or len(last_year) != len(levels) + 1:
        raise AnalysisError(f"{len(levels)} levels need {len(levels) + 1} of the year before, got {len(last_year)}.")
    moves = [new - old for old, new in pairwise(levels)]
    twins = [_difference(old, new) for old, new in pairwise(last_year)]
    pairs = [(move, twin) for move, twin in zip(moves, twins, strict=False) if twin is not None]
    shared = sum(move * twin for move, twin in pairs)
    weight = float(np.clip(shared / (sum(twin**2 for _, twin in pairs) + _SMALL_MOVE**2), 0.0, 1.0))
    surprises = tuple(move - weight * (twin or 0.0) for move, twin in zip(moves, twins, strict=False))
    return Season(weight * (twins[-1] or 0.0), weight, surprises)


def _difference(old: float | None, new: float | None) -> float | None:
    return None if old is None or new is None else new - old
