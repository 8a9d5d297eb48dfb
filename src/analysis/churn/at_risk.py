"""How many customers will leave, and what their custom is worth, with an interval that owns up to drift.

Probabilities are right on average only for the window they were calibrated on; the next window has its own level (a
season, a sale). How far levels moved from window to window before is how far they may move next, so the interval holds
that drift, as a random walk of the log-odds, and the luck of the individual customers.
"""

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
from numpy.typing import ArrayLike

from analysis.churn.season import shifted
from analysis.errors import AnalysisError
from analysis.stats.scoring import Score

__all__ = ["LevelDrift", "expected_loss", "level_drift"]


class LevelDrift(NamedTuple):
    """How far the level of churn moves from one window to the next.

    Attributes:
        deviation: Root mean square of the moves, log-odds.
        n_moves: Moves it was learnt from.
    """

    deviation: float
    n_moves: int


def level_drift(moves: Sequence[float]) -> LevelDrift:
    """Return how far the level moves between successive windows, beyond what was foretold.

    Args:
        moves: Of the level from window to window, log-odds (``season.Season.surprises``).

    Raises:
        AnalysisError: If there is no move.
    """
    if not moves:
        raise AnalysisError("Drift needs at least two windows.")
    return LevelDrift(float(np.sqrt(np.mean(np.square(moves)))), len(moves))


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
    move = quantile * drift.deviation
    below = expected - float(shifted(p, by=-move) @ w)
    above = float(shifted(p, by=move) @ w) - expected
    luck = float(ndtri(0.5 + confidence_level / 2)) * float(np.sqrt((p * (1 - p)) @ w**2))
    lower = max(expected - float(np.hypot(below, luck)), 0.0)
    return Score(expected, lower, min(expected + float(np.hypot(above, luck)), float(w.sum())))
