"""Fatigue: a fast stock per channel, one more with every delivered touch, gone in weeks."""

import numpy as np
import numpy.typing as npt

__all__ = ["decayed", "felt_fatigue", "response_left", "steady_fatigue"]

Floats = npt.NDArray[np.floating]


def decayed(stock: Floats, *, days: float, memory_days: Floats) -> Floats:
    """Return what is left of a stock after so many days.

    Examples:
        >>> decayed(np.array([1.0]), days=14, memory_days=np.array([14.0])).round(3)
        array([0.368])
    """
    return np.asarray(stock * np.exp(-days / memory_days))


def steady_fatigue(touches_per_day: Floats, *, fatigue_days: Floats) -> Floats:
    """Return the mean stock under a constant stream of touches."""
    return touches_per_day * fatigue_days


def felt_fatigue(own: Floats, *, others: Floats, cross_channel: Floats) -> Floats:
    """Return the fatigue a touch meets: its own channel's, and a share of the others'.

    References:
        Godfrey, A., Seiders, K. and Voss, G. (2011), Journal of Marketing: one more channel hurts beyond a point.
    """
    return own + cross_channel * others


def response_left(fatigue: Floats, *, fatigue_response: Floats) -> Floats:
    """Return the share of a touch's worth that fatigue leaves."""
    return np.exp(-fatigue_response * fatigue)
