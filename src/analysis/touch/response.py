"""Response: what a read touch adds to a customer's own pace, when, and what it only borrows from later."""

from typing import Any, Final

import numpy as np
import numpy.typing as npt

from analysis.touch.arithmetic import expm1

__all__ = ["MEMORY_DAYS", "delay_survival", "delay_weights", "saturated_lift", "touch_gain"]

Floats = npt.NDArray[np.floating]

MEMORY_DAYS: Final = 28  # days after which a touch no longer works; its whole effect is spread over these


def touch_gain(*, gain_days: Any, template_gain: Any, offer_gain: Any, discount_share: Any, timing_gain: Any) -> Any:
    """Return what a read touch is worth before fatigue, in days of the customer's own purchases.

    Args:
        gain_days: Worth of a plain read touch, in days of own purchases.
        template_gain: Multiple for what the touch says; 1 for plain content.
        offer_gain: Extra worth of *seeing* an offer, per ten points of discount.
        discount_share: Discount the touch promises, 0-1; 0 without an offer.
        timing_gain: Extra worth because the customer's need is near; 0 elsewhere.

    References:
        Sahni, N., Zou, D. and Chintagunta, P. (2017), Marketing Science: most of an offer's effect is exposure.
    """
    return gain_days * template_gain * (1.0 + offer_gain * discount_share * 10.0) * (1.0 + timing_gain)


def delay_survival(days: Floats, *, delay_days: Floats, delay_shape: Floats) -> Floats:
    """Return the share of a touch's effect that is still to come after so many days (Weibull)."""
    return np.exp(-((days / delay_days) ** delay_shape))


def delay_weights(*, delay_days: Floats, delay_shape: Floats) -> Floats:
    """Return how a touch's effect spreads over the days after it: one row per draw, rows sum to 1.

    Examples:
        >>> weights = delay_weights(delay_days=np.array([3.0]), delay_shape=np.array([1.0]))
        >>> weights.shape, bool(weights[0, 0] > weights[0, 1]), round(float(weights.sum()), 12)
        ((1, 28), True, 1.0)
    """
    edges = np.arange(MEMORY_DAYS + 1, dtype=float)[None, :]
    survival = delay_survival(edges, delay_days=delay_days[:, None], delay_shape=delay_shape[:, None])
    weights = survival[:, :-1] - survival[:, 1:]
    return np.asarray(weights / weights.sum(axis=1, keepdims=True))


def saturated_lift(boost: Any, *, ceiling: Any) -> Any:
    """Return the relative lift of the purchase rate: concave in the boost, never above the ceiling.

    References:
        Zhang, X., Kumar, V. and Cosguner, K. (2017), Journal of Marketing Research: response is concave in touches.

    Examples:
        >>> saturated_lift(np.array([0.0, 0.1, 100.0]), ceiling=np.array([1.5])).round(3).tolist()
        [0.0, 0.097, 1.5]
    """
    return -ceiling * expm1(-boost / ceiling)
