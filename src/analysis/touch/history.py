"""The status quo: what the touches of the past already add to the purchases we saw.

A clock fitted on touched history forecasts the status quo. To simulate doing nothing, the lift that the
past touches carried must be taken out again, draw by draw; to simulate going on as before, it is put back.
"""

from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from analysis.touch.exposure import read_chance
from analysis.touch.fatigue import felt_fatigue, response_left, steady_fatigue
from analysis.touch.response import saturated_lift

__all__ = ["StatusQuo", "status_quo"]

Floats = npt.NDArray[np.floating]


class StatusQuo(NamedTuple):
    """The steady state under the touches of the past; arrays are (customer-lanes,) or (channels, customer-lanes).

    Attributes:
        fatigue: Mean fatigue stock per channel, in touches.
        boost: Mean boost of the purchase rate before saturation.
        borrowed: Orders per own order that were only borrowed from later.
        lift: Factor by which the past touches raised the purchases that the clock was fitted on.
    """

    fatigue: Floats
    boost: Floats
    borrowed: Floats
    lift: Floats


def status_quo(
    delivered: Floats, *, read_rate: Floats, gain: Floats, annoyance: Floats, effects: dict[str, Floats]
) -> StatusQuo:
    """Return the steady state of customers who went on being touched as in the past.

    Args:
        delivered: Delivered touches a day, (channels, customer-lanes).
        read_rate: Read rate of a rested customer, same shape.
        gain: What a touch by the channel sells against a private message, (channels, 1).
        annoyance: How much it tires against a private message, (channels, 1).
        effects: Effect sizes, each (customer-lanes,).
    """
    fatigue = steady_fatigue(delivered * annoyance, fatigue_days=effects["fatigue_days"])
    everywhere = fatigue.sum(axis=0)
    felt = felt_fatigue(fatigue, others=everywhere - fatigue, cross_channel=effects["cross_channel"])
    read = delivered * read_chance(read_rate=read_rate, fatigue=felt, read_fatigue=effects["read_fatigue"])
    left = response_left(felt, fatigue_response=effects["fatigue_response"])
    boost = (read * gain * effects["gain_days"] * left).sum(axis=0)
    extra = saturated_lift(boost, ceiling=effects["ceiling"])
    borrowed = extra * effects["pull_forward"]
    return StatusQuo(fatigue=fatigue, boost=boost, borrowed=borrowed, lift=np.asarray(1 + extra - borrowed))
