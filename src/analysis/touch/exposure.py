"""Exposure: an assigned touch reaches a customer only if staff confirm it, the cap allows it and it is read."""

from typing import Any

from analysis.touch.arithmetic import clip, exp

__all__ = ["read_chance"]


def read_chance(
    *, read_rate: Any, fatigue: Any, read_fatigue: Any, habit: Any = 1.0, at_key_hour: Any = 0.0, hour_gain: Any = 0.0
) -> Any:
    """Return the chance that a delivered touch is read: the channel's rate, falling as fatigue grows.

    Args:
        read_rate: The channel's read rate for a rested customer, 0-1.
        fatigue: Felt fatigue, in touches.
        read_fatigue: Relative fall of the rate per touch of fatigue.
        habit: The customer's own reading against others', 1 being usual.
        at_key_hour: 1 if the touch waits for the customer's own hour, else 0.
        hour_gain: Relative rise of the rate at that hour.

    References:
        Wohllebe, A. et al. (2021): the more messages, the fewer are opened.

    Examples:
        >>> round(float(read_chance(read_rate=0.8, fatigue=2.0, read_fatigue=0.1)), 3)
        0.655
    """
    return clip(read_rate * habit * (1.0 + hour_gain * at_key_hour), 0.0, 1.0) * exp(-read_fatigue * fatigue)
