"""How many customers will buy, week by week: expected numbers with an interval that owns up to level and luck."""

from collections.abc import Sequence
from typing import Final

import numpy as np
import pandas as pd
from numpy.typing import NDArray

__all__ = ["expected_buyers", "level_deviation", "timing_error"]

Floats = NDArray[np.float64]

_LEVEL: Final = 0.8
_NORMAL: Final = 1.2815515655446004  # 90th percentile of the normal distribution: two sides of 10 % leave 80 %


def timing_error(expected: Floats, actual: Floats) -> float:
    """Return how far weekly buyers of a past window lay from the forecast, beyond luck, once its total is known.

    Args:
        expected: Buyers forecast for each week of the window.
        actual: Buyers of each week.

    Returns:
        Standard deviation of the error as a share of the forecast; 0 where luck explains it all.

    Examples:
        >>> timing_error(np.array([100.0, 100.0]), np.array([100.0, 100.0]))
        0.0
    """
    total = expected.sum()
    if total <= 0 or actual.sum() <= 0:
        return 0.0
    scaled = expected * actual.sum() / total
    beyond = float(((actual - scaled) ** 2 - scaled).sum() / (scaled**2).sum())
    return float(np.sqrt(max(beyond, 0.0)))


def expected_buyers(
    steps: pd.DataFrame, p_purchase: "pd.Series[float]", *, drift: float, timing: float, scale: float = 1.0
) -> pd.DataFrame:
    """Return expected first purchases within the horizon, week by week.

    Args:
        steps: One row per customer, one column per week: chance that the first purchase falls into it, 0-1.
        p_purchase: Chance of a purchase within the horizon, 0-1.
        drift: How far the level of chances moved between past windows beyond what was foretold; log-odds.
        timing: How far weeks lay from the forecast beyond luck (``timing_error``).
        scale: Customers that each row stands for.

    Returns:
        One row per week: ``week`` (1 begins tomorrow), ``expected_buyers`` (customers), ``expected_buyers_ci_lower``,
        ``expected_buyers_ci_upper`` (80 %, of the actual number), ``confidence_level``.
    """
    chance = steps.to_numpy(dtype=np.float64)
    expected = chance.sum(axis=0) * scale
    # A move of all log-odds by one moves p by p (1 - p), and its weeks in proportion.
    slope = (chance * (1 - p_purchase.to_numpy(dtype=np.float64))[:, None]).sum(axis=0) * scale
    luck = (chance * (1 - chance)).sum(axis=0) * scale
    deviation = np.sqrt(luck + (slope * drift) ** 2 + (expected * timing) ** 2)
    return pd.DataFrame(
        {
            "week": np.arange(1, chance.shape[1] + 1),
            "expected_buyers": expected,
            "expected_buyers_ci_lower": np.maximum(expected - _NORMAL * deviation, 0.0),
            "expected_buyers_ci_upper": expected + _NORMAL * deviation,
            "confidence_level": _LEVEL,
        }
    )


def level_deviation(surprises: Sequence[float]) -> float:
    """Return the root mean square of past moves of the level, log-odds; 0 where there was none."""
    return float(np.sqrt(np.mean(np.square(surprises)))) if len(surprises) else 0.0
