"""The status quo: what the touches of the past already add to the purchases we saw.

A clock fitted on touched history forecasts the status quo. To simulate doing nothing, the lift that the
past touches carried must be taken out again, draw by draw; to simulate going on as before, it is put back.
Both are a steady state: so many touches a day, for so long that fatigue and effect stand still.
"""

from typing import Any

__all__ = ["boost_of_past", "lift_of_past"]


def boost_of_past(*, read_per_day: Any, gain: Any, gain_days: Any, left: Any) -> Any:
    """Return the mean boost of the purchase rate by one channel's past touches, before saturation.

    Args:
        read_per_day: Read touches a day.
        gain: What a touch by the channel sells against a private message.
        gain_days: Worth of a plain read touch, in days of own purchases.
        left: Share of it that fatigue leaves.
    """
    return read_per_day * gain * gain_days * left


def lift_of_past(extra: Any, *, pull_forward: Any) -> Any:
    """Return the factor by which past touches raised the purchases that the clock was fitted on.

    Args:
        extra: Added orders per own order.
        pull_forward: Share of them that is only borrowed from later.

    Examples:
        >>> lift_of_past(0.2, pull_forward=0.5)
        1.1
    """
    return 1.0 + extra * (1.0 - pull_forward)
