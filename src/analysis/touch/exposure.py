"""Exposure: an assigned touch reaches a customer only if staff confirm it, the cap allows it and it is read."""

import numpy as np
import numpy.typing as npt

__all__ = ["read_chance"]

Floats = npt.NDArray[np.floating]


def read_chance(*, read_rate: Floats, fatigue: Floats, read_fatigue: Floats) -> Floats:
    """Return the chance that a delivered touch is read: the channel's rate, falling as fatigue grows.

    Args:
        read_rate: The channel's read rate for a rested customer, 0-1.
        fatigue: Felt fatigue, in touches.
        read_fatigue: Relative fall of the rate per touch of fatigue.

    References:
        Wohllebe, A. et al. (2021): the more messages, the fewer are opened.

    Examples:
        >>> read_chance(read_rate=np.array([0.8]), fatigue=np.array([2.0]), read_fatigue=np.array([0.1])).round(3)
        array([0.655])
    """
    return read_rate * np.exp(-read_fatigue * fatigue)
