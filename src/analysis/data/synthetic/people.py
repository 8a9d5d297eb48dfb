"""The persons of one chunk and what is planted in each of them."""

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from analysis.data.synthetic.brands import Brand
from analysis.data.synthetic.season import N_DAYS, Floats, operational_clocks

__all__ = ["Codes", "People", "cluster_values", "draw_people"]

Codes = npt.NDArray[np.int64]
Flags = npt.NDArray[np.bool_]


@dataclass(frozen=True, slots=True, kw_only=True)
class People:
    """Latent state of the persons of a chunk; every array has one entry a person.

    Attributes:
        number: The person's number in the whole brand.
        cluster: Planted behavioural group.
        first_seen: Day the brand first knew the person.
        first_order: Day of the first purchase without any touch; NaN: none.
        leaves: Day the person stops buying for good without any touch.
        gap: Own mean gap between purchases on the cluster's clock, days.
        price_sensitivity: 0-1; moves how much an offer adds and how much discount is used.
        discount_use: Chance that an order uses a discount.
        spend: Price level of what is bought.
        peak_hour: Local hour around which the person buys and reads.
        favourite: Code of the channel that works best.
        uplift: Chance that one read touch brings an order, before all modifiers.
        annoyance: Chance that one read touch makes the person pause, before fatigue.
        dog: Sleeping dog: touched, buys less.
        silent: Hardly reads anything.
        tolerance: Touches in four weeks at which response is halved.
        constraint: What holds the person back, code in ``CONSTRAINTS``.
        source: Code in ``SOURCES``.
        gender: 0 female, 1 male, 2 unknown.
        birth_year: Year of birth; 0 unknown.
        city_tier: 1-4; 0 unknown.
        has_contact: Becomes a contact of staff.
        has_phone: The brand knows a phone number.
        follows: Follows the official account.
        subscribes: Accepts mini-program messages.
        willing: Likes to recommend.
    """

    number: Codes
    cluster: Codes
    first_seen: Floats
    first_order: Floats
    leaves: Floats
    gap: Floats
    price_sensitivity: Floats
    discount_use: Floats
    spend: Floats
    peak_hour: Codes
    favourite: Codes
    uplift: Floats
    annoyance: Floats
    dog: Flags
    silent: Flags
    tolerance: Floats
    constraint: Codes
    source: Codes
    gender: Codes
    birth_year: Codes
    city_tier: Codes
    has_contact: Flags
    has_phone: Flags
    follows: Flags
    subscribes: Flags
    willing: Flags

    @property
    def n(self) -> int:
        """Number of persons."""
        return len(self.number)


def cluster_values(brand: Brand, field: str) -> Floats:
    """Return one field of every cluster, in order."""
    return np.array([getattr(cluster, field) for cluster in brand.clusters], dtype=np.float64)


