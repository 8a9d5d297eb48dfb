"""How many customers will leave, and what their custom is worth, with an interval that owns up to drift.

Probabilities are right on average only for the window they were calibrated on; the next window has its own level (a
season, a sale). How far levels moved from window to window before is how far they may move next, so the interval holds
that drift, as a random walk of the log-odds, and the luck of the individual customers.
"""

from collections.abc import Sequence
from typing import Final, NamedTuple

import numpy as np
from numpy.typing import ArrayLike, NDArray

from analysis.errors import AnalysisError
from analysis.stats.scoring import Score

__all__ = ["LevelDrift", "expected_loss", "level_drift", "level_offset"]

Floats = NDArray[np.float64]
_FLOOR: Final = 1e-6
_WIDEST_OFFSET: Final = 20.0
_BISECTIONS: Final = 60


class LevelDrift(NamedTuple):
    """How far the level of churn moves from one window to the next.

    Attributes:
        deviation: Root mean square of the moves, log-odds.
        n_moves: Moves it was learnt from.
    """

    deviation: float
    n_moves: int


def level_offset(churned: ArrayLike, probability: ArrayLike) -> float:
    """Return by how much all log-odds must move for the expected number of leavers to equal the actual one.

    Above 0: more left than forecast. Half a customer is added to both sides, so that it is finite.

    Examples:
        >>> abs(level_offset([1, 0, 1, 0], [0.5, 0.5, 0.5, 0.5])) < 1e-6
        True
    """
    y = np.asarray(churned, dtype=np.float64)
    odds = _log_odds(probability)
    target = (y.sum() + 0.5) / (y.size + 1) * y.size
    low, high = -_WIDEST_OFFSET, _WIDEST_OFFSET
    for _ in range(_BISECTIONS):
        middle = (low + high) / 2
        low, high = (middle, high) if _expit(odds + middle).sum() < target else (low, middle)
    return (low + high) / 2


def level_drift(offsets: Sequence[float]) -> LevelDrift:
    """Return how far the level moves between successive windows.

    Args:
        offsets: ``level_offset`` of one and the same forecast on successive windows, oldest first.

    Raises:
        AnalysisError: If there are fewer than two windows.
    """
    if len(offsets) < 2:
        raise AnalysisError(f"Drift needs at least two windows, got {len(offsets)}.")
    moves = np.diff(np.asarray(offsets, dtype=np.float64))
    return LevelDrift(float(np.sqrt(np.mean(moves**2))), int(moves.size))


def expected_loss(
    probability: ArrayLike, *, weight: ArrayLike, drift: LevelDrift, confidence_level: float = 0.8
) -> Score:
    """Return the expected sum of ``weight`` over those who leave, with the interval of the actual sum.

    Args:
        probability: Calibrated probability of leaving, 0-1, a row per customer.
        weight: 1 to count customers, or each one's value in money.
        drift: Of the level between windows; its moves are few, so Student's t carries the doubt about it.
        confidence_level: Of the interval, which holds drift and luck.
    """
    from scipy.special import ndtri, stdtrit

    p = np.asarray(probability, dtype=np.float64)
    w = np.broadcast_to(np.asarray(weight, dtype=np.float64), p.shape)
    expected = float(p @ w)
    quantile = float(stdtrit(drift.n_moves, 0.5 + confidence_level / 2))
    odds, move = _log_odds(p), quantile * drift.deviation
    below = expected - float(_expit(odds - move) @ w)
    above = float(_expit(odds + move) @ w) - expected
    luck = float(ndtri(0.5 + confidence_level / 2)) * float(np.sqrt((p * (1 - p)) @ w**2))
    lower = max(expected - float(np.hypot(below, luck)), 0.0)
    return Score(expected, lower, min(expected + float(np.hypot(above, luck)), float(w.sum())))


def _log_odds(probability: ArrayLike) -> Floats:
    p = np.clip(np.asarray(probability, dtype=np.float64), _FLOOR, 1 - _FLOOR)
    return np.asarray(np.log(p) - np.log1p(-p), dtype=np.float64)


def _expit(odds: Floats) -> Floats:
    return np.asarray(1 / (1 + np.exp(-odds)), dtype=np.float64)
