"""Purchases that nobody brought about: renewals on a cluster's own clock, or a path of stages.

A person's gaps are gamma distributed around an own mean, stretched while the person is in a quiet
spell (a two-state regime that flips at purchases), and end with a log-normal life. None of this is
Poisson, none of it is memoryless; it only looks like buy-till-you-die from afar.
"""

from dataclasses import dataclass
from typing import Final

import numpy as np
import numpy.typing as npt

from analysis.data.synthetic.brands import Brand
from analysis.data.synthetic.people import Codes, People, cluster_values
from analysis.data.synthetic.season import N_DAYS, Floats, operational_clocks

__all__ = ["ANY_STAGE", "CARE", "CONSULTATION", "PROCEDURE", "Purchases", "at_own_hour", "own_purchases"]

ANY_STAGE: Final = -1
CONSULTATION: Final = 0
PROCEDURE: Final = 1
CARE: Final = 2

_FALLS_QUIET: Final = 0.10
_WAKES: Final = 0.35
_QUIET_STRETCH: Final = 3.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Purchases:
    """Purchases of a chunk in order of time.

    Attributes:
        person: Position of the person in the chunk.
        at: Time, days.
        stage: Forced category (stages of a staged brand), or ``ANY_STAGE``.
    """

    person: Codes
    at: Floats
    stage: npt.NDArray[np.int8]


def own_purchases(brand: Brand, people: People, *, rng: np.random.Generator) -> Purchases:
    """Return the purchases of a world without touches, sorted by time."""
    if brand.staged:
        person, at, stage = _staged(brand, people, rng)
    else:
        person, at = _renewals(brand, people, start=people.first_order, end=people.leaves, rng=rng)
        stage = np.full(len(at), ANY_STAGE, dtype=np.int8)
    # nobody buys before being known; the hour of the first day may have said otherwise
    at = np.maximum(at, people.first_seen[person] + 0.001 + 0.008 * rng.random(len(at)))
    order = np.argsort(at, kind="stable")
    return Purchases(person=person[order], at=at[order], stage=stage[order])


def at_own_hour(day: Floats, peak_hour: Codes, *, rng: np.random.Generator) -> Floats:
    """Return times on those days: three quarters around the person's peak hour, the rest at any open hour."""
    n = len(day)
    near = rng.random(n, dtype=np.float32) < 0.75
    hour = np.where(near, peak_hour + 0.5 + 0.9 * rng.standard_normal(n, dtype=np.float32), 8.0 + 14.0 * rng.random(n))
    return np.floor(day) + np.mod(hour, 24.0) / 24.0


def _staged(brand: Brand, people: People, rng: np.random.Generator) -> tuple[Codes, Floats, npt.NDArray[np.int8]]:
    """Return consultation, then perhaps the procedure, then a year of care."""
    goes_on = cluster_values(brand, "decides")[people.cluster]
    consults = ~np.isnan(people.first_order)
    consultation = at_own_hour(people.first_order, people.peak_hour, rng=rng)
    decides = np.exp(2.9 + 0.7 * rng.standard_normal(people.n))
    procedure = np.where(consults & (rng.random(people.n) < goes_on), people.first_order + decides, np.nan)
    again = np.where(rng.random(people.n) < 0.05, procedure + 300 + 120 * rng.random(people.n), np.nan)
    treats = consults & np.isnan(procedure) & (rng.random(people.n) < cluster_values(brand, "treats")[people.cluster])
    care_start = np.where(treats, people.first_order + 5, procedure) + 10 + 15 * rng.random(people.n)
    care_person, care_at = _renewals(
        brand, people, start=care_start, end=care_start + people.leaves - people.first_order, rng=rng
    )
    parts = [(np.arange(people.n), consultation, CONSULTATION)]
    parts += [
        (np.arange(people.n), at_own_hour(day, people.peak_hour, rng=rng), PROCEDURE) for day in (procedure, again)
    ]
    parts.append((care_person, care_at, CARE))
    kept = [(who[at < N_DAYS], at[at < N_DAYS], stage) for who, at, stage in parts]  # NaN compares false
    return (
        np.concatenate([who for who, _, _ in kept]),
        np.concatenate([at for _, at, _ in kept]),
        np.concatenate([np.full(len(at), stage, dtype=np.int8) for _, at, stage in kept]),
    )


def _renewals(
    brand: Brand, people: People, *, start: Floats, end: Floats, rng: np.random.Generator
) -> tuple[Codes, Floats]:
    """Return renewals from ``start`` (itself a purchase) to ``end``; a NaN start has none."""
    clocks = operational_clocks(brand)
    midnights = np.arange(N_DAYS + 1.0)
    who = np.flatnonzero(start < N_DAYS)
    now, until = np.empty(len(who)), np.empty(len(who))
    for code, clock in enumerate(clocks):
        mine = people.cluster[who] == code
        now[mine] = np.interp(start[who[mine]], midnights, clock)
        until[mine] = np.interp(np.minimum(end[who[mine]], N_DAYS), midnights, clock)
    persons, ticks = _tick(brand, people, who, now=now, until=until, rng=rng)
    days = np.empty(len(ticks))
    for code, clock in enumerate(clocks):
        mine = people.cluster[persons] == code
        days[mine] = np.interp(ticks[mine], clock, midnights)
    return persons, at_own_hour(np.minimum(days, N_DAYS - 0.01), people.peak_hour[persons], rng=rng)


def _tick(
    brand: Brand, people: People, who: Codes, *, now: Floats, until: Floats, rng: np.random.Generator
) -> tuple[Codes, Floats]:
    """Step everyone from purchase to purchase at once until the last has reached the end."""
    shape = cluster_values(brand, "regularity")[people.cluster[who]]
    scale = people.gap[who] / shape
    quiet = np.zeros(len(who), dtype=bool)
    persons, ticks = [who], [now]
    while len(who):
        luck = rng.random(len(who), dtype=np.float32)
        quiet = np.where(quiet, luck > _WAKES, luck < _FALLS_QUIET)
        now = now + rng.standard_gamma(shape) * scale * np.where(quiet, _QUIET_STRETCH, 1.0)
        on = now < until
        who, now, until, shape, scale, quiet = who[on], now[on], until[on], shape[on], scale[on], quiet[on]
        persons.append(who)
        ticks.append(now)
    return np.concatenate(persons), np.concatenate(ticks)