def draw_people(brand: Brand, *, first: int, n: int, rng: np.random.Generator) -> People:
    """Draw ``n`` persons numbered from ``first``: two thirds of the latent state follow the cluster."""
    cluster = _choice(cluster_values(brand, "share"), n, rng)
    first_seen = _first_seen(brand, n, rng)
    first_order, leaves = _own_course(brand, cluster, first_seen, rng)
    discount_use = _beta(cluster_values(brand, "discount")[cluster], 12.0, rng)
    price_sensitivity = np.clip(0.75 * discount_use + 0.25 * rng.random(n), 0.0, 1.0)
    dog = rng.random(n) < cluster_values(brand, "dogs")[cluster]
    # young persons in large cities and price-sensitive ones are easier to move: uplift can be learned
    birth_year = np.rint(np.clip(rng.normal(1991.0, 8.0, n) + 2.0 * (cluster % 2), 1950, 2007)).astype(np.int64)
    city_tier = 1 + _choice(np.array([0.30, 0.34, 0.22, 0.14]), n, rng)
    learnable = np.exp(0.5 * (price_sensitivity - 0.4) + 0.025 * (birth_year - 1991) - 0.12 * (city_tier - 2))
    noise = np.exp(0.35 * rng.standard_normal(n) - 0.06)
    gap_spread = cluster_values(brand, "gap_spread")[cluster]
    favourites = np.array([0.34, 0.16, 0.16, 0.10, 0.12, 0.08, 0.04])
    return People(
        number=first + np.arange(n, dtype=np.int64),
        cluster=cluster,
        first_seen=first_seen,
        first_order=first_order,
        leaves=leaves,
        gap=cluster_values(brand, "gap_days")[cluster] * np.exp(gap_spread * rng.standard_normal(n)),
        price_sensitivity=price_sensitivity,
        discount_use=discount_use,
        spend=cluster_values(brand, "spend")[cluster] * np.exp(0.22 * rng.standard_normal(n)),
        peak_hour=_peak_hours(brand, cluster, rng),
        favourite=_choice(favourites, n, rng),
        uplift=np.where(dog, 0.0, np.clip(cluster_values(brand, "uplift")[cluster] * learnable * noise, 0.0, 0.6)),
        annoyance=np.where(dog, 0.10, 0.0006) * np.exp(0.3 * rng.standard_normal(n)),
        dog=dog,
        silent=rng.random(n) < 0.14,
        tolerance=np.exp(np.log(6.0) + 0.4 * rng.standard_normal(n)),
        constraint=_choice(np.array([0.34, 0.38, 0.28]), n, rng),
        source=_choice(np.array(brand.source_mix), n, rng),
        gender=_choice(np.array([0.46, 0.34, 0.20] if brand.staged else [0.62, 0.24, 0.14]), n, rng),
        birth_year=np.where(rng.random(n) < 0.25, 0, birth_year),
        city_tier=np.where(rng.random(n) < 0.08, 0, city_tier),
        has_contact=rng.random(n) < cluster_values(brand, "contact")[cluster],
        has_phone=rng.random(n) < 0.72,
        follows=rng.random(n) < 0.34,
        subscribes=rng.random(n) < 0.42,
        willing=rng.random(n) < 0.06,
    )


def _first_seen(brand: Brand, n: int, rng: np.random.Generator) -> Floats:
    """Return acquisition days: a little faster early on, more in season."""
    clock = operational_clocks(brand).mean(axis=0)
    days = np.interp(rng.random(n) ** 1.15 * clock[-1], clock, np.arange(N_DAYS + 1.0))
    hour = np.clip(rng.normal(15.0, 3.5, n), 8.0, 22.5)
    return np.asarray(np.minimum(np.floor(days), N_DAYS - 1) + hour / 24)


def _own_course(brand: Brand, cluster: Codes, first_seen: Floats, rng: np.random.Generator) -> tuple[Floats, Floats]:
    """Return first purchase and end of buying: a log-normal life, so that leaving is not memoryless."""
    n = len(cluster)
    waits = np.where(rng.random(n) < 0.62, 0.02 * rng.random(n), np.exp(1.8 + 1.1 * rng.standard_normal(n)))
    first_order = np.where(rng.random(n) < cluster_values(brand, "buys")[cluster], first_seen + waits, np.nan)
    first_order[first_order >= N_DAYS] = np.nan
    spread = cluster_values(brand, "lifetime_spread")[cluster]
    life = cluster_values(brand, "lifetime_days")[cluster] * np.exp(spread * rng.standard_normal(n))
    return first_order, np.where(np.isnan(first_order), first_seen, first_order) + life


def _peak_hours(brand: Brand, cluster: Codes, rng: np.random.Generator) -> Codes:
    width = max(len(c.peak_hours) for c in brand.clusters)
    hours = np.array([[c.peak_hours[k % len(c.peak_hours)] for k in range(width)] for c in brand.clusters])
    return np.asarray(hours[cluster, rng.integers(0, width, len(cluster))], dtype=np.int64)


def _choice(weights: Floats, n: int, rng: np.random.Generator) -> Codes:
    cumulated = np.cumsum(weights) / np.sum(weights)
    return np.minimum(np.searchsorted(cumulated, rng.random(n), side="right"), len(weights) - 1).astype(np.int64)


def _beta(mean: Floats, strength: float, rng: np.random.Generator) -> Floats:
    return np.asarray(rng.beta(mean * strength, (1.0 - mean) * strength))
