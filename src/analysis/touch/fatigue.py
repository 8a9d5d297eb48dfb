"""Fatigue: a fast stock per channel, one more with every delivered touch, gone in weeks; and wear of a template."""

from typing import Any

from analysis.touch.arithmetic import exp

__all__ = ["decayed", "felt_fatigue", "novelty_left", "response_left", "steady_fatigue"]


def decayed(stock: Any, *, days: Any, memory_days: Any) -> Any:
    """Return what is left of a stock after so many days.

    Examples:
        >>> round(float(decayed(1.0, days=14, memory_days=14.0)), 3)
        0.368
    """
    return stock * exp(-days / memory_days)


def steady_fatigue(touches_per_day: Any, *, fatigue_days: Any) -> Any:
    """Return the mean stock under a constant stream of touches."""
    return touches_per_day * fatigue_days


def felt_fatigue(
    own: Any, *, others: Any, cross_channel: Any, preferred: Any = 0.0, softening: Any = 0.0, crowding: Any = 0.0
) -> Any:
    """Return the fatigue a touch meets: its own channel's, and a share of the others'.

    Args:
        own: Stock of the touch's own channel, in touches.
        others: Stock of all other channels.
        cross_channel: Share of the others' stock that is felt too.
        preferred: 1 if the touch comes by the channel the customer prefers, else 0.
        softening: Share of the cross-channel fatigue that a preferred channel takes away.
        crowding: How much more of the others' stock is felt per touch of the own channel's. At a fixed total, one more
            channel spreads fatigue below the ideal point, a stock of 2 (1 - cross_channel) / crowding touches, and
            adds to it beyond.

    References:
        Godfrey, A., Seiders, K. and Voss, G. (2011), Journal of Marketing: one more channel hurts beyond a point, and
        the preferred channel softens it.

    Examples:
        >>> law = {"cross_channel": 0.4, "crowding": 0.2}
        >>> few, many = (2.0, 10.0)
        >>> felt_fatigue(few / 2, others=few / 2, **law) < felt_fatigue(few, others=0.0, **law)
        True
        >>> felt_fatigue(many / 2, others=many / 2, **law) > felt_fatigue(many, others=0.0, **law)
        True
    """
    return own + (cross_channel + crowding * own) * (1.0 - softening * preferred) * others


def response_left(fatigue: Any, *, fatigue_response: Any) -> Any:
    """Return the share of a touch's worth that fatigue leaves."""
    return exp(-fatigue_response * fatigue)


def novelty_left(wear: Any, *, template_wear: Any) -> Any:
    """Return the share of a touch's worth that is left after so many recent touches of the same template.

    References:
        Yancey, K. and Settles, B. (2020), KDD: a template sent again soon works less, and recovers after a rest.
    """
    return exp(-template_wear * wear)
