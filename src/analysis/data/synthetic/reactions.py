"""Laws of a touch's life: confirmed, read, answered with an order, with a pause or with deletion.

All rates are rational or Lomax laws of *counts over the last four weeks*; nothing here decays
exponentially, and nothing is shared with the simulator in ``touch/``.
"""

from typing import Final

import numpy as np
import numpy.typing as npt

from analysis.data.synthetic.campaigns import FORMAT_EFFECT, OFFERS, Campaigns
from analysis.data.synthetic.people import Codes, Flags, People
from analysis.data.synthetic.season import Floats

__all__ = [
    "PLANTED_READ_RATE",
    "chance_to_buy",
    "chance_to_delete",
    "chance_to_pause",
    "chance_to_read",
    "confirm_delays",
    "order_delays",
    "pause_lengths",
    "weariness",
]

PLANTED_READ_RATE: Final = (0.64, 0.42, 0.31, 0.16, 0.40, 0.58, 0.55)
"""Chance that a fresh, well-timed touch is read, by channel; below what the trade claims."""

_LEVER_FITS: Final = np.array([[1.35, 0.8, 0.8], [0.7, 1.45, 0.8], [0.75, 0.85, 1.5]])
"""Factor by constraint (motivation, ability, trigger) and lever (content, offer, reminder)."""

_FORMATS: Final = np.array(FORMAT_EFFECT)
_DEPTHS: Final = np.array([depth for _, depth in OFFERS])


def weariness(recent: npt.NDArray[np.int16], tolerance: Floats) -> Floats:
    """Return the share of response that fatigue leaves: half of it at the person's own tolerance."""
    return np.asarray(1.0 / (1.0 + (recent / tolerance) ** 2))


def confirm_delays(compliance: Floats, slowness_hours: Floats, rng: np.random.Generator) -> Floats:
    """Return days until the member of staff confirms (log-logistic); NaN: never within three days."""
    n = len(compliance)
    odds = rng.random(n).clip(1e-6, 1 - 1e-6)
    hours = slowness_hours * (odds / (1.0 - odds)) ** 0.6
    confirmed = (rng.random(n) < compliance) & (hours < 72.0)
    return np.where(confirmed, hours / 24.0, np.nan)


def chance_to_read(
    people: People, who: Codes, *, campaigns: Campaigns, number: int, delivered: Floats, recent: npt.NDArray[np.int16]
) -> Floats:
    """Return the chance that each delivered touch is read."""
    hour = (delivered % 1.0) * 24.0
    apart = np.abs(hour - (people.peak_hour[who] + 0.5))
    apart = np.minimum(apart, 24.0 - apart)
    timing = 0.72 + 0.56 * np.exp(-(apart**2) / 8.0)
    novelty = np.where(recent > 0, 0.8 ** campaigns.repeats[number], 1.0)
    style = 0.6 + 0.4 * _FORMATS[campaigns.format[number]]
    habit = np.where(people.silent[who], 0.06, 1.0)
    chance = PLANTED_READ_RATE[campaigns.channel[number]] * habit * timing * novelty * style
    return np.asarray(np.minimum(chance * (0.55 + 0.45 * weariness(recent, people.tolerance[who])), 0.97))


def chance_to_buy(
    people: People,
    who: Codes,
    *,
    campaigns: Campaigns,
    number: int,
    seen: Floats,
    trust: Floats,
    recent: npt.NDArray[np.int16],
) -> Floats:
    """Return the chance that each read touch brings an order that would not have come."""
    channel, lever = campaigns.channel[number], campaigns.lever[number]
    favour = np.where(people.favourite[who] == channel, 1.6, 0.85)
    fit = _LEVER_FITS[people.constraint[who], lever]
    offer = 1.0 + 5.0 * people.price_sensitivity[who] * _DEPTHS[campaigns.offer[number]]
    stage = np.where(seen > people.leaves[who], 0.3, 1.0) * np.where(
        seen > np.nan_to_num(people.first_order[who], nan=np.inf), 1.0, 0.5
    )
    rested = weariness(recent, people.tolerance[who])
    chance = people.uplift[who] * favour * fit * offer * stage * rested * trust
    return np.asarray(np.minimum(chance * _FORMATS[campaigns.format[number]] * campaigns.effect[number], 0.8))


def chance_to_pause(people: People, who: Codes, *, effect: float, recent: npt.NDArray[np.int16]) -> Floats:
    """Return the chance that each read touch makes the person stop buying for a while."""
    chance = people.annoyance[who] * (1.0 + 0.8 * recent / people.tolerance[who])
    return np.asarray(np.minimum(chance, 0.5) * (effect > 0.0))


def pause_lengths(n: int, rng: np.random.Generator) -> Floats:
    """Return lengths of pauses, days: Lomax, median 55, one in six longer than a year."""
    return np.asarray(40.0 * ((1.0 - rng.random(n)) ** -1.25 - 1.0))


def order_delays(n: int, rng: np.random.Generator) -> Floats:
    """Return days from reading to the order it brings: log-normal, median 1.2, at most 28."""
    return np.minimum(np.exp(0.18 + 0.95 * rng.standard_normal(n)), 28.0)


def chance_to_delete(
    people: People, who: Codes, *, forced: Flags, trust: Floats, recent: npt.NDArray[np.int16]
) -> Floats:
    """Return the chance that each delivered touch makes the person delete the contact."""
    odds = 0.007 * (1.0 + 1.5 * (recent / people.tolerance[who]) ** 2) / trust**2
    odds = odds * np.where(people.dog[who], 3.0, 1.0) * np.where(forced, 2.5, 1.0)
    return np.asarray(odds / (1.0 + odds))
